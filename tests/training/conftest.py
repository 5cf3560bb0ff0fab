"""Short trainings on a small sequence."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from spinprint import Data, Mlp, NetworkConfig, Sequence, Stage, TrainConfig, Validation
from spinprint.networks import model
from spinprint.training import validation

from ..networks.conftest import tiny

TINY_MLP = Mlp(width=16, blocks=1)


def quick(*stages: Stage, **changes: Any) -> TrainConfig:
    """A training with some stages of a very small network."""
    settings = {
        "network": NetworkConfig(core=TINY_MLP),
        "data": Data(block=512, passes=2),
        "validation": Validation(voxels=128, every=10),
    }
    return TrainConfig(**{**settings, **changes}, stage=stages or (stage(),))


def stage(name: str = "noisy", **changes: Any) -> Stage:
    settings = {"steps": 20, "batch": 64, "learning_rate": 0.01, "warm_up": 5, "snr_db": (10, 40)}
    return Stage(name=name, **{**settings, **changes})


@pytest.fixture
def sequence() -> Sequence:
    return tiny()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Calibrate with fewer voxels, and use one thread, whose sums are reproducible."""
    monkeypatch.setattr(model, "_CALIBRATION", 1024)
    monkeypatch.setattr(validation, "_CALIBRATION", 1024)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
