"""Small sequences whose signals are real, or complex with a phase that depends on the tissue."""

import numpy as np
import pytest

from spinprint import Sequence
from spinprint.networks import model
from spinprint.sequence import Inversion, ReadoutTrain

PULSES = 30
FLIP = np.radians(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, PULSES)) ** 2)
PHASES = {
    "real": np.zeros(PULSES),
    "complex": np.radians(117 / 2) * np.arange(PULSES) ** 2 % (2 * np.pi),
}


def tiny(kind: str = "real") -> Sequence:
    train = ReadoutTrain(flip=FLIP, phase=PHASES[kind], tr=0.012, te=0.003)
    return Sequence(name=kind, field_strength=3.0, blocks=(Inversion(delay=0.02), train))


@pytest.fixture(autouse=True)
def few_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate with fewer voxels than by default."""
    monkeypatch.setattr(model, "_CALIBRATION", 1024)


@pytest.fixture(params=PHASES)
def sequence(request: pytest.FixtureRequest) -> Sequence:
    """A sequence of either kind."""
    return tiny(request.param)


@pytest.fixture
def real_sequence() -> Sequence:
    return tiny()
