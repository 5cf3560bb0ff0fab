"""Errors of maps: by parameter and structure, in numbers with names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError
from ..maps import UNITS, Maps, Status
from ..records import plain
from .measures import MEASURES, Sample, error_sample, measure
from .statistic import Statistic

Array = NDArray[np.float64]

ALL = "all"
"""Name of the rows over all labelled voxels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One parameter in one structure.

    The error is estimate - truth. It is taken over every voxel with a finite estimate, also at
    the edge of the range and not converged: leaving those out would flatter. Relative errors are
    divided by the truth, and taken where it is not 0. What is not defined is NaN.
    """

    parameter: str
    """Name of the parameter."""
    label: int | None
    """Label of the structure; None for all labelled voxels."""
    name: str
    """Name of the structure."""
    snr_db: float = math.nan
    """Signal-to-noise ratio of the series, if it was given to `compare` [dB]."""
    n: int
    """Voxels of the structure with a truth, inside the estimator's mask [voxels]."""
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
    """Mean of squared error / Bayes risk [-]: 1 for the best estimate there is over the prior."""
    at_edge: float
    """Share of n at the edge of the range [-]."""
    failed: float
    """Share of n without a trusted estimate: no signal, not finite, or not converged [-]."""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Bootstrap interval, 95 %, of the numbers above by name, in their unit; voxels resampled."""

    def statistic(self, name: str) -> Statistic:
        """One of the numbers by the name of its field, with its interval if it has one."""
        return Statistic(getattr(self, name), *self.intervals.get(name, ()))

    @property
    def spread_percent(self) -> float:
        """Standard deviation of the error relative to the mean truth [%]."""
        return 100 * self.sd / abs(self.mean_truth) if self.mean_truth else math.nan


def compare(
    maps: Maps,
    truth: Mapping[str, ArrayLike],
    labels: ArrayLike | None = None,
    names: Mapping[int, str] | None = None,
    *,
    bound: Mapping[str, ArrayLike] | None = None,
    bayes_risk: Mapping[str, ArrayLike] | None = None,
    snr_db: float = math.nan,
    n_bootstrap: int = 0,
    seed: int = 0,
) -> list[Row]:
    """Measure maps against the truth, by structure and over all structures together.

    Parameters
    ----------
    maps
        Maps of shape `(...)`.
    truth
        True map by parameter, shape `(...)`, same units; NaN where there is none. Parameters
        that the maps do not hold are ignored.
    labels
        Structure of each voxel, whole numbers of shape `(...)`; 0 is background and never
        counted. Without labels every voxel with a truth counts.
    names
        Name of each label; by default its number.
    bound
        Cramér-Rao standard deviation by parameter [unit of the parameter], shape `(...)` or a
        number, as `cramer_rao(...).sd`.
    bayes_risk
        Least mean squared error over the prior by parameter [squared unit of the parameter],
        shape `(...)` or a number; of relative errors, as `BayesRisk.rms` states them for times,
        it is (rms * truth)².
    snr_db
        Signal-to-noise ratio to record in the rows, for sweeps [dB].
    n_bootstrap
        Resamples of the voxels for intervals; 0 gives none. Voxels count as independent.
    seed
        Seed of the resampling.

    Returns
    -------
    list of Row
        By parameter in the order of the maps: one row for each label with a voxel, ascending,
        then one named "all". A structure without voxels has no row.

    Raises
    ------
    SeriesError
        Shapes differ, labels are not whole numbers, or no parameter has a truth.
    """
    shared = [name for name in maps if name in truth]
    if not shared:
        held, known = ", ".join(maps), ", ".join(truth)
        raise SeriesError(f"the maps hold {held}, the truth {known}: they share no parameter")
    structures = _structures(labels, maps.shape, names or {})
    rows = []
    for parameter in shared:
        true = np.asarray(truth[parameter], dtype=np.float64)
        if true.shape != maps.shape:
            raise SeriesError(
                f"the true {parameter} has shape {true.shape} and the maps {maps.shape}:"
                " they must be equal"
            )
        given = {"sd": maps.sd, "bound": bound or {}, "risk": bayes_risk or {}}
        denominators = {
            key: _on_grid(f"the {key} of {parameter}", values.get(parameter), maps.shape)
            for key, values in given.items()
        }
        rows += [
            _row(maps, parameter, structure, true, denominators, snr_db, n_bootstrap, seed)
            for structure in structures
        ]
    return [row for row in rows if row is not None]


def table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain values for JSON and CSV, one per parameter and structure; NaN is None.

    The name of a column ends in its unit: `…_in_unit` is in the unit of the column `unit`, SI as
    in the maps; `…_voxels`, `…_percent`, `…_db` and `…_share` (of 1) speak for themselves; ratios
    (`…_over_…`, `nrmse_by_…`) have none. `…_low` and `…_high` are the ends of an interval.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.intervals))
    return [plain(_columns(row, names)) for row in rows]


Structure = tuple[int | None, str, NDArray[np.bool_]]


def _structures(
    labels: ArrayLike | None, shape: tuple[int, ...], names: Mapping[int, str]
) -> list[Structure]:
    if labels is None:
        return [(None, ALL, np.ones(shape, dtype=bool))]
    array = np.asarray(labels)
    if array.shape != shape:
        raise SeriesError(
            f"the labels have shape {array.shape} and the maps {shape}: they must be equal"
        )
    if not (np.isfinite(array).all() and (array == np.round(array)).all()):
        raise SeriesError("the labels must be whole numbers, 0 for the background")
    present = [int(label) for label in np.unique(array) if label != 0]
    each: list[Structure] = [
        (label, names.get(label, str(label)), array == label) for label in present
    ]
    return [*each, (None, ALL, array != 0)]


def _row(
    maps: Maps,
    parameter: str,
    structure: Structure,
    true: Array,
    denominators: Mapping[str, Array],
    snr_db: float,
    n_bootstrap: int,
    seed: int,
) -> Row | None:
    label, name, inside = structure
    counted = inside & np.isfinite(true)
    if not counted.any():
        return None
    status = maps.status[counted]
    asked = status != Status.OUTSIDE
    value = np.asarray(maps[parameter], dtype=np.float64)[counted]
    estimated = asked & np.isfinite(value)
    trusted = estimated & np.isin(status, (Status.OK, Status.AT_EDGE))
    n = int(asked.sum())
    sample = Sample.of(
        error_sample(
            value[estimated],
            true[counted][estimated],
            **{key: array[counted][estimated] for key, array in denominators.items()},
        )
    )
    measured = measure(sample, MEASURES, n_bootstrap, seed)
    return Row(
        parameter=parameter,
        label=label,
        name=name,
        snr_db=snr_db,
        n=n,
        n_estimated=int(estimated.sum()),
        n_outside=int((~asked).sum()),
        mean_truth=sample.mean("true"),
        mean_estimate=sample.mean("value"),
        median_truth=sample.median("true"),
        median_estimate=sample.median("value"),
        **{name: statistic.value for name, statistic in measured.items()},
        at_edge=float((status == Status.AT_EDGE).sum() / n) if n else math.nan,
        failed=float((asked & ~trusted).sum() / n) if n else math.nan,
        intervals={
            name: (statistic.low, statistic.high)
            for name, statistic in measured.items()
            if n_bootstrap > 0 and math.isfinite(statistic.value)
        },
    )


def _on_grid(what: str, values: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    """Values as an array of the shape of the maps; NaN where none are given."""
    array = np.asarray(np.nan if values is None else values, dtype=np.float64)
    if array.shape not in ((), shape):
        raise SeriesError(
            f"{what} has shape {array.shape} and the maps {shape}: they must be equal"
        )
    return np.broadcast_to(array, shape)


_UNITS_OF_OTHERS = {
    **dict.fromkeys(("n", "n_estimated", "n_outside"), "voxels"),
    **dict.fromkeys(("mean_truth", "mean_estimate", "median_truth", "median_estimate"), "unit"),
    **dict.fromkeys(("at_edge", "failed"), "share"),
}
_SUFFIXES = {"voxels": "_voxels", "unit": "_in_unit", "%": "_percent", "share": "_share"}


def _columns(row: Row, with_interval: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    units = {**_UNITS_OF_OTHERS, **{name: measure.unit for name, measure in MEASURES.items()}}
    for name in (f.name for f in dataclasses.fields(row) if f.name != "intervals"):
        suffix = _SUFFIXES.get(units.get(name, ""), "")
        column = name if name.endswith(suffix) else name + suffix
        columns[column] = getattr(row, name)
        if name == "parameter":
            columns["unit"] = UNITS[row.parameter]
        if name in with_interval:
            statistic = row.statistic(name)
            columns |= {f"{column}_low": statistic.low, f"{column}_high": statistic.high}
    return columns
