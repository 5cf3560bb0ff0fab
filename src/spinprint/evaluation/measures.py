"""Measures of error: sums and medians over cases, each with its bootstrap interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .statistic import Statistic, bootstrap

Array = NDArray[np.float64]

TRIM = 0.1
"""Share of the errors that a trimmed mean leaves out at either end [-]."""

_NORMAL = 1.482602218505602
"""Standard deviation of normal errors over their median distance to the median."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Cases that are resampled as a whole, such as voxels or tissues, and their quantities.

    Quantities are arrays `(case,)`, or `(case, draw)` where a case was measured several times; NaN
    where there is no value.
    """

    quantities: Mapping[str, Array]
    """What measures are taken of, by name."""
    sums: Mapping[str, tuple[Array, NDArray[np.int_]]]
    """Of each quantity its sum over the draws of each case, and their number, `(case,)`."""
    cases: NDArray[np.intp] | EllipsisType = ...
    """The cases that count, by index; all by default."""

    @classmethod
    def of(
        cls,
        quantities: Mapping[str, Array],
        sums: Mapping[str, tuple[Array, NDArray[np.int_]]] | None = None,
    ) -> Sample:
        """All cases; `sums` adds quantities of which only the sums over draws are known."""
        whole = {}
        for name, values in quantities.items():
            given, draws = ~np.isnan(values), tuple(range(1, values.ndim))
            whole[name] = np.where(given, values, 0.0).sum(axis=draws), given.sum(axis=draws)
        return cls(quantities, {**whole, **(sums or {})})

    @property
    def size(self) -> int:
        """Number of cases, resampled or not."""
        return len(next(iter(self.sums.values()))[0])

    def values(self, name: str) -> Array:
        """The values of a quantity that are not NaN, `(value,)`."""
        values = self.quantities[name][self.cases]
        return values[~np.isnan(values)]

    def mean(self, name: str) -> float:
        """Mean of a quantity; NaN of none."""
        sums, counts = (array[self.cases] for array in self.sums[name])
        number = int(counts.sum())
        return float(sums[counts > 0].sum()) / number if number else math.nan

    def median(self, name: str) -> float:
        """Median of a quantity; NaN of none."""
        return _median(self.values(name))


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that sums up the errors of a sample."""

    unit: str
    """"unit" for that of the parameter; "%"; "share" for a share of 1; "1" for a ratio."""
    of: Callable[[Sample], float]
    """Takes it of a sample; NaN where it is not defined."""


def error_sample(
    value: Array, true: Array, *, sd: ArrayLike, bound: ArrayLike, risk: ArrayLike = math.nan
) -> dict[str, Array]:
    """The quantities that `MEASURES` are taken of.

    Parameters
    ----------
    value, true
        Estimates and the truth, `(case, ...)`, in one unit.
    sd, bound, risk
        Stated standard deviation, Cramér-Rao bound and Bayes risk (a squared error) in that unit,
        of shapes that broadcast; NaN where there is none.
    """
    sd, bound, risk = (np.broadcast_to(array, value.shape) for array in (sd, bound, risk))
    error = value - true
    size = np.abs(error)
    relative = 100 * error / np.where(true == 0, np.nan, true)
    # An SD of 0 claims certainty: it covers only an exact estimate.
    stated = np.isfinite(sd) & (sd >= 0) & np.isfinite(error)
    over_sd = np.divide(size, sd, out=np.where(size > 0, np.inf, 0.0), where=stated & (sd > 0))
    # Where a bound is infinite, nothing can be known of the parameter, and no error is too large.
    over_bound = size / np.where(np.isfinite(bound) & (bound > 0), bound, np.nan)
    return {
        "value": value,
        "true": true,
        "error": error,
        "squared": error**2,
        "relative": relative,
        "relative_size": np.abs(relative),
        "over_sd": np.where(stated, over_sd, np.nan),
        "covered": np.where(stated, size <= sd, np.nan),
        "over_bound": over_bound,
        "squared_over_bound": over_bound**2,
        "squared_over_risk": error**2 / np.where(np.isfinite(risk) & (risk > 0), risk, np.nan),
    }


def measure(
    sample: Sample, measures: Mapping[str, Measure], n: int, seed: int
) -> dict[str, Statistic]:
    """All measures of a sample, with 95 % intervals where they are finite and n is not 0.

    Parameters
    ----------
    sample
        The cases.
    measures
        What is taken of them, by name.
    n, seed
        Number and seed of the resamples.
    """
    values = {name: each.of(sample) for name, each in measures.items()}
    finite = [name for name, value in values.items() if math.isfinite(value)]
    if n < 1 or not finite:
        return {name: Statistic(value) for name, value in values.items()}

    def resampled(cases: NDArray[np.intp]) -> Array:
        part = Sample(sample.quantities, sample.sums, cases)
        return np.array([measures[name].of(part) for name in finite])

    low, high = bootstrap(resampled, np.arange(sample.size), n=n, seed=seed)
    ends = {name: (float(low[i]), float(high[i])) for i, name in enumerate(finite)}
    return {name: Statistic(value, *ends.get(name, ())) for name, value in values.items()}


def _trimmed_mean(sample: Sample) -> float:
    error = np.sort(sample.values("error"))
    cut = int(TRIM * error.size)
    kept = error[cut : error.size - cut]
    return float(kept.sum()) / kept.size if kept.size else math.nan


def _sd(sample: Sample) -> float:
    error = sample.values("error")
    return float(error.std(ddof=1)) if error.size > 1 else math.nan


def _robust_sd(sample: Sample) -> float:
    error = sample.values("error")
    return _NORMAL * _median(np.abs(error - _median(error)))


def _rmse(sample: Sample) -> float:
    return math.sqrt(sample.mean("squared"))


def _range(values: Array) -> float:
    return float(np.ptp(values)) if values.size else 0.0


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


MEASURES: dict[str, Measure] = {
    "bias": Measure("unit", lambda s: s.mean("error")),
    "bias_percent": Measure("%", lambda s: s.mean("relative")),
    "median_bias": Measure("unit", lambda s: s.median("error")),
    "median_bias_percent": Measure("%", lambda s: s.median("relative")),
    "trimmed_bias": Measure("unit", _trimmed_mean),
    "sd": Measure("unit", _sd),
    "robust_sd": Measure("unit", _robust_sd),
    "rmse": Measure("unit", _rmse),
    "nrmse_by_mean": Measure("1", lambda s: _over(_rmse(s), abs(s.mean("true")))),
    "nrmse_by_range": Measure("1", lambda s: _over(_rmse(s), _range(s.values("true")))),
    "mape": Measure("%", lambda s: s.mean("relative_size")),
    "median_ape": Measure("%", lambda s: s.median("relative_size")),
    "median_error_over_sd": Measure("1", lambda s: s.median("over_sd")),
    "coverage": Measure("share", lambda s: s.mean("covered")),
    "median_error_over_bound": Measure("1", lambda s: s.median("over_bound")),
    "rmse_over_bound": Measure("1", lambda s: math.sqrt(s.mean("squared_over_bound"))),
    "mse_over_bayes_risk": Measure("1", lambda s: s.mean("squared_over_risk")),
}
"""Measures of the errors of estimates, by the field of `Row` that documents them."""
