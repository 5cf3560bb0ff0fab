"""Which part of the variance is that of the targets: intraclass correlation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from .estimate import Array, Estimate, check_level, finite_rows

Model = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"]

MODELS: dict[str, str] = {
    "ICC(1,1)": "one-way random, single measurement; McGraw and Wong's ICC(1)",
    "ICC(2,1)": "two-way random, absolute agreement, single measurement; ICC(A,1)",
    "ICC(3,1)": "two-way mixed, consistency, single measurement; ICC(C,1)",
}
"""Shrout and Fleiss' names of the models, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelation:
    """An intraclass correlation; without the name of its model it says nothing."""

    model: Model
    """One of `MODELS`."""
    icc: Estimate
    """The correlation [-]."""
    n_targets: int
    """What was measured: cases, subjects or regions."""
    n_raters: int
    """How often each was measured, or by how many estimators."""
    level: float
    """Confidence of the interval [-]."""


def intraclass_correlation(
    ratings: ArrayLike, model: Model = "ICC(2,1)", *, level: float = 0.95
) -> IntraclassCorrelation:
    """Intraclass correlation of single measurements.

    Shrout and Fleiss, Psychol Bull 1979;86:420; intervals from F distributions as in McGraw and
    Wong, Psychol Methods 1996;1:30, table 7.

    Parameters
    ----------
    ratings
        Shape `(target, rater)`; targets with a rating that is not finite are left out.
    model
        "ICC(1,1)": each target has raters of its own; "ICC(2,1)": all have the same raters, whose
        differences count as errors; "ICC(3,1)": the same, but their mean differences do not count.
    level
        Confidence of the interval.

    Raises
    ------
    InputError
        Fewer than two targets or raters, or an unknown model or level.
    """
    check_level(level)
    if model not in MODELS:
        raise InputError(f"model {model!r} must be one of {', '.join(MODELS)}")
    values = finite_rows(ratings, 2, "target", "rater")
    if np.ptp(values) == 0:
        return _result(model, Estimate(math.nan), values, level)
    estimate = _absolute if model == "ICC(2,1)" else _ratio_of_two
    return _result(model, estimate(values, model, (1 + level) / 2), values, level)


def _result(model: Model, icc: Estimate, values: Array, level: float) -> IntraclassCorrelation:
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


def _ratio_of_two(values: Array, model: Model, quantile: float) -> Estimate:
    """ICC(1,1) and ICC(3,1): functions of one ratio of mean squares, which follows F."""
    from scipy.stats import f

    n, k = values.shape
    targets, _, error, within = _mean_squares(values)
    noise, free = (within, n * (k - 1)) if model == "ICC(1,1)" else (error, (n - 1) * (k - 1))
    if noise <= 0:
        return Estimate(1.0, 1.0, 1.0)
    ratio = targets / noise
    ends = (ratio, ratio / f.ppf(quantile, n - 1, free), ratio * f.ppf(quantile, free, n - 1))
    return Estimate(*(float((end - 1) / (end + k - 1)) for end in ends))


def _absolute(values: Array, model: Model, quantile: float) -> Estimate:  # noqa: ARG001
    """ICC(2,1): Satterthwaite's degrees of freedom for the sum of two mean squares."""
    from scipy.stats import f

    n, k = values.shape
    targets, raters, error, _ = _mean_squares(values)
    icc = (targets - error) / (targets + (k - 1) * error + k * (raters - error) / n)
    if raters <= 0 and error <= 0:
        return Estimate(1.0, 1.0, 1.0)
    a = k * icc / (n * (1 - icc))
    b = 1 + a * (n - 1)
    parts = (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    free = (a * raters + b * error) ** 2 / parts
    rest = k * raters + (k * n - k - n) * error
    low, high = f.ppf(quantile, n - 1, free), f.ppf(quantile, free, n - 1)
    return Estimate(
        float(icc),
        float(n * (targets - low * error) / (low * rest + n * targets)),
        float(n * (high * targets - error) / (rest + n * high * targets)),
    )
