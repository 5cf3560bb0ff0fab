from typing import Any

import pytest

from spinprint.tuning import TuneConfig, parse_tuning

BASE = {
    "network": {"core": {"kind": "mlp", "width": 16, "blocks": 1}},
    "data": {"block": 1024},
    "validation": {"voxels": 128, "snr_db": [20, 30]},
    "stage": [{"steps": 600, "batch": 64}],
}
"""A training of a moment."""

SPACE = {
    "network.core.width": {"choices": [8, 16]},
    "stage.learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
}


@pytest.fixture
def tiny() -> TuneConfig:
    """A search of small networks, and of small dictionaries."""
    return tuned()


def tuned(**changes: Any) -> TuneConfig:
    given = {"trials": 3, "steps": 30, "measurements": 3, "base": BASE, "space": SPACE}
    return parse_tuning({**given, **changes})
