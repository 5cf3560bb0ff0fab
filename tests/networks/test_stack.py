"""The fused layers give the outputs and gradients of separate layers in torch."""

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


def separate_layers(x: Tensor, activation: nn.Module, layers: Layers) -> Tensor:
    first, *middle, last = layers
    sums = first(x)
    for inner, outer in zip(middle[::2], middle[1::2], strict=True):
        sums = sums + outer(activation(inner(activation(sums))))
    return last(activation(sums))


def gradients(out: Tensor, x: Tensor, layers: Layers) -> list[Tensor]:
    weights = [w for layer in layers for w in layer.parameters() if w.requires_grad]
    weights += [x] if x.requires_grad else []
    return list(torch.autograd.grad((out**3).sum(), weights))


def assert_same(x: Tensor, activation: nn.Module, layers: Layers) -> None:
    result, expected = run_stack(x, activation, layers), separate_layers(x, activation, layers)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    pairs = zip(gradients(result, x, layers), gradients(expected, x, layers), strict=True)
    for gradient, reference in pairs:
        scale = reference.abs().max().item()
        torch.testing.assert_close(gradient, reference, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.ReLU(), nn.GELU(), nn.Tanh()])
@pytest.mark.parametrize("blocks", [0, 1, 3])
@pytest.mark.parametrize("signals", [1, 13, 2 * LEAST + 1, 3 * LEAST])
def test_outputs_and_gradients_equal_torch(
    activation: nn.Module, blocks: int, signals: int
) -> None:
    x = torch.randn(signals, 7, generator=torch.Generator().manual_seed(signals))
    assert_same(x, activation, layers_of(blocks))


@pytest.mark.parametrize("frozen", [(0,), (1, 2, 3, 4), (5,), (0, 5)])
def test_frozen_layers_pass_gradients_through(frozen: tuple[int, ...]) -> None:
    layers = layers_of(2)
    for index in frozen:
        layers[index].requires_grad_(False)
    x = torch.randn(600, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert_same(x, nn.SiLU(), layers)


@pytest.mark.parametrize("cores", [1, 3])
def test_number_of_cores_changes_only_rounding(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(4 * LEAST, 7, generator=torch.Generator().manual_seed(0))
    layers = layers_of(1)
    sizes: list[int] = []

    def record(work, n_items, size):  # type: ignore[no-untyped-def]
        sizes.append(size)
        parallel.for_chunks(work, n_items, size)

    monkeypatch.setattr(parallel, "n_workers", lambda: cores)
    monkeypatch.setattr(stack, "for_chunks", record)
    assert_same(x, nn.SiLU(), layers)
    assert set(sizes) == {-(-4 * LEAST // cores)}


def test_number_of_torch_threads_is_restored() -> None:
    before = torch.get_num_threads()
    assert_same(torch.randn(3 * LEAST, 7), nn.SiLU(), layers_of(1))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("onednn", [False, True])
@pytest.mark.parametrize("rows", [1, 5, 130])
def test_products_equal_double_precision(
    onednn: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if onednn and not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(stack, "_ONEDNN", onednn)
    torch.manual_seed(0)
    x, gradient = torch.randn(rows, 7), torch.randn(rows, 4)
    weight, bias = torch.randn(4, 7), torch.randn(4)
    for result, expected in (
        (stack.affine(x, weight, bias), x.double() @ weight.double().T + bias.double()),
        (stack.input_gradient(gradient, weight), gradient.double() @ weight.double()),
        (stack.weight_gradient(gradient, x), gradient.double().T @ x.double()),
    ):
        torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-5)
