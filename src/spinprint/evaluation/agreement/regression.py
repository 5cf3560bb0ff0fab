"""Straight lines through pairs of measurements, to be compared with the identity."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from ..statistic import Statistic
from ._cases import Array, check_level, finite_pairs, student_quantile

Method = Literal["least-squares", "deming", "passing-bablok"]

MOST_PAIRS = 2000
"""Most pairs that Passing and Bablok's line is fitted to: it takes a slope of every two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """y = intercept + slope x; measurements agree if the intervals hold slope 1 and intercept 0."""

    method: Method
    """Method of the fit."""
    n: int
    """Number of pairs."""
    slope: Statistic
    """[unit of y over unit of x]."""
    intercept: Statistic
    """[unit of y]."""
    r_squared: float
    """Square of Pearson's correlation [-]; high values do not mean agreement."""
    level: float
    """Confidence of the intervals [-]."""

    def scaled(self, factor: float) -> Line:
        """The line of both measurements in another unit; the factor is positive."""
        return dataclasses.replace(self, intercept=self.intercept.scaled(factor))


def regression(
    x: ArrayLike, y: ArrayLike, method: Method = "least-squares", *, level: float = 0.95
) -> Line:
    """Fit a straight line.

    Parameters
    ----------
    x, y
        Two measurements of each case, shape `(case,)`; pairs that are not finite are ignored.
    method
        "least-squares" where x has no error, as the truth has none; "deming" where both have
        normal errors of equal variance, with jackknife intervals (Linnet, Stat Med 1990;9:1463);
        "passing-bablok" (J Clin Chem Clin Biochem 1983;21:709) where there may be outliers, for
        `MOST_PAIRS` pairs at most.
    level
        Confidence of the intervals.

    Raises
    ------
    InputError
        Fewer than three pairs, all x equal, too many pairs for the method, an unknown method, or an
        impossible level.
    """
    check_level(level)
    if method not in _METHODS:
        raise InputError(f"method {method!r} must be one of {', '.join(_METHODS)}")
    first, second = finite_pairs(x, y, least=3)
    if np.ptp(first) == 0:
        raise InputError(f"all {first.size} x are {first[0]:g}: a line needs several values")
    slope, intercept = _METHODS[method](first, second, level)
    r = np.corrcoef(first, second)[0, 1] if np.ptp(second) else math.nan
    return Line(
        method=method, n=first.size, slope=slope, intercept=intercept,
        r_squared=float(r**2), level=level,
    )  # fmt: skip


def _least_squares(x: Array, y: Array, level: float) -> tuple[Statistic, Statistic]:
    dx = x - x.mean()
    squares = float(dx @ dx)
    slope = float(dx @ y) / squares
    intercept = float(y.mean()) - slope * float(x.mean())
    free = x.size - 2
    variance = float(((y - intercept - slope * x) ** 2).sum()) / free
    at_zero = 1 / x.size + float(x.mean()) ** 2 / squares
    return (
        _student(slope, math.sqrt(variance / squares), free, level),
        _student(intercept, math.sqrt(variance * at_zero), free, level),
    )


def _deming(x: Array, y: Array, level: float) -> tuple[Statistic, Statistic]:
    slope, intercept = _orthogonal(*_moments(x, y))
    # Leaving one pair out changes means and sums of squares by what that pair adds.
    n, dx, dy = x.size, x - x.mean(), y - y.mean()
    part = n / (n - 1)
    without = (
        x.mean() - dx / (n - 1), y.mean() - dy / (n - 1),
        dx @ dx - part * dx**2, dy @ dy - part * dy**2, dx @ dy - part * dx * dy,
    )  # fmt: skip
    slopes, intercepts = _orthogonal(*without)

    def jackknifed(whole: Array, parts: Array) -> Statistic:
        pseudo = n * whole - (n - 1) * parts
        return _student(float(whole), float(pseudo.std(ddof=1)) / math.sqrt(n), n - 2, level)

    return jackknifed(slope, slopes), jackknifed(intercept, intercepts)


def _moments(x: Array, y: Array) -> tuple[Array, Array, Array, Array, Array]:
    dx, dy = x - x.mean(), y - y.mean()
    return x.mean(), y.mean(), dx @ dx, dy @ dy, dx @ dy


def _orthogonal(mx: Array, my: Array, sxx: Array, syy: Array, sxy: Array) -> tuple[Array, Array]:
    """Slope and intercept of the line of least squared distances, from means and sums."""
    gap = syy - sxx
    slope = (gap + np.sqrt(gap**2 + 4 * sxy**2)) / (2 * sxy)
    return slope, my - slope * mx


def _passing_bablok(x: Array, y: Array, level: float) -> tuple[Statistic, Statistic]:
    from scipy.stats import norm

    if x.size > MOST_PAIRS:
        raise InputError(
            f"{x.size} pairs are too many for passing-bablok, which takes {MOST_PAIRS}:"
            " fit region means, or use deming"
        )
    first, second = np.triu_indices(x.size, 1)
    dx, dy = x[second] - x[first], y[second] - y[first]
    steep = np.copysign(np.inf, dy)
    slopes = np.divide(dy, dx, out=steep, where=dx != 0)[(dx != 0) | (dy != 0)]
    slopes = np.sort(slopes[slopes != -1])
    # The shift by the slopes below -1 makes the line the same when x and y change places.
    shift, count = int((slopes < -1).sum()), slopes.size
    n = x.size
    reach = float(norm.ppf((1 + level) / 2)) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = round((count - reach) / 2)
    ranks = np.array([(count - 1) // 2, count // 2, low - 1, count - low]) + shift
    below, above, lowest, highest = slopes[np.clip(ranks, 0, count - 1)].tolist()
    slope = (below + above) / 2
    return (
        Statistic(slope, lowest, highest),
        Statistic(*(float(np.median(y - steepness * x)) for steepness in (slope, highest, lowest))),
    )


_METHODS: dict[str, Callable[[Array, Array, float], tuple[Statistic, Statistic]]] = {
    "least-squares": _least_squares,
    "deming": _deming,
    "passing-bablok": _passing_bablok,
}


def _student(value: float, error: float, free: int, level: float) -> Statistic:
    reach = student_quantile(free, level) * error
    return Statistic(value, value - reach, value + reach)
