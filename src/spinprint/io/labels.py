"""Structures of maps: a label image, and the names beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .arrays import read_array
from .geometry import Geometry
from .sidecar import read_sidecar, sidecar_path, write_json

TOLERANCE = 0.1
"""How far a voxel may lie from its place in other images [voxel edges]."""


def read_labels(
    path: str | Path, shape: tuple[int, ...], affine: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Read a label image for maps, and names from the JSON file of the same name beside it.

    The JSON file holds `{"Labels": {"1": "femoral cartilage", ...}}`; without it labels are named
    by their numbers.

    Parameters
    ----------
    path
        Any format that `read_series` knows; whole numbers, 0 for the background.
    shape, affine
        Of the maps, `(x, y, z)` and (4, 4).

    Returns
    -------
    labels
        Shape `(x, y, z)`.
    names
        By label.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the maps, holds no whole numbers,
        or labels nothing; or the names are damaged.
    """
    path = Path(path)
    array, geometry = read_array(path)
    array = _like(array, shape, path)
    if np.iscomplexobj(array) or not (np.isfinite(array) & (array == np.round(array))).all():
        raise SeriesError(f"{path}: labels must be whole numbers, 0 for the background")
    require_place(geometry, affine, shape, f"{path}: the label image", "the maps")
    labels = array.astype(np.int64)
    if not labels.any():
        raise SeriesError(f"{path}: labels no voxel: all of it is 0, the background")
    return labels, _names(path)


def write_labels(
    path: Path, labels: NDArray[Any], names: dict[int, str], affine: NDArray[np.float64] | None
) -> list[Path]:
    """Write a label image (.nii.gz) and its names as `read_labels` reads them."""
    Geometry.from_affine(affine).image(labels.astype(np.uint8)).to_filename(path)
    legend = sidecar_path(path)
    write_json(legend, {"Labels": {str(label): name for label, name in names.items()}})
    return [path, legend]


def require_place(
    geometry: Geometry | None,
    affine: NDArray[np.float64] | None,
    shape: tuple[int, ...],
    what: str,
    other: str,
) -> None:
    """Make sure that two images of equal shape show the same place, where both state one.

    Raises
    ------
    SeriesError
        A voxel lies more than a tenth of an edge off.
    """
    offset = geometry.offset(affine, shape) if geometry else 0.0
    if offset > TOLERANCE:
        raise SeriesError(
            f"{what} lies up to {offset:.2g} voxels off {other} (their affines differ): resample it"
        )


def _like(array: NDArray[Any], shape: tuple[int, ...], path: Path) -> NDArray[Any]:
    found = array.shape
    while len(found) > 3 and found[-1] == 1:
        found = found[:-1]
    found += (1,) * (3 - len(found))
    if found != shape:
        raise SeriesError(
            f"{path}: the label image has shape {array.shape}, the maps {shape}: resample it onto"
            " the maps"
        )
    return array.reshape(found)


def _names(path: Path) -> dict[int, str]:
    entries = read_sidecar(path).get("Labels", {})
    try:
        return {int(label): str(name) for label, name in entries.items()}
    except (ValueError, AttributeError):
        raise SeriesError(
            f'{path}: the JSON file beside it must name labels as {{"Labels": {{"1": "name"}}}}'
        ) from None
