"""Features do not depend on scale and phase of the signal, and are exact."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Model, Sequence, Tissue, simulate
from spinprint.networks.inputs import Features, _half_angle, split
from spinprint.physics.noise import add_noise, snr_to_sigma

from .conftest import tiny

N = 64
SIGMA = 0.01
PHASES = [0, 1e-7, np.pi / 2, -np.pi / 2, np.pi, -np.pi, np.pi / 4, 3, -0.1]


@cache
def model_of(kind: str) -> Model:
    return Model.create(tiny(kind))


@pytest.fixture
def model(sequence: Sequence) -> Model:
    return model_of(sequence.name)


def series(sequence: Sequence) -> Any:
    rng = np.random.default_rng(3)
    tissue = Tissue(t1=rng.uniform(0.2, 3, N), t2=rng.uniform(0.02, 0.2, N))
    return add_noise(simulate(sequence, tissue), SIGMA, rng)


def features_of(model: Model, signals: Any, sigma: float = SIGMA) -> Features:
    real, imaginary = split(model.compress(signals))
    return model.network.inputs(real, imaginary, torch.full((N,), sigma), torch.empty(N, 0))


@pytest.mark.parametrize("phase", PHASES)
def test_phase_is_removed_and_reported(model: Model, sequence: Sequence, phase: float) -> None:
    signals = series(sequence)
    expected, features = (
        features_of(model, signals),
        features_of(model, signals * np.exp(1j * phase)),
    )
    spread = expected.signal.std(dim=0)
    assert ((features.signal - expected.signal).abs() / spread).max() < 1e-3
    np.testing.assert_allclose(features.norm, expected.norm, rtol=1e-5)
    removed = torch.complex(*features.phase).numpy()
    assert (
        np.abs(removed - torch.complex(*expected.phase).numpy() * np.exp(1j * phase)).max() < 1e-5
    )


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e4, 1e30])
def test_scale_is_removed_and_reported(model: Model, sequence: Sequence, scale: float) -> None:
    signals = series(sequence)
    expected, features = (
        features_of(model, signals),
        features_of(model, signals * scale, SIGMA * scale),
    )
    assert (features.signal - expected.signal).abs().max() < 1e-3
    assert (features.extra - expected.extra).abs().max() < 1e-4
    np.testing.assert_allclose(features.norm, scale * expected.norm.numpy(), rtol=1e-5)


def test_imaginary_part_of_real_signals_is_dropped(real_sequence: Sequence) -> None:
    model = Model.create(real_sequence)
    signals = series(real_sequence)
    across = 1j * signals.real  # noise perpendicular to the signals
    assert features_of(model, signals).signal.shape == (N, 1, model.rank)
    without, noisy = (features_of(model, signals.real + part * across).signal for part in (0, 1e-3))
    assert (without - noisy).abs().max() < 1e-3


@pytest.mark.parametrize("angle", [0, 1e-6, -1e-6, 1, np.pi / 2, -np.pi / 2, 3, -3])
@pytest.mark.parametrize("near", [0.0, np.pi, -np.pi])
def test_half_angle_is_exact_near_the_branch_cut(angle: float, near: float) -> None:
    whole = near + angle if abs(near + angle) <= np.pi else near - angle
    # Near the ends only the sine resolves the angle.
    parts = torch.tensor([np.cos(whole), np.sin(whole)], dtype=torch.float32)
    cos, sin = (float(part) for part in _half_angle(*parts))
    assert cos == pytest.approx(np.cos(whole / 2), rel=1e-5, abs=1e-7 if angle == 0 else 0)
    assert sin == pytest.approx(np.sin(whole / 2), rel=1e-5, abs=1e-7 if angle == 0 else 0)


def test_features_of_zero_signal_are_finite(model: Model, sequence: Sequence) -> None:
    features = features_of(model, 0 * series(sequence), 0.0)
    assert torch.isfinite(features.signal).all()
    assert torch.isfinite(features.extra).all()


def test_noise_is_clipped_to_the_least_in_training(sequence: Sequence) -> None:
    model = Model.create(sequence, snr_db=(10, 30))
    signals = series(sequence)

    def noise_feature(snr_db: float) -> Any:
        sigma = np.sqrt(np.mean(np.abs(signals) ** 2, axis=1) / 2) * 10 ** (-snr_db / 20)
        parts = split(model.compress(signals))
        given = torch.as_tensor(sigma, dtype=torch.float32)
        return model.network.inputs(*parts, given, torch.empty(N, 0)).extra[:, 0]

    np.testing.assert_allclose(noise_feature(50), noise_feature(80))
    assert (noise_feature(29) - noise_feature(50)).min() > -0.05
    assert (noise_feature(20) - noise_feature(29)).min() > 0.5


def test_features_are_standardised(sequence: Sequence) -> None:
    model = Model.create(sequence, snr_db=(5, 45))
    rng = np.random.default_rng(8)
    clean = simulate(sequence, model.prior.draw(1000, rng))
    sigma = snr_to_sigma(clean, rng.uniform(5, 45, 1000))
    parts = split(model.compress(add_noise(clean, sigma, rng)))
    noise = torch.as_tensor(sigma, dtype=torch.float32)
    features = model.network.inputs(*parts, noise, torch.empty(1000, 0))
    for values in (features.signal, features.extra):
        np.testing.assert_allclose(values.mean(dim=0), 0, atol=0.2)
        np.testing.assert_allclose(values.std(dim=0), 1, atol=0.2)
