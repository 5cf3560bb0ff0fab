"""How far a statistic may lie from what it would be with endless data: the bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Array = NDArray[np.float64]

DRAWS = 1000
"""Resamples by default: the ends of a 95 % interval are then good to some 5 % of its width."""


def bootstrap(
    statistic: Callable[..., ArrayLike],
    *arrays: ArrayLike,
    n: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Any, Any]:
    """The percentile interval of a statistic, cases resampled (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13).

    The arrays are resampled together along their first axis, so that what belongs to one case
    stays together: give what varies independently (voxels, tissues, subjects) that axis.

    Parameters
    ----------
    statistic
        Takes the arrays, resampled, and returns a number or an array `(...)`.
    arrays
        Each `(case, ...)`, with equally many cases.
    n
        Number of resamples.
    seed
        Of the resampling: equal seeds, cases and n resample alike, so that intervals compare.
    level
        Part of the resampled statistics between the ends.

    Returns
    -------
    Lower and upper end, of the shape that the statistic has. Resamples in which the statistic is
    NaN do not count; both ends are NaN where it always is.

    Raises
    ------
    InputError
        There are no arrays or no cases, they differ in number, n is below 1, or the level is not
        between 0 and 1.
    """
    data = [np.asarray(array) for array in arrays]
    cases = {array.shape[0] if array.ndim else 0 for array in data}
    if len(cases) != 1 or cases == {0}:
        shapes = ", ".join(str(array.shape) for array in data) or "none"
        raise InputError(
            f"arrays to resample have the shapes {shapes}: their first axes must be equally long,"
            " one case at least"
        )
    if n < 1 or not 0 < level < 1:
        raise InputError(
            f"bootstrap with n = {n} and level = {level:g}: n must be at least 1 and the level"
            " between 0 and 1"
        )
    (size,) = cases
    rng = np.random.default_rng(seed)
    found = np.stack(
        [
            np.asarray(statistic(*(array[index] for array in data)), dtype=np.float64)
            for index in (rng.integers(size, size=size) for _ in range(n))
        ]
    )
    return _ends(found, level)


def bootstrap_crossed(
    statistic: Callable[..., ArrayLike],
    *arrays: ArrayLike,
    n: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Any, Any]:
    """The percentile interval of a statistic where two things vary, each tried with each other.

    As trainings by test tissue: both are resampled, each for itself (Owen, The pigeonhole
    bootstrap, Ann Appl Stat 2007;1:386: never too sure in the mean, whatever the two do together).
    A handful of cases of one kind tells its spread poorly, and none of it if there is only one.

    Parameters
    ----------
    statistic
        Takes the arrays, resampled, and returns a number or an array `(...)`.
    arrays
        Each `(case, other case, ...)`, with equally many of both.
    n, seed, level
        As of `bootstrap`.

    Returns
    -------
    Lower and upper end, as of `bootstrap`.

    Raises
    ------
    InputError
        As of `bootstrap`, with its rule for both axes.
    """
    data = [np.asarray(array) for array in arrays]
    cases = {array.shape[:2] if array.ndim > 1 else (0, 0) for array in data}
    rows, columns = cases.pop() if len(cases) == 1 else (0, 0)
    if not rows * columns:
        shapes = ", ".join(str(array.shape) for array in data) or "none"
        raise InputError(
            f"arrays to resample have the shapes {shapes}: their first two axes must be alike, with"
            " one case of each at least"
        )
    others = np.random.default_rng([seed, 1])

    def resampled(cases: NDArray[Any]) -> ArrayLike:
        place = np.ix_(cases, others.integers(columns, size=columns))
        return statistic(*(array[place] for array in data))

    return bootstrap(resampled, np.arange(rows), n=n, seed=seed, level=level)


def _ends(found: Array, level: float) -> tuple[Any, Any]:
    """The quantiles that hold a part of the statistics `(draw, ...)` between them."""
    flat = found.reshape(len(found), -1)
    ends = np.full((2, flat.shape[1]), np.nan)
    told = np.flatnonzero(~np.isnan(flat).all(axis=0))
    ends[:, told] = np.nanquantile(flat[:, told], [(1 - level) / 2, (1 + level) / 2], axis=0)
    low, high = ends.reshape(2, *found.shape[1:])
    return (float(low), float(high)) if found.ndim == 1 else (low, high)
