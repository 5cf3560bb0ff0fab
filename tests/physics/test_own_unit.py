"""Signals in units of their own: exact, whatever their scale."""

from typing import Any

import numpy as np
import pytest

from spinprint.physics.own_unit import own_unit

RNG = np.random.default_rng(2)
SIGNALS = (RNG.standard_normal((20, 7)) + 1j * RNG.standard_normal((20, 7))).astype(np.complex64)


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_a_power_of_two_changes_the_exponent_alone(kind: Any) -> None:
    unit, exponent = own_unit(SIGNALS.astype(kind))
    largest = np.maximum(np.abs(unit.real), np.abs(unit.imag)).max(axis=1)
    assert ((largest >= 0.5) & (largest < 1)).all()
    np.testing.assert_array_equal(np.ldexp(1.0, exponent)[:, None] * unit, SIGNALS)
    powers = (
        np.linspace(-100, 120, 20).round() if kind is np.complex64 else np.arange(-950, 950, 95)
    )
    scaled, shifted = own_unit((SIGNALS * 2.0 ** powers[:, None]).astype(kind))
    np.testing.assert_array_equal(scaled, unit)
    np.testing.assert_array_equal(shifted, exponent + powers)


def test_the_ends_of_single_precision_are_reached() -> None:
    signals = np.array([[1e-45, 0], [3.4e38 + 3.4e38j, -3.4e38j], [0, 0]], np.complex64)
    unit, exponent = own_unit(signals)
    assert exponent.tolist() == [-148, 128, 0]
    np.testing.assert_array_equal(unit[0], [0.5, 0])
    np.testing.assert_array_equal(np.ldexp(unit[1].real.astype(float), 128), signals[1].real)
    assert not unit[2].any()


@pytest.mark.parametrize("kind", ["i2", "f4", "f8"])
def test_real_numbers_and_no_voxels_are_signals(kind: str) -> None:
    unit, exponent = own_unit(np.array([[3, -4, 2]], kind))
    np.testing.assert_array_equal(unit, [[0.375, -0.5, 0.25]])
    assert exponent.tolist() == [3]
    assert own_unit(SIGNALS[:0])[0].shape == (0, 7)
    assert own_unit(SIGNALS[3])[1] == own_unit(SIGNALS)[1][3]
