"""Memory for large results: on lines of the cache, and used again.

The system hands out fresh memory zeroed, page by page, which takes as long as a fast kernel takes
to fill it. So the last large block that was given up is kept for the next result of its size. The
system is told that it may have it whenever it needs memory, and that its content is not wanted.
"""

from __future__ import annotations

import math
import mmap
import threading
import weakref
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64
"""Bytes of a line of the cache."""

LARGE = 1 << 22
"""Bytes from which on an array has a block of its own: what the allocator does not keep itself."""


def on_lines(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """A new array, as numpy.empty gives it, that starts with a line of the cache.

    Raises
    ------
    MemoryError
        There is not so much memory.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE:
        raw = np.empty(size + LINE, np.uint8)
        start = -raw.ctypes.data % LINE
        raw = raw[start : start + size]
    else:
        block = _kept.take(size) or _fresh(size)
        raw = np.frombuffer(block, np.uint8, size)
        # All views of the array hold on to this one: it ends with the last of them.
        weakref.finalize(raw, _kept.put, block).atexit = False
    return raw.view(dtype).reshape(shape)


def forget() -> None:
    """Give the block that is kept back to the system."""
    _kept.drop()


def _fresh(size: int) -> mmap.mmap:
    try:
        block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, OverflowError, ValueError) as error:
        raise MemoryError(f"no {size} bytes of memory for an array: {error}") from None
    _advise(block, "MADV_HUGEPAGE")
    return block


def _advise(block: mmap.mmap, advice: str) -> None:
    """Tell the system what a block is for, where it takes such advice."""
    if hasattr(mmap, advice):
        with suppress(OSError):
            block.madvise(getattr(mmap, advice))


class _Kept:
    """The last block that was given up, if there is one."""

    def __init__(self) -> None:
        self._block: mmap.mmap | None = None
        self._lock = threading.RLock()  # a block may end while another one is looked for

    def take(self, size: int) -> mmap.mmap | None:
        """The block, where it has the size and not twice as much."""
        with self._lock:
            block = self._block
            if block is None or not size <= len(block) < 2 * size:
                return None
            self._block = None
            return block

    def drop(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._block = None

    def put(self, block: mmap.mmap) -> None:
        """Keep a block in place of the one before."""
        _advise(block, "MADV_FREE")
        with self._lock:
            self._block = block


_kept = _Kept()
