"""Isochromats against signals of other packages, closed forms and configuration states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinprint.errors import TissueError
from spinprint.physics.reference.bloch import all_isochromats, simulate_bloch
from spinprint.physics.reference.epg import simulate_epg
from spinprint.sequence import (
    Block,
    Inversion,
    ReadoutTrain,
    Sequence,
    load_sequence,
)
from spinprint.tissue import Tissue

from .conftest import everything, train

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"

with_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="reference signals are absent")


@with_reference
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("bssfp_b0", 1e-10),  # epgpy 3.2.dev6, float64
        ("t1_t2_adc_phase", 1e-7),  # epgpy 3.2.dev6
        ("t1_t2_t1rho_b1", 1e-6),  # mrpro 0.261015, float32
    ],
)
def test_agrees_with_signals_of_other_packages(name: str, tolerance: float) -> None:
    sequence = load_sequence(REFERENCE / f"{name}.toml")
    with np.load(REFERENCE / f"{name}.npz") as file:
        tissue = Tissue(**{key: file[key] for key in file if key != "signal"})
        expected = file["signal"]
    np.testing.assert_allclose(simulate_bloch(sequence, tissue), expected, rtol=0, atol=tolerance)


def of(*blocks: Block, spoiler: float = 0.0) -> Sequence:
    return Sequence(name="test", field_strength=3.0, blocks=blocks, spoiler=spoiler)


def single(**values: float) -> Tissue:
    return Tissue(**{name: np.array(value) for name, value in values.items()})


EVERYTHING = everything(spoiler=6.0)

TISSUE = Tissue(
    t1=np.array([[0.3, 0.9, 1.4], [2.0, 3.5, 0.25]]),
    t2=np.array([[0.03, 0.05, 0.08], [0.1, 1.5, 0.25]]),
    t1rho=np.array([0.05, 0.06, 0.3]),
    adc=np.array([[0.0, 0.7e-3, 1e-3], [1.5e-3, 3e-3, 2e-3]]),
    b1=np.array([0.8, 1.0, 1.15]),
    b0=np.array([[-31.0], [17.0]]),
    m0=np.array(2.0 - 1.0j),
)


def test_agrees_with_configuration_states_on_every_block() -> None:
    bloch, epg = simulate_bloch(EVERYTHING, TISSUE), simulate_epg(EVERYTHING, TISSUE)
    assert bloch.shape == (2, 3, EVERYTHING.n_samples)
    np.testing.assert_allclose(bloch, epg, rtol=0, atol=1e-12)


def test_error_falls_with_the_number_of_isochromats() -> None:
    sequence = of(Inversion(delay=0.02), train(97, 7, phases=True))
    tissue = Tissue(t1=np.array([1.2, 4.0]), t2=np.array([0.09, 2.0]))
    epg = simulate_epg(sequence, tissue)
    counts = (3, 7, 15, 31, 61, 97)
    errors = [np.abs(simulate_bloch(sequence, tissue, n) - epg).max() for n in counts]
    assert all(np.diff(errors) < 0)
    assert errors[0] > 1e-2
    assert errors[-1] < 1e-12


def test_enough_isochromats_are_exact_and_more_change_nothing() -> None:
    n = all_isochromats(EVERYTHING)
    exact = simulate_bloch(EVERYTHING, TISSUE)
    np.testing.assert_allclose(
        simulate_bloch(EVERYTHING, TISSUE, 2 * n + 1), exact, rtol=0, atol=1e-12
    )


def test_flip_from_equilibrium_gives_positive_real_signal_whatever_the_phase() -> None:
    tissue = single(t1=1.0, t2=0.1)
    for phase in (0.0, 1.0, np.pi):
        pulse = ReadoutTrain(flip=np.pi / 6, phase=phase, tr=0.01, te=0.0)
        np.testing.assert_allclose(simulate_bloch(of(pulse), tissue), [0.5], atol=1e-15)


def test_balanced_steady_state() -> None:
    """Balanced with alternating phase: the steady state of Freeman and Hill (1971)."""
    t1, t2, tr, flip = 0.5, 0.1, 0.005, np.deg2rad(40)
    pulses = 1500
    balanced = ReadoutTrain(
        flip=np.full(pulses, flip),
        phase=tuple(np.pi * (np.arange(pulses) % 2)),
        tr=tr,
        te=0.0,
        spoiler_cycles=0,
    )
    e1, e2 = np.exp(-tr / t1), np.exp(-tr / t2)
    expected = np.sin(flip) * (1 - e1) / (1 - (e1 - e2) * np.cos(flip) - e1 * e2)
    signal = simulate_bloch(of(balanced), single(t1=t1, t2=t2))
    np.testing.assert_allclose(signal[-1], expected, atol=1e-6)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(TissueError, match="t1rho is needed"):
        simulate_bloch(EVERYTHING, single(t1=1.0, t2=0.1, adc=1e-3))
