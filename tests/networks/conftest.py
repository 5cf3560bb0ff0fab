"""Small sequences whose signals lie on one line, or turn with the tissue."""

import numpy as np
import pytest

from spinprint import Sequence
from spinprint.networks import model
from spinprint.sequence import Inversion, ReadoutTrain

PULSES = 30
FLIP = np.radians(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, PULSES)) ** 2)
PHASES = {
    "one line": np.zeros(PULSES),
    "turning": np.radians(117 / 2) * np.arange(PULSES) ** 2 % (2 * np.pi),
}


def played(phase: str) -> Sequence:
    train = ReadoutTrain(flip=FLIP, phase=PHASES[phase], tr=0.012, te=0.003)
    return Sequence(name=phase, field_strength=3.0, blocks=(Inversion(delay=0.02), train))


@pytest.fixture(autouse=True)
def few_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scales from fewer voxels than in earnest."""
    monkeypatch.setattr(model, "_CALIBRATION", 1024)


@pytest.fixture(params=PHASES)
def sequence(request: pytest.FixtureRequest) -> Sequence:
    """One of either kind."""
    return played(request.param)


@pytest.fixture
def one_line() -> Sequence:
    return played("one line")
