"""Every kind of network hears the whole signal, and begins with what is known before any."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Mlp, Model, ModelError, NetworkConfig, Recurrent, Sequence, simulate
from spinprint.networks.config import parse_network

from .conftest import played

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
@pytest.mark.parametrize(("phase", "output"), [("one line", "gaussian"), ("turning", "mean")])
def test_every_sample_counts(core: Any, phase: str, output: Any) -> None:
    network = NetworkConfig(core=core, output=output)
    model = Model.create(played(phase), config=network)
    if isinstance(core, Mlp):
        for block in list(model.network.core)[:-1]:
            torch.nn.init.normal_(block.second.weight)  # a residual block begins as nothing
    real, imaginary, sigma, known = random_input(model)
    answer = model.network(real, imaginary, sigma, known)
    assert answer.mean.shape == (4, model.targets.n_targets)
    assert (answer.log_variance is None) == (output == "mean")
    answer.mean.sum().backward()
    # Of the whole only the phase and norm are taken out, so that no sample is without effect.
    assert (real.grad.abs().amin(dim=0) > 0).all()


def test_the_states_of_either_way_have_heard_everything(one_line: Sequence) -> None:
    core = Recurrent(bidirectional=True, samples_per_step=7, width=6)
    model = Model.create(one_line, config=NetworkConfig(core=core))
    real, imaginary, sigma, known = random_input(model)
    seen = model.network.inputs(real, imaginary, sigma, known)
    states = model.network.core(model.network.input((seen.signal, seen.besides)))
    assert states.shape == (4, 12)
    for way in (states[:, :6], states[:, 6:]):
        (slope,) = torch.autograd.grad(way.sum(), seen.signal, retain_graph=True)
        assert (slope.abs().amin(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize("sigma_input", [True, False])
def test_noise_is_told_or_not(one_line: Sequence, sigma_input: bool) -> None:
    model = Model.create(one_line, config=NetworkConfig(sigma_input=sigma_input))
    real, imaginary, sigma, known = random_input(model)
    one, two = (model.network(real, imaginary, s * sigma, known).mean for s in (1, 3))
    assert torch.equal(one, two) != sigma_input


@pytest.mark.parametrize("core", CORES[:2], ids=str)
def test_residual_blocks_begin_as_nothing(one_line: Sequence, core: Mlp) -> None:
    model = Model.create(one_line, config=NetworkConfig(core=core))
    x = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.network.core(x), model.network.core[-1](x))


def test_answers_begin_within_the_prior(sequence: Sequence) -> None:
    model = Model.create(sequence)
    tissue = model.prior.draw(500, np.random.default_rng(0))
    reply = model.answer(model.compress(simulate(sequence, tissue)), np.full(500, 1e-3))
    n = len(model.targets.names)
    assert abs(reply.mean[:, :n].mean() - 0.5) < 0.25
    assert reply.mean[:, :n].std() < 0.5


def test_deviations_stay_numbers_whatever_is_answered(one_line: Sequence) -> None:
    model = Model.create(one_line)
    with torch.no_grad():
        model.network.head.bias.fill_(1e6)
    reply = model.answer(np.ones((2, model.rank), np.complex64), np.ones(2))
    assert reply.variance is not None
    assert np.isfinite(reply.variance).all()


def test_the_same_seed_gives_the_same_weights(one_line: Sequence) -> None:
    one, same, other = (Model.create(one_line, seed=seed) for seed in (4, 4, 5))
    assert one.digest == same.digest
    assert one.digest != other.digest


def test_making_a_network_leaves_the_random_numbers_of_others_alone(one_line: Sequence) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    Model.create(one_line)
    assert torch.equal(torch.rand(2), expected)


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
def test_impossible_settings_are_refused_in_one_line(data: Any, message: str) -> None:
    with pytest.raises(ModelError) as refusal:
        parse_network(data)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_a_rank_beyond_the_samples_is_refused(one_line: Sequence) -> None:
    with pytest.raises(ValueError, match="rank = 31 must be from 1 to 30"):
        Model.create(one_line, config=NetworkConfig(core=Mlp(rank=31)))
