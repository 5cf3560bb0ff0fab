"""Vectors written to memory."""

import numpy as np
import pytest
from numba import njit

from spinprint.memory import aligned
from spinprint.simd.vectors import LANES, store_transposed


@njit
def transposed(x, first, out, row, step, column, zeros, past):  # type: ignore[no-untyped-def]
    store_transposed(x, first, out, row, step, column, zeros, past)  # type: ignore[call-arg]


@pytest.mark.parametrize("zeros", [False, True], ids=["alone", "with zeros"])
@pytest.mark.parametrize("past", [False, True], ids=["", "past the cache"])
@pytest.mark.parametrize("column", [3, 16], ids=["anywhere", "whole lines"])
def test_a_transposed_window_goes_to_rows_apart_and_nowhere_else(
    zeros: bool, past: bool, column: int
) -> None:
    every = 2 if zeros else 1
    x = np.arange(3 * LANES * LANES, dtype=np.float32).reshape(-1, LANES)
    out = aligned((2 * LANES + 1, 4 * LANES), np.float32)
    assert out.ctypes.data % 64 == 0
    out[:] = -1
    expected = out.copy()
    expected[1::2, column : column + every * LANES] = 0
    expected[1::2, column : column + every * LANES : every] = x[LANES : 2 * LANES].T
    transposed(x, LANES, out, 1, 2, column, zeros, past)
    np.testing.assert_array_equal(out, expected)
