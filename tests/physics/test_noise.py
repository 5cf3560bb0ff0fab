"""Noise of stated size, and ratios that say what they compare."""

from typing import Any

import numpy as np
import pytest

from spinprint import InputError
from spinprint.physics.noise import (
    SNR_CONVENTIONS,
    add_noise,
    add_rician_noise,
    rician_information,
    rician_moments,
    rician_score,
    sigma_to_snr,
    snr_to_sigma,
)

SIGNAL = np.array([[3j, -4, 0, 0, 0], [0.3, 0.4, 0, 0, 0], [1, 1, 1, 1, 1]])


def test_rms_convention_by_hand() -> None:
    """20 log10(rms / (sqrt(2) sigma)): rms² = (9 + 16) / 5 = 5, so that sigma² = 5 / 200."""
    assert snr_to_sigma(SIGNAL[0], 20) == pytest.approx(np.sqrt(0.025))
    assert sigma_to_snr(SIGNAL[0], np.sqrt(0.025)) == pytest.approx(20)


@pytest.mark.parametrize(
    ("convention", "reference"),
    [
        ("rms", np.sqrt([5, 0.05, 1])),
        ("mean", [1.4, 0.14, 1]),
        ("max", [4, 0.4, 1]),
        ("first", [3, 0.3, 1]),
        ("m0", [1, 1, 1]),
    ],
)
def test_every_convention_names_its_reference(convention: str, reference: Any) -> None:
    expected = np.array(reference) / np.sqrt(2) / 10**1.5
    np.testing.assert_allclose(snr_to_sigma(SIGNAL, 30, convention), expected)


@pytest.mark.parametrize("convention", SNR_CONVENTIONS)
def test_there_and_back(convention: str) -> None:
    snr = np.array([10.0, 25.0, 60.0])
    sigma = snr_to_sigma(SIGNAL, snr, convention)
    np.testing.assert_allclose(sigma_to_snr(SIGNAL, sigma, convention), snr)


@pytest.mark.parametrize("function", [snr_to_sigma, sigma_to_snr])
def test_an_unknown_convention_is_refused(function: Any) -> None:
    with pytest.raises(InputError, match="convention 'power' must be one of rms, mean, max"):
        function(SIGNAL, 20, "power")


def test_noise_has_the_stated_size_in_each_channel_of_each_signal() -> None:
    sigma = np.array([0.01, 1.0, 30.0])
    signal = np.broadcast_to((1 - 2j) * np.ones(20_000), (3, 20_000))
    noise = add_noise(signal, sigma, np.random.default_rng(1)) - signal
    assert noise.dtype == np.complex128
    for channel in (noise.real, noise.imag):
        np.testing.assert_allclose(channel.std(axis=1), sigma, rtol=0.03)
        np.testing.assert_allclose(channel.mean(axis=1) / sigma, 0, atol=0.03)
    correlation = np.mean(noise.real * noise.imag, axis=1) / sigma**2
    np.testing.assert_allclose(correlation, 0, atol=0.03)
    neighbours = np.mean(noise[:, 1:] * noise[:, :-1].conj(), axis=1) / sigma**2
    np.testing.assert_allclose(np.abs(neighbours), 0, atol=0.05)


def test_noise_measured_by_the_ratio_it_was_made_for() -> None:
    rng = np.random.default_rng(2)
    signal = rng.standard_normal((1, 40_000)) * np.exp(1j)
    noisy = add_noise(signal, snr_to_sigma(signal, 25), rng)
    power = np.mean(np.abs(signal) ** 2) / np.mean(np.abs(noisy - signal) ** 2)
    assert 10 * np.log10(power) == pytest.approx(25, abs=0.1)


def test_equal_seeds_give_equal_noise() -> None:
    first, again, other = (add_noise(SIGNAL, 0.1, np.random.default_rng(s)) for s in (3, 3, 4))
    assert first.dtype == np.complex64
    assert first.shape == SIGNAL.shape
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("amplitude", [0, 0.3, 1, 4, 1000])
def test_magnitudes_follow_the_rician_moments(amplitude: float) -> None:
    rng = np.random.default_rng(4)
    signal = np.full((200, 500), amplitude * np.exp(2j))
    magnitudes = add_rician_noise(signal, 0.7, rng)
    assert magnitudes.dtype == np.float32
    mean, sd = rician_moments(amplitude, 0.7)
    assert magnitudes.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(signal.size))
    assert magnitudes.std() == pytest.approx(sd, rel=0.02)


def test_rician_moments_without_and_with_much_signal() -> None:
    mean, sd = rician_moments([0, 1e4], 2)
    np.testing.assert_allclose(mean, [2 * np.sqrt(np.pi / 2), 1e4], rtol=1e-6)
    np.testing.assert_allclose(sd, [2 * np.sqrt(2 - np.pi / 2), 2], rtol=1e-6)


@pytest.mark.parametrize("ratio", [0.1, 1, 3, 10])
def test_the_rician_score_has_no_mean_and_its_variance_is_the_information(ratio: float) -> None:
    sigma = 0.7
    clean = np.full((4000, 100), ratio * sigma)
    magnitudes = add_rician_noise(clean, sigma, np.random.default_rng(3))
    score = rician_score(magnitudes, ratio * sigma, sigma) / sigma
    information = rician_information(ratio)
    assert score.mean() == pytest.approx(0, abs=float(4 * np.sqrt(information / score.size)))
    assert score.var() == pytest.approx(information, rel=0.02)


def test_the_rician_score_is_the_slope_of_the_likelihood() -> None:
    """The density of Rice (1944), differentiated numerically."""
    m, a, sigma, h = 1.7, 1.2, 0.7, 1e-5

    def log_density(amplitude: float) -> float:
        from scipy.special import i0e

        x = m * amplitude / sigma**2
        return float(np.log(i0e(x)) + x - (m**2 + amplitude**2) / (2 * sigma**2))

    slope = (log_density(a + h) - log_density(a - h)) / (2 * h)
    assert rician_score(m, a, sigma) / sigma**2 == pytest.approx(slope, rel=1e-6)


def test_rician_information_between_no_signal_and_much() -> None:
    np.testing.assert_allclose(rician_information([0, 0.01, 1e6]), [0, 1e-4, 1], rtol=2e-3)
    far = rician_information(np.array([15.9, 16.1]))  # the table ends between
    np.testing.assert_allclose(far[1] - far[0], 0.5 / 15.9**2 - 0.5 / 16.1**2, rtol=0.1)
