"""One parameter in one structure: what was measured of it, in numbers with names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..maps import UNITS

ALL = "all"
"""Name of the rows over all labelled voxels."""

TRIM = 0.1
"""Part of the errors that a trimmed mean leaves out at either end [-]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One parameter in one structure.

    The error is estimate - truth. It is taken over every voxel with a finite estimate, also at
    the edge of the range and not converged: leaving those out would flatter. Relative errors are
    divided by the truth, and taken where it is not 0. What cannot be said is NaN.
    """

    parameter: str
    """Name of the parameter."""
    label: int | None
    """Label of the structure; None for all labelled voxels."""
    name: str
    """Name of the structure."""
    snr_db: float = math.nan
    """Signal-to-noise ratio of the series, if `compare` was told it [dB]."""
    n: int
    """Voxels of the structure with a truth that the estimator was asked for [voxels]."""
    n_estimated: int
    """Those of them with a finite estimate [voxels]."""
    n_outside: int
    """Voxels of the structure outside the estimator's mask; they count nowhere else [voxels]."""
    mean_truth: float
    """Mean of the truth over the voxels with an estimate [unit of the parameter]."""
    mean_estimate: float
    """Mean of the estimate [unit of the parameter]."""
    median_truth: float
    """Median of the truth [unit of the parameter]."""
    median_estimate: float
    """Median of the estimate [unit of the parameter]."""
    bias: float
    """Mean error [unit of the parameter]."""
    bias_percent: float
    """Mean relative error [%]."""
    median_bias: float
    """Median error [unit of the parameter]."""
    median_bias_percent: float
    """Median relative error [%]."""
    trimmed_bias: float
    """Mean error without a tenth of the voxels at either end [unit of the parameter]."""
    sd: float
    """Standard deviation of the error about its mean, n - 1 in the denominator [unit]."""
    robust_sd: float
    """1.4826 times the median distance of the errors to their median [unit]: the standard
    deviation of normal errors, unmoved by outliers."""
    rmse: float
    """Root of the mean squared error [unit of the parameter]."""
    nrmse_by_mean: float
    """RMSE over the mean truth [-]."""
    nrmse_by_range: float
    """RMSE over the range of the truth in the structure [-]; NaN where the truth is constant."""
    mape: float
    """Mean absolute relative error [%]."""
    median_ape: float
    """Median absolute relative error [%]."""
    median_error_over_sd: float
    """Median of |error| / stated SD [-]: 0.674 where errors are normal and the SD is right."""
    coverage: float
    """Share of voxels whose estimate +- 1 stated SD holds the truth [-]: 0.683 if it is right."""
    median_error_over_bound: float = math.nan
    """Median of |error| / Cramér-Rao SD [-]: 0.674 for an efficient estimator."""
    rmse_over_bound: float = math.nan
    """Root mean square of error / Cramér-Rao SD [-]: 1 for an efficient estimator."""
    mse_over_bayes_risk: float = math.nan
    """Mean of squared error / Bayes risk [-]: 1 for the best there is over the prior."""
    at_edge: float
    """Share of n at the edge of the range [-]."""
    failed: float
    """Share of n without a trusted estimate: no signal, not finite, or not converged [-]."""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Bootstrap interval, 95 %, of the numbers above by name, in their unit; voxels resampled."""


def table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain values for JSON and CSV, one a parameter and structure; NaN is None.

    The unit stands in the name of a column: `…_in_unit` is in the unit of the column `unit`, SI as
    in the maps; `…_voxels`, `…_percent`, `…_db` and `…_share` (of 1) say it; ratios (`…_over_…`,
    `nrmse_by_…`) have none. `…_low` and `…_high` are the ends of an interval.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.intervals))
    return [{key: _plain(value) for key, value in _columns(row, names)} for row in rows]


def _columns(row: Row, with_interval: Sequence[str]) -> list[tuple[str, Any]]:
    columns: list[tuple[str, Any]] = []
    for one in dataclasses.fields(row):
        if one.name == "intervals":
            continue
        value, column = getattr(row, one.name), one.name + _SUFFIX.get(one.name, "")
        columns.append((column, value))
        if one.name == "parameter":
            columns.append(("unit", UNITS[value]))
        if one.name in with_interval:
            low, high = row.intervals.get(one.name, (math.nan, math.nan))
            columns += [(f"{column}_low", low), (f"{column}_high", high)]
    return columns


_SUFFIX = {
    **dict.fromkeys(("n", "n_estimated", "n_outside"), "_voxels"),
    **dict.fromkeys(
        (
            "mean_truth", "mean_estimate", "median_truth", "median_estimate", "bias",
            "median_bias", "trimmed_bias", "sd", "robust_sd", "rmse",
        ),
        "_in_unit",
    ),
    **dict.fromkeys(("mape", "median_ape"), "_percent"),
    **dict.fromkeys(("coverage", "at_edge", "failed"), "_share"),
}  # fmt: skip


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
