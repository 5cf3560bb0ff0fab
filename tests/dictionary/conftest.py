"""A short sequence with pulses about one axis, its twin with phases, and a small grid."""

import numpy as np
import pytest

from spinprint import Axis, ParameterGrid, Sequence
from spinprint.sequence import Inversion, ReadoutTrain


def fisp(name: str, pulses: int, phase: object = 0.0) -> Sequence:
    flip = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, pulses)) ** 2)
    train = ReadoutTrain(flip=flip, phase=phase, tr=0.012, te=0.003)  # type: ignore[arg-type]
    return Sequence(name=name, field_strength=3.0, blocks=(Inversion(delay=0.02), train))


@pytest.fixture(scope="session")
def sequence() -> Sequence:
    return fisp("one axis", 90)


@pytest.fixture(scope="session")
def with_phases() -> Sequence:
    return fisp("phases", 90, phase=np.deg2rad(117 / 2) * np.arange(90) ** 2 % (2 * np.pi))


@pytest.fixture(scope="session")
def grid() -> ParameterGrid:
    return ParameterGrid(
        {"t1": Axis.geometric(0.2, 4.0, 1.12), "t2": Axis.geometric(0.01, 1.0, 1.15)}
    )
