"""Chunks of work on all cores, by threads around kernels that release the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

Progress = Callable[[int, int], None]
"""Called with the number of items done and the total."""


def n_workers() -> int:
    """The number of cores available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def even_share(n_items: int, unit: int = 1) -> int:
    """Items per core if divided evenly, rounded up to whole units, at least one unit."""
    return max(1, -(-n_items // (n_workers() * unit))) * unit


def portion(progress: Progress | None, index: int, parts: int) -> Progress | None:
    """Report the progress of one of several equal parts as progress of the whole."""
    if progress is None:
        return None
    whole = 1000 * parts
    return lambda done, n_items: progress(1000 * index + 1000 * done // n_items, whole)


def for_chunks(
    work: Callable[[int, int], None], n_items: int, size: int, progress: Progress | None = None
) -> None:
    """Call `work(start, stop)` for consecutive chunks of at most `size` items, on all cores.

    The first exception, a keyboard interrupt included, cancels the chunks not yet begun.
    """
    bounds = [(start, min(start + size, n_items)) for start in range(0, n_items, size)]
    if len(bounds) <= 1 or n_workers() == 1:
        for start, stop in bounds:
            work(start, stop)
            if progress:
                progress(stop, n_items)
        return
    futures = [_pool().submit(work, start, stop) for start, stop in bounds]
    try:
        for future, (_, stop) in zip(futures, bounds, strict=True):
            future.result()
            if progress:
                progress(stop, n_items)
    except BaseException:
        for future in futures:
            future.cancel()
        wait(futures)
        raise


@cache
def _pool() -> ThreadPoolExecutor:
    """The pool of the process: starting threads takes as long as a small chunk."""
    return ThreadPoolExecutor(n_workers(), thread_name_prefix="spinprint")


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork: the child starts its own.
    os.register_at_fork(after_in_child=_pool.cache_clear)
