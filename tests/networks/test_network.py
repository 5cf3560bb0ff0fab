"""Networks use the whole signal, start near the prior, and calibrate their SDs."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Mlp, Model, ModelError, NetworkConfig, Recurrent, Sequence, simulate
from spinprint.networks.config import parse_network
from spinprint.networks.network import SdCalibration

from .conftest import tiny

CORES = [
    Mlp(width=12, blocks=2),
    Mlp(width=12, blocks=0, activation="tanh", rank=5),
    *(
        Recurrent(cell=cell, bidirectional=both, readout=readout, samples_per_step=7, width=6)
        for cell, both, readout in itertools.product(
            ("rnn", "gru", "lstm"), (False, True), ("last", "all")
        )
    ),
    Recurrent(layers=2, samples_per_step=30, width=6),
]


def random_input(model: Model) -> Any:
    generator = torch.Generator().manual_seed(0)
    real, imaginary = torch.randn((2, 4, model.rank), generator=generator)
    return real.requires_grad_(), imaginary, torch.rand(4, generator=generator), torch.empty(4, 0)


@pytest.mark.parametrize("core", CORES, ids=str)
@pytest.mark.parametrize(("phase", "output"), [("real", "gaussian"), ("complex", "mean")])
def test_every_sample_has_an_effect(core: Any, phase: str, output: Any) -> None:
    network = NetworkConfig(core=core, output=output)
    model = Model.create(tiny(phase), config=network)
    if isinstance(core, Mlp):
        for block in list(model.network.core)[:-1]:
            torch.nn.init.normal_(block.second.weight)  # they are initialised as 0
    real, imaginary, sigma, known = random_input(model)
    result = model.network(real, imaginary, sigma, known)
    assert result.mean.shape == (4, model.targets.n_targets)
    assert (result.log_variance is None) == (output == "mean")
    result.mean.sum().backward()
    # Only phase and norm are removed: every sample has an effect.
    assert (real.grad.abs().amin(dim=0) > 0).all()


def test_states_of_both_directions_depend_on_all_samples(real_sequence: Sequence) -> None:
    core = Recurrent(bidirectional=True, samples_per_step=7, width=6)
    model = Model.create(real_sequence, config=NetworkConfig(core=core))
    real, imaginary, sigma, known = random_input(model)
    features = model.network.inputs(real, imaginary, sigma, known)
    states = model.network.core(model.network.input((features.signal, features.extra)))
    assert states.shape == (4, 12)
    for direction in (states[:, :6], states[:, 6:]):
        (slope,) = torch.autograd.grad(direction.sum(), features.signal, retain_graph=True)
        assert (slope.abs().amin(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize("sigma_input", [True, False])
def test_noise_is_an_input_if_selected(real_sequence: Sequence, sigma_input: bool) -> None:
    model = Model.create(real_sequence, config=NetworkConfig(sigma_input=sigma_input))
    real, imaginary, sigma, known = random_input(model)
    low, high = (model.network(real, imaginary, s * sigma, known).mean for s in (1, 3))
    assert torch.equal(low, high) != sigma_input


def test_features_keep_single_precision_under_autocast() -> None:
    model = Model.create(tiny("complex"))
    features: list[Any] = []
    model.network.inputs.register_forward_hook(lambda _, __, result: features.append(result))
    voxels = random_input(model)
    model.network(*voxels)
    with torch.autocast("cpu", torch.bfloat16):
        model.network(*voxels)
    assert torch.equal(features[0].signal, features[1].signal)


@pytest.mark.parametrize("core", CORES[:2], ids=str)
def test_residual_blocks_start_as_identity(real_sequence: Sequence, core: Mlp) -> None:
    model = Model.create(real_sequence, config=NetworkConfig(core=core))
    x = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.network.core(x), model.network.core[-1](x))


def test_first_estimates_lie_within_the_prior(sequence: Sequence) -> None:
    model = Model.create(sequence)
    tissue = model.prior.draw(500, np.random.default_rng(0))
    prediction = model.predict(model.compress(simulate(sequence, tissue)), np.full(500, 1e-3))
    n = len(model.targets.names)
    assert abs(prediction.mean[:, :n].mean() - 0.5) < 0.25
    assert prediction.mean[:, :n].std() < 0.5


def test_variance_is_always_finite(real_sequence: Sequence) -> None:
    model = Model.create(real_sequence)
    with torch.no_grad():
        model.network.head.bias.fill_(1e6)
    prediction = model.predict(np.ones((2, model.rank), np.complex64), np.ones(2))
    assert prediction.variance is not None
    assert np.isfinite(prediction.variance).all()


def test_weights_depend_on_the_seed(real_sequence: Sequence) -> None:
    first, same, other = (Model.create(real_sequence, seed=seed) for seed in (4, 4, 5))
    assert first.digest == same.digest
    assert first.digest != other.digest


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"core": {"kind": "cnn"}}, "network: core: input tag 'cnn'"),
        ({"core": {"kind": "mlp", "width": 0}}, "network: core.mlp.width: input should be greater"),
        ({"core": {"kind": "mlp", "depth": 3}}, "network: core.mlp.depth: unknown key"),
        ({"core": {"kind": "mlp", "energy": float("inf")}}, "network: core.mlp.energy: "),
        ({"known": ["t1"]}, "network: known.0: input should be 'b1' or 'b0'"),
        ({"linear": ["t3"]}, "network: the whole: linear: 't3' must be one of t1, t2"),
        ({"sigma_input": "yes"}, "network: sigma_input: input should be a valid boolean"),
    ],
)
def test_invalid_settings_raise_one_line(data: Any, message: str) -> None:
    with pytest.raises(ModelError) as raised:
        parse_network(data)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_rank_above_the_samples_raises(real_sequence: Sequence) -> None:
    with pytest.raises(ValueError, match="rank = 31 must be from 1 to 30"):
        Model.create(real_sequence, config=NetworkConfig(core=Mlp(rank=31)))


def test_calibrated_sds_cover_68_percent() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = -8 + 5 * torch.rand(20_000, generator=generator)
    # The first SD is twice too large at low noise, the second four times too small.
    wrong = torch.stack([torch.where(noise < -5.5, 0.5, 1.0), torch.full((20_000,), 4.0)], dim=1)
    ratio = torch.randn((20_000, 2), generator=generator).abs() * wrong
    calibration = SdCalibration(2)
    assert torch.equal(calibration(noise), torch.zeros(20_000, 2))
    calibration.fit(noise, ratio)
    covered = ratio < torch.exp(calibration(noise))
    for low in (-8, -7, -5, -4):
        inside = (noise >= low) & (noise < low + 1)
        assert (covered[inside].double().mean(dim=0) - 0.6827).abs().max() < 0.03


def test_factor_is_constant_beyond_the_levels() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1000, generator=generator)
    calibration = SdCalibration(1)
    calibration.fit(noise, (1 + noise)[:, None] * torch.rand((1000, 1), generator=generator))
    inside, beyond = calibration(torch.tensor([0.0, 1.0])), calibration(torch.tensor([-9.0, 9.0]))
    torch.testing.assert_close(beyond, inside, atol=5e-3, rtol=0)


def test_single_noise_level_has_one_factor() -> None:
    ratio = torch.randn((5000, 1), generator=torch.Generator().manual_seed(0)).abs() * 3
    calibration = SdCalibration(1)
    calibration.fit(torch.full((5000,), -4.0), ratio)
    factor = torch.exp(calibration(torch.tensor([-4.0])))
    assert abs(factor.item() - 3) < 0.2
