"""Images that belong to a series or to maps: same voxels, same place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .arrays import read_array
from .geometry import Geometry, Remark, require_place, unsaid
from .series import Series


@dataclass(frozen=True, eq=False)
class MapPlace:
    """The voxels of maps, which other images have to share."""

    shape: tuple[int, ...]
    """Number of voxels, `(x, y, z)`."""
    affine: NDArray[np.float64] | None
    """Voxel to world transform, shape (4, 4) [mm]; None where it is not known."""

    @property
    def geometry(self) -> Geometry:
        """Where the voxels lie."""
        return Geometry.from_affine(self.affine)


def read_beside(
    path: Path, place: Series | MapPlace, what: str, remark: Remark = unsaid
) -> NDArray[Any]:
    """Read a real array that has the voxels of a series or of maps.

    Parameters
    ----------
    path
        Any format that `read_series` knows.
    place
        The series, or the voxels of the maps.
    what
        What messages call the image, as "mask".
    remark
        Takes a sentence where the place of the image could not be checked.

    Returns
    -------
    array
        Numbers or truth values, shape `(x, y, z)`.

    Raises
    ------
    SeriesError
        The file cannot be read, is complex, or has another shape or place.
    """
    other = "the series" if isinstance(place, Series) else "the maps"
    array, geometry = read_array(path)
    if np.iscomplexobj(array):
        raise SeriesError(f"{path}: is complex: a {what} is real")
    shape = array.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    # As in a series, spatial axes that a file leaves out have length 1.
    shape += (1,) * (3 - len(shape))
    if shape != place.shape:
        raise SeriesError(
            f"{path}: the {what} has shape {array.shape}, {other} {place.shape}:"
            f" resample it onto {other}"
        )
    require_place(geometry, place.geometry, shape, f"{path}: the {what}", other, remark)
    return array.reshape(shape)
