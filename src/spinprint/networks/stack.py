"""The layers of an MLP forward and backward as one operation, for training on the CPU.

Layer by layer on a whole batch, torch is limited by its bookkeeping and by threads that share one
small product and wait for each other. Here each core takes a part of the batch through all layers;
the parts share only the weights, whose gradients are summed at the end. Products are computed by
the library that is fastest on this processor (`affine`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..parallel import even_share, for_chunks

LEAST = 256
"""Fewest signals per part: smaller parts take as long."""

Slope = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Gradient of the input of an activation, from (gradient of its output, its input, its output)."""

_aten = torch.ops.aten
_ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Slope]] = {
    nn.SiLU: (functional.silu, lambda g, x, _: _aten.silu_backward(g, x)),
    nn.ReLU: (functional.relu, lambda g, x, _: _aten.threshold_backward(g, x, 0)),
    nn.GELU: (functional.gelu, lambda g, x, _: _aten.gelu_backward(g, x)),
    nn.Tanh: (torch.tanh, lambda g, _, y: _aten.tanh_backward(g, y)),
}


def run_stack(x: Tensor, activation: nn.Module, layers: list[nn.Linear]) -> Tensor:
    """Compute the outputs of the last layer, `(signal, output)`, differentiable in the weights.

    Parameters
    ----------
    x
        Inputs of the first layer, float32 on the CPU, `(signal, input)`.
    activation
        Activation between the layers.
    layers
        The input layer, two layers per residual block, the output layer.
    """
    weights = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
    return _Stack.apply(x, type(activation), *weights)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Limit the threads that torch uses for the calling thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_parts(work: Callable[[int, int], None], n_items: int, least: int = 1) -> None:
    """Call `work(start, stop)` for parts of a batch on all cores, without recording gradients.

    Each part has at least `least` items and uses one thread of torch.
    """

    def single(start: int, stop: int) -> None:
        with torch_threads(1), torch.no_grad():
            work(start, stop)

    for_chunks(single, n_items, max(least, even_share(n_items)))


class _Saved(NamedTuple):
    """Inputs and outputs of all activations, which the backward pass needs."""

    inputs: list[Tensor]
    outputs: list[Tensor]


class _Stack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: type[nn.Module], *weights: Tensor) -> Tensor:
        f, _ = _ACTIVATIONS[activation]
        out = x.new_empty(len(x), len(weights[-1]))
        saved: dict[int, _Saved] = {}

        def work(start: int, stop: int) -> None:
            out[start:stop], saved[start] = _forward(x[start:stop], weights, f)

        in_parts(work, len(x), LEAST)
        ctx.save_for_backward(x, *weights)
        ctx.activation, ctx.saved = activation, saved
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, *weights = ctx.saved_tensors
        _, slope = _ACTIVATIONS[ctx.activation]
        needs_x, _, *needs = ctx.needs_input_grad
        x_gradient = torch.empty_like(x) if needs_x else None
        by_part: dict[int, list[Tensor | None]] = {}

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            first, by_part[start] = _backward(
                gradients[0][part], x[part], weights, needs, ctx.saved[start], slope
            )
            if x_gradient is not None:
                x_gradient[part] = input_gradient(first, weights[0])

        in_parts(work, len(x), LEAST)
        parts = [by_part[start] for start in sorted(by_part)]
        return x_gradient, None, *map(_sum, zip(*parts, strict=True))


def _forward(
    x: Tensor, weights: tuple[Tensor, ...], f: Callable[[Tensor], Tensor]
) -> tuple[Tensor, _Saved]:
    saved = _Saved([], [])

    def activated(x: Tensor) -> Tensor:
        saved.inputs.append(x)
        saved.outputs.append(f(x))
        return saved.outputs[-1]

    sums = affine(x, *weights[:2])
    for i in range(2, len(weights) - 2, 4):
        inner = affine(activated(sums), *weights[i : i + 2])
        sums = affine(activated(inner), *weights[i + 2 : i + 4]).add_(sums)
    return affine(activated(sums), *weights[-2:]), saved


def _backward(
    gradient: Tensor,
    x: Tensor,
    weights: list[Tensor],
    needs: list[bool],
    saved: _Saved,
    slope: Slope,
) -> tuple[Tensor, list[Tensor | None]]:
    """Gradients of the first layer's sums, and of all weights that need them."""
    result: list[Tensor | None] = [None] * len(weights)
    inputs, outputs = list(saved.inputs), list(saved.outputs)

    def add_weights(i: int, gradient: Tensor, x: Tensor) -> None:
        if needs[i]:
            result[i] = weight_gradient(gradient, x)
        if needs[i + 1]:
            result[i + 1] = gradient.sum(dim=0)

    def through(i: int, gradient: Tensor) -> Tensor:
        """From the sums of the layer with weights `i` to those of the layer before."""
        add_weights(i, gradient, outputs[-1])
        return slope(input_gradient(gradient, weights[i]), inputs.pop(), outputs.pop())

    sums = through(len(weights) - 2, gradient)
    for i in range(len(weights) - 6, 0, -4):
        sums = sums + through(i, through(i + 2, sums))
    add_weights(0, sums, x)
    return sums, result


def _sum(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    first, *others = parts
    for other in others:
        if first is not None and other is not None:
            first = first + other
    return first


# Products -----------------------------------------------------------------------------------

# Torch leaves float32 products on the CPU to MKL, which uses 256-bit vectors on processors that
# are not Intel's. Where wider vectors exist, oneDNN, also part of torch, is twice as fast;
# elsewhere it is slower.
_ONEDNN = (
    hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability() == "AVX512"
)


def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """X Wᵀ + b, `(row, out)`: the outputs of a linear layer for inputs `(row, in)`."""
    return _linear(x, weight, bias) if _ONEDNN else functional.linear(x, weight, bias)


def input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    """G W: gradients of the inputs of a linear layer from those of its outputs."""
    return _linear(gradient, weight.mT.contiguous()) if _ONEDNN else gradient @ weight


def weight_gradient(gradient: Tensor, x: Tensor) -> Tensor:
    """Gᵀ X: gradients of the weights of a linear layer from those of its outputs."""
    return _linear(gradient.mT, x.mT) if _ONEDNN else gradient.mT @ x


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
