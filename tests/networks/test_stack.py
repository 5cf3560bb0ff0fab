"""All layers in one go: the answers and gradients of torch's own layers."""

import pytest
import torch
from torch import Tensor, nn

from spinprint import parallel
from spinprint.networks import stack
from spinprint.networks.stack import LEAST, run_stack

Layers = list[nn.Linear]


def layers_of(blocks: int, width: int = 9) -> Layers:
    torch.manual_seed(3)
    widths = [(7, width), *[(width, width)] * (2 * blocks), (width, 4)]
    return [nn.Linear(*pair) for pair in widths]


def plainly(x: Tensor, activation: nn.Module, layers: Layers) -> Tensor:
    first, *middle, last = layers
    sums = first(x)
    for one, other in zip(middle[::2], middle[1::2], strict=True):
        sums = sums + other(activation(one(activation(sums))))
    return last(activation(sums))


def gradients(out: Tensor, x: Tensor, layers: Layers) -> list[Tensor]:
    wanted = [w for layer in layers for w in layer.parameters() if w.requires_grad]
    wanted += [x] if x.requires_grad else []
    return list(torch.autograd.grad((out**3).sum(), wanted))


def assert_same(x: Tensor, activation: nn.Module, layers: Layers) -> None:
    found, expected = run_stack(x, activation, layers), plainly(x, activation, layers)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    pairs = zip(gradients(found, x, layers), gradients(expected, x, layers), strict=True)
    for one, other in pairs:
        scale = other.abs().max().item()
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.ReLU(), nn.GELU(), nn.Tanh()])
@pytest.mark.parametrize("blocks", [0, 1, 3])
@pytest.mark.parametrize("signals", [1, 13, 2 * LEAST + 1, 3 * LEAST])
def test_answers_and_gradients_are_those_of_torch(
    activation: nn.Module, blocks: int, signals: int
) -> None:
    x = torch.randn(signals, 7, generator=torch.Generator().manual_seed(signals))
    assert_same(x, activation, layers_of(blocks))


@pytest.mark.parametrize("frozen", [(0,), (1, 2, 3, 4), (5,), (0, 5)])
def test_frozen_layers_get_no_gradient_and_pass_it_on(frozen: tuple[int, ...]) -> None:
    layers = layers_of(2)
    for index in frozen:
        layers[index].requires_grad_(False)
    x = torch.randn(600, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert_same(x, nn.SiLU(), layers)


@pytest.mark.parametrize("cores", [1, 3])
def test_the_number_of_cores_changes_rounding_only(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(4 * LEAST, 7, generator=torch.Generator().manual_seed(0))
    layers = layers_of(1)
    sizes: list[int] = []

    def noted(work, n_items, size):  # type: ignore[no-untyped-def]
        sizes.append(size)
        parallel.for_chunks(work, n_items, size)

    monkeypatch.setattr(parallel, "n_workers", lambda: cores)
    monkeypatch.setattr(stack, "for_chunks", noted)
    assert_same(x, nn.SiLU(), layers)
    assert set(sizes) == {-(-4 * LEAST // cores)}


def test_the_threads_of_torch_stay_as_many() -> None:
    before = torch.get_num_threads()
    assert_same(torch.randn(3 * LEAST, 7), nn.SiLU(), layers_of(1))
    assert torch.get_num_threads() == before
