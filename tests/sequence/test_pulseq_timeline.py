"""Pulses as rotations and gradients as areas, against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spinprint.sequence.pulseq.timeline import Gradient, Pulse, mz_after


def hard(flip: float, start: float = 0.0, length: float = 1e-3, **changes: Any) -> Pulse:
    """A rectangle of a flip angle [rad] in seven steps."""
    given: dict[str, Any] = {
        "block": 1,
        "use": "excitation",
        "start": start,
        "center": start + length / 2,
        "step": length / 7,
        "signal": np.full(7, flip / (2 * np.pi) / length, complex),
        "phase": 0.0,
        "frequency": 0.0,
        "selective": False,
    }
    return Pulse(**(given | changes))


@pytest.mark.parametrize("offset", [0.0, 150.0, -700.0])
def test_a_hard_pulse_off_resonance_obeys_rabis_formula(offset: float) -> None:
    flip, length = 2.2, 1e-3
    nutation = flip / (2 * np.pi) / length
    effective = np.hypot(nutation, offset)
    turned = (nutation / effective * np.sin(np.pi * effective * length)) ** 2
    pulse = hard(flip, length=length)
    assert mz_after([pulse], offset) == pytest.approx(1 - 2 * turned, abs=1e-12)
    # In the frame of the pulse an offset of its frequency looks like one of the spin, but for
    # the steps in which its phase runs.
    driven = hard(
        flip, frequency=-offset, signal=np.full(700, nutation, complex), step=length / 700
    )
    assert mz_after([driven]) == pytest.approx(1 - 2 * turned, abs=1e-5)
    chosen = hard(flip, frequency=-offset, selective=True)
    assert mz_after([chosen]) == pytest.approx(np.cos(flip), abs=1e-12)


def test_rotations_are_unitary() -> None:
    rng = np.random.default_rng(3)
    signal = rng.normal(size=101) + 1j * rng.normal(size=101)
    turn = hard(1.0, signal=1e3 * signal, frequency=80.0).rotation(offset=-33.0)
    np.testing.assert_allclose(turn @ turn.conj().T, np.eye(2), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1, abs=1e-12)


def test_two_pulses_see_the_precession_between_them() -> None:
    """90x, a quarter turn, 90x stores nothing; a half turn gives equilibrium back (Ramsey)."""
    length, offset = 1e-8, 25.0
    for turns, expected in ((0.0, -1.0), (0.25, 0.0), (0.5, 1.0), (1.0, -1.0)):
        second = hard(np.pi / 2, start=length + turns / offset, length=length)
        mz = mz_after([hard(np.pi / 2, length=length), second], offset)
        assert mz == pytest.approx(expected, abs=1e-5)


def test_the_phase_of_a_pulse_is_that_at_its_center() -> None:
    pulse = hard(1.0, start=0.3, phase=0.2, frequency=100.0, selective=True)
    assert pulse.axis == pytest.approx(0.2 + 2 * np.pi * 100.0 * 0.5e-3)
    assert hard(1.0, signal=np.full(7, -2j)).axis == pytest.approx(-np.pi / 2)


def test_a_gradient_is_integrated_exactly_between_its_points_and_over_jumps() -> None:
    gradient = Gradient(
        np.array([0.0, 1.0, 1.0, 3.0, 3.0, 5.0]), np.array([0.0, 0.0, 2.0, 6.0, 0.0, 0.0])
    )
    times = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 9.0])
    np.testing.assert_allclose(gradient.moment(times), [0, 0, 3, 8, 8, 8], atol=1e-12)
