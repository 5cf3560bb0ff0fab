"""From images to what the receivers of an undersampled scan hear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, SeriesError
from ...parallel import Progress, for_chunks
from ...physics.noise import add_noise
from .nufft import Nufft
from .trajectory import Trajectory

FRAMES = 16
"""Frames a thread takes at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class KSpace:
    """Samples of one slice; 8 bytes each.

    Raises
    ------
    SeriesError
        Data, sensitivities and trajectory do not fit one another.
    """

    data: NDArray[np.complex64]
    """What each receiver heard [unit of the series times voxels], `(coil, time, sample)`."""
    coils: NDArray[np.complex64]
    """Sensitivities, sum of squares 1, `(coil, x, y)`."""
    trajectory: Trajectory
    """Where each frame was sampled."""

    def __post_init__(self) -> None:
        if self.coils.ndim != 3 or self.data.ndim != 3 or len(self.data) != len(self.coils):
            raise SeriesError(
                f"k-space of shape {self.data.shape} and sensitivities of shape"
                f" {self.coils.shape} must be (coil, time, sample) and (coil, x, y)"
            )
        samples = self.trajectory.interleaves * self.trajectory.arm(self.matrix)[0].size
        if self.data.shape[2] != samples:
            raise SeriesError(
                f"k-space holds {self.data.shape[2]} samples a frame and the {self.trajectory.kind}"
                f" trajectory has {samples}: give the trajectory it was sampled with"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Voxels `(x, y)`."""
        return self.coils.shape[1:]

    @property
    def matrix(self) -> int:
        """Voxels along the longer side."""
        return max(self.shape)

    @property
    def frames(self) -> int:
        """Number of images."""
        return self.data.shape[1]

    def points(self) -> NDArray[np.complex128]:
        """Samples of each frame, kx + i ky [1/FOV], `(time, sample)`."""
        return self.trajectory.points(self.matrix, self.frames)


def acquire(
    series: NDArray[Any],
    trajectory: Trajectory,
    coils: NDArray[np.complex64],
    *,
    sigma: float = 0.0,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> KSpace:
    """Sample every image of one slice along its own interleaves, with noise.

    Memory: 8 bytes times coils, frames and samples a frame, twice while noise is added.

    Parameters
    ----------
    series
        Noise-free images, `(x, y, time)`.
    trajectory
        Where each frame is sampled.
    coils
        Sensitivities, `(coil, x, y)`, as from `coil_maps`.
    sigma
        Noise per real and imaginary channel [unit of the series] that a fully sampled image
        would have; see `sample_sigma`. An undersampled one has more.
    rng
        Where the noise comes from; needed where sigma is not 0.
    progress
        Called with the frames done and their number.

    Raises
    ------
    MissingExtraError
        finufft is not installed.
    SeriesError
        The series has other axes, or another number of voxels than the sensitivities.
    InputError
        sigma is negative or not finite, or there is noise and no generator.
    """
    if series.ndim != 3 or coils.ndim != 3 or series.shape[:2] != coils.shape[1:]:
        raise SeriesError(
            f"a slice of shape {series.shape} and sensitivities of shape {coils.shape} must be"
            " (x, y, time) and (coil, x, y)"
        )
    if not (np.isfinite(sigma) and sigma >= 0):
        raise InputError(f"sigma = {sigma:g} must be at least 0: it is the noise per channel")
    if sigma and rng is None:
        raise InputError(f"sigma = {sigma:g} needs a random generator: give rng")
    shape, frames = coils.shape[1:], series.shape[2]
    points = trajectory.points(max(shape), frames)
    data = np.empty((len(coils), *points.shape), np.complex64)

    def sample(start: int, stop: int) -> None:
        nufft = Nufft(shape, len(coils))
        for frame in range(start, stop):
            data[:, frame] = nufft.at(points[frame]).forward(coils * series[:, :, frame])

    for_chunks(sample, frames, FRAMES, progress)
    if sigma and rng is not None:
        for one in data:
            one[:] = add_noise(one, sample_sigma(trajectory, max(shape), sigma), rng)
    return KSpace(data=data, coils=coils, trajectory=trajectory)


def sample_sigma(trajectory: Trajectory, matrix: int, sigma: float) -> float:
    """Noise of each sample that leaves noise `sigma` in a fully sampled image.

    Gridding sums samples times weights w [1/FOV²] over matrix², so that the noise of an image is
    that of a sample times sqrt(sum w²) / matrix², w being the weights of all interleaves that full
    sampling needs. A sample is as noisy however few interleaves a frame has: a frame with a part
    1 / R of them, gridded, is sqrt(R) times as noisy.

    Parameters
    ----------
    trajectory
        What is played; how many interleaves it has does not matter.
    matrix
        Voxels along the longer side.
    sigma
        Noise per real and imaginary channel of the fully sampled image.
    """
    _, area = trajectory.arm(matrix)
    return float(sigma * matrix**2 * np.sqrt(trajectory.full(matrix) / np.sum(area**2)))
