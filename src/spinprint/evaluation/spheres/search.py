"""The turn and the shift of a constellation for which maps and tables fit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import SeriesError
from ...maps import Maps

Array = NDArray[np.float64]

CUT = 0.7
"""Difference of logarithms from which a sphere counts as not there [-]: a factor of two."""

_LATTICE = 5.0  # spacing of the coarse search [mm]
_TURN = 6.0  # and its step in angle [degrees]
_CANDIDATES = 3  # coarse fits that are refined
_DEPTHS = np.array([0.3, 0.8])  # where tissue is looked at, of the radius: inside, near the wall


@dataclass(frozen=True, eq=False, kw_only=True)
class Search:
    """The maps as logarithms, and what is looked for in them.

    A pose is the rotation vector [rad] and the shift [mm] from the phantom to the world, `(6,)`.
    """

    images: Array
    """Logarithm of each parameter, `(parameter, x, y, z)`; 0 where there is no value."""
    told: Array
    """1 where all parameters have a value, else 0, `(x, y, z)`."""
    expected: Array
    """Logarithm of what each sphere holds, `(parameter, sphere)`."""
    affine: Array
    """Voxel to world transform (4, 4) [mm]."""
    centres: Array
    """In the phantom's axes, `(sphere, 3)` [mm]."""
    core: Array
    """Places in a sphere about its centre, `(place, 3)` [mm]."""

    @classmethod
    def prepare(
        cls, maps: Maps, centres: Array, radius: float, expected: Mapping[str, ArrayLike]
    ) -> Search:
        """Logarithms of the parameters that maps and table share; see `place_spheres`."""
        shared = [name for name in maps if name in expected]
        if not shared:
            raise SeriesError(
                f"the maps hold {', '.join(maps)} and the table of the phantom"
                f" {', '.join(expected)}: they share no parameter"
            )
        values = np.stack([np.asarray(maps[name], dtype=np.float64) for name in shared])
        told = (values > 0).all(axis=0)
        around = np.array([one for one in itertools.product((-1, 0, 1), repeat=3) if any(one)])
        directions = around / np.linalg.norm(around, axis=1, keepdims=True)
        core = radius * np.vstack([np.zeros(3), *(_DEPTHS[:, None, None] * directions)])
        assert maps.affine is not None
        return cls(
            images=np.log(values, out=np.zeros(values.shape), where=told),
            told=np.asarray(told, dtype=np.float64),
            expected=np.log(np.stack([np.asarray(expected[name], float) for name in shared])),
            affine=maps.affine,
            centres=centres,
            core=core,
        )

    def mismatch(self, pose: Array) -> Array:
        """Median difference of logarithms near the middle of each sphere, `(sphere,)`."""
        inner = np.linalg.norm(self.core, axis=1) < 0.5 * np.linalg.norm(self.core, axis=1).max()
        return np.asarray(np.median(self._differences(pose)[:, inner], axis=1))

    def cost(self, pose: Array) -> float:
        """Mean difference over all places."""
        return float(self._differences(pose).mean())

    def _differences(self, pose: Array) -> Array:
        """Of logarithms, mean over the parameters, `(sphere, place)`; the cut where no value is."""
        from scipy.ndimage import map_coordinates

        rotation, shift = to_rotation_and_shift(pose)
        places = (self.centres[:, None] + self.core) @ rotation.T + shift
        inverse = np.linalg.inv(self.affine)
        index = np.moveaxis(places @ inverse[:3, :3].T + inverse[:3, 3], -1, 0)
        # Slices are as thick as they are: what lies in half a slice beyond the middle is in it.
        edge = np.array(self.images.shape[1:]).reshape(3, 1, 1) - 1
        inside = ((index > -0.5) & (index < edge + 0.5)).all(axis=0)
        index = np.clip(index, 0, edge)
        shares = map_coordinates(self.told, index, order=1)
        inside &= shares > 0.5
        different = np.full((len(self.images), *inside.shape), CUT)
        for image, expected, out in zip(self.images, self.expected, different, strict=True):
            values = map_coordinates(image, index, order=1)[inside] / shares[inside]
            wanted = np.broadcast_to(expected[:, None], inside.shape)[inside]
            out[inside] = np.minimum(np.abs(values - wanted), CUT)
        return np.asarray(different.mean(axis=0))

    def refined(self, start: Array) -> Array:
        """The best pose near another one."""
        from scipy.optimize import minimize

        size = np.array([0.05, 0.05, 0.05, 2.0, 2.0, 2.0])  # [rad], [mm]
        best = start
        for sign in (1, -1):  # a simplex that has shrunk early starts once more
            simplex = np.vstack([best, best + sign * np.diag(size)])
            best = minimize(
                self.cost, best, method="Nelder-Mead",
                options={"initial_simplex": simplex, "maxfev": 300, "xatol": 1e-2, "fatol": 1e-5},
            ).x  # fmt: skip
        return np.asarray(best)

    def coarse(self) -> list[Array]:
        """The best poses of a lattice of turns and shifts, best first."""
        steps = [
            max(1, round(_LATTICE / edge)) for edge in np.linalg.norm(self.affine[:3, :3], axis=0)
        ]
        lattice = self.affine.copy()
        lattice[:3, :3] *= steps
        # At its middle, a sphere gains what it falls short of the cut.
        logs = self._local_means()[:, *(slice(None, None, step) for step in steps)]
        gains = np.stack(
            [
                sum(np.nan_to_num(np.maximum(CUT - np.abs(image - log), 0))
                    for image, log in zip(logs, sphere, strict=True))
                for sphere in self.expected.T
            ]
        ).astype(np.float32)  # fmt: skip
        anchors = [
            np.flatnonzero(self.centres[:, 1] == y)[0] for y in np.unique(self.centres[:, 1])
        ]
        found = []
        for turn in _turns():
            for anchor in anchors:
                found.append(self._best_shift(turn, self.centres[anchor], gains, lattice))
        found.sort(key=lambda entry: -entry[0])
        return [pose for _, pose in found[:_CANDIDATES]]

    def _local_means(self) -> Array:
        """Means of the images over a box of some 5 mm, of the voxels that have a value."""
        from scipy.ndimage import uniform_filter

        edges = np.linalg.norm(self.affine[:3, :3], axis=0)
        size = tuple(2 * int(2.5 / edge) + 1 for edge in edges)
        share = uniform_filter(self.told, size, mode="nearest")
        total = np.stack([uniform_filter(one, size, mode="nearest") for one in self.images])
        return np.divide(total, share, out=np.full(total.shape, np.nan), where=share > 0.5)

    def _best_shift(
        self, turn: Array, anchor: Array, gains: NDArray[np.float32], lattice: Array
    ) -> tuple[float, Array]:
        """Gain and pose of the best place for the middle of an array of spheres, so turned."""
        rotation = _rotation(turn)
        # The middle of the array lies in the maps, even where that of the phantom does not.
        middle = np.array([0.0, anchor[1], 0.0])
        offsets = (self.centres - middle) @ rotation.T @ np.linalg.inv(lattice[:3, :3]).T
        total = np.zeros(gains.shape[1:], np.float32)
        for gain, offset in zip(gains, np.rint(offsets).astype(int), strict=True):
            _add_shifted(total, gain, offset)
        place = np.unravel_index(int(total.argmax()), total.shape)
        shift = lattice[:3, :3] @ np.array(place) + lattice[:3, 3] - rotation @ middle
        return float(total.max()), np.concatenate([turn, shift])


def to_rotation_and_shift(pose: Array) -> tuple[Array, Array]:
    """The rotation matrix `(3, 3)` and the shift `(3,)` [mm] of a pose `(6,)`."""
    return _rotation(pose[:3]), pose[3:]


def _rotation(vector: Array) -> Array:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(vector).as_matrix())


def _turns() -> Iterator[Array]:
    """Rotation vectors that lay the phantom's second axis along each axis of the world, both
    ways, and turn it about that axis.
    """
    from scipy.spatial.transform import Rotation

    second = np.array([0.0, 1.0, 0.0])
    for axis in (*np.eye(3), *-np.eye(3)):
        across = np.cross(second, axis)
        angle = math.acos(float(second @ axis))
        # Opposite directions have no axis of their own between them: any across will do.
        across = across if across.any() else np.array([1.0, 0.0, 0.0])
        lay = Rotation.from_rotvec(across * angle)
        for degrees in np.arange(0, 360, _TURN):
            yield (Rotation.from_rotvec(axis * math.radians(degrees)) * lay).as_rotvec()


def _add_shifted(total: NDArray[np.float32], gain: NDArray[np.float32], offset: Array) -> None:
    """Add to each place the gain at that place plus an offset, where that lies inside."""
    here, there = [], []
    for length, by in zip(total.shape, offset.tolist(), strict=True):
        if abs(by) >= length:
            return
        here.append(slice(max(-by, 0), length - max(by, 0)))
        there.append(slice(max(by, 0), length - max(-by, 0)))
    total[tuple(here)] += gain[tuple(there)]
