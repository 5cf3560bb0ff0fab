"""Structures in label images: without their borders, of pure voxels, and means over regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError

PURE = 0.999
"""Share of a voxel that its structure must fill for the voxel to count as pure [-].

The rest may then add a thousandth of the signal, which is below the noise up to 60 dB."""

_ISOTROPIC = 2.0  # edges longer than the shortest one by this factor lie across slices


def erode_labels(
    labels: NDArray[Any], steps: int, affine: NDArray[np.float64] | None = None
) -> NDArray[Any]:
    """Labels of the voxels whose neighbours are of the same structure; 0 for the others.

    Thick slices are eroded only within their plane: the next slice may lie far away. The edge of
    the image is no border.

    Parameters
    ----------
    labels
        Whole numbers, 0 for the background, `(x, y, z)`.
    steps
        Number of layers of voxels to remove.
    affine
        Voxel to world transform (4, 4) [mm]; without it voxels count as cubes.
    """
    edges = np.ones(labels.ndim) if affine is None else np.linalg.norm(affine[:3, :3], axis=0)
    eroded = np.array(labels)
    for _ in range(min(steps, sum(labels.shape))):  # after which nothing changes
        alike = np.ones(eroded.shape, dtype=bool)
        for axis in np.flatnonzero(edges < _ISOTROPIC * edges.min()):
            length = eroded.shape[axis]
            low, high = (eroded.take(range(*ends), axis) for ends in ((0, length - 1), (1, length)))
            same = low == high
            across, same = np.moveaxis(alike, axis, 0), np.moveaxis(same, axis, 0)
            across[1:] &= same
            across[:-1] &= same
        eroded = np.where(alike, eroded, 0)
    return eroded


def pure_labels(labels: NDArray[Any], purity: NDArray[np.floating]) -> NDArray[Any]:
    """Labels of the voxels that hold one tissue, to `PURE` of their signal; 0 for the others.

    Parameters
    ----------
    labels
        Whole numbers, 0 for the background, `(x, y, z)`.
    purity
        Share of each voxel that belongs to its label [-], same shape; NaN counts as 0.
    """
    return np.where(purity >= PURE, labels, 0)


def region_means(
    values: ArrayLike, labels: NDArray[np.integer], regions: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    """Mean over the voxels of each region that hold a value.

    Parameters
    ----------
    values
        A map, `(...)`; NaN where there is no value.
    labels
        Structure of each voxel, of the same shape.
    regions
        Labels by the name of the region.

    Returns
    -------
    The mean by region [unit of the map]; NaN where no voxel holds a value.

    Raises
    ------
    SeriesError
        The shapes differ.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != labels.shape:
        raise SeriesError(
            f"the map has shape {array.shape} and the labels {labels.shape}: they must be equal"
        )
    known = np.isfinite(array)
    means = {}
    for name, chosen in regions.items():
        inside = array[known & np.isin(labels, list(chosen))]
        means[name] = float(inside.mean()) if inside.size else float("nan")
    return means
