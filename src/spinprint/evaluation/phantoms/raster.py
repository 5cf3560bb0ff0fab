"""From a drawing to voxels: a grid in the patient, labels, and tissue values per voxel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from .fields import texture
from .shapes import Points
from .tissue_table import TissueValues

LabelAt = Callable[[Points], NDArray[np.uint8]]
"""A drawing: the label at each place; 0 where nothing gives signal."""

HARMLESS = {"t1": 1.0, "t2": 0.1, "t1rho": 0.1, "adc": 0.0}
"""Tissue values of voxels without signal: anything a simulation can digest."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A sagittal stack of voxels, axes `(x, y, z)` = to posterior, to superior, to lateral.

    Raises
    ------
    TissueError
        The shape is not three positive numbers of voxels, or an extent not positive.
    """

    shape: tuple[int, int, int]
    """Number of voxels `(x, y, z)`."""
    extent: tuple[float, float, float]
    """Size of the whole stack [mm]."""
    centre: tuple[float, float, float]
    """The middle of the stack in the axes of `Points` [mm]."""

    def __post_init__(self) -> None:
        whole = all(isinstance(size, (int, np.integer)) for size in self.shape)
        if not (len(self.shape) == 3 and whole and min(self.shape) > 0):
            raise TissueError(
                f"shape = {self.shape} must be three positive whole numbers (x, y, z)"
            )
        if not (np.isfinite(self.extent).all() and min(self.extent) > 0):
            raise TissueError(f"the stack is {self.extent} mm large: every extent must be positive")

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Distance of neighbours [mm]."""
        x, y, z = (extent / n for extent, n in zip(self.extent, self.shape, strict=True))
        return x, y, z

    def axis(self, axis: int, subsamples: int = 1) -> NDArray[np.float64]:
        """Coordinates along one axis [mm], `subsamples` to a voxel."""
        steps = (np.arange(self.shape[axis] * subsamples) + 0.5) / subsamples
        offset = steps - self.shape[axis] / 2
        return self.centre[axis] + offset * self.voxel_size[axis]

    def points(self) -> Points:
        """The middle of each voxel, arrays that broadcast to `(x, y, z)`."""
        x, y, z = (self.axis(axis) for axis in range(3))
        return Points(x[:, None, None], y[None, :, None], z[None, None, :])

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel to world transform [mm] for a left knee: RAS+, shape (4, 4).

        World axes point right, anterior and superior; ours point posterior, superior and, in a
        left knee, left.
        """
        affine = np.zeros((4, 4))
        affine[1, 0], affine[2, 1], affine[0, 2] = (
            -self.voxel_size[0],
            self.voxel_size[1],
            -self.voxel_size[2],
        )
        affine[:, 3] = -self.axis(2)[0], -self.axis(0)[0], self.axis(1)[0], 1
        return affine


def rasterise(
    label_at: LabelAt, grid: Grid, density: Mapping[int, float], subsamples: int = 3
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The label that fills most of each voxel, and the mean proton density, shapes `(x, y, z)`.

    Each voxel is sampled `subsamples` times along each axis. At a border the label is that of
    the majority, and the density is the mean over all samples, so that thin bone darkens the
    voxels it crosses. A real voxel of two tissues gives the sum of two signals, which no single
    T1 and T2 describe; here every voxel keeps one true value per parameter. The sum itself comes
    from simulating on a finer grid and averaging the series. Voxels with a majority of 0 have
    density 0.
    """
    labels = np.zeros(grid.shape, dtype=np.uint8)
    mean_density = np.zeros(grid.shape)
    per_label = np.zeros(256)
    per_label[list(density)] = list(density.values())
    for z, samples in enumerate(_slices(label_at, grid, subsamples)):
        labels[:, :, z] = _majority(samples)
        mean_density[:, :, z] = per_label[samples].mean(axis=-1)
    mean_density[labels == 0] = 0
    return labels, mean_density


def _slices(label_at: LabelAt, grid: Grid, subsamples: int) -> Iterator[NDArray[np.uint8]]:
    """The labels within each slice, arrays of shape `(x, y, sample)`: one slice in memory."""
    x, y, z = (grid.axis(axis, subsamples) for axis in range(3))
    for lateral in z.reshape(-1, subsamples):
        samples = label_at(Points(x[:, None, None], y[None, :, None], lateral))
        blocks = samples.reshape(grid.shape[0], subsamples, grid.shape[1], subsamples, subsamples)
        yield blocks.transpose(0, 2, 1, 3, 4).reshape(*grid.shape[:2], subsamples**3)


def _majority(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The most frequent label along the last axis; the lower one in a tie."""
    labels = np.unique(samples)
    counts = np.stack([(samples == label).sum(axis=-1) for label in labels])
    return labels[counts.argmax(axis=0)]


def fill(
    labels: NDArray[np.uint8],
    table: Mapping[int, TissueValues],
    points: Points,
    *,
    seed: int,
    length: float = 8.0,
) -> dict[str, NDArray[np.float64]]:
    """T1, T2, T1rho and ADC per voxel, shape `(x, y, z)`, varying smoothly within each tissue.

    Each tissue is its mean times the exponential of a random field of SD `spread` that turns
    over `length` [mm]. T2 and T1rho share a field, as both follow water and collagen, so that
    T2 <= T1rho holds in every voxel.
    """
    values = {name: np.full(labels.shape, value) for name, value in HARMLESS.items()}
    everywhere = np.broadcast_arrays(*points)
    for label, tissue in table.items():
        inside = labels == label
        places = Points(*(axis[inside] for axis in everywhere))
        # A stream per label: a tissue looks the same whatever else the phantom holds.
        rng = np.random.default_rng([seed, label])
        longitudinal, transverse, diffusion = (
            np.exp(tissue.spread * texture(places, length, rng)) for _ in range(3)
        )
        values["t2"][inside] = tissue.t2 * transverse
        values["t1rho"][inside] = tissue.t1rho * transverse
        values["t1"][inside] = np.maximum(tissue.t1 * longitudinal, tissue.t1rho * transverse)
        values["adc"][inside] = tissue.adc * diffusion
    return values
