"""What a report says, before it becomes a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from ..evaluation import Row
from ..maps import Maps
from ..sequence import Sequence
from .quantities import DISPLAY


@dataclass(frozen=True, eq=False, kw_only=True)
class Fingerprint:
    """The measured signal of one voxel and the signal of its estimate.

    Raises
    ------
    SeriesError
        The two differ in length.
    """

    name: str
    """What was measured, as the tissue."""
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


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportContent:
    """All that a report is made of; what is not given is left out of the page.

    Raises
    ------
    SeriesError
        The maps have more than three axes or none of a known quantity, the truth or the labels
        have another shape, or a fingerprint has not the samples of the sequence.
    """

    title: str
    """The heading of the page."""
    sequence: Sequence
    """What was played."""
    maps: Maps
    """What was found, shape `(x, y, z)` or fewer axes."""
    description: str = ""
    """What was measured, in a sentence or two."""
    simulated: bool = False
    """Whether the series was computed, not measured: the page then says so."""
    truth: Mapping[str, NDArray[Any]] | None = None
    """True maps by parameter, shape `(x, y, z)` [SI units]; NaN where there is none."""
    rows: tuple[Row, ...] = ()
    """The maps measured against the truth, by `evaluation.compare`."""
    labels: NDArray[Any] | None = None
    """The structure of each voxel, 0 for none, shape `(x, y, z)`."""
    names: Mapping[int, str] = field(default_factory=dict)
    """The name of each label; by default its number."""
    fingerprints: tuple[Fingerprint, ...] = ()
    """Signals of a few voxels, as `report.pick_fingerprints` picks them."""
    singular_values: NDArray[np.float64] | None = None
    """Those of the dictionary, descending."""
    rank: int | None = None
    """Number of singular vectors kept."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """How the run was made, as the command line, the seed or the noise; version, sequence and
    estimator are added to it from the rest."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))
        object.__setattr__(self, "fingerprints", tuple(self.fingerprints))
        if not 1 <= len(self.maps.shape) <= 3:
            raise SeriesError(f"maps of shape {self.maps.shape}: a report shows up to three axes")
        unknown = [name for name in self.maps if name not in DISPLAY]
        if unknown or not list(self.maps):
            raise SeriesError(f"the maps hold {list(self.maps)}: a report shows {list(DISPLAY)}")
        arrays = {f"true {name}": array for name, array in (self.truth or {}).items()}
        for name, array in {**arrays, "labels": self.labels}.items():
            if array is not None and np.shape(array) != self.maps.shape:
                raise SeriesError(
                    f"{name}: shape {np.shape(array)} is not that of the maps, {self.maps.shape}"
                )
        for fingerprint in self.fingerprints:
            if len(fingerprint.measured) != self.sequence.n_samples:
                raise SeriesError(
                    f"fingerprint {fingerprint.name!r} has {len(fingerprint.measured)} samples"
                    f" where the sequence has {self.sequence.n_samples}"
                )

    def label_names(self) -> dict[int, str]:
        """The name of each label that occurs, ascending; empty without labels."""
        found = [] if self.labels is None else np.unique(self.labels).tolist()
        return {int(one): self.names.get(int(one), str(int(one))) for one in found if one}
