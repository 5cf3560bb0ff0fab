"""Masks, field maps and purity that belong to a series or to maps: same voxels, same place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .arrays import read_array
from .geometry import Geometry
from .series import Series

_TOLERANCE = 0.1  # how far a voxel may lie from its place in the series [voxel edges]
_ROUNDING = 1e-5  # of a purity of 1 in single precision
_PERCENT = 10.0  # a relative B1 whose median exceeds this was meant in percent


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


def read_mask(path: str | Path, series: Series) -> NDArray[np.bool_]:
    """Read a mask for a series.

    Parameters
    ----------
    path
        Any format that `read_series` knows; numbers, of which finite ones other than 0 are inside.
    series
        What it masks.

    Returns
    -------
    mask
        True inside, shape `(x, y, z)`.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the series, or masks all of it.
    """
    path = Path(path)
    values = _read_beside(path, series, "mask")
    inside = np.isfinite(values)
    inside[inside] = values[inside] != 0
    if not inside.any():
        raise SeriesError(f"{path}: no voxel is inside the mask: give one with values other than 0")
    return inside


def read_field(
    path: str | Path, series: Series | MapPlace, what: Literal["b1", "b0"]
) -> NDArray[np.float32]:
    """Read a map of the transmit field or of off-resonance for a series or for maps.

    Parameters
    ----------
    path
        Any format that `read_series` knows.
    series
        What it belongs to: a series, or the voxels of maps.
    what
        "b1": flip angle relative to nominal [-]; "b0": off-resonance [Hz].

    Returns
    -------
    field
        Shape `(x, y, z)`; NaN where the file has no finite value.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the series, or holds values
        that cannot be meant so.
    """
    path = Path(path)
    name = f"{what.upper()} map"
    with np.errstate(over="ignore", invalid="ignore"):
        field = _read_beside(path, series, name).astype(np.float32)
    field[~np.isfinite(field)] = np.nan
    if np.isnan(field).all():
        raise SeriesError(f"{path}: the {name} holds no finite value: give another one")
    if what == "b1":
        _check_b1(field, path)
    return field


def read_purity(path: str | Path, place: MapPlace) -> NDArray[np.float64]:
    """Read how much of each voxel belongs to the structure of its label.

    Parameters
    ----------
    path
        Any format that `read_series` knows; numbers from 0 to 1 [-], as `spinprint simulate` writes
        them.
    place
        The voxels of the maps.

    Returns
    -------
    purity
        Shape `(x, y, z)`; 0 where the file has no finite value.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the maps, or holds other numbers.
    """
    path = Path(path)
    values = _read_beside(path, place, "purity map").astype(np.float64)
    told = np.isfinite(values)
    if not told.any() or values[told].min() < 0 or values[told].max() > 1 + _ROUNDING:
        raise SeriesError(
            f"{path}: a purity map holds the part of each voxel that its label fills, from 0 to 1"
        )
    return np.where(told, values, 0.0)


def _check_b1(field: NDArray[np.float32], path: Path) -> None:
    """Refuse what cannot be a relative B1: BIDS recommends percent, others store angles."""
    if np.nanmin(field) < 0:
        raise SeriesError(
            f"{path}: the B1 map holds {np.nanmin(field):g}: relative B1 is at least 0"
        )
    if not (field > 0).any():
        raise SeriesError(f"{path}: the B1 map is 0 everywhere: relative B1 is near 1")
    median = float(np.median(field[field > 0]))
    if median > _PERCENT:
        raise SeriesError(
            f"{path}: the B1 map looks like percent (median {median:.3g}):"
            " relative B1 is near 1, divide by 100"
        )


def _read_beside(path: Path, series: Series | MapPlace, what: str) -> NDArray[Any]:
    """A real array that has the voxels of a series or of maps, shape `(x, y, z)`."""
    other = "the series" if isinstance(series, Series) else "the maps"
    array, geometry = read_array(path)
    if np.iscomplexobj(array):
        raise SeriesError(f"{path}: is complex: a {what} is real")
    shape = array.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    # As in a series, spatial axes that a file leaves out have length 1.
    shape += (1,) * (3 - len(shape))
    if shape != series.shape:
        raise SeriesError(
            f"{path}: the {what} has shape {array.shape}, {other} {series.shape}:"
            f" resample it onto {other}"
        )
    if geometry and series.geometry:
        offset = series.geometry.offset(geometry.affine, shape)
        if offset > _TOLERANCE:
            raise SeriesError(
                f"{path}: the {what} lies up to {offset:.2g} voxels off {other}"
                f" (their affines differ): resample it onto {other}"
            )
    return array.reshape(shape)
