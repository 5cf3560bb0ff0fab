"""Images by gridding: every frame on its own, aliases and all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...parallel import Progress, for_chunks
from .kspace import FRAMES, KSpace
from .nufft import Nufft


def grid(kspace: KSpace, progress: Progress | None = None) -> NDArray[np.complex64]:
    """Reconstruct each frame by the density-compensated adjoint transform, `(x, y, time)`.

    Jackson et al., IEEE Trans Med Imaging 1991;10:473, with the area of k-space of each sample
    as its weight; coils are combined with their sensitivities, conjugated. What a frame did not
    sample is taken to be 0, which is where aliases come from.

    Parameters
    ----------
    kspace
        Samples of one slice.
    progress
        Called with the frames done and their number.

    Raises
    ------
    MissingExtraError
        finufft is not installed.
    """
    weights = kspace.trajectory.weights(kspace.matrix) / kspace.matrix**2
    return backproject(kspace, weights, progress)


def backproject(
    kspace: KSpace, weights: NDArray[np.float64], progress: Progress | None = None
) -> NDArray[np.complex64]:
    """The adjoint of sampling applied to each frame of weighted samples, `(x, y, time)`.

    Parameters
    ----------
    kspace
        Samples of one slice.
    weights
        What each sample of a frame counts, `(sample,)`.
    progress
        Called with the frames done and their number.
    """
    points, weights = kspace.points(), weights.astype(np.float32)
    series = np.empty((*kspace.shape, kspace.frames), np.complex64)

    def transform(start: int, stop: int) -> None:
        nufft = Nufft(kspace.shape, len(kspace.coils))
        for frame in range(start, stop):
            images = nufft.at(points[frame]).adjoint(kspace.data[:, frame] * weights)
            series[:, :, frame] = np.sum(kspace.coils.conj() * images, axis=0)

    for_chunks(transform, kspace.frames, FRAMES, progress)
    return series
