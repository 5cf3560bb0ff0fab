"""A small sequence, and trainings that take a moment."""

from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Data, Mlp, NetworkConfig, Sequence, Stage, TrainConfig, Validation
from spinprint.networks import model
from spinprint.sequence import Inversion, ReadoutTrain
from spinprint.training import deviations

PULSES = 30
FLIP = np.radians(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, PULSES)) ** 2)
TURNING = np.radians(117 / 2) * np.arange(PULSES) ** 2 % (2 * np.pi)


def played(phase: Any = 0.0) -> Sequence:
    train = ReadoutTrain(flip=FLIP, phase=phase, tr=0.012, te=0.003)
    return Sequence(name="tiny", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


def quick(*stages: Stage, **changes: Any) -> TrainConfig:
    """A training of some stages on a very small network."""
    settings = {
        "network": NetworkConfig(core=Mlp(width=16, blocks=1)),
        "data": Data(block=512, passes=2),
        "validation": Validation(voxels=128, every=10),
    }
    return TrainConfig(**{**settings, **changes}, stage=stages or (stage(),))


def stage(name: str = "noisy", **changes: Any) -> Stage:
    settings = {"steps": 20, "batch": 64, "learning_rate": 0.01, "warm_up": 5, "snr_db": (10, 40)}
    return Stage(name=name, **{**settings, **changes})


@pytest.fixture
def sequence() -> Sequence:
    return played()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scales from fewer voxels than in earnest; one thread, whose sums are always the same."""
    monkeypatch.setattr(model, "_CALIBRATION", 1024)
    monkeypatch.setattr(deviations, "_VOXELS", 1024)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
