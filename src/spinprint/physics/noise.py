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


def _reference(convention: str) -> Reference:
    if convention not in SNR_CONVENTIONS:
        raise InputError(
            f"SNR convention {convention!r} must be one of {', '.join(SNR_CONVENTIONS)}"
        )
    return SNR_CONVENTIONS[convention]
