"""How noisy a voxel is, and whether it holds signal at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special  # scipy.stats has the same, and takes a second to import
from numpy.typing import NDArray

from ..physics.noise import rician_moments

P_NO_SIGNAL = 1e-6
"""Chance of taking pure noise for signal in one voxel."""

ROUNDING = 2.0**-24
"""Noise of a sample over its size that single precision leaves at least."""


def assess(
    basis: NDArray[Any], series: NDArray[Any], sigma: NDArray[np.float64] | None
) -> tuple[NDArray[np.complex64], NDArray[np.float64], NDArray[np.bool_]]:
    """What every estimator asks of voxels first.

    Parameters
    ----------
    basis
        Orthonormal columns that signals of the sequence lie in, `(time, rank)`.
    series
        Signals, `(voxel, time)`; real numbers are magnitudes.
    sigma
        Noise per real and imaginary channel, `(voxel,)`, where it is known.

    Returns
    -------
    The signals in the basis `(voxel, rank)`, the noise `(voxel,)`, taken from outside the basis
    where it is not known, and whether there is signal at all `(voxel,)`.
    """
    if not np.iscomplexobj(series):
        return _assess_magnitudes(basis, series, sigma)
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


# Magnitudes -----------------------------------------------------------------------------------

_RAYLEIGH_MEAN, _RAYLEIGH_VARIANCE = np.sqrt(np.pi / 2), 2 - np.pi / 2
"""Of the magnitude of noise alone, sigma 1 per channel."""

_MEAN_UNKNOWN = 2.06
"""Variance of that mean as the spread of n magnitudes states it, over the variance of their mean:
n var(sigma) (pi / 2) / 0.429 with var(sigma) = (2 + kurtosis 0.245) / (4 n)."""


def _assess_magnitudes(
    basis: NDArray[Any], magnitudes: NDArray[np.float32], sigma: NDArray[np.float64] | None
) -> tuple[NDArray[np.complex64], NDArray[np.float64], NDArray[np.bool_]]:
    """As `assess`, of magnitudes: real samples, each with the noise of one channel.

    Noise alone has the mean of a Rayleigh distribution and no other structure, so that signal is
    what the basis holds besides that mean. What is compressed has the bias of the noise taken
    off as far as one sample allows it, sqrt(m² - sigma²) (Gudbjartsson and Patz, Magn Reson Med
    1995;34:910).
    """
    n = magnitudes.shape[1]
    columns = _with_constant(basis.real)
    inside = magnitudes @ columns
    free = n - columns.shape[1]
    left = signal_energy(magnitudes - inside @ columns.T)
    variance = left / free if free else np.full(len(left), np.nan)
    noise = _koay_sigma(magnitudes, variance) if sigma is None else sigma
    silent = np.sqrt(variance / _RAYLEIGH_VARIANCE) if sigma is None else sigma
    inside = inside.astype(np.float64)
    inside[:, 0] -= np.sqrt(n) * _RAYLEIGH_MEAN * silent
    if sigma is None and free:
        inside[:, 0] /= np.sqrt(1 + _MEAN_UNKNOWN * n / free)
        limit = columns.shape[1] * scipy.special.fdtri(columns.shape[1], free, 1 - P_NO_SIGNAL)
    else:
        limit = scipy.special.chdtri(columns.shape[1], P_NO_SIGNAL)
    signal = signal_energy(inside) > limit * _RAYLEIGH_VARIANCE * np.nan_to_num(silent) ** 2
    squared = magnitudes.astype(np.float64) ** 2 - np.nan_to_num(noise)[:, None] ** 2
    corrected = np.sqrt(np.maximum(squared, 0)) @ basis.real
    return corrected.astype(np.complex64), noise, signal & magnitudes.any(axis=1)


def _with_constant(basis: NDArray[Any]) -> NDArray[np.float32]:
    """Orthonormal columns that hold the basis `(time, rank)` and, as the first, a constant."""
    constant = np.full((len(basis), 1), len(basis) ** -0.5)
    others = basis - constant @ (constant.T @ basis)
    left, values, _ = np.linalg.svd(others, full_matrices=False)
    return np.hstack([constant, left[:, values > 1e-3]]).astype(np.float32)


def _koay_sigma(
    magnitudes: NDArray[np.float32], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Noise per channel from the variance of magnitudes about their mean, `(voxel,)`.

    With little signal the variance is less than sigma²; by how much follows from the mean square
    (Koay and Basser, J Magn Reson 2006;179:317). A first estimate, since the signals differ
    over time.
    """
    mean_square = signal_energy(magnitudes) / magnitudes.shape[1]
    sigma = np.sqrt(variance)
    for _ in range(10):
        safe = np.where(sigma > 0, sigma, 1)
        amplitude = np.sqrt(np.maximum(mean_square - 2 * safe**2, 0))
        sigma = np.sqrt(variance) * safe / rician_moments(amplitude, safe)[1]
    return sigma


def sigma_of_magnitudes(
    magnitudes: NDArray[Any],
    amplitude: NDArray[np.float64],
    sigma: NDArray[np.float64],
    n_fitted: int,
) -> NDArray[np.float64]:
    """Noise per channel from how magnitudes scatter about a fit, `(voxel,)`.

    The sigma for which (m - mean)² over the Rician variance has the mean it should have.

    Parameters
    ----------
    magnitudes
        What was measured, `(voxel, time)`.
    amplitude
        The fit, without noise, `(voxel, time)`.
    sigma
        A guess, `(voxel,)`.
    n_fitted
        Real numbers that were fitted: one of M0 and the unknowns.

    Returns
    -------
    NaN where as many numbers were fitted as measured.
    """
    free = magnitudes.shape[1] - n_fitted
    if free <= 0:
        return np.full(len(sigma), np.nan)
    for _ in range(3):
        mean, sd = rician_moments(amplitude, sigma[:, None])
        sigma = sigma * np.sqrt(np.sum(((magnitudes - mean) / sd) ** 2, axis=1) / free)
    return sigma
