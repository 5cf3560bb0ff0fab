"""How far maps are from the truth: per parameter, per structure, in numbers with names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError
from ..maps import Maps, Status
from .error_statistics import Sample, intervals, statistics
from .row import ALL, Row

Array = NDArray[np.float64]


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
    bound
        Cramér-Rao standard deviation per parameter [unit of the parameter], shape `(...)` or a
        number, as `cramer_rao(...).sd`.
    bayes_risk
        Least mean squared error over the prior per parameter [squared unit of the parameter],
        shape `(...)` or a number; of relative errors, as `BayesRisk.rms` states them for times,
        it is (rms * truth)².
    snr_db
        Signal-to-noise ratio that the rows say of themselves, for sweeps [dB].
    n_bootstrap
        Resamples of the voxels for intervals; 0 gives none. Voxels count as independent.
    seed
        Of the resampling.

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
            key: _spread(f"the {key} of {parameter}", values.get(parameter), maps.shape)
            for key, values in given.items()
        }
        rows += [
            _row(
                maps, parameter, structure, true, denominators,
                snr_db=snr_db, n_bootstrap=n_bootstrap, seed=seed,
            )
            for structure in structures
        ]  # fmt: skip
    return [row for row in rows if row is not None]


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
    structure: Structure,
    true: Array,
    denominators: Mapping[str, Array],
    *,
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
    sample = Sample(
        value=value[estimated],
        true=true[counted][estimated],
        **{key: array[counted][estimated] for key, array in denominators.items()},
    )
    return Row(
        parameter=parameter,
        label=label,
        name=name,
        snr_db=snr_db,
        n=n,
        n_estimated=int(estimated.sum()),
        n_outside=int((~asked).sum()),
        at_edge=_ratio((status == Status.AT_EDGE).sum(), n),
        failed=_ratio((asked & ~trusted).sum(), n),
        intervals=intervals(sample, n_bootstrap, seed),
        **statistics(sample),
    )


def _spread(what: str, values: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    """Values as an array of the shape of the maps; NaN where none are given."""
    array = np.asarray(np.nan if values is None else values, dtype=np.float64)
    if array.shape not in ((), shape):
        raise SeriesError(
            f"{what} has shape {array.shape} and the maps {shape}: they must be equal"
        )
    return np.broadcast_to(array, shape)


def _ratio(part: Any, whole: int) -> float:
    return float(part / whole) if whole else math.nan
