"""How slices of a volume lie on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...maps import Maps, Status

MAX_SLICES = 16
"""Slices shown at most; of more, as many spread evenly."""

_MARGIN = 2  # voxels around what was mapped
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))  # the ends of the axes of RAS+ space


@dataclass(frozen=True, kw_only=True)
class View:
    """Slices across the third axis, turned as radiologists look at them.

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
    """Letters of left, right, bottom and top, where the affine tells them."""

    @classmethod
    def of(cls, maps: Maps) -> View:
        """The view of the voxels that were asked for, or of all where none was."""
        asked = volume(maps.status) != Status.OUTSIDE
        if not asked.any():
            asked = np.ones_like(asked)
        filled = np.flatnonzero(asked.any(axis=(0, 1)))
        picked = np.linspace(0, len(filled) - 1, min(len(filled), MAX_SLICES)).round()
        box = (_extent(asked.any(axis=(1, 2))), _extent(asked.any(axis=(0, 2))))
        indices = tuple(filled[picked.astype(int)].tolist())
        if maps.affine is None:
            return cls(indices=indices, box=box)
        return cls(indices=indices, box=box, **_orientation(maps.affine))

    def plane(self, array: NDArray[Any], index: int) -> NDArray[Any]:
        """A slice of an array of the shape of the maps, `(row, column)`, the lowest row first."""
        plane = volume(array)[*self.box, index]
        plane = plane if self.swapped else plane.T
        columns, rows = self.flipped
        return plane[:: -1 if rows else 1, :: -1 if columns else 1]


def volume(array: NDArray[Any]) -> NDArray[Any]:
    """The array with as many axes of length 1 as it lacks, shape `(x, y, z)`."""
    return array.reshape(*array.shape, *(1,) * (3 - array.ndim))


def _extent(filled: NDArray[np.bool_]) -> slice:
    inside = np.flatnonzero(filled)
    return slice(max(int(inside[0]) - _MARGIN, 0), int(inside[-1]) + 1 + _MARGIN)


def _orientation(affine: NDArray[np.float64]) -> dict[str, Any]:
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    ratio = float(edges[1] / edges[0])
    worlds = np.abs(affine[:3, :2]).argmax(axis=0).tolist()
    if worlds[0] == worlds[1]:  # at 45 degrees to both: no letter would be right
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
