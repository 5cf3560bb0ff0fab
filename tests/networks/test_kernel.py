"""The kernel of the MLP computes what the network in torch says, voxel by voxel."""

from typing import Any, get_args

import numpy as np
import pytest
import torch

from spinprint import Mlp, Model, NetworkConfig, Recurrent, Sequence
from spinprint.networks.config import Activation
from spinprint.networks.inputs import Seen
from spinprint.networks.kernel import SIDE, TILE, Layers
from spinprint.networks.network import Network

ACTIVATIONS = get_args(Activation)


def network_of(core: Mlp, n_samples: int = 10, n_targets: int = 3, known: Any = ()) -> Network:
    """With random weights everywhere: residual blocks begin as nothing."""
    torch.manual_seed(0)
    network = Network(NetworkConfig(core=core, known=known), n_samples, n_targets, is_real=False)
    for name, values in network.named_parameters():
        torch.nn.init.normal_(values, std=0.3 if name.endswith("bias") else core.width**-0.5)
    return network


def seen_by(network: Network, n_voxels: int) -> Seen:
    inputs, generator = network.inputs, torch.Generator().manual_seed(n_voxels)
    signal = torch.randn(n_voxels, *inputs.mean.shape, generator=generator)
    besides = torch.randn(n_voxels, inputs.n_besides, generator=generator)
    one = torch.ones(n_voxels)
    return Seen(signal, besides, one, one, (one, one))


@torch.no_grad()
def exact(network: Network, seen: Seen) -> torch.Tensor:
    """What torch says in double precision."""
    doubled = seen._replace(signal=seen.signal.double(), besides=seen.besides.double())
    said = network.double().layers(doubled)
    network.float()
    return said


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("width", "blocks", "n_samples", "n_targets", "n_voxels"),
    [
        (128, 4, 5, 4, TILE * SIDE),
        (17, 2, 10, 3, 2 * SIDE + 1),
        (130, 1, 1, 9, 3 * TILE * SIDE + SIDE - 1),
        (1, 3, 40, 5, 63),
        (8, 0, 3, 1, 65),
        (3, 1, 2, 20, 1),
        (5, 1, 2, 2, 0),
    ],
)
def test_the_kernel_says_what_torch_says(
    activation: Any, width: int, blocks: int, n_samples: int, n_targets: int, n_voxels: int
) -> None:
    core = Mlp(width=width, blocks=blocks, activation=activation)
    network = network_of(core, n_samples, n_targets, ("b1",))
    seen = seen_by(network, n_voxels)
    said, expected = Layers.of(network, core)(seen), exact(network, seen)
    assert said.dtype == torch.float32
    assert said.shape == expected.shape == (n_voxels, 2 * n_targets)
    spread = seen_by(network, 200)
    np.testing.assert_allclose(said, expected, rtol=0, atol=1e-5 * exact(network, spread).std())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_those_of_torch_over_all_numbers(activation: Any) -> None:
    core = Mlp(width=1, blocks=0, activation=activation)
    network = network_of(core, n_samples=1)
    with torch.no_grad():  # the activation of the first input, and nothing else
        for layer in (network.input.layer, network.head):
            layer.weight.zero_()[:, 0] = 1
            layer.bias.zero_()
    finite = torch.cat([torch.linspace(-15, 15, 30_001), torch.tensor([-1e30, -200.0, 200.0])])
    x = torch.cat([finite, torch.tensor([torch.nan, torch.inf])])
    seen = seen_by(network, len(x))
    seen = seen._replace(besides=torch.zeros(len(x), 1))
    seen.signal.zero_()[:, 0, 0] = x
    said, expected = Layers.of(network, core)(seen)[:, 0], exact(network, seen)[:, 0]
    np.testing.assert_allclose(said[:-2], expected[:-2], rtol=1e-6, atol=6e-7)
    assert torch.equal(torch.isnan(said[-2:]), torch.tensor([True, False]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_voxel_that_is_no_number_spoils_no_other(activation: Any, bad: float) -> None:
    core = Mlp(width=9, blocks=2, activation=activation)
    network = network_of(core)
    layers, seen = Layers.of(network, core), seen_by(network, 3 * SIDE)
    before = layers(seen)
    seen.signal[SIDE + 2, 1, 3] = bad
    after = layers(seen)
    others = np.arange(3 * SIDE) != SIDE + 2
    assert torch.equal(after[others], before[others])
    if np.isnan(bad):
        assert torch.isnan(after[SIDE + 2]).all()


def test_voxels_are_answered_alike_in_any_company() -> None:
    core = Mlp(width=20, blocks=2)
    network = network_of(core)
    layers, seen = Layers.of(network, core), seen_by(network, 2 * TILE * SIDE + 5)
    whole = layers(seen)
    for part in (slice(0, 1), slice(7, 9), slice(SIDE - 1, TILE * SIDE + 3), slice(-3, None)):
        alone = seen._replace(signal=seen.signal[part], besides=seen.besides[part])
        assert torch.equal(layers(alone), whole[part])


@pytest.mark.parametrize("output", ["gaussian", "mean"])
def test_a_model_answers_what_its_network_does(sequence: Sequence, output: Any) -> None:
    model = Model.create(sequence, config=NetworkConfig(core=Mlp(width=12), output=output))
    for block in list(model.network.core)[:-1]:
        torch.nn.init.normal_(block.second.weight, std=0.2)
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2, 70, model.rank)) @ np.diag(model.network.inputs.scale[0])
    signal = (signal[0] + 1j * signal[1]).astype(np.complex64)
    reply = model.answer(signal, np.full(70, 1e-2))
    with torch.no_grad():
        parts = [torch.from_numpy(part.copy()) for part in (signal.real, signal.imag)]
        answer = model.network(*parts, torch.full((70,), 1e-2), torch.empty(70, 0))
    np.testing.assert_allclose(reply.mean, answer.mean, rtol=0, atol=1e-5 * answer.mean.std())
    assert (reply.variance is None) == (output == "mean")
    if reply.variance is not None:
        np.testing.assert_allclose(np.log(reply.variance), answer.log_variance, atol=1e-4)


@pytest.mark.parametrize(("core", "fused"), [(Mlp(width=4), True), (Recurrent(width=4), False)])
def test_torch_serves_what_the_kernel_does_not_know(
    one_line: Sequence, core: Any, fused: bool
) -> None:
    model = Model.create(one_line, config=NetworkConfig(core=core))
    layers, _ = model._layers()
    assert isinstance(layers, Layers) == fused
