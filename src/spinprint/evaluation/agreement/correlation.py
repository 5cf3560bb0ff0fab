"""Concordance and intraclass correlation: agreement as a single number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from ..statistic import Statistic
from ._cases import Array, check_level, finite_pairs, finite_rows

Model = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"]

MODELS: dict[str, str] = {
    "ICC(1,1)": "one-way random, single measurement; McGraw and Wong's ICC(1)",
    "ICC(2,1)": "two-way random, absolute agreement, single measurement; ICC(A,1)",
    "ICC(3,1)": "two-way mixed, consistency, single measurement; ICC(C,1)",
}
"""The models by the names of Shrout and Fleiss, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Lin's coefficient and the two factors it is the product of."""

    n: int
    """Number of pairs."""
    ccc: Statistic
    """The concordance correlation coefficient [-]: 1 on the line of identity."""
    pearson: float
    """Precision: Pearson's correlation [-]."""
    accuracy: float
    """Bias correction factor C_b = ccc / pearson [-]: 1 without shift of place or scale."""
    level: float
    """Confidence of the interval [-]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelation:
    """An intraclass correlation, which is meaningless without the name of its model."""

    model: Model
    """One of `MODELS`."""
    icc: Statistic
    """The correlation [-]."""
    n_targets: int
    """Number of targets: cases, subjects or regions."""
    n_raters: int
    """Number of measurements of each, or of estimators."""
    level: float
    """Confidence of the interval [-]."""


def concordance(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Concordance:
    """Lin's concordance correlation coefficient.

    2 s_ab / (s_a² + s_b² + (mean a - mean b)²), variances with n in the denominator, and the
    interval by Fisher's transform (Lin, Biometrics 1989;45:255, with the variance as corrected in
    Biometrics 2000;56:324).

    Parameters
    ----------
    a, b
        Two measurements of each case, shape `(case,)`; pairs that are not finite are ignored.
    level
        Confidence of the interval.

    Raises
    ------
    InputError
        Fewer than three pairs, or an impossible level.
    """
    check_level(level)
    first, second = finite_pairs(a, b, least=3)
    (var_a, cov), (_, var_b) = np.cov(first, second, ddof=0)
    shift = float(first.mean() - second.mean())
    apart = var_a + var_b + shift**2
    spread = math.sqrt(var_a * var_b)
    ccc = float(2 * cov / apart) if apart else 1.0
    r = float(cov / spread) if spread else math.nan
    return Concordance(
        n=first.size,
        ccc=_with_interval(ccc, r, shift**2 / spread if spread else math.nan, first.size, level),
        pearson=r,
        accuracy=ccc / r if r else math.nan,
        level=level,
    )


def intraclass_correlation(
    ratings: ArrayLike, model: Model = "ICC(2,1)", *, level: float = 0.95
) -> IntraclassCorrelation:
    """Intraclass correlation of single measurements.

    Shrout and Fleiss, Psychol Bull 1979;86:420; intervals from F distributions as in McGraw and
    Wong, Psychol Methods 1996;1:30, table 7.

    Parameters
    ----------
    ratings
        Shape `(target, rater)`; targets with a rating that is not finite are ignored.
    model
        "ICC(1,1)": each target has raters of its own; "ICC(2,1)": all have the same raters, whose
        differences count as errors; "ICC(3,1)": the same, without their mean differences.
    level
        Confidence of the interval.

    Raises
    ------
    InputError
        Fewer than two targets or raters, an unknown model, or an impossible level.
    """
    check_level(level)
    if model not in MODELS:
        raise InputError(f"model {model!r} must be one of {', '.join(MODELS)}")
    values = finite_rows(ratings, 2, "target", "rater")
    if np.ptp(values) == 0:
        return _result(model, Statistic(math.nan), values, level)
    estimate = _absolute if model == "ICC(2,1)" else _ratio_of_two
    return _result(model, estimate(values, model, (1 + level) / 2), values, level)


def _with_interval(ccc: float, r: float, shift: float, n: int, level: float) -> Statistic:
    """The interval by Fisher's transform; `shift` is (mean a - mean b)² / (s_a s_b)."""
    from scipy.stats import norm

    if abs(ccc) >= 1 - 1e-15:
        return Statistic(ccc, ccc, ccc)
    if not r:
        return Statistic(ccc)
    rest = 1 - ccc**2
    variance = (
        (1 - r**2) * ccc**2 / (rest * r**2)
        + 2 * ccc**3 * (1 - ccc) * shift / (r * rest**2)
        - ccc**4 * shift**2 / (2 * r**2 * rest**2)
    ) / max(n - 2, 1)
    reach = float(norm.ppf((1 + level) / 2)) * math.sqrt(max(variance, 0.0))
    z = math.atanh(ccc)
    return Statistic(ccc, math.tanh(z - reach), math.tanh(z + reach))


def _result(model: Model, icc: Statistic, values: Array, level: float) -> IntraclassCorrelation:
    n, k = values.shape
    return IntraclassCorrelation(model=model, icc=icc, n_targets=n, n_raters=k, level=level)


def _mean_squares(values: Array) -> tuple[float, float, float, float]:
    """Between targets, between raters, residual, and within targets."""
    n, k = values.shape
    rows, columns, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    targets = k * ((rows - mean) ** 2).sum() / (n - 1)
    raters = n * ((columns - mean) ** 2).sum() / (k - 1)
    residual = values - rows[:, None] - columns + mean
    error = (residual**2).sum() / ((n - 1) * (k - 1))
    within = ((values - rows[:, None]) ** 2).sum() / (n * (k - 1))
    return float(targets), float(raters), float(error), float(within)


def _ratio_of_two(values: Array, model: Model, quantile: float) -> Statistic:
    """ICC(1,1) and ICC(3,1): functions of one ratio of mean squares, which follows F."""
    from scipy.stats import f

    n, k = values.shape
    targets, _, error, within = _mean_squares(values)
    noise, free = (within, n * (k - 1)) if model == "ICC(1,1)" else (error, (n - 1) * (k - 1))
    if noise <= 0:
        return Statistic(1.0, 1.0, 1.0)
    ratio = targets / noise
    ends = (ratio, ratio / f.ppf(quantile, n - 1, free), ratio * f.ppf(quantile, free, n - 1))
    return Statistic(*(float((end - 1) / (end + k - 1)) for end in ends))


def _absolute(values: Array, model: Model, quantile: float) -> Statistic:  # noqa: ARG001
    """ICC(2,1): Satterthwaite's degrees of freedom for the sum of two mean squares."""
    from scipy.stats import f

    n, k = values.shape
    targets, raters, error, _ = _mean_squares(values)
    icc = (targets - error) / (targets + (k - 1) * error + k * (raters - error) / n)
    if raters <= 0 and error <= 0:
        return Statistic(1.0, 1.0, 1.0)
    if icc >= 1:
        return Statistic(1.0, 1.0, 1.0)
    a = k * icc / (n * (1 - icc))
    b = 1 + a * (n - 1)
    parts = (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    if parts <= 0:  # targets that do not differ beside raters that do
        return Statistic(float(icc))
    free = (a * raters + b * error) ** 2 / parts
    rest = k * raters + (k * n - k - n) * error
    low, high = f.ppf(quantile, n - 1, free), f.ppf(quantile, free, n - 1)
    return Statistic(
        float(icc),
        float(n * (targets - low * error) / (low * rest + n * targets)),
        float(n * (high * targets - error) / (rest + n * high * targets)),
    )
