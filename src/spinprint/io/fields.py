"""Masks and field maps that belong to a series: same voxels, same place."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .arrays import read_array
from .series import Series

_TOLERANCE = 0.1  # how far a voxel may lie from its place in the series [voxel edges]
_PERCENT = 10.0  # a relative B1 whose median exceeds this was meant in percent


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


def read_field(path: str | Path, series: Series, what: Literal["b1", "b0"]) -> NDArray[np.float32]:
    """Read a map of the transmit field or of off-resonance for a series.

    Parameters
    ----------
    path
        Any format that `read_series` knows.
    series
        What it belongs to.
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


def _read_beside(path: Path, series: Series, what: str) -> NDArray[Any]:
    """A real array that has the voxels of the series, shape `(x, y, z)`."""
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
            f"{path}: the {what} has shape {array.shape}, the series {series.shape}:"
            " resample it onto the series"
        )
    if geometry and series.geometry:
        offset = series.geometry.offset(geometry.affine, shape)
        if offset > _TOLERANCE:
            raise SeriesError(
                f"{path}: the {what} lies up to {offset:.2g} voxels off the series"
                " (their affines differ): resample it onto the series"
            )
    return array.reshape(shape)
