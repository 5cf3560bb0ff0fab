"""What the receive coils see: sensitivities of loops around the object."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

_DISTANCE = 0.75
"""From the centre of the field of view (FOV) to the loops [FOV]."""
_SEGMENTS = 48
"""Straight pieces a loop is made of."""


def coil_maps(shape: tuple[int, int], coils: int = 8, seed: int = 0) -> NDArray[np.complex64]:
    """Sensitivities of circular loops on a ring around the slice, `(coil, x, y)`.

    The rotating component Bx - i By of each loop's field by the law of Biot and Savart
    (Roemer et al., Magn Reson Med 1990;16:192), with a random phase per receiver and loops a
    little out of place. The sum over coils of |sensitivity|² is 1 in every voxel, so that combined
    images have the unit and the noise of one uniform coil. Slices are alike: the loops are taken
    to be much longer than the slab.

    Parameters
    ----------
    shape
        Voxels `(x, y)`; voxels are square.
    coils
        Number of loops; neighbours overlap a little.
    seed
        Seed of their places and phases.

    Raises
    ------
    InputError
        There is no coil or no voxel.
    """
    if coils < 1 or min(shape) < 1:
        raise InputError(f"{coils} coils over {shape} voxels: there must be at least one of each")
    rng = np.random.default_rng(seed)
    matrix = max(shape)
    x, y = np.meshgrid(*((np.arange(n) - n // 2) / matrix for n in shape), indexing="ij")
    places = np.stack((x, y, np.zeros_like(x)), axis=-1)
    step = 2 * np.pi / coils
    angles = step * (np.arange(coils) + rng.uniform() + rng.uniform(-0.1, 0.1, coils))
    radius = min(1.2 * _DISTANCE * np.sin(step / 2), _DISTANCE / 2) if coils > 2 else _DISTANCE / 2
    fields = np.stack([_loop_field(places, angle, radius) for angle in angles])
    fields *= np.exp(2j * np.pi * rng.uniform(size=coils))[:, None, None]
    return (fields / np.linalg.norm(fields, axis=0)).astype(np.complex64)


def _loop_field(places: NDArray[np.float64], angle: float, radius: float) -> NDArray[np.complex128]:
    """Bx - i By of a loop that faces the centre from `angle`, `(x, y)`, in any unit."""
    turn = np.linspace(0, 2 * np.pi, _SEGMENTS + 1)
    outwards = np.array([np.cos(angle), np.sin(angle), 0])
    along = np.array([-np.sin(angle), np.cos(angle), 0])
    wire = _DISTANCE * outwards + radius * (
        np.cos(turn)[:, None] * along + np.sin(turn)[:, None] * np.array([0, 0, 1])
    )
    field = np.zeros(places.shape)
    for start, stop in pairwise(wire):
        way = places - (start + stop) / 2
        field += np.cross(stop - start, way) / np.linalg.norm(way, axis=-1, keepdims=True) ** 3
    return field[..., 0] - 1j * field[..., 1]
