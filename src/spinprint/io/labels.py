"""Structures of maps: a label image, and the names beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .beside import MapPlace, read_beside
from .geometry import Geometry, Remark, unsaid
from .sidecar import read_sidecar, sidecar_path, write_json


def read_labels(
    path: str | Path,
    shape: tuple[int, ...],
    affine: NDArray[np.float64] | None,
    remark: Remark = unsaid,
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
    remark
        Takes a sentence where the place of the image could not be checked.

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
    array = read_beside(path, MapPlace(shape, affine), "label image", remark)
    if not (np.isfinite(array) & (array == np.round(array))).all():
        raise SeriesError(f"{path}: labels must be whole numbers, 0 for the background")
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


def _names(path: Path) -> dict[int, str]:
    entries = read_sidecar(path).get("Labels", {})
    try:
        return {int(label): str(name) for label, name in entries.items()}
    except (ValueError, AttributeError):
        raise SeriesError(
            f'{path}: the JSON file beside it must name labels as {{"Labels": {{"1": "name"}}}}'
        ) from None
