"""Structures without their borders, where voxels hold more than one tissue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PURE = 0.999
"""Part of a voxel that its structure must fill for the voxel to count as pure [-].

The rest may then add a thousandth of the signal, which is below the noise up to 60 dB."""

_ISOTROPIC = 2.0  # edges longer than the shortest one by this factor lie across slices


def erode_labels(
    labels: NDArray[Any], steps: int, affine: NDArray[np.float64] | None = None
) -> NDArray[Any]:
    """Labels of the voxels whose neighbours are of the same structure; 0 for the others.

    Thick slices are eroded within their plane only: the next slice may lie far away. The rim of the
    image is no border.

    Parameters
    ----------
    labels
        Whole numbers, 0 for the background, `(x, y, z)`.
    steps
        How many layers of voxels are taken away.
    affine
        Voxel to world transform (4, 4) [mm]; without it voxels count as cubes.
    """
    edges = np.ones(labels.ndim) if affine is None else np.linalg.norm(affine[:3, :3], axis=0)
    eroded = np.array(labels)
    for _ in range(steps):
        alike = np.ones(eroded.shape, dtype=bool)
        for axis in np.flatnonzero(edges < _ISOTROPIC * edges.min()):
            length = eroded.shape[axis]
            low, high = (eroded.take(range(*ends), axis) for ends in ((0, length - 1), (1, length)))
            same = low == high
            first, last = (np.moveaxis(alike, axis, 0)[one] for one in (slice(1, None), slice(-1)))
            first &= np.moveaxis(same, axis, 0)
            last &= np.moveaxis(same, axis, 0)
        eroded = np.where(alike, eroded, 0)
    return eroded


def pure_labels(labels: NDArray[Any], purity: NDArray[np.floating]) -> NDArray[Any]:
    """Labels of the voxels that hold one tissue, to `PURE` of their signal; 0 for the others.

    Parameters
    ----------
    labels
        Whole numbers, 0 for the background, `(x, y, z)`.
    purity
        Part of each voxel that belongs to its label [-], same shape; NaN counts as 0.
    """
    return np.where(purity >= PURE, labels, 0)
