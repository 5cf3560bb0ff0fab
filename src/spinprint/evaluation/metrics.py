"""How far maps are from the truth: per parameter, per structure, in numbers with names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError
from ..maps import UNITS, Maps, Status

ALL = "all"
"""Name of the rows over all labelled voxels."""


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
    bias: float
    """Mean error [unit of the parameter]."""
    bias_percent: float
    """Mean relative error [%]."""
    median_bias: float
    """Median error [unit of the parameter]."""
    median_bias_percent: float
    """Median relative error [%]."""
    sd: float
    """Standard deviation of the error about its mean, n - 1 in the denominator [unit]."""
    rmse: float
    """Root of the mean squared error [unit of the parameter]."""
    mape: float
    """Mean absolute relative error [%]."""
    median_ape: float
    """Median absolute relative error [%]."""
    median_error_over_sd: float
    """Median of |error| / stated SD [-]: 0.674 where errors are normal and the SD is right."""
    coverage: float
    """Share of voxels whose estimate +- 1 stated SD holds the truth [-]: 0.683 if it is right."""
    at_edge: float
    """Share of n at the edge of the range [-]."""
    failed: float
    """Share of n without a trusted estimate: no signal, not finite, or not converged [-]."""


def compare(
    maps: Maps,
    truth: Mapping[str, ArrayLike],
    labels: ArrayLike | None = None,
    names: Mapping[int, str] | None = None,
) -> list[Row]:
    """Measure maps against the truth, per structure and over all structures together.

    Parameters
    ----------
    maps
        Maps of shape `(...)`.
    truth
        True map per parameter, shape `(...)`, same units; NaN where there is none. Parameters
        that the maps do not hold are passed over.
    labels
        Structure of each voxel, whole numbers of shape `(...)`; 0 is background and never
        counted. Without labels every voxel with a truth counts.
    names
        Name of each label; by default its number.

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
        for label, name, inside in structures:
            counted = inside & np.isfinite(true)
            if counted.any():
                rows.append(_row(maps, parameter, true, counted, label, name))
    return rows


def table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain values, with the unit of the parameter, for JSON and CSV; NaN is None."""
    return [
        {
            "parameter": row.parameter,
            "unit": UNITS[row.parameter],
            **{key: _plain(value) for key, value in dataclasses.asdict(row).items()},
        }
        for row in rows
    ]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
    found = [int(label) for label in np.unique(array) if label != 0]
    each: list[Structure] = [
        (label, names.get(label, str(label)), array == label) for label in found
    ]
    return [*each, (None, ALL, array != 0)]


def _row(
    maps: Maps,
    parameter: str,
    true: NDArray[np.float64],
    counted: NDArray[np.bool_],
    label: int | None,
    name: str,
) -> Row:
    status = maps.status[counted]
    asked = status != Status.OUTSIDE
    value = np.asarray(maps[parameter], dtype=np.float64)[counted]
    estimated = asked & np.isfinite(value)
    sd = maps.sd.get(parameter)
    stated = np.full(value.shape, np.nan) if sd is None else np.asarray(sd, float)[counted]
    trusted = estimated & np.isin(status, (Status.OK, Status.AT_EDGE))
    n = int(asked.sum())
    return Row(
        parameter=parameter,
        label=label,
        name=name,
        n=n,
        n_estimated=int(estimated.sum()),
        n_outside=int((~asked).sum()),
        at_edge=_ratio((status == Status.AT_EDGE).sum(), n),
        failed=_ratio((asked & ~trusted).sum(), n),
        **_statistics(value[estimated], true[counted][estimated], stated[estimated]),
    )


def _statistics(
    value: NDArray[np.float64], true: NDArray[np.float64], sd: NDArray[np.float64]
) -> dict[str, float]:
    """What is said of voxels with an estimate, arrays of shape `(voxel,)`."""
    error = value - true
    relative = 100 * error[true != 0] / true[true != 0]
    # An SD of 0 claims certainty: it covers only an exact estimate.
    stated = np.isfinite(sd) & (sd >= 0)
    size, sd = np.abs(error[stated]), sd[stated]
    over = np.divide(size, sd, out=np.where(size > 0, np.inf, 0.0), where=sd > 0)
    return {
        "mean_truth": _mean(true),
        "mean_estimate": _mean(value),
        "bias": _mean(error),
        "bias_percent": _mean(relative),
        "median_bias": _median(error),
        "median_bias_percent": _median(relative),
        "sd": float(error.std(ddof=1)) if error.size > 1 else math.nan,
        "rmse": math.sqrt(_mean(error**2)),
        "mape": _mean(np.abs(relative)),
        "median_ape": _median(np.abs(relative)),
        "median_error_over_sd": _median(over),
        "coverage": _mean((size <= sd).astype(float)),
    }


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else math.nan


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if values.size else math.nan


def _ratio(part: Any, whole: int) -> float:
    return float(part / whole) if whole else math.nan
