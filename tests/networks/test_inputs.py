"""What a network sees does not depend on scale and phase, and is exact."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Model, Sequence, Tissue, simulate
from spinprint.networks.inputs import Seen, _half_angle, split
from spinprint.physics.noise import add_noise, snr_to_sigma

from .conftest import played

N = 64
SIGMA = 0.01
PHASES = [0, 1e-7, np.pi / 2, -np.pi / 2, np.pi, -np.pi, np.pi / 4, 3, -0.1]


@cache
def made(phase: str) -> Model:
    return Model.create(played(phase))


@pytest.fixture
def model(sequence: Sequence) -> Model:
    return made(sequence.name)


def series(sequence: Sequence) -> Any:
    rng = np.random.default_rng(3)
    tissue = Tissue(t1=rng.uniform(0.2, 3, N), t2=rng.uniform(0.02, 0.2, N))
    return add_noise(simulate(sequence, tissue), SIGMA, rng)


def look(model: Model, signals: Any, sigma: float = SIGMA) -> Seen:
    real, imaginary = split(model.compress(signals))
    return model.network.inputs(real, imaginary, torch.full((N,), sigma), torch.empty(N, 0))


@pytest.mark.parametrize("phase", PHASES)
def test_the_phase_of_a_signal_is_not_seen_but_told(
    model: Model, sequence: Sequence, phase: float
) -> None:
    signals = series(sequence)
    expected, seen = look(model, signals), look(model, signals * np.exp(1j * phase))
    spread = expected.signal.std(dim=0)
    assert ((seen.signal - expected.signal).abs() / spread).max() < 1e-3
    np.testing.assert_allclose(seen.norm, expected.norm, rtol=1e-5)
    turned = torch.complex(*seen.turn).numpy()
    assert np.abs(turned - torch.complex(*expected.turn).numpy() * np.exp(1j * phase)).max() < 1e-5


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e4, 1e30])
def test_the_scale_of_a_signal_is_not_seen_but_told(
    model: Model, sequence: Sequence, scale: float
) -> None:
    signals = series(sequence)
    expected, seen = look(model, signals), look(model, signals * scale, SIGMA * scale)
    assert (seen.signal - expected.signal).abs().max() < 1e-3
    assert (seen.besides - expected.besides).abs().max() < 1e-4
    np.testing.assert_allclose(seen.norm, scale * expected.norm.numpy(), rtol=1e-5)


def test_what_lies_off_the_line_is_dropped(one_line: Sequence) -> None:
    model = Model.create(one_line)
    signals = series(one_line)
    across = 1j * signals.real  # noise at a right angle to the signals
    assert look(model, signals).signal.shape == (N, 1, model.rank)
    one, two = (look(model, signals.real + part * across).signal for part in (0, 1e-3))
    assert (one - two).abs().max() < 1e-3


@pytest.mark.parametrize("angle", [0, 1e-6, -1e-6, 1, np.pi / 2, -np.pi / 2, 3, -3])
@pytest.mark.parametrize("near", [0.0, np.pi, -np.pi])
def test_half_an_angle_is_exact_near_its_branch_too(angle: float, near: float) -> None:
    whole = near + angle if abs(near + angle) <= np.pi else near - angle
    # Near the ends the sine alone still tells the angle.
    parts = torch.tensor([np.cos(whole), np.sin(whole)], dtype=torch.float32)
    cos, sin = (float(part) for part in _half_angle(*parts))
    assert cos == pytest.approx(np.cos(whole / 2), rel=1e-5, abs=1e-7 if angle == 0 else 0)
    assert sin == pytest.approx(np.sin(whole / 2), rel=1e-5, abs=1e-7 if angle == 0 else 0)


def test_no_signal_is_seen_as_numbers(model: Model, sequence: Sequence) -> None:
    seen = look(model, 0 * series(sequence), 0.0)
    assert torch.isfinite(seen.signal).all()
    assert torch.isfinite(seen.besides).all()


def test_noise_is_seen_as_no_less_than_was_shown(sequence: Sequence) -> None:
    model = Model.create(sequence, snr_db=(10, 30))
    signals = series(sequence)

    def told(snr_db: float) -> Any:
        sigma = np.sqrt(np.mean(np.abs(signals) ** 2, axis=1) / 2) * 10 ** (-snr_db / 20)
        parts = split(model.compress(signals))
        given = torch.as_tensor(sigma, dtype=torch.float32)
        return model.network.inputs(*parts, given, torch.empty(N, 0)).besides[:, 0]

    np.testing.assert_allclose(told(50), told(80))
    assert (told(29) - told(50)).min() > -0.05
    assert (told(20) - told(29)).min() > 0.5


def test_what_is_seen_has_one_spread(sequence: Sequence) -> None:
    model = Model.create(sequence, snr_db=(5, 45))
    rng = np.random.default_rng(8)
    clean = simulate(sequence, model.prior.draw(1000, rng))
    sigma = snr_to_sigma(clean, rng.uniform(5, 45, 1000))
    parts = split(model.compress(add_noise(clean, sigma, rng)))
    told = torch.as_tensor(sigma, dtype=torch.float32)
    seen = model.network.inputs(*parts, told, torch.empty(1000, 0))
    for values in (seen.signal, seen.besides):
        np.testing.assert_allclose(values.mean(dim=0), 0, atol=0.2)
        np.testing.assert_allclose(values.std(dim=0), 1, atol=0.2)
