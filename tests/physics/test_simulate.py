"""Moduli of signals and their derivatives, as magnitudes are compared with them."""

from typing import Any

import numpy as np
import pytest

from spinprint import Sequence, Tissue
from spinprint.physics.simulate import simulate_flat
from spinprint.sequence import Inversion, ReadoutTrain

FLIP = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 60)) ** 2)
TISSUE = Tissue(t1=np.array([0.6, 1.4]), t2=np.array([0.05, 0.09]), b0=np.array([3.0, -8.0]))


def sequence(phase: Any, spoiler_cycles: int) -> Sequence:
    train = ReadoutTrain(flip=FLIP, phase=phase, tr=0.01, te=0.003, spoiler_cycles=spoiler_cycles)
    return Sequence(name="one", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


@pytest.mark.parametrize("phase", [0.0, np.deg2rad(117 / 2) * np.arange(60) ** 2 % 6])
@pytest.mark.parametrize("spoiler_cycles", [0, 1])
def test_derivatives_of_the_modulus_are_those_of_differences(
    phase: Any, spoiler_cycles: int
) -> None:
    one = sequence(phase, spoiler_cycles)
    moduli = simulate_flat(one, TISSUE, wrt=("t1", "t2"), magnitude=True)
    assert moduli.dtype == np.float32
    signals = simulate_flat(one, TISSUE)[:, 0]
    np.testing.assert_allclose(moduli[:, 0], np.abs(signals), atol=1e-7)
    for row, name in enumerate(("t1", "t2"), start=1):
        step = 2e-3 * TISSUE.get(name)
        ends = [
            np.abs(simulate_flat(one, TISSUE.replace(**{name: TISSUE.get(name) + h}))[:, 0])
            for h in (-step, step)
        ]
        slope = (ends[1] - ends[0]) / (2 * step[:, None])
        # Next to a change of sign the difference sees both sides.
        smooth = np.abs(signals) > 0.02
        scale = np.abs(slope).max()
        assert np.abs(moduli[:, row] - slope)[smooth].max() < 0.01 * scale


def test_without_signal_the_modulus_counts_as_flat() -> None:
    train = ReadoutTrain(flip=[0.0, 0.3], tr=0.01, te=0.003)
    one = Sequence(name="late", field_strength=3.0, blocks=(train,))
    moduli = simulate_flat(one, Tissue(t1=1.0, t2=0.1).flat(), wrt=("t1", "t2"), magnitude=True)
    assert (moduli[0, :, 0] == 0).all()
    assert np.isfinite(moduli).all()
