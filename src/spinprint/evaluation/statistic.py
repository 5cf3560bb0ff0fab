"""Statistics with their confidence intervals, and the bootstrap that many of these come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Array = NDArray[np.float64]

DRAWS = 1000
"""Default number of resamples: the ends of a 95 % interval are then good to 5 % of its width."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number and the ends of its confidence interval, all in the same unit."""

    value: float
    low: float = math.nan
    """Lower end; NaN where there is no interval."""
    high: float = math.nan
    """Upper end."""

    @property
    def has_interval(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def scaled(self, factor: float) -> Statistic:
        """The same in another unit; the factor is positive."""
        return Statistic(self.value * factor, self.low * factor, self.high * factor)


def bootstrap(
    statistic: Callable[..., ArrayLike],
    *arrays: ArrayLike,
    n: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Any, Any]:
    """The percentile interval of a statistic by resampling of cases (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13).

    The arrays are resampled together along their first axis, so that all values of a case stay
    together: give this axis to what varies independently (voxels, tissues, subjects).

    Parameters
    ----------
    statistic
        Takes the resampled arrays and returns a number or an array `(...)`.
    arrays
        Each `(case, ...)`, with the same number of cases.
    n
        Number of resamples.
    seed
        Seed of the resampling: calls with equal seed, number of cases and n resample alike, so that
        their intervals can be compared.
    level
        Share of the resampled statistics between the ends.

    Returns
    -------
    Lower and upper end, of the shape of the statistic. Resamples in which the statistic is NaN are
    left out; both ends are NaN where it always is.

    Raises
    ------
    InputError
        There are no arrays or no cases, the arrays differ in number of cases, n is below 1, or the
        level is not between 0 and 1.
    """
    data = [np.asarray(array) for array in arrays]
    cases = {array.shape[0] if array.ndim else 0 for array in data}
    if len(cases) != 1 or cases == {0}:
        raise InputError(
            f"arrays to resample have the shapes {_shapes(data)}: their first axes must be equally"
            " long, one case at least"
        )
    if n < 1 or not 0 < level < 1:
        raise InputError(
            f"bootstrap with n = {n} and level = {level:g}: n must be at least 1 and the level"
            " between 0 and 1"
        )
    (size,) = cases
    rng = np.random.default_rng(seed)
    resampled = np.stack(
        [
            np.asarray(statistic(*(array[index] for array in data)), dtype=np.float64)
            for index in (rng.integers(size, size=size) for _ in range(n))
        ]
    )
    flat = resampled.reshape(n, -1)
    ends = np.full((2, flat.shape[1]), np.nan)
    defined = np.flatnonzero(~np.isnan(flat).all(axis=0))
    ends[:, defined] = np.nanquantile(flat[:, defined], [(1 - level) / 2, (1 + level) / 2], axis=0)
    low, high = ends.reshape(2, *resampled.shape[1:])
    return (float(low), float(high)) if resampled.ndim == 1 else (low, high)


def bootstrap_crossed(
    statistic: Callable[..., ArrayLike],
    *arrays: ArrayLike,
    n: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Any, Any]:
    """The percentile interval of a statistic of two crossed factors.

    For example trainings and test tissues: each factor is resampled independently (Owen, The
    pigeonhole bootstrap, Ann Appl Stat 2007;1:386: conservative on average, whatever the
    interaction of the two). A handful of cases of one factor estimates its spread poorly, and a
    single case not at all.

    Parameters
    ----------
    statistic
        Takes the resampled arrays and returns a number or an array `(...)`.
    arrays
        Each `(case, other case, ...)`, with the same number of both.
    n, seed, level
        As for `bootstrap`.

    Returns
    -------
    Lower and upper end, as for `bootstrap`.

    Raises
    ------
    InputError
        As for `bootstrap`, with its rule for both axes.
    """
    data = [np.asarray(array) for array in arrays]
    cases = {array.shape[:2] if array.ndim > 1 else (0, 0) for array in data}
    rows, columns = cases.pop() if len(cases) == 1 else (0, 0)
    if not rows * columns:
        raise InputError(
            f"arrays to resample have the shapes {_shapes(data)}: their first two axes must be"
            " alike, with one case of each at least"
        )
    others = np.random.default_rng([seed, 1])

    def resampled(cases: NDArray[Any]) -> ArrayLike:
        place = np.ix_(cases, others.integers(columns, size=columns))
        return statistic(*(array[place] for array in data))

    return bootstrap(resampled, np.arange(rows), n=n, seed=seed, level=level)


def _shapes(data: list[NDArray[Any]]) -> str:
    return ", ".join(str(array.shape) for array in data) or "none"
