"""Limits of agreement: how far two measurements of the same quantity lie apart."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from ..statistic import Statistic
from ._cases import Array, Z, check_level, finite_pairs, student_quantile

Scale = Literal["difference", "percent", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlandAltman:
    """Bias and 95 % limits of agreement, each with its confidence interval."""

    scale: Scale
    """What is compared: a - b in its unit; 100 (a - b) over the mean of the two [%]; or the ratio
    a / b [-], from differences of logarithms."""
    n: int
    """Number of pairs."""
    bias: Statistic
    """Mean difference; of ratios the geometric mean."""
    sd: float
    """Standard deviation of the differences, n - 1 in the denominator; of the logarithms [-] where
    the scale is the ratio."""
    lower: Statistic
    """Lower limit: 95 % of differences are expected between this and `upper`."""
    upper: Statistic
    """Upper limit."""
    level: float
    """Confidence of the intervals [-]."""

    def scaled(self, factor: float) -> BlandAltman:
        """Differences in another unit; the factor is positive."""
        return dataclasses.replace(
            self, sd=self.sd * factor, bias=self.bias.scaled(factor),
            lower=self.lower.scaled(factor), upper=self.upper.scaled(factor),
        )  # fmt: skip


def bland_altman(
    a: ArrayLike, b: ArrayLike, *, scale: Scale = "difference", level: float = 0.95
) -> BlandAltman:
    """Limits of agreement (Bland and Altman, Lancet 1986;327:307; Stat Methods Med Res 1999;8:135).

    The limits are bias -+ 1.96 SD. The interval of the bias is Student's; those of the limits are
    exact for normal differences, from the non-central t distribution (Carkeet, Optom Vis Sci
    2015;92:e71), and extend further outwards than the approximation of 1999.

    Parameters
    ----------
    a, b
        Two measurements of each case, shape `(case,)`; pairs that are not finite are ignored.
    scale
        "difference" in the unit of the measurements; "percent" of the mean of the two, or
        "ratio", for differences that grow with the size of what is measured.
    level
        Confidence of the intervals.

    Raises
    ------
    InputError
        Fewer than three pairs, an unknown scale, an impossible level, or a scale other than
        "difference" and measurements that are not all positive.
    """
    check_level(level)
    difference = _differences(*finite_pairs(a, b, least=3), scale)
    n = difference.size
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    reach = student_quantile(n - 1, level) * sd / math.sqrt(n)
    near, far = (sd * factor for factor in _limit_factors(n, level))
    middle = Statistic(bias, bias - reach, bias + reach)
    lower = Statistic(bias - Z * sd, bias - far, bias - near)
    upper = Statistic(bias + Z * sd, bias + near, bias + far)
    if scale == "ratio":
        middle, lower, upper = map(_exponential, (middle, lower, upper))
    return BlandAltman(
        scale=scale, n=n, bias=middle, sd=sd, lower=lower, upper=upper, level=level
    )  # fmt: skip


def _differences(a: Array, b: Array, scale: Scale) -> Array:
    if scale == "difference":
        return a - b
    if scale not in ("percent", "ratio"):
        raise InputError(f"scale {scale!r} must be difference, percent or ratio")
    if not ((a > 0).all() and (b > 0).all()):
        raise InputError(f"scale {scale!r} needs measurements above 0: take the difference")
    return 200 * (a - b) / (a + b) if scale == "percent" else np.log(a / b)


def _limit_factors(n: int, level: float) -> tuple[float, float]:
    """Ends of the interval of mean + Z sd, in sample deviations above the sample mean.

    sqrt(n) (mu + Z sigma - mean) / sd follows the non-central t distribution with n - 1 degrees
    of freedom and the non-centrality Z sqrt(n).
    """
    from scipy.stats import nct

    ends = nct.ppf([(1 - level) / 2, (1 + level) / 2], n - 1, Z * math.sqrt(n)) / math.sqrt(n)
    return float(ends[0]), float(ends[1])


def _exponential(logarithm: Statistic) -> Statistic:
    return Statistic(math.exp(logarithm.value), math.exp(logarithm.low), math.exp(logarithm.high))
