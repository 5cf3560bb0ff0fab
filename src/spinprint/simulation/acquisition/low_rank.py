"""Images by low-rank subspace: all frames together explain one set of coefficient images.

Signals of the dictionary live in a few dimensions, so that a series is a few coefficient images
times the basis: Tamir et al., Magn Reson Med 2017;77:180; for fingerprinting Zhao et al., Magn
Reson Med 2018;79:933 and Assländer et al., Magn Reson Med 2018;79:83. With the coils that is a
linear least-squares problem, solved by conjugate gradients (Pruessmann et al., Magn Reson Med
2001;46:638). Its normal matrix is a convolution for each pair of coefficients, whose kernels are
computed once (Toeplitz embedding: Fessler et al., IEEE Trans Signal Process 2005;53:3393).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ...errors import InputError, SeriesError
from ...parallel import Progress, for_chunks, n_workers, portion
from .gridding import backproject
from .kspace import FRAMES, KSpace
from .nufft import Nufft

_FRAMES = 64
"""Frames whose point-spread functions are held at a time."""
_ROWS = 8
"""Rows of k-space a thread mixes at a time."""


def subspace(
    kspace: KSpace,
    basis: NDArray[Any],
    *,
    iterations: int = 50,
    tolerance: float = 1e-3,
    progress: Progress | None = None,
) -> NDArray[np.complex64]:
    """Coefficient images of least squares in k-space, `(x, y, rank)`.

    `coefficients @ basis.T` is the series; `dictionary.match` and the estimators take that. White
    noise weighs all samples alike. The corners of k-space, which no sample reaches, stay 0, as in
    gridding: fitted to the little that coils tell of them, they would hold noise alone. Nothing
    else regularises the fit.

    Memory for each voxel: 48 bytes times rank² for the kernels while they are made, 64 times rank
    and coils for the images, 8 times the frames for the adjoint; the point-spread functions take
    2 kB. At rank 20, 8 coils, 768 frames and 112 x 112 voxels that is 0.4 GB, and the data.

    Parameters
    ----------
    kspace
        Samples of one slice.
    basis
        Orthonormal columns, `(time, rank)`: `dictionary.basis`.
    iterations
        Steps of conjugate gradients at most.
    tolerance
        Stop where the residual of the normal equations has fallen to this part of its start.
    progress
        Called with the work done and its amount.

    Raises
    ------
    MissingExtraError
        finufft is not installed.
    SeriesError
        The basis has another number of time points than the data.
    InputError
        There are less than one iteration, or the tolerance does not lie from 0 to 1.
    """
    if basis.ndim != 2 or len(basis) != kspace.frames:
        raise SeriesError(
            f"a basis of shape {basis.shape} must be (time, rank) with {kspace.frames} time"
            " points, as many as the data have"
        )
    if iterations < 1 or not 0 <= tolerance < 1:
        raise InputError(
            f"iterations = {iterations} must be at least 1 and tolerance = {tolerance:g} at"
            " least 0 and below 1"
        )
    normal = NormalMatrix(kspace, basis, portion(progress, 0, 2))
    right = within_disc(adjoint(kspace, basis, portion(progress, 2, 4)))
    return _conjugate_gradients(normal, right, iterations, tolerance, portion(progress, 3, 4))


def adjoint(
    kspace: KSpace, basis: NDArray[Any], progress: Progress | None = None
) -> NDArray[np.complex64]:
    """The adjoint of sampling applied to the data: coefficient images `(x, y, rank)`."""
    return backproject(kspace, np.ones(kspace.data.shape[2]), progress) @ basis.conj()


def within_disc(images: NDArray[Any]) -> NDArray[np.complex64]:
    """Images `(x, y, rank)` without the corners of k-space, beyond matrix / 2."""
    x, y, _ = images.shape
    matrix = max(x, y)
    reach = np.hypot(np.fft.fftfreq(x, 1 / matrix)[:, None], np.fft.fftfreq(y, 1 / matrix))
    spectra = scipy.fft.fft2(images, axes=(0, 1))
    spectra *= (reach <= matrix / 2)[:, :, None]
    return scipy.fft.ifft2(spectra, axes=(0, 1), overwrite_x=True)


class NormalMatrix:
    """The adjoint of sampling after sampling, on coefficient images `(x, y, rank)`."""

    def __init__(
        self, kspace: KSpace, basis: NDArray[Any], progress: Progress | None = None
    ) -> None:
        self._coils = np.moveaxis(kspace.coils, 0, -1)[:, :, None, :]
        self._kernels = _kernels(kspace, basis, progress)

    def __call__(self, images: NDArray[Any]) -> NDArray[np.complex64]:
        """What the data of these images give by `adjoint`, `(x, y, rank)`."""
        x, y, _ = images.shape
        size = self._kernels.shape[:2]
        spectra = scipy.fft.fft2(
            images[..., None] * self._coils, s=size, axes=(0, 1), workers=n_workers()
        )

        def mix(start: int, stop: int) -> None:
            spectra[start:stop] = self._kernels[start:stop] @ spectra[start:stop]

        for_chunks(mix, size[0], _ROWS)
        seen = scipy.fft.ifft2(spectra, axes=(0, 1), overwrite_x=True, workers=n_workers())
        return np.sum(self._coils.conj() * seen[:x, :y], axis=-1)


def _kernels(
    kspace: KSpace, basis: NDArray[Any], progress: Progress | None
) -> NDArray[np.complex64]:
    """Spectra of the convolutions, `(2 x, 2 y, rank, rank)`: how a coefficient s leaks into r."""
    rank = basis.shape[1]
    rows, columns = np.triu_indices(rank)
    pairs = basis[:, rows].conj() * basis[:, columns]
    shape = (2 * kspace.shape[0], 2 * kspace.shape[1])
    spreads = np.zeros((rows.size, shape[0] * shape[1]), np.complex64)
    points = kspace.points()
    for start in range(0, kspace.frames, _FRAMES):
        frames = slice(start, start + _FRAMES)
        spreads += pairs[frames].T @ _point_spreads(points[frames], shape, kspace.matrix)
        if progress:
            progress(min(frames.stop, kspace.frames), kspace.frames)
    kernels = np.empty((*shape, rank, rank), np.complex64)
    for r, s, spread in zip(rows, columns, spreads, strict=True):
        kernels[:, :, r, s] = scipy.fft.fft2(scipy.fft.ifftshift(spread.reshape(shape)))
        kernels[:, :, s, r] = kernels[:, :, r, s].conj()
    return kernels


def _point_spreads(
    points: NDArray[np.complex128], shape: tuple[int, int], matrix: int
) -> NDArray[np.complex64]:
    """What a point becomes in each frame, over twice the field of view, `(frame, voxel)`."""
    spreads = np.empty((len(points), *shape), np.complex64)
    ones = np.ones((1, points.shape[1]), np.complex64)

    def spread(start: int, stop: int) -> None:
        nufft = Nufft(shape, 1, matrix)
        for frame in range(start, stop):
            spreads[frame] = nufft.at(points[frame]).adjoint(ones)[0]

    for_chunks(spread, len(points), FRAMES)
    return spreads.reshape(len(points), -1)


def _conjugate_gradients(
    normal: NormalMatrix,
    right: NDArray[np.complex64],
    iterations: int,
    tolerance: float,
    progress: Progress | None,
) -> NDArray[np.complex64]:
    """Solve `normal(images) = right` from 0 within the disc (Hestenes and Stiefel 1952)."""
    images = np.zeros_like(right)
    residual = right.copy()
    way = right.copy()
    energy = first = _energy(residual)
    for step in range(iterations):
        if energy <= tolerance**2 * first:
            break
        ahead = within_disc(normal(way))
        length = energy / np.vdot(way, ahead).real
        images += np.float32(length) * way
        residual -= np.float32(length) * ahead
        before, energy = energy, _energy(residual)
        way = residual + np.float32(energy / before) * way
        if progress:
            progress(step + 1, iterations)
    return images


def _energy(images: NDArray[Any]) -> float:
    return float(np.sum(np.abs(images) ** 2, dtype=np.float64))
