"""Voxels that hold nothing but the middle of a sphere."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def sphere_labels(
    shape: tuple[int, ...], affine: Array, centres: ArrayLike, core: float
) -> NDArray[np.uint8]:
    """Voxels that lie with all their corners in the core of a sphere.

    Slices further apart than a core is wide have gaps between them, or partial volume that no core
    could avoid: a sphere that lies in such a slice counts as cut through its middle.

    Parameters
    ----------
    shape
        Number of voxels `(x, y, z)`.
    affine
        Voxel to world transform, shape (4, 4) [mm].
    centres
        Of the spheres in the world, `(sphere, 3)` [mm].
    core
        Radius of a core [mm].

    Returns
    -------
    The number of the sphere, counted from 1, or 0; shape `(x, y, z)`.
    """
    labels = np.zeros(shape, np.uint8)
    inverse = np.linalg.inv(affine)
    span = core * np.linalg.norm(inverse[:3, :3], axis=1)
    gaps = np.linalg.norm(affine[:3, :3], axis=0) > core
    half = np.where(gaps, 0.0, 0.5)
    corners = np.array(list(itertools.product((-1, 1), repeat=3))) * half
    reach = np.where(gaps, 0.5, span)
    for number, centre in enumerate(np.asarray(centres, dtype=np.float64), start=1):
        middle = inverse[:3, :3] @ centre + inverse[:3, 3]
        low = np.clip(np.ceil(middle - reach), 0, shape).astype(int)
        high = np.clip(np.floor(middle + reach) + 1, low, shape).astype(int)
        ranges = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
        apart = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1) - middle
        apart = np.where(gaps, 0.0, apart)
        distance = np.linalg.norm((apart[..., None, :] + corners) @ affine[:3, :3].T, axis=-1)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        labels[box][distance.max(axis=-1) <= core] = number
    return labels
