"""Functions of a vector against numpy's."""

import math
from typing import Any

import numpy as np
import pytest
from numba import njit

from spinprint.simd.functions import cos_sin, exp
from spinprint.simd.vectors import LANES, load, power_of_two_below, store


@njit
def apply(which, x, out):  # type: ignore[no-untyped-def]
    for row in range(x.shape[0]):
        if which == 0:
            store(out, row, exp(load(x, row)))  # type: ignore[call-arg]
        elif which == 3:
            store(out, row, power_of_two_below(load(x, row)))  # type: ignore[call-arg]
        else:
            cos, sin = cos_sin(load(x, row))  # type: ignore[call-arg]
            store(out, row, cos if which == 1 else sin)


def vectors(low: float, high: float) -> Any:
    grid = np.linspace(low, high, 250 * LANES, dtype=np.float32)
    return np.random.default_rng(0).permutation(grid).reshape(-1, LANES)


def test_exp() -> None:
    x = vectors(-86.9, 87)
    out = np.empty_like(x)
    apply(0, x, out)
    np.testing.assert_allclose(out, np.exp(x.astype(float)), rtol=4e-7)
    x = np.full((1, LANES), -1e5, np.float32)
    x[0, 0] = 0
    apply(0, x, out)
    assert out[0, 0] == 1
    assert (out[0, 1:] < 1e-37).all()
    assert (out[0, 1:] >= 0).all()


@pytest.mark.parametrize(("which", "function"), [(1, np.cos), (2, np.sin)])
def test_cosine_and_sine(which: int, function: Any) -> None:
    x = vectors(-8, 8)
    out = np.empty_like(x)
    apply(which, x, out)
    np.testing.assert_allclose(out, function(2 * math.pi * x.astype(float)), rtol=0, atol=5e-7)


def test_power_of_two_below() -> None:
    rng = np.random.default_rng(0)
    x = np.ldexp(rng.uniform(1, 2, (100, LANES)), rng.integers(-100, 100, (100, LANES)))
    x = (x * rng.choice([-1, 1], x.shape)).astype(np.float32)
    x[0, :4] = 1, -1, 2, np.nextafter(np.float32(2), np.float32(0))
    out = np.empty_like(x)
    apply(3, x, out)
    np.testing.assert_array_equal(out, 2.0 ** np.floor(np.log2(np.abs(x.astype(float)))))
