"""A phantom: an object with known truth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from ...parameters import PARAMETERS, PHYSICAL
from ...sequence import Sequence
from ...tissue import Tissue
from .mixture import Mixture

MAPPED = tuple(name for name, parameter in PARAMETERS.items() if not parameter.is_field)
"""The parameters that a phantom knows and an estimator maps."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Phantom:
    """Labels and tissue per voxel, axes `(x, y, z)`.

    `phantom.image(sequence)` is its noise-free series.

    Raises
    ------
    TissueError
        Shapes differ, a label has no name or a name no source, a region holds a label without
        name, m0 is not 0 outside the labels, the mixture contradicts m0, T2 <= T1rho <= T1 does
        not hold, the affine cannot be inverted, or the field strength is not positive.
    """

    name: str
    """What people call it."""
    labels: NDArray[np.uint8]
    """The structure that fills most of each voxel, 0 for none, shape `(x, y, z)`."""
    names: Mapping[int, str]
    """The name of each label but 0."""
    sources: Mapping[str, str]
    """For each name the citation and field strength of its values."""
    tissue: Tissue
    """The truth, arrays of shape `(x, y, z)`: of the structure that fills most of the voxel.

    m0 is that of the whole voxel. Where the label is 0, m0 = 0 and the others are harmless.
    """
    affine: NDArray[np.float64]
    """Voxel to world transform [mm], RAS+, shape (4, 4)."""
    field_strength: float
    """Main field that the tissue values belong to [T]."""
    regions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Labels that belong together, by the name of the region."""
    mixture: Mixture | None = None
    """What the voxels hold at borders; None fills each with one tissue.

    Voxels of label 0 may hold a smaller part of something.
    """
    description: str = ""
    """What the phantom is, with its assumptions, in sentences for a reader."""

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
        object.__setattr__(self, "regions", {k: tuple(v) for k, v in self.regions.items()})
        self._check_names()
        self._check_tissue()
        self._check_mixture()

    def _check_names(self) -> None:
        if 0 in self.names:
            raise TissueError(f"phantom {self.name!r}: label 0 is the background and has no name")
        for label in np.unique(self.labels[self.mask]).tolist():
            if label not in self.names:
                raise TissueError(f"phantom {self.name!r}: label {label} has no name")
        for name in self.names.values():
            if not self.sources.get(name):
                raise TissueError(f"phantom {self.name!r}: {name!r} states no source of its values")
        for region, labels in self.regions.items():
            if not labels or not set(labels) <= set(self.names):
                raise TissueError(
                    f"phantom {self.name!r}: region {region!r} must hold labels that have a name"
                )

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

    def _check_mixture(self) -> None:
        if self.mixture is None:
            return
        voxel = self.mixture.voxel
        if voxel.size and not 0 <= voxel[0] <= voxel[-1] < self.labels.size:
            raise TissueError(f"phantom {self.name!r}: the mixture has voxels outside the volume")
        total = self.mixture.total_m0(self.labels.size).reshape(self.shape)
        if not np.allclose(total[self.mask], self.tissue.get("m0")[self.mask]):
            raise TissueError(
                f"phantom {self.name!r}: the parts of each voxel must add up to its m0"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of voxels `(x, y, z)`."""
        return self.labels.shape

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where there is tissue, shape `(x, y, z)`."""
        return self.labels > 0

    @property
    def parts(self) -> Mixture:
        """The mixture; without one, every voxel with tissue as one part."""
        if self.mixture is not None:
            return self.mixture
        voxel = np.flatnonzero(self.mask)
        return Mixture(
            voxel=voxel, label=self.labels[self.mask], tissue=self.tissue.take(self.mask)
        )

    @property
    def purity(self) -> NDArray[np.float32]:
        """How much of a voxel's |m0| belongs to the structure of its label, `(x, y, z)`.

        1 in voxels of one tissue, NaN where the label is 0. Truth per voxel means less the lower
        this is.
        """
        parts, labels = self.parts, self.labels.ravel()
        weights = np.abs(parts.tissue.get("m0"))
        own = parts.label == labels[parts.voxel]
        of_label, of_all = (
            np.bincount(parts.voxel, weights * chosen, self.labels.size) for chosen in (own, 1)
        )
        share = np.full(self.labels.size, np.nan, np.float32)
        np.divide(of_label, of_all, out=share, where=labels > 0, casting="same_kind")
        return share.reshape(self.shape)

    def image(self, sequence: Sequence) -> NDArray[np.complex64]:
        """The noise-free series, shape `(x, y, z, time)`.

        The signal of a voxel is the sum over its parts, so that voxels at borders show partial
        volume. Beyond the series, memory does not grow with the volume.

        Raises
        ------
        TissueError
            The sequence needs a parameter that the phantom does not know.
        """
        return self.parts.image(sequence, self.shape)

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
