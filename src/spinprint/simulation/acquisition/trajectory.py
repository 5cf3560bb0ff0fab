"""Where in k-space each frame is sampled.

Places are complex numbers kx + i ky in cycles per field of view (FOV), which is the longer side of
the image; voxels are square. Sampling reaches |k| = matrix / 2 and leaves out the corners. The
Nyquist distance is 1: neighbours further apart let aliases of the object into the FOV.

The interleaves of a frame are spread evenly, and turn from frame to frame by the golden ratio part
of their distance (Winkelmann et al., IEEE Trans Med Imaging 2007;26:68), so that no two frames see
the same aliases. Gradients are ideal: neither slew rate nor relaxation during the readout counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

_GOLDEN = (math.sqrt(5) - 1) / 2
_STEP = 0.5
"""Distance of samples along an interleaf [1/FOV]: oversampled twofold, as receivers do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """What the ways through k-space share.

    Raises
    ------
    InputError
        A number of interleaves is not a whole number of at least 1.
    """

    interleaves: int = 1
    """Arms or spokes of each frame."""

    kind: ClassVar[str]
    """Its name on the command line."""
    turn: ClassVar[float]
    """The rotation [rad] after which an interleaf covers itself."""

    def __post_init__(self) -> None:
        _check_count("interleaves", self.interleaves)

    def full(self, matrix: int) -> int:
        """The interleaves that sample a matrix without aliases, at the Nyquist distance."""
        raise NotImplementedError

    def arm(self, matrix: int) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """The first interleaf [1/FOV], and the area each sample would stand for alone [1/FOV²].

        Both `(sample,)`; the areas fill the disc |k| <= matrix / 2 but for the correction of the
        centre in `_rings`.
        """
        raise NotImplementedError

    def acceleration(self, matrix: int) -> float:
        """Interleaves that would be needed over those that are played [-]."""
        return self.full(matrix) / self.interleaves

    def points(self, matrix: int, frames: int) -> NDArray[np.complex128]:
        """Samples of each frame, kx + i ky [1/FOV], `(frame, sample)`.

        Parameters
        ----------
        matrix
            Voxels along the longer side of the image.
        frames
            Number of images.
        """
        distance = self.turn / self.interleaves
        frame = distance * np.mod(np.arange(frames) * _GOLDEN, 1)
        angles = frame[:, None] + distance * np.arange(self.interleaves)
        arm, _ = self.arm(matrix)
        return (np.exp(1j * angles)[..., None] * arm).reshape(frames, -1)

    def weights(self, matrix: int) -> NDArray[np.float64]:
        """Density compensation: the area of k-space of each sample [1/FOV²], `(sample,)`.

        The ring between two radii belongs to the samples in it in equal parts, which is exact
        for interleaves that are spread evenly over angles.
        """
        _, area = self.arm(matrix)
        return np.tile(area / self.interleaves, self.interleaves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spiral(Trajectory):
    """Arms from the centre outwards, turns closer together at the centre.

    The distance of neighbouring turns falls linearly with the radius: `full_interleaves` arms
    together are at the Nyquist distance at the edge, and `centre_density` times as close in the
    centre. Samples follow one another at equal distance along the arm.

    Raises
    ------
    InputError
        A number of interleaves is not a whole number of at least 1, or the density is below 1.
    """

    full_interleaves: int = 24
    """Arms that together sample k-space fully: more make each arm shorter."""
    centre_density: float = 2.0
    """Sampling density of the centre relative to the edge [-]."""

    kind: ClassVar[str] = "spiral"
    turn: ClassVar[float] = 2 * math.pi

    def __post_init__(self) -> None:
        Trajectory.__post_init__(self)
        _check_count("full_interleaves", self.full_interleaves)
        if not 1 <= self.centre_density < math.inf:
            raise InputError(
                f"centre_density = {self.centre_density:g} must be at least 1, which is uniform"
            )

    def full(self, matrix: int) -> int:  # noqa: ARG002
        """The arms that sample a matrix without aliases: as many as were designed."""
        return self.full_interleaves

    def arm(self, matrix: int) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """The first arm [1/FOV] and the area of the ring around each sample [1/FOV²]."""
        fine = np.linspace(0, matrix / 2, 64 * matrix)
        length = np.append(0, np.cumsum(np.abs(np.diff(self._place(fine, matrix)))))
        samples = math.ceil(length[-1] / _STEP)
        # Samples stand in the middle of equal parts of the arm.
        marks = np.interp(np.linspace(0, length[-1], 2 * samples + 1), length, fine)
        return self._place(marks[1::2], matrix), _rings(marks[::2])

    def _place(self, radius: NDArray[np.float64], matrix: int) -> NDArray[np.complex128]:
        """The point of the arm at each radius."""
        closer = 1 - 1 / self.centre_density
        # Turns are 1 - closer (1 - radius / edge) apart; the angle is the integral of 1 / that.
        edge = matrix / 2
        if closer:
            turns = edge / closer * np.log1p(closer / (1 - closer) * radius / edge)
        else:
            turns = radius
        return radius * np.exp(2j * np.pi * turns / self.full_interleaves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Radial(Trajectory):
    """Spokes through the centre, samples at equal distances.

    pi / 2 times the matrix of spokes are at the Nyquist distance at the edge.
    """

    kind: ClassVar[str] = "radial"
    turn: ClassVar[float] = math.pi

    def full(self, matrix: int) -> int:
        """The spokes that sample a matrix without aliases: pi / 2 times the matrix."""
        return math.ceil(np.pi / 2 * matrix)

    def arm(self, matrix: int) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """The first spoke [1/FOV], and its samples' part of their rings [1/FOV²]."""
        edges = np.linspace(0, matrix / 2, math.ceil(matrix / 2 / _STEP) + 1)
        radius = (edges[1:] + edges[:-1]) / 2
        ring = _rings(edges) / 2  # shared by the two ends of the spoke
        spoke = np.concatenate((-radius[::-1], radius)).astype(np.complex128)
        return spoke, np.concatenate((ring[::-1], ring))


TrajectoryName = Literal["spiral", "radial"]
TRAJECTORIES: dict[str, type[Trajectory]] = {one.kind: one for one in (Spiral, Radial)}
"""Trajectories by the name they have on the command line."""


def _rings(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area between neighbouring radii, as weights of a sum over samples between them.

    The sum over midpoints of g(r) = 2 pi r f(r) exceeds the integral by h² g'(0) / 24 (Euler and
    Maclaurin), a twelfth of the innermost disc: without it images get a constant offset.
    """
    area = np.pi * np.diff(edges**2)
    area[0] *= 11 / 12
    return area


def _check_count(name: str, value: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name} = {value!r} must be a whole number of at least 1")
