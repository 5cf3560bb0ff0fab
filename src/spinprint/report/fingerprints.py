"""Fingerprints of typical voxels: the measured signal beside that of the estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError
from ..maps import Maps, Status
from ..parameters import PARAMETERS
from ..physics.simulate import simulate
from ..sequence import Sequence
from ..tissue import Tissue


@dataclass(frozen=True, eq=False, kw_only=True)
class Fingerprint:
    """The measured signal of one voxel and the signal of its estimate.

    Raises
    ------
    SeriesError
        The two differ in length.
    """

    name: str
    """What was measured, such as the tissue."""
    measured: NDArray[Any]
    """Complex samples, shape `(time,)` [unit of the series]."""
    fitted: NDArray[Any]
    """The signal of the estimate times its M0, shape `(time,)` [unit of the series]."""
    values: Mapping[str, float] = field(default_factory=dict)
    """The estimate by parameter [SI units]."""

    def __post_init__(self) -> None:
        if self.measured.ndim != 1 or self.measured.shape != self.fitted.shape:
            raise SeriesError(
                f"fingerprint {self.name!r}: measured {self.measured.shape} and fitted"
                f" {self.fitted.shape} must be one axis of equal length"
            )


def pick_fingerprints(
    series: NDArray[Any],
    maps: Maps,
    sequence: Sequence,
    *,
    labels: ArrayLike | None = None,
    names: Mapping[int, str] | None = None,
    b1: ArrayLike | None = None,
    b0: ArrayLike | None = None,
    count: int = 4,
) -> tuple[Fingerprint, ...]:
    """Typical voxels of structures that differ most, with the signal of their estimates.

    Of each structure the voxel nearest to its median T1 and T2 is taken. The largest structure
    comes first, then at each step the one farthest, in the logarithms of T1 and T2, from those
    already taken. Without labels, voxels are spread evenly over the order of T1. Maps that lack an
    unknown of the sequence give none, since their signal is not known.

    Parameters
    ----------
    series
        Complex signals, `(..., time)`.
    maps
        Their estimates, `(...)`.
    sequence
        What was played.
    labels
        Structure of each voxel, 0 for none, `(...)`.
    names
        Name of each label; by default its number.
    b1, b0
        Fields that the estimator was given [relative, Hz], `(...)`.
    count
        Largest number of fingerprints.

    Raises
    ------
    SeriesError
        The series or the labels do not fit the maps.
    """
    expected = (*maps.shape, sequence.n_samples)
    if np.shape(series) != expected:
        raise SeriesError(f"the series has shape {np.shape(series)}; it must be {expected}")
    if not set(sequence.unknowns) <= set(maps):
        return ()
    trusted = (maps.status == Status.OK).ravel()
    place = np.log(np.stack([maps["t1"].ravel(), maps["t2"].ravel()], axis=1), dtype=float)
    trusted &= np.isfinite(place).all(axis=1)
    if labels is None:
        chosen = {f"voxel {i + 1}": v for i, v in enumerate(_spread(place, trusted, count))}
    else:
        if np.shape(labels) != maps.shape:
            raise SeriesError(f"labels of shape {np.shape(labels)} do not fit {maps.shape}")
        chosen = _of_structures(place, trusted, np.ravel(labels), names or {}, count)
    fields = {"b1": b1, "b0": b0}
    known = {name: value for name, value in fields.items() if value is not None}
    return tuple(
        _fingerprint(name, np.unravel_index(voxel, maps.shape), series, maps, sequence, known)
        for name, voxel in chosen.items()
    )


def _spread(place: NDArray[np.float64], trusted: NDArray[np.bool_], count: int) -> list[int]:
    """Voxels in the middle of `count` equal parts of the order of T1."""
    voxels = np.flatnonzero(trusted)
    ordered = voxels[np.argsort(place[voxels, 0], kind="stable")]
    middles = (2 * np.arange(count) + 1) * len(ordered) // (2 * count)
    return list(dict.fromkeys(ordered[middles].tolist())) if len(ordered) else []


def _of_structures(
    place: NDArray[np.float64],
    trusted: NDArray[np.bool_],
    labels: NDArray[Any],
    names: Mapping[int, str],
    count: int,
) -> dict[str, int]:
    """A typical voxel of each of the structures that differ most, by name."""
    present, sizes = np.unique(labels[trusted & (labels != 0)], return_counts=True)
    left = [int(present[index]) for index in np.argsort(-sizes, kind="stable")]
    medians = {label: np.median(place[trusted & (labels == label)], axis=0) for label in left}
    chosen: list[int] = []
    while left and len(chosen) < count:

        def distance(label: int) -> float:
            gaps = [np.linalg.norm(medians[label] - medians[other]) for other in chosen]
            return float(min(gaps, default=0.0))

        # Of equals the first counts: with none chosen yet, the largest.
        chosen.append(max(left, key=distance))
        left.remove(chosen[-1])
    return {
        names.get(label, str(label)): _nearest(place, trusted & (labels == label), medians[label])
        for label in chosen
    }


def _nearest(
    place: NDArray[np.float64], inside: NDArray[np.bool_], target: NDArray[np.float64]
) -> int:
    voxels = np.flatnonzero(inside)
    return int(voxels[np.argmin(np.linalg.norm(place[voxels] - target, axis=1))])


def _fingerprint(
    name: str,
    voxel: tuple[Any, ...],
    series: NDArray[Any],
    maps: Maps,
    sequence: Sequence,
    fields: Mapping[str, ArrayLike],
) -> Fingerprint:
    values = {parameter: float(maps[parameter][voxel]) for parameter in maps}
    known = {n: float(np.broadcast_to(np.asarray(v), maps.shape)[voxel]) for n, v in fields.items()}
    given = {n: v for n, v in {**known, **values}.items() if n in PARAMETERS}
    tissue = Tissue(**given, m0=maps.m0[voxel])  # type: ignore[arg-type]
    return Fingerprint(
        name=name,
        measured=np.asarray(series[voxel]),
        fitted=simulate(sequence, tissue),
        values=values,
    )
