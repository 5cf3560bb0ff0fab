"""The cases that agreement is taken over, and the quantile that most of its intervals need."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

Array = NDArray[np.float64]

Z = 1.959963984540054
"""Standard deviations that hold the middle 95 % of a normal distribution to either side."""


def finite_pairs(a: ArrayLike, b: ArrayLike, least: int) -> tuple[Array, Array]:
    """The pairs of which both numbers are finite, each of shape `(case,)`.

    Raises
    ------
    InputError
        The two do not have one axis of equal length, or fewer than `least` pairs are finite.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(
            f"measurements of shape {first.shape} and {second.shape} are no pairs:"
            " both must have one axis of equal length"
        )
    finite = np.isfinite(first) & np.isfinite(second)
    _require(int(finite.sum()), least, "pairs")
    return first[finite], second[finite]


def finite_rows(values: ArrayLike, least: int, what: str, repeats: str) -> Array:
    """The rows without NaN or Inf, shape `(case, repeat)`.

    Raises
    ------
    InputError
        The values do not have two axes, the second of length 2 or more, or fewer than `least` rows
        are finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] < 2:
        raise InputError(
            f"measurements of shape {array.shape} must have the axes ({what}, {repeats}), with two"
            f" {repeats}s at least"
        )
    array = array[np.isfinite(array).all(axis=1)]
    _require(len(array), least, f"{what}s")
    return array


def check_level(level: float) -> None:
    """Refuse a level of confidence that does not lie between 0 and 1.

    Raises
    ------
    InputError
        It does not.
    """
    if not 0 < level < 1:
        raise InputError(f"level = {level:g} must lie between 0 and 1, as 0.95")


def student_quantile(free: int, level: float) -> float:
    """Standard errors from the middle to the ends of a t interval of `free` degrees of freedom."""
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, free))


def _require(number: int, least: int, what: str) -> None:
    if number < least:
        raise InputError(f"{number} finite {what} of measurements: at least {least} are needed")
