"""Noise, and what people call the signal-to-noise ratio.

Noise is complex white Gaussian, `sigma` per real and imaginary channel. A ratio in decibel is
20 log10(reference / (sqrt(2) sigma)); what the reference is has a name, because conventions
differ by up to a factor of twenty for one and the same noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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

    Sign and phase are lost and the noise no longer averages to 0. Only a dictionary of moduli
    (`Dictionary.build` with `magnitude`) fits them: after an inversion a magnitude shows the
    negative signal as positive, which no atom of signals does.
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
    # Between what it is without signal and with much of it, where rounding may lead out.
    variance = amplitude**2 + 2 * sigma**2 - mean**2
    return mean, np.sqrt(np.clip(variance, (2 - np.pi / 2) * sigma**2, sigma**2))


def rician_score(
    magnitudes: ArrayLike, amplitude: ArrayLike, sigma: ArrayLike
) -> NDArray[np.float64]:
    """Slope of the log-likelihood of magnitudes for the amplitude, times sigma², `(...)`.

    With the density m / sigma² exp(-(m² + A²) / (2 sigma²)) I0(m A / sigma²) it is
    m I1(x) / I0(x) - A, x = m A / sigma²: as for Gaussian noise, of the part of m that points
    along the signal on average.

    Parameters
    ----------
    magnitudes
        What was measured, `(...)`.
    amplitude
        Modulus of the signal without noise; it broadcasts.
    sigma
        Noise per real and imaginary channel, positive; it broadcasts.
    """
    from scipy.special import i0e, i1e

    magnitudes, amplitude = np.asarray(magnitudes, float), np.asarray(amplitude, float)
    x = magnitudes * amplitude / np.asarray(sigma, float) ** 2
    return np.asarray(magnitudes * i1e(x) / i0e(x) - amplitude)


def rician_information(ratio: ArrayLike) -> NDArray[np.float64]:
    """Fisher information of a magnitude on its amplitude, times sigma², `(...)`.

    From 0 without signal, where it is ratio², to 1 with much of it: the share of what the signal's
    channel alone would say.

    Parameters
    ----------
    ratio
        Amplitude over noise per channel, `(...)`.
    """
    ratio = np.asarray(ratio, float)
    ratios, shares = _information_table()
    far = np.maximum(ratio, ratios[-1])
    return np.where(ratio < ratios[-1], np.interp(ratio, ratios, shares), 1 - 0.5 / far**2)


@lru_cache
def _information_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratios and the variance of the score there, by quadrature over the density."""
    from scipy.special import i0e

    ratios = np.linspace(0, 16, 1601)
    step = 1 / 64
    m = np.maximum(ratios[:, None] + np.arange(-9, 9, step) + step / 2, 0)
    density = m * np.exp(-((m - ratios[:, None]) ** 2) / 2) * i0e(m * ratios[:, None])
    score = rician_score(m, ratios[:, None], 1.0)
    return ratios, step * np.sum(density * score**2, axis=1)


def _reference(convention: str) -> Reference:
    if convention not in SNR_CONVENTIONS:
        raise InputError(
            f"SNR convention {convention!r} must be one of {', '.join(SNR_CONVENTIONS)}"
        )
    return SNR_CONVENTIONS[convention]
