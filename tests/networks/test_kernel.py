"""The compiled layers of the MLP equal those in torch, voxel by voxel."""

from typing import Any, get_args

import numpy as np
import pytest
import torch

from spinprint import Mlp, Model, NetworkConfig, Recurrent, Sequence
from spinprint.networks._kernel import SIDE, TILE, Layers
from spinprint.networks.config import Activation
from spinprint.networks.inputs import Features
from spinprint.networks.network import Network

ACTIVATIONS = get_args(Activation)


def network_of(core: Mlp, n_samples: int = 10, n_targets: int = 3, known: Any = ()) -> Network:
    """Random weights everywhere: residual blocks are initialised as 0."""
    torch.manual_seed(0)
    network = Network(NetworkConfig(core=core, known=known), n_samples, n_targets, is_real=False)
    for name, values in network.named_parameters():
        torch.nn.init.normal_(values, std=0.3 if name.endswith("bias") else core.width**-0.5)
    return network


def features_of(network: Network, n_voxels: int) -> Features:
    inputs, generator = network.inputs, torch.Generator().manual_seed(n_voxels)
    signal = torch.randn(n_voxels, *inputs.mean.shape, generator=generator)
    extra = torch.randn(n_voxels, inputs.n_extra, generator=generator)
    ones = torch.ones(n_voxels)
    return Features(signal, extra, ones, ones, (ones, ones))


@torch.no_grad()
def exact(network: Network, features: Features) -> torch.Tensor:
    """Outputs of torch in double precision."""
    doubled = features._replace(signal=features.signal.double(), extra=features.extra.double())
    outputs = network.double().layers(doubled)
    network.float()
    return outputs


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
def test_layers_equal_torch(
    activation: Any, width: int, blocks: int, n_samples: int, n_targets: int, n_voxels: int
) -> None:
    core = Mlp(width=width, blocks=blocks, activation=activation)
    network = network_of(core, n_samples, n_targets, ("b1",))
    features = features_of(network, n_voxels)
    outputs, expected = Layers.pack(network, core)(features), exact(network, features)
    assert outputs.dtype == torch.float32
    assert outputs.shape == expected.shape == (n_voxels, 2 * n_targets)
    spread = features_of(network, 200)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5 * exact(network, spread).std())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_equal_torch_for_all_numbers(activation: Any) -> None:
    core = Mlp(width=1, blocks=0, activation=activation)
    network = network_of(core, n_samples=1)
    with torch.no_grad():  # the activation of the first input, and nothing else
        for layer in (network.input.layer, network.head):
            layer.weight.zero_()[:, 0] = 1
            layer.bias.zero_()
    finite = torch.cat([torch.linspace(-15, 15, 30_001), torch.tensor([-1e30, -200.0, 200.0])])
    x = torch.cat([finite, torch.tensor([torch.nan, torch.inf])])
    features = features_of(network, len(x))
    features = features._replace(extra=torch.zeros(len(x), 1))
    features.signal.zero_()[:, 0, 0] = x
    outputs, expected = Layers.pack(network, core)(features)[:, 0], exact(network, features)[:, 0]
    np.testing.assert_allclose(outputs[:-2], expected[:-2], rtol=1e-6, atol=6e-7)
    assert torch.equal(torch.isnan(outputs[-2:]), torch.tensor([True, False]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_stays_in_its_voxel(activation: Any, bad: float) -> None:
    core = Mlp(width=9, blocks=2, activation=activation)
    network = network_of(core)
    layers, features = Layers.pack(network, core), features_of(network, 3 * SIDE)
    before = layers(features)
    features.signal[SIDE + 2, 1, 3] = bad
    after = layers(features)
    others = np.arange(3 * SIDE) != SIDE + 2
    assert torch.equal(after[others], before[others])
    if np.isnan(bad):
        assert torch.isnan(after[SIDE + 2]).all()


def test_a_voxel_does_not_depend_on_its_neighbours() -> None:
    core = Mlp(width=20, blocks=2)
    network = network_of(core)
    layers, features = Layers.pack(network, core), features_of(network, 2 * TILE * SIDE + 5)
    whole = layers(features)
    for part in (slice(0, 1), slice(7, 9), slice(SIDE - 1, TILE * SIDE + 3), slice(-3, None)):
        single = features._replace(signal=features.signal[part], extra=features.extra[part])
        assert torch.equal(layers(single), whole[part])


@pytest.mark.parametrize("output", ["gaussian", "mean"])
def test_predictions_equal_the_network(sequence: Sequence, output: Any) -> None:
    model = Model.create(sequence, config=NetworkConfig(core=Mlp(width=12), output=output))
    for block in list(model.network.core)[:-1]:
        torch.nn.init.normal_(block.second.weight, std=0.2)
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2, 70, model.rank)) @ np.diag(model.network.inputs.scale[0])
    signal = (signal[0] + 1j * signal[1]).astype(np.complex64)
    prediction = model.predict(signal, np.full(70, 1e-2))
    with torch.no_grad():
        parts = [torch.from_numpy(part.copy()) for part in (signal.real, signal.imag)]
        reference = model.network(*parts, torch.full((70,), 1e-2), torch.empty(70, 0))
    np.testing.assert_allclose(
        prediction.mean, reference.mean, rtol=0, atol=1e-5 * reference.mean.std()
    )
    assert (prediction.variance is None) == (output == "mean")
    if prediction.variance is not None:
        np.testing.assert_allclose(np.log(prediction.variance), reference.log_variance, atol=1e-4)


@pytest.mark.parametrize(("core", "compiled"), [(Mlp(width=4), True), (Recurrent(width=4), False)])
def test_only_an_mlp_uses_the_kernel(real_sequence: Sequence, core: Any, compiled: bool) -> None:
    model = Model.create(real_sequence, config=NetworkConfig(core=core))
    layers, _ = model._layers()
    assert isinstance(layers, Layers) == compiled
