"""Every estimator gives the same maps by torch as by the kernels of the processor."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spinprint import Axis, Dictionary, Maps, ParameterGrid, Sequence, Tissue
from spinprint.device import VARIABLE
from spinprint.dictionary.matching_cpu import CpuMatcher
from spinprint.estimators import DictionaryMatching, Estimator, LeastSquares, PosteriorMean
from spinprint.estimators.weighing_cpu import CpuWeigher
from spinprint.physics import engine
from spinprint.physics.noise import add_noise
from spinprint.physics.simulate import simulate
from spinprint.sequence import Inversion, ReadoutTrain

ESTIMATORS: dict[str, Callable[[Dictionary], Estimator]] = {
    "match": DictionaryMatching,
    "match without refinement": lambda dictionary: DictionaryMatching(dictionary, refine=False),
    "least squares": LeastSquares,
    "posterior mean": PosteriorMean,
}

PULSES = 50
FLIP = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, PULSES)) ** 2)
PHASES = {"one axis": 0.0, "phases": np.deg2rad(117 / 2) * np.arange(PULSES) ** 2 % (2 * np.pi)}
AXES = {
    "t1": Axis.geometric(0.6, 1.8, 1.1),
    "t2": Axis.geometric(0.03, 0.14, 1.15),
    "b1": Axis.linear(0.8, 1.2, 0.1),
}
N = 20
RNG = np.random.default_rng(12)
TISSUE = Tissue(
    t1=RNG.uniform(0.7, 1.6, N),
    t2=RNG.uniform(0.035, 0.12, N),
    b1=RNG.uniform(0.85, 1.15, N),
    m0=RNG.uniform(0.5, 2, N) * np.exp(1j * RNG.uniform(-3, 3, N)),
)


def maps_of(make: Callable[[Dictionary], Estimator], phase: Any, given: dict[str, Any]) -> Maps:
    """From the simulation of the dictionary on, all on the device that is chosen."""
    train = ReadoutTrain(flip=FLIP, phase=phase, tr=0.012, te=0.003)
    blocks = (Inversion(delay=0.02), train)
    sequence = Sequence(name="device", field_strength=3.0, blocks=blocks)
    dictionary = Dictionary.build(sequence, ParameterGrid(AXES), rank=10)
    series = add_noise(simulate(sequence, TISSUE), 2e-3, np.random.default_rng(3))
    return make(dictionary).predict(series, **given)


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
@pytest.mark.parametrize(
    ("phase", "known"),
    [("one axis", False), ("phases", True)],
    ids=["one axis", "phases and known fields"],
)
def test_maps_are_the_same_by_torch(
    make: Callable[[Dictionary], Estimator],
    phase: str,
    known: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"b1": TISSUE.b1, "sigma": 2e-3} if known else {}
    expected = maps_of(make, PHASES[phase], given)
    monkeypatch.setenv(VARIABLE, "torch-cpu")
    monkeypatch.setattr(engine, "WORTH_A_GPU", 1)
    with pytest.MonkeyPatch.context() as without:
        for kind, methods in ((CpuMatcher, ("best", "extent")), (CpuWeigher, ("weigh",))):
            for method in methods:
                without.delattr(kind, method)  # the kernels of the processor are removed
        maps = maps_of(make, PHASES[phase], given)
    np.testing.assert_array_equal(maps.status, expected.status)
    assert maps.has_value().all()
    for name in expected:
        off = np.abs(maps[name] - expected[name]) / expected.sd[name]
        assert off.max() < 0.02, name
        np.testing.assert_allclose(maps.sd[name], expected.sd[name], rtol=0.02, err_msg=name)
    np.testing.assert_allclose(maps.m0, expected.m0, rtol=2e-3)
    np.testing.assert_allclose(maps.sigma, expected.sigma, rtol=5e-3)
    assert maps.extra.keys() == expected.extra.keys()
