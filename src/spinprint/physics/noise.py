"""Noise, and what people call the signal-to-noise ratio.

Noise is complex white Gaussian, `sigma` per real and imaginary channel. A ratio in decibel is
20 log10(reference / (sqrt(2) sigma)); what the reference is has a name, because conventions
differ by up to a factor of twenty for one and the same noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Reference = Callable[[NDArray[Any]], NDArray[np.float64]]

SNR_CONVENTIONS: dict[str, Reference] = {
    "rms": lambda signal: np.sqrt(np.mean(np.abs(signal) ** 2, axis=-1)),
    "mean": lambda signal: np.mean(np.abs(signal), axis=-1),
    "max": lambda signal: np.max(np.abs(signal), axis=-1),
    "first": lambda signal: np.abs(signal[..., 0]),
    "m0": lambda signal: np.ones(signal.shape[:-1]),
}
"""Reference amplitude of a signal `(..., time)`; `m0` takes signals per unit of M0."""


def snr_to_sigma(signal: NDArray[Any], snr_db: ArrayLike, convention: str = "rms") -> Any:
    """Noise per channel that gives each signal a signal-to-noise ratio.

    Parameters
    ----------
    signal
        Noise-free signals, `(..., time)`.
    snr_db
        The ratio [dB], broadcast against `(...)`.
    convention
        One of `SNR_CONVENTIONS`: what the ratio compares the noise with.

    Returns
    -------
    sigma, `(...)`, in the unit of the signal.

    Raises
    ------
    InputError
        The convention is unknown.
    """
    reference = _reference(convention)(signal)
    return reference / np.sqrt(2) * 10 ** (-np.asarray(snr_db, float) / 20)


def sigma_to_snr(signal: NDArray[Any], sigma: ArrayLike, convention: str = "rms") -> Any:
    """The signal-to-noise ratio [dB] of signals `(..., time)` under noise sigma, `(...)`.

    Raises
    ------
    InputError
        The convention is unknown.
    """
    reference = _reference(convention)(signal)
    return 20 * np.log10(reference / (np.sqrt(2) * np.asarray(sigma, float)))


def add_noise(
    signal: NDArray[Any], sigma: ArrayLike, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """Signals `(..., time)` with complex white noise, sigma `(...)` per channel."""
    noise = rng.standard_normal((*signal.shape, 2), np.float32).view(np.complex64)[..., 0]
    return (signal + np.asarray(sigma, np.float32)[..., None] * noise).astype(np.complex64)


def add_rician_noise(
    signal: NDArray[Any], sigma: ArrayLike, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Magnitudes of signals `(..., time)` with complex white noise, sigma `(...)` per channel.

    Sign and phase are lost and the noise no longer averages to 0. Estimators need complex series:
    after an inversion a magnitude shows the negative signal as positive, which no atom does, so
    that parameters come out wrong however little noise there is.
    """
    return np.abs(add_noise(signal, sigma, rng))


def rician_moments(
    amplitude: ArrayLike, sigma: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the magnitude of a noisy signal, both `(...)`.

    Rice, Bell Syst Tech J 1944;23:282; Gudbjartsson and Patz, Magn Reson Med 1995;34:910: with
    z = amplitude² / (4 sigma²) the mean is sigma sqrt(pi / 2) exp(-z) ((1 + 2 z) I0(z) +
    2 z I1(z)), and the mean square amplitude² + 2 sigma².

    Parameters
    ----------
    amplitude
        Modulus of the signal without noise, `(...)`.
    sigma
        Noise per real and imaginary channel, positive, in the same unit; it broadcasts.
    """
    from scipy.special import i0e, i1e  # half a second, and of use to few

    amplitude, sigma = np.asarray(amplitude, float), np.asarray(sigma, float)
    z = (amplitude / sigma) ** 2 / 4
    mean = sigma * np.sqrt(np.pi / 2) * ((1 + 2 * z) * i0e(z) + 2 * z * i1e(z))
    return mean, np.sqrt(np.maximum(amplitude**2 + 2 * sigma**2 - mean**2, 0))


def _reference(convention: str) -> Reference:
    if convention not in SNR_CONVENTIONS:
        raise InputError(
            f"SNR convention {convention!r} must be one of {', '.join(SNR_CONVENTIONS)}"
        )
    return SNR_CONVENTIONS[convention]
