"""The machine's rate of fused multiply-adds, with the vectors of the kernels; a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

from common import serve
from spinprint.parallel import n_workers
from spinprint.simd.vectors import LANES, load, store


@njit(nogil=True)
def _six(values, steps):
    """Six chains: what sixteen registers of half the width hold."""
    x, y = load(values, 10), load(values, 11)
    a, b, c = load(values, 0), load(values, 1), load(values, 2)
    d, e, f = load(values, 3), load(values, 4), load(values, 5)
    for _ in range(steps):
        a, b, c = a * x + y, b * x + y, c * x + y
        d, e, f = d * x + y, e * x + y, f * x + y
    store(values, 0, a + b + c + d + e + f)


@njit(nogil=True)
def _ten(values, steps):
    """Ten chains: more than latency times units of a processor with 512-bit registers."""
    x, y = load(values, 10), load(values, 11)
    a, b, c, d = load(values, 0), load(values, 1), load(values, 2), load(values, 3)
    e, f, g, h = load(values, 4), load(values, 5), load(values, 6), load(values, 7)
    i, j = load(values, 8), load(values, 9)
    for _ in range(steps):
        a, b, c, d, e = a * x + y, b * x + y, c * x + y, d * x + y, e * x + y
        f, g, h, i, j = f * x + y, g * x + y, h * x + y, i * x + y, j * x + y
    store(values, 0, a + b + c + d + e + f + g + h + i + j)


def peak() -> dict[str, Any]:
    """Operations a second of all cores at once, two a multiply-add; the best of many short runs.

    A busy machine may run the threads one after the other; of few runs, in all of them.
    """
    kernels = (_six, 6), (_ten, 10)
    return {"flops": max(_rate(*kernel) for kernel in kernels for _ in range(40))}


def _rate(kernel: Callable[..., None], chains: int, steps: int = 10_000_000) -> float:
    def work(_: int) -> None:
        values = np.full((12, LANES), 0.5, np.float32)  # every chain tends to 1
        kernel(values, steps)

    kernel(np.zeros((12, LANES), np.float32), 1)
    with ThreadPoolExecutor(n_workers()) as pool:
        start = time.perf_counter()
        list(pool.map(work, range(n_workers())))
        seconds = time.perf_counter() - start
    return 2 * chains * LANES * steps * n_workers() / seconds


if __name__ == "__main__":
    serve({"peak": peak}, ("numba",))
