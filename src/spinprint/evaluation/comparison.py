"""Maps beside a truth, or beside other maps: errors and agreement."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from ..maps import Maps, Status
from .agreement import Agreement, agree
from .metrics import Row, compare
from .structures import pure_labels

Array = NDArray[np.float64]


class Role(Enum):
    """What the maps are compared with; the value is its description."""

    TRUTH = "the truth"
    REPEAT = "maps of another series of the same object"
    ESTIMATE = "other maps of the same series"

    @property
    def noun(self) -> str:
        """What its values are called, as in "mean truth"."""
        return "truth" if self is Role.TRUTH else "reference"

    @property
    def adjective(self) -> str:
        """What one of its values is called, as in "true T1"."""
        return "true" if self is Role.TRUTH else "reference"


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """What maps are compared with."""

    role: Role
    """What it is."""
    name: str
    """Where it comes from, as a folder or a table."""
    values: Mapping[str, NDArray[np.floating]]
    """Maps by parameter, `(x, y, z)` [SI units]; NaN where there is none."""
    sd: Mapping[str, Array] = field(default_factory=dict)
    """Stated deviations of maps, same names, shape and units; the truth has none."""
    maps: Maps | None = None
    """The reference with its noise and M0, where it is maps of an estimator."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """Maps, what they were compared with, and the results."""

    maps: Maps
    """What was measured, `(x, y, z)`. Against a repeat, `sd` is that of the difference."""
    reference: Reference
    """What they were compared with."""
    labels: NDArray[np.integer] | None
    """Structure of each counted voxel, 0 for none, `(x, y, z)`; of pure voxels where purity was
    given."""
    names: Mapping[int, str]
    """Names of the labels."""
    bound: Mapping[str, Array]
    """Cramér-Rao deviation of the error by parameter, `(x, y, z)` [SI units]; empty if unknown."""
    rows: tuple[Row, ...]
    """Errors by parameter and structure, and over all structures."""
    rows_with_mixed: tuple[Row, ...] = ()
    """The same with voxels of several tissues as well; empty where none was left out."""
    agreements: tuple[Agreement, ...] = ()
    """Agreement over voxels and, of three structures or more, over the medians of structures."""

    @property
    def against_truth(self) -> bool:
        """Whether the maps were compared with the truth, and not with other maps."""
        return self.reference.role is Role.TRUTH

    @property
    def parameters(self) -> list[str]:
        """The parameters that both sides hold, in the order of the maps."""
        return [name for name in self.maps if name in self.reference.values]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Voxels that were asked for and lie in a structure, `(x, y, z)`."""
        asked = self.maps.status != Status.OUTSIDE
        return asked if self.labels is None else asked & (self.labels != 0)

    def pair(self, parameter: str) -> tuple[Array, Array]:
        """Estimate and reference of the counted voxels with both, each `(voxel,)` [SI unit]."""
        estimate, reference, both = self._both(parameter)
        return estimate[both], reference[both]

    def medians(self, parameter: str) -> tuple[list[int], Array, Array]:
        """Labels of the structures with a pair, and the medians of both in each, `(region,)`."""
        if self.labels is None:
            return [], np.empty(0), np.empty(0)
        estimate, reference, both = self._both(parameter)
        labels = [int(label) for label in np.unique(self.labels[both])]
        places = [both & (self.labels == label) for label in labels]
        return (
            labels,
            np.array([np.median(estimate[where]) for where in places]),
            np.array([np.median(reference[where]) for where in places]),
        )

    def agreement(self, parameter: str, cases: str) -> Agreement | None:
        """Agreement of a parameter over "voxels" or "regions"."""
        matches = (a for a in self.agreements if (a.name, a.cases) == (parameter, cases))
        return next(matches, None)

    def _both(self, parameter: str) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Both maps, and where a counted voxel has both, each `(x, y, z)`."""
        estimate = np.asarray(self.maps[parameter], dtype=np.float64)
        reference = np.asarray(self.reference.values[parameter], dtype=np.float64)
        return estimate, reference, self.counted & np.isfinite(estimate) & np.isfinite(reference)


def compare_maps(
    maps: Maps,
    reference: Reference,
    labels: NDArray[np.integer] | None = None,
    names: Mapping[int, str] | None = None,
    *,
    bound: Mapping[str, Array] | None = None,
    bayes_risk: Mapping[str, Array] | None = None,
    purity: Array | None = None,
    n_bootstrap: int = 500,
    seed: int = 0,
) -> Comparison:
    """Measure maps against a reference: errors by structure, and agreement.

    Against a repeat, errors are differences of two measurements: coverage is that of the two
    stated deviations combined. Against other maps of the same series, whose noise is the same, no
    deviation of the difference is known.

    Parameters
    ----------
    maps
        Shape `(x, y, z)`.
    reference
        What they are compared with.
    labels, names
        Structures, 0 for none, and their names.
    bound
        Cramér-Rao deviation of the error by parameter, `(x, y, z)` [SI units].
    bayes_risk
        Bayes risk by parameter, `(x, y, z)` [squared SI units].
    purity
        Share of each voxel that belongs to its label, `(x, y, z)` [-]; needs labels. All numbers
        are then those of pure voxels (`PURE`), with the errors of all voxels beside them.
    n_bootstrap
        Resamples for the intervals.
    seed
        Seed of the resampling.

    Raises
    ------
    SeriesError
        As for `compare`; purity was given without labels or leaves no voxel; or no voxel of a
        structure has both an estimate and a reference.
    """
    judged = maps.replace(sd=_deviations(maps, reference))
    counted = _pure(labels, purity)

    def measure(structures: NDArray[np.integer] | None) -> tuple[Row, ...]:
        return tuple(
            compare(
                judged, reference.values, structures, names, bound=bound, bayes_risk=bayes_risk,
                n_bootstrap=n_bootstrap, seed=seed,
            )
        )  # fmt: skip

    rows = measure(counted)
    if not any(row.n_estimated for row in rows):
        where = "voxel" if labels is None else "labelled voxel"
        raise SeriesError(
            f"no {where} holds both an estimate and a reference: check that maps,"
            f" {reference.name} and labels show the same"
        )
    all_count = counted is labels or np.array_equal(counted, labels)  # type: ignore[arg-type]
    comparison = Comparison(
        maps=judged, reference=reference, labels=counted, names=dict(names or {}),
        bound=dict(bound or {}), rows=rows, rows_with_mixed=() if all_count else measure(labels),
    )  # fmt: skip
    repeated = not comparison.against_truth
    voxels = {name: comparison.pair(name) for name in comparison.parameters}
    regions = {name: comparison.medians(name)[1:] for name in comparison.parameters}
    agreements = (
        *agree(voxels, "voxels", repeated=repeated, seed=seed),
        *agree(regions, "regions", repeated=repeated, seed=seed),
    )
    return dataclasses.replace(comparison, agreements=agreements)


def _pure(labels: NDArray[np.integer] | None, purity: Array | None) -> NDArray[np.integer] | None:
    """The labels of pure voxels, where it is known which these are."""
    if purity is None:
        return labels
    if labels is None:
        raise SeriesError(
            "purity is the share of a voxel that its label fills: give labels as well"
        )
    counted = pure_labels(labels, purity)
    if not counted.any():
        raise SeriesError(
            "no labelled voxel is pure by its purity map: give a finer one, or none and erode"
        )
    return counted


def _deviations(maps: Maps, reference: Reference) -> dict[str, NDArray[np.float32]]:
    """Stated deviations of the error by parameter, where there are any."""
    if reference.role is Role.TRUTH:
        return dict(maps.sd)
    if reference.role is Role.ESTIMATE:
        return {}
    return {
        name: np.hypot(sd, reference.sd[name]).astype(np.float32)
        for name, sd in maps.sd.items()
        if name in reference.sd
    }
