"""A phantom: an object with known truth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from ...tissue import PHYSICAL, Tissue

MAPPED = ("t1", "t2", "t1rho", "adc")
"""The parameters that a phantom knows and an estimator maps."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Phantom:
    """Labels and tissue per voxel, axes `(x, y, z)`.

    `sp.simulate(sequence, phantom.tissue)` is its noise-free series.

    Raises
    ------
    TissueError
        Shapes differ, a label has no name or a name no source, m0 is not 0 outside the labels,
        T2 <= T1rho <= T1 does not hold, the affine cannot be inverted, or the field strength is
        not positive.
    """

    name: str
    """What people call it."""
    labels: NDArray[np.uint8]
    """The structure that fills each voxel, 0 for none, shape `(x, y, z)`."""
    names: Mapping[int, str]
    """The name of each label but 0."""
    sources: Mapping[str, str]
    """For each name the citation and field strength of its values."""
    tissue: Tissue
    """The truth, arrays of shape `(x, y, z)`; m0 = 0 and harmless values where the label is 0."""
    affine: NDArray[np.float64]
    """Voxel to world transform [mm], RAS+, shape (4, 4)."""
    field_strength: float
    """Main field that the tissue values belong to [T]."""

    def __post_init__(self) -> None:
        labels = np.array(self.labels)
        if labels.dtype != np.uint8 or labels.ndim != 3:
            raise TissueError(
                f"phantom {self.name!r}: labels must be uint8 of shape (x, y, z),"
                f" not {labels.dtype} of shape {labels.shape}"
            )
        affine = np.array(self.affine, dtype=float)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.linalg.det(affine):
            raise TissueError(
                f"phantom {self.name!r}: the affine must be an invertible 4 x 4 matrix"
            )
        if not (math.isfinite(self.field_strength) and self.field_strength > 0):
            raise TissueError(
                f"phantom {self.name!r}: field strength {self.field_strength:g} T must be positive"
            )
        for name, value in (("labels", labels), ("affine", affine)):
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        object.__setattr__(self, "names", dict(self.names))
        object.__setattr__(self, "sources", dict(self.sources))
        self._check_names()
        self._check_tissue()

    def _check_names(self) -> None:
        if 0 in self.names:
            raise TissueError(f"phantom {self.name!r}: label 0 is the background and has no name")
        for label in np.unique(self.labels[self.mask]).tolist():
            if label not in self.names:
                raise TissueError(f"phantom {self.name!r}: label {label} has no name")
        for name in self.names.values():
            if not self.sources.get(name):
                raise TissueError(f"phantom {self.name!r}: {name!r} states no source of its values")

    def _check_tissue(self) -> None:
        for name, value in self.tissue.given().items():
            if value.shape != self.labels.shape:
                raise TissueError(
                    f"phantom {self.name!r}: {name} has shape {value.shape} and the labels"
                    f" {self.labels.shape}: they must be equal"
                )
        if self.tissue.m0 is None or self.tissue.m0[~self.mask].any():
            raise TissueError(
                f"phantom {self.name!r}: m0 must be given, and 0 where the label is 0"
            )
        given = self.tissue.given()
        for low, high in PHYSICAL:
            if low in given and high in given and (given[low] > given[high]).any():
                raise TissueError(f"phantom {self.name!r}: {low} <= {high} must hold everywhere")

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of voxels `(x, y, z)`."""
        return self.labels.shape

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where there is tissue, shape `(x, y, z)`."""
        return self.labels > 0

    def truth(self, parameters: Iterable[str] = MAPPED) -> dict[str, NDArray[np.float32]]:
        """The true map of each parameter, NaN where there is no tissue, shape `(x, y, z)`.

        Give `sequence.unknowns` for the maps that a sequence can be asked for.

        Raises
        ------
        TissueError
            The phantom does not know a parameter.
        """
        return {
            name: np.where(self.mask, self._known(name), np.nan).astype(np.float32)
            for name in parameters
        }

    def _known(self, name: str) -> NDArray[np.float64]:
        given = self.tissue.given()
        if name not in given:
            known = ", ".join(given)
            raise TissueError(f"phantom {self.name!r} has no {name!r}; it has {known}")
        return given[name]
