"""From a drawing to voxels: a grid in the patient, and which labels fill how much of a voxel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from .shapes import Points

LabelAt = Callable[[Points], NDArray[np.uint8]]
"""A drawing: the label at each place; 0 where nothing gives signal."""

SAGITTAL = ("posterior", "superior", "lateral")
CORONAL = ("lateral", "superior", "posterior")
AXIAL = ("lateral", "posterior", "superior")

_WORLD = {"posterior": (0, -1, 0), "superior": (0, 0, 1), "lateral": (-1, 0, 0)}
"""In RAS+; lateral is left: of a head, of a phantom, and of a left knee."""


def slice_spacing(slices: int, thickness: float, over: float) -> float:
    """The distance [mm] at which slices spread over a length, touching where it is too short."""
    return thickness if slices == 1 else max(thickness, over / max(slices, 1))


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A stack of slices, axes `(x, y, z)`; slices lie along z.

    Raises
    ------
    TissueError
        The shape is not three positive numbers of voxels, an extent or the thickness is not
        positive, or slices overlap.
    """

    shape: tuple[int, int, int]
    """Number of voxels `(x, y, z)`."""
    extent: tuple[float, float, float]
    """Size of the whole stack, gaps included [mm]."""
    centre: tuple[float, float, float]
    """The middle of the stack along x, y and z [mm]."""
    axes: tuple[str, str, str] = SAGITTAL
    """Where x, y and z point to, by the names of `Points`."""
    thickness: float | None = None
    """Of a slice; None leaves no gaps [mm]."""

    def __post_init__(self) -> None:
        whole = all(isinstance(size, (int, np.integer)) for size in self.shape)
        if not (len(self.shape) == 3 and whole and min(self.shape) > 0):
            raise TissueError(
                f"shape = {self.shape} must be three positive whole numbers (x, y, z)"
            )
        if not (np.isfinite(self.extent).all() and min(self.extent) > 0):
            raise TissueError(f"the stack is {self.extent} mm large: every extent must be positive")
        spacing = self.voxel_size[2]
        if self.thickness is not None and not 0 < self.thickness <= spacing * (1 + 1e-9):
            raise TissueError(
                f"slices {self.thickness:g} mm thick and {spacing:g} mm apart: the thickness must"
                " be positive and not above the distance"
            )

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Distance of neighbours [mm]."""
        x, y, z = (extent / n for extent, n in zip(self.extent, self.shape, strict=True))
        return x, y, z

    def axis(self, axis: int, subsamples: int = 1) -> NDArray[np.float64]:
        """Coordinates along one axis [mm], `subsamples` to a voxel."""
        size = self.voxel_size[axis]
        width = self.thickness if axis == 2 and self.thickness is not None else size
        middles = self.centre[axis] + (np.arange(self.shape[axis]) + 0.5) * size
        middles -= self.extent[axis] / 2
        within = ((np.arange(subsamples) + 0.5) / subsamples - 0.5) * width
        return (middles[:, None] + within).ravel()

    def place(self, x: NDArray, y: NDArray, z: NDArray) -> Points:
        """Coordinates along `(x, y, z)` as places in the patient."""
        return Points(**dict(zip(self.axes, (x, y, z), strict=True)))

    def points(self) -> Points:
        """The middle of each voxel, arrays that broadcast to `(x, y, z)`."""
        x, y, z = (self.axis(axis) for axis in range(3))
        return self.place(x[:, None, None], y[None, :, None], z[None, None, :])

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel to world transform [mm], RAS+, shape (4, 4)."""
        directions = np.array([_WORLD[name] for name in self.axes], float).T
        affine = np.eye(4)
        affine[:3, :3] = directions * self.voxel_size
        affine[:3, 3] = directions @ [self.axis(axis)[0] for axis in range(3)]
        return affine


class Shares(NamedTuple):
    """What fills each voxel, arrays of shape `(part,)`.

    Parts are sorted by voxel, and within a voxel from the largest share to the smallest; the
    lower label comes first in a tie.
    """

    voxel: NDArray[np.intp]
    """Index into the flattened volume; every voxel has one part at least."""
    label: NDArray[np.uint8]
    """0 for what gives no signal."""
    share: NDArray[np.float64]
    """Of the voxel; the shares of a voxel add up to 1 [-]."""

    @property
    def first(self) -> NDArray[np.intp]:
        """Index of the largest part of each voxel, shape `(voxel,)`."""
        return np.flatnonzero(np.diff(self.voxel, prepend=-1))


def rasterise(label_at: LabelAt, grid: Grid, subsamples: int = 3) -> Shares:
    """Which labels fill how much of each voxel, by `subsamples` samples along each axis."""
    parts = [
        (voxels[share > 0], np.full(np.count_nonzero(share), label), share[share > 0])
        for voxels, samples in _slices(label_at, grid, subsamples)
        for label in np.unique(samples)
        for share in [(samples == label).mean(axis=-1)]
    ]
    voxel, label, share = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((label, -share, voxel))
    return Shares(voxel[order], label[order], share[order])


def _slices(
    label_at: LabelAt, grid: Grid, subsamples: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
    """Voxels `(x, y)` and their labels `(x, y, sample)`: one slice in memory at a time."""
    x, y, z = (grid.axis(axis, subsamples) for axis in range(3))
    voxels = np.arange(np.prod(grid.shape)).reshape(grid.shape)
    for index, along in enumerate(z.reshape(-1, subsamples)):
        samples = label_at(grid.place(x[:, None, None], y[None, :, None], along))
        blocks = samples.reshape(grid.shape[0], subsamples, grid.shape[1], subsamples, subsamples)
        yield (
            voxels[:, :, index],
            blocks.transpose(0, 2, 1, 3, 4).reshape(*grid.shape[:2], subsamples**3),
        )
