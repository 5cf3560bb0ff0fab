"""What the errors of many voxels have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import bootstrap
from .row import TRIM

Array = NDArray[np.float64]

_NORMAL = 1.482602218505602
"""Standard deviation of normal errors over their median distance to the median."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """Voxels with an estimate; every array has the shape `(voxel,)` and one unit."""

    value: Array
    """The estimates."""
    true: Array
    """The truth."""
    sd: Array
    """Stated deviations, NaN where there is none."""
    bound: Array
    """Cramér-Rao deviations, NaN where there is none."""
    risk: Array
    """Bayes risk [squared unit], NaN where there is none."""

    def _arrays(self) -> tuple[Array, ...]:
        return self.value, self.true, self.sd, self.bound, self.risk


def statistics(sample: Sample) -> dict[str, float]:
    """The statistics of a `Row` by name; NaN where they cannot be said."""
    value, true = sample.value, sample.true
    error = value - true
    told = true != 0
    relative = 100 * error[told] / true[told]
    rmse = math.sqrt(_mean(error**2))
    mean = _mean(true)
    return {
        "mean_truth": mean,
        "mean_estimate": _mean(value),
        "median_truth": _median(true),
        "median_estimate": _median(value),
        "bias": _mean(error),
        "bias_percent": _mean(relative),
        "median_bias": _median(error),
        "median_bias_percent": _median(relative),
        "trimmed_bias": _trimmed(error),
        "sd": float(error.std(ddof=1)) if error.size > 1 else math.nan,
        "robust_sd": _NORMAL * _median(np.abs(error - _median(error))),
        "rmse": rmse,
        "nrmse_by_mean": _over(rmse, abs(mean)),
        "nrmse_by_range": _over(rmse, float(np.ptp(true)) if true.size else 0.0),
        "mape": _mean(np.abs(relative)),
        "median_ape": _median(np.abs(relative)),
        **_over_stated(error, sample.sd),
        **_over_bounds(error, sample),
    }


def intervals(sample: Sample, n: int, seed: int) -> dict[str, tuple[float, float]]:
    """Bootstrap interval, 95 %, of what is known of the errors, by name; voxels resampled."""
    found = statistics(sample)
    known = [
        name
        for name, value in found.items()
        if math.isfinite(value) and not name.endswith(("_truth", "_estimate"))
    ]
    if n < 1 or not known:
        return {}

    def resampled(*arrays: Array) -> Array:
        value, true, sd, bound, risk = arrays
        again = statistics(Sample(value=value, true=true, sd=sd, bound=bound, risk=risk))
        return np.array([again[name] for name in known])

    low, high = bootstrap(resampled, *sample._arrays(), n=n, seed=seed)
    return {
        name: (float(first), float(last))
        for name, first, last in zip(known, low, high, strict=True)
    }


def _over_stated(error: Array, sd: Array) -> dict[str, float]:
    # An SD of 0 claims certainty: it covers only an exact estimate.
    stated = np.isfinite(sd) & (sd >= 0)
    size, sd = np.abs(error[stated]), sd[stated]
    over = np.divide(size, sd, out=np.where(size > 0, np.inf, 0.0), where=sd > 0)
    return {
        "median_error_over_sd": _median(over),
        "coverage": _mean((size <= sd).astype(float)),
    }


def _over_bounds(error: Array, sample: Sample) -> dict[str, float]:
    # Where a bound is infinite, nothing can be known of the parameter, and no error is too large.
    bounded = np.isfinite(sample.bound) & (sample.bound > 0)
    over = np.abs(error[bounded]) / sample.bound[bounded]
    risked = np.isfinite(sample.risk) & (sample.risk > 0)
    return {
        "median_error_over_bound": _median(over),
        "rmse_over_bound": math.sqrt(_mean(over**2)),
        "mse_over_bayes_risk": _mean(error[risked] ** 2 / sample.risk[risked]),
    }


def _trimmed(error: Array) -> float:
    cut = int(TRIM * error.size)
    return _mean(np.sort(error)[cut : error.size - cut])


def _mean(values: Array) -> float:
    return float(values.sum()) / values.size if values.size else math.nan


def _median(values: Array) -> float:
    """As numpy's, whose checks would take most of the time of a resampling."""
    if not values.size:
        return math.nan
    middle = values.size // 2
    if values.size % 2:
        return float(np.partition(values, middle)[middle])
    low, high = np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1].tolist()
    return low + (high - low) / 2 if low < high else low


def _over(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
