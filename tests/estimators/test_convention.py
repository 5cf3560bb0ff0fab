"""Magnitudes that pass for signals are refused, and phases that turn the wrong way are seen."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint import Dictionary, Sequence, SeriesError, Tissue, simulate
from spinprint.dictionary.defaults import default_grid
from spinprint.estimators import DictionaryMatching, LeastSquares, PosteriorMean
from spinprint.estimators.convention import conjugate_fits_better, require_phase
from spinprint.physics.noise import add_noise, add_rician_noise, snr_to_sigma
from spinprint.sequence import Inversion, ReadoutTrain

FLIP = np.radians(10 + 45 * np.abs(np.sin(np.linspace(0, 4 * np.pi, 160))))
PULSE = np.arange(160)


def sequence(*, inverted: bool = True, delay: float = 0.02, **train: Any) -> Sequence:
    pulses = ReadoutTrain(**{"flip": FLIP, "tr": 0.012, "te": 0.002} | train)
    blocks = (Inversion(delay=delay), pulses) if inverted else (pulses,)
    return Sequence(name="some", field_strength=3.0, blocks=blocks)


INVERTED, PLAIN = sequence(), sequence(inverted=False)


@cache
def tissue(one: Sequence) -> Tissue:
    return default_grid(one).tissue()


def soft(n: int = 12, **more: Any) -> Tissue:
    rng = np.random.default_rng(4)
    return Tissue(t1=rng.uniform(0.6, 2, n), t2=rng.uniform(0.03, 0.12, n), **more)


def phases(n: int = 12) -> NDArray[np.complex128]:
    return np.exp(1j * np.random.default_rng(5).uniform(-3, 3, n))[:, None]


def refused(series: NDArray[Any], one: Sequence = INVERTED) -> bool:
    try:
        require_phase(series, one, tissue(one))
    except SeriesError:
        return True
    return False


@pytest.mark.parametrize("snr_db", [5, 15, 40])
def test_magnitudes_are_refused_whatever_they_are_stored_as(snr_db: float) -> None:
    clean = simulate(INVERTED, soft())
    noisy = add_noise(clean * phases(), snr_to_sigma(clean, snr_db), np.random.default_rng(1))
    magnitudes = np.abs(noisy)
    stored = {
        "real": magnitudes,
        "complex": magnitudes.astype(np.complex64),
        "imaginary": 1j * magnitudes,
        "negative": -magnitudes,
        "one phase a voxel": (magnitudes * phases()).astype(np.complex64),
        "rounded": np.round(300 * magnitudes * phases()) / 300,
        "moduli of both parts": np.abs(noisy.real) + 1j * np.abs(noisy.imag),
        "large": magnitudes * np.float32(1e25),
    }
    assert [name for name, series in stored.items() if not refused(series)] == []
    assert not refused(noisy)


def test_the_refusal_says_the_way_out() -> None:
    series = np.abs(simulate(INVERTED, soft()))
    for estimator in (DictionaryMatching, LeastSquares, PosteriorMean):
        plain = Dictionary.build(INVERTED, default_grid(INVERTED))
        with pytest.raises(SeriesError, match=r"these are magnitudes.*--phase.*--magnitude.*magn"):
            estimator(plain).predict(series)


def test_a_sequence_of_positive_signals_makes_what_looks_like_magnitudes() -> None:
    clean = simulate(PLAIN, soft())
    assert not refused(clean, PLAIN)
    assert not refused(clean * phases(), PLAIN)
    assert not refused(add_rician_noise(clean, 1e-3, np.random.default_rng(1)), PLAIN)


def test_no_signal_of_the_model_is_refused_even_alone() -> None:
    """Short T1 recovers before the first pulse, so that some signals never are negative."""
    rng, late = np.random.default_rng(2), sequence(delay=0.1)
    t1 = np.exp(rng.uniform(np.log(0.05), np.log(5), 120))
    clean = simulate(late, Tissue(t1=t1, t2=t1 * rng.uniform(0.02, 0.9, 120)))
    positive = clean.real.min(axis=1) >= 0
    assert 10 < positive.sum() < 60
    assert not any(refused(one[None] * phases(1), late) for one in clean)
    both = np.abs(clean.sum(axis=1)) < 0.7 * np.abs(clean).sum(axis=1)
    assert both.sum() > 20
    assert all(refused(np.abs(one[None]), late) for one in clean[both])


def test_few_voxels_of_one_phase_are_left_alone() -> None:
    clean = simulate(INVERTED, soft())
    series = add_noise(clean, snr_to_sigma(clean, 30), np.random.default_rng(1))
    series[:3] = np.abs(series[:3])
    series[3] = 0
    assert not refused(series)


def test_the_mask_says_which_voxels_are_judged() -> None:
    series = np.abs(simulate(INVERTED, soft(8))).astype(np.complex64)
    series = np.concatenate(
        [series, 9 * add_noise(np.zeros((8, 160)), 1.0, np.random.default_rng(1))]
    )
    require_phase(series, INVERTED, tissue(INVERTED))
    with pytest.raises(SeriesError, match="magnitudes"):
        require_phase(series, INVERTED, tissue(INVERTED), np.arange(16) < 8)


SPOILED = sequence(phase=np.radians(117 * PULSE * (PULSE + 1) / 2) % (2 * np.pi))
BALANCED = sequence(phase=np.pi * (PULSE % 2), spoiler_cycles=0, te=0.006)


def noisy(one: Sequence, what: Tissue) -> NDArray[np.complex64]:
    clean = simulate(one, what) * phases(what.size)
    return add_noise(clean, snr_to_sigma(clean, 25), np.random.default_rng(1))


def test_a_series_that_turns_the_wrong_way_is_seen() -> None:
    dictionary = Dictionary.build(SPOILED, default_grid(SPOILED))
    series = noisy(SPOILED, soft())
    assert not conjugate_fits_better(series, dictionary)
    assert conjugate_fits_better(series.conj(), dictionary)
    assert not conjugate_fits_better(series.conj(), dictionary, np.zeros(12, bool))


def test_a_known_b0_shows_the_sense_of_rotation() -> None:
    b0 = np.linspace(-35, 40, 12)
    dictionary = Dictionary.build(BALANCED, default_grid(BALANCED, {"b0": (-40, 40)}))
    series = noisy(BALANCED, soft(b0=b0))
    assert not conjugate_fits_better(series, dictionary, known={"b0": b0})
    assert conjugate_fits_better(series.conj(), dictionary, known={"b0": b0})
    assert conjugate_fits_better(series, dictionary, known={"b0": -b0})
    # Where B0 is estimated, its sign makes up for the sense.
    assert not conjugate_fits_better(series.conj(), dictionary)


@pytest.mark.parametrize("one", [INVERTED, BALANCED, sequence(phase=np.pi / 2)])
def test_signals_of_one_phase_have_no_sense(one: Sequence) -> None:
    dictionary = Dictionary.build(one, default_grid(one))
    series = noisy(one, soft())
    assert not conjugate_fits_better(series, dictionary)
    assert not conjugate_fits_better(series.conj(), dictionary)


def test_b0_above_0_turns_the_signal_by_a_growing_phase() -> None:
    """exp(+2 pi i B0 t): the sign that the guide states."""
    b0, te = 7.0, np.array([0.002, 0.004, 0.006])
    train = ReadoutTrain(flip=[0.01] * 3, tr=5.0, te=te)
    one = Sequence(name="echoes", field_strength=3.0, blocks=(train,))
    signal = simulate(one, Tissue(t1=1.0, t2=0.1, b0=b0))
    np.testing.assert_allclose(np.angle(signal), 2 * np.pi * b0 * te, atol=1e-5)
