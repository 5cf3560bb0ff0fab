"""Targets of a network: from tissue to the axes and back."""

from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Model, ModelError, NetworkConfig, Prior, Sequence, Tissue, simulate
from spinprint.networks.inputs import split
from spinprint.networks.targets import Targets
from spinprint.prior import Fixed, Uniform

PRIOR = Prior(
    {
        "t1": Uniform(0.1, 4.0, log=True),
        "t2": Uniform(0.01, 1.0, log=True),
        "adc": Uniform(0.0, 3e-3),
        "b1": Uniform(0.7, 1.3),
    }
)


@pytest.mark.parametrize("linear", [(), ("t2",), ("t1", "t2")])
def test_values_survive_the_round_trip(linear: tuple[str, ...]) -> None:
    targets = Targets(PRIOR, NetworkConfig(linear=linear), phase_varies=False)
    tissue = PRIOR.draw(200, np.random.default_rng(0))
    values = {name: tissue.get(name) for name in targets.names}
    scaled = targets.scaled(values)
    assert 0 <= scaled.min() < 0.05
    assert 0.95 < scaled.max() <= 1
    for name, value in targets.values(scaled).items():
        np.testing.assert_allclose(value, values[name], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("linear", "middle"), [((), 0.1), (("t2",), 0.505)])
def test_middle_of_an_axis(linear: tuple[str, ...], middle: float) -> None:
    targets = Targets(PRIOR, NetworkConfig(linear=linear), phase_varies=False)
    assert targets.values(np.full((1, 4), 0.5))["t2"] == pytest.approx(middle)
    (axis,) = (axis for axis in targets.axes() if axis["name"] == "t2")
    assert axis == {"name": "t2", "low": 0.01, "high": 1.0, "log": not linear}


def test_values_are_clipped_to_the_range() -> None:
    targets = Targets(PRIOR, NetworkConfig(), phase_varies=False)
    low, high = (targets.values(np.full((1, 4), end)) for end in (-0.3, 1.7))
    assert (low["t1"], high["t1"]) == pytest.approx((0.1, 4.0))


@pytest.mark.parametrize("linear", [(), ("t2",)])
def test_slopes_are_derivatives_of_the_values(linear: tuple[str, ...]) -> None:
    targets = Targets(PRIOR, NetworkConfig(linear=linear), phase_varies=False)
    scaled = np.random.default_rng(1).uniform(0.1, 0.9, (5, 4))
    slopes = targets.slopes(targets.values(scaled))
    for i, name in enumerate(targets.names):
        step = np.zeros(4)
        step[i] = 1e-6
        difference = targets.values(scaled + step)[name] - targets.values(scaled - step)[name]
        np.testing.assert_allclose(slopes[:, i], difference / 2e-6, rtol=1e-6)


def test_m0_is_recovered_from_true_targets(sequence: Sequence) -> None:
    model = Model.create(sequence)
    rng = np.random.default_rng(2)
    tissue = model.prior.draw(50, rng)
    m0 = rng.uniform(0.1, 9, 50) * np.exp(1j * rng.uniform(-np.pi, np.pi, 50))
    m0[:4] = [1, -1, 1j, -1j]

    def norm_and_phase(tissue: Tissue) -> Any:
        real, imaginary = split(model.compress(simulate(sequence, tissue)))
        features = model.network.inputs(real, imaginary, torch.ones(50), torch.empty(50, 0))
        return features.norm.numpy(), (features.phase[0].numpy(), features.phase[1].numpy())

    targets = model.targets.encode(tissue, *norm_and_phase(tissue))
    gain = targets[:, len(model.targets.names) :].astype(float)
    estimated = model.targets.m0(gain, *norm_and_phase(tissue.replace(m0=m0)))
    np.testing.assert_allclose(estimated, m0, rtol=2e-5)


@pytest.mark.parametrize(
    ("laws", "config", "message"),
    [
        ({}, {"known": ("b0",)}, "known: the prior has no range for b0; give it a law"),
        ({"adc": Fixed(0.0), "b1": Fixed(1.0), "t1": Fixed(1.0), "t2": Fixed(0.1)}, {}, "nothing"),
        ({}, {"linear": ("t1rho",)}, "linear: 't1rho' is not one of the unknowns t1, t2, adc, b1"),
    ],
)
def test_invalid_targets_raise(laws: Any, config: Any, message: str) -> None:
    prior = Prior({**PRIOR.laws, **laws})
    with pytest.raises(ModelError, match=message):
        Targets(prior, NetworkConfig(**config), phase_varies=False)


def test_known_fields_are_no_targets() -> None:
    assert Targets(PRIOR, NetworkConfig(known=("b1",)), phase_varies=False).names == (
        "t1",
        "t2",
        "adc",
    )
