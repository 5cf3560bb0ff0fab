"""A number with its confidence interval, and the cases that agreement is taken over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic and the ends of its confidence interval, all in the unit of the statistic."""

    value: float
    low: float = np.nan
    high: float = np.nan

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit; the factor is positive."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


def finite_pairs(a: ArrayLike, b: ArrayLike, least: int) -> tuple[Array, Array]:
    """The pairs of which both numbers are finite, each of shape `(case,)`.

    Raises
    ------
    InputError
        The two have not one axis of equal length, or fewer than `least` pairs are finite.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(
            f"measurements of shape {first.shape} and {second.shape} are no pairs:"
            " both must have one axis of equal length"
        )
    whole = np.isfinite(first) & np.isfinite(second)
    _require(int(whole.sum()), least, "pairs")
    return first[whole], second[whole]


def finite_rows(values: ArrayLike, least: int, what: str, repeats: str) -> Array:
    """The rows without NaN or Inf, shape `(case, repeat)`.

    Raises
    ------
    InputError
        The values have not two axes, the second of length 2 or more, or fewer than `least` rows
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
    """Refuse a level of confidence that is none.

    Raises
    ------
    InputError
        It does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"level = {level:g} must lie between 0 and 1, as 0.95")


def _require(found: int, least: int, what: str) -> None:
    if found < least:
        raise InputError(f"{found} finite {what} of measurements: at least {least} are needed")
