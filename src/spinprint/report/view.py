"""Orientation and cropping of the slices of a volume on a page."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEWEST = 16  # slices that are kept before voxels within a slice are left out
_MARGIN = 2  # voxels around what was mapped
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))  # the ends of the axes of RAS+ space


@dataclass(frozen=True, kw_only=True)
class View:
    """Slices across the third axis, in radiological orientation.

    Superior is up, or anterior in axial slices; right and anterior are on the left. Without an
    affine the first axis runs to the right and the second one up.
    """

    indices: tuple[int, ...]
    """The slices shown, along the third axis."""
    box: tuple[slice, slice]
    """The part shown of the first and second axis."""
    swapped: bool = False
    """Whether the first axis is vertical."""
    flipped: tuple[bool, bool] = (False, False)
    """Whether columns and rows run against their axis."""
    aspect: float = 1.0
    """Height of a voxel over its width on the page [-]."""
    ends: tuple[str, str, str, str] | None = None
    """Letters of left, right, bottom and top, if the affine determines them."""

    @classmethod
    def of(cls, asked: NDArray[np.bool_], affine: NDArray[np.float64] | None = None) -> View:
        """The view of the requested voxels, or of all if there are none.

        Parameters
        ----------
        asked
            Where values were requested, shape `(x, y, z)` or fewer axes.
        affine
            Voxel to world transform [mm], shape (4, 4).
        """
        shown = volume(asked) if asked.any() else np.ones_like(volume(asked))
        first, second, third = (shown.any(axis=axes) for axes in ((1, 2), (0, 2), (0, 1)))
        box = (_extent(np.asarray(first)), _extent(np.asarray(second)))
        indices = tuple(np.flatnonzero(third).tolist())
        if affine is None:
            return cls(indices=indices, box=box)
        return cls(indices=indices, box=box, **_orientation(affine))

    def within(self, voxels: int) -> View:
        """A view of at most this many voxels: fewer slices, then every second, third, ... voxel.

        The slices left are spread evenly.
        """
        wanted = min(len(self.indices), _FEWEST)
        coarser = self
        while coarser._area * wanted > voxels and coarser._area > 1:
            coarser = coarser._with_step(coarser.step + 1)
        count = min(len(self.indices), max(voxels // coarser._area, 1))
        picked = np.linspace(0, len(self.indices) - 1, count).round().astype(int)
        return dataclasses.replace(coarser, indices=tuple(self.indices[place] for place in picked))

    def _with_step(self, step: int) -> View:
        first, second = (slice(side.start, side.stop, step) for side in self.box)
        return dataclasses.replace(self, box=(first, second))

    @property
    def _area(self) -> int:
        """Voxels in a slice as it is shown."""
        columns, rows = self.places()
        return len(columns) * len(rows)

    @property
    def step(self) -> int:
        """Step between the voxels shown within a slice."""
        return self.box[0].step or 1

    def plane(self, array: NDArray[Any], index: int) -> NDArray[Any]:
        """A slice of an array of voxels, `(row, column)`, the top row first."""
        plane = volume(array)[*self.box, index]
        plane = plane if self.swapped else plane.T
        columns, rows = self.flipped
        return plane[:: 1 if rows else -1, :: -1 if columns else 1]

    def places(self) -> tuple[list[int], list[int]]:
        """The index along its axis of each column and each row of `plane`."""
        first, second = (list(range(side.start, side.stop, side.step or 1)) for side in self.box)
        columns, rows = (second, first) if self.swapped else (first, second)
        return columns[:: -1 if self.flipped[0] else 1], rows[:: 1 if self.flipped[1] else -1]


def volume(array: NDArray[Any]) -> NDArray[Any]:
    """The array padded with axes of length 1, shape `(x, y, z)`."""
    return array.reshape(*array.shape, *(1,) * (3 - array.ndim))


def _extent(filled: NDArray[np.bool_]) -> slice:
    inside = np.flatnonzero(filled)
    return slice(max(int(inside[0]) - _MARGIN, 0), min(int(inside[-1]) + 1 + _MARGIN, filled.size))


def _orientation(affine: NDArray[np.float64]) -> dict[str, Any]:
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    ratio = float(edges[1] / edges[0])
    worlds = np.abs(affine[:3, :2]).argmax(axis=0).tolist()
    if worlds[0] == worlds[1]:  # at 45 degrees to both axes: no letter would be right
        return {"aspect": ratio}
    swapped = worlds[0] > worlds[1]
    horizontal, vertical = (1, 0) if swapped else (0, 1)
    signs = [float(affine[world, axis]) for axis, world in enumerate(worlds)]
    low, high = _ENDS[worlds[horizontal]]
    bottom, top = _ENDS[worlds[vertical]]
    return {
        "swapped": swapped,
        "flipped": (signs[horizontal] > 0, signs[vertical] < 0),
        "aspect": 1 / ratio if swapped else ratio,
        "ends": (high, low, bottom, top),
    }
