"""How noisy a voxel is, and whether it holds signal at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special  # scipy.stats has the same, and takes a second to import
from numpy.typing import NDArray

P_NO_SIGNAL = 1e-6
"""Chance of taking pure noise for signal in one voxel."""

ROUNDING = 2.0**-24
"""Noise of a sample over its size that single precision leaves at least."""


def assess(
    basis: NDArray[Any], series: NDArray[np.complex64], sigma: NDArray[np.float64] | None
) -> tuple[NDArray[np.complex64], NDArray[np.float64], NDArray[np.bool_]]:
    """What every estimator asks of voxels first.

    Parameters
    ----------
    basis
        Orthonormal columns that signals of the sequence lie in, `(time, rank)`.
    series
        Signals, `(voxel, time)`.
    sigma
        Noise per real and imaginary channel, `(voxel,)`, where it is known.

    Returns
    -------
    The signals in the basis `(voxel, rank)`, the noise `(voxel,)`, taken from outside the basis
    where it is not known, and whether there is signal at all `(voxel,)`.
    """
    compressed = series @ basis.conj()
    noise, given = sigma, sigma is not None
    if noise is None:
        noise = sigma_outside_basis(series, basis, compressed)
        noise = at_least_rounding(noise, signal_energy(compressed), series.shape[1])
    return compressed, noise, holds_signal(compressed, noise, series.shape[1], given=given)


def at_least_rounding(
    sigma: NDArray[np.float64], energy: NDArray[np.float64], n_samples: int
) -> NDArray[np.float64]:
    """Noise `(voxel,)` that is never less than rounding makes of signals of this energy.

    A series without noise has deviations all the same, if small ones, but where it is zero.
    """
    return np.maximum(sigma, ROUNDING * np.sqrt(energy / (2 * n_samples)))


def sigma_outside_basis(
    series: NDArray[Any], basis: NDArray[Any], compressed: NDArray[Any]
) -> NDArray[np.float64]:
    """Noise per real and imaginary channel from what the basis does not hold, `(voxel,)`.

    Parameters
    ----------
    series
        Signals, or what a fit leaves over, `(voxel, time)`.
    basis
        Orthonormal columns, `(time, rank)`.
    compressed
        The same in the basis, `(voxel, rank)`.

    Returns
    -------
    NaN where the basis is complete, so that nothing lies outside it.
    """
    free = series.shape[1] - compressed.shape[1]
    if free == 0:
        return np.full(len(series), np.nan)
    return np.sqrt(signal_energy(series - compressed @ basis.T) / (2 * free))


def sigma_of_residual(
    energy: NDArray[np.float64], n_samples: int, n_fitted: int
) -> NDArray[np.float64]:
    """Noise per real and imaginary channel from what a fit leaves over, `(voxel,)`.

    Parameters
    ----------
    energy
        Squared norm of what it leaves over, `(voxel,)`.
    n_samples
        Complex samples of a signal.
    n_fitted
        Real numbers that were fitted: two of M0 and the unknowns.

    Returns
    -------
    NaN where as many numbers were fitted as measured.
    """
    free = 2 * n_samples - n_fitted
    if free <= 0:
        return np.full(len(energy), np.nan)
    return np.sqrt(energy / free)


def holds_signal(
    compressed: NDArray[Any], sigma: NDArray[np.float64], n_samples: int, *, given: bool
) -> NDArray[np.bool_]:
    """True where the energy in the basis cannot be noise alone, `(voxel,)`.

    An F test of the energy in the basis against the noise outside it; a χ² test where sigma was
    given. Where the noise is unknown every voxel that is not zero counts.
    """
    energy = signal_energy(compressed)
    inside, outside = 2 * compressed.shape[1], 2 * (n_samples - compressed.shape[1])
    if given or outside == 0:
        limit = scipy.special.chdtri(inside, P_NO_SIGNAL)
    else:
        limit = inside * scipy.special.fdtri(inside, outside, 1 - P_NO_SIGNAL)
    return energy > limit * np.nan_to_num(sigma) ** 2


def signal_energy(signals: NDArray[Any]) -> NDArray[np.float64]:
    """Sum of the squared moduli of each signal `(voxel, time)`, in double precision `(voxel,)`."""
    return np.einsum("vt,vt->v", signals.conj(), signals, dtype=np.complex128).real
