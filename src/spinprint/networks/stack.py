"""The layers of an MLP forward and back in one go, for parts of a batch on cores of their own.

What torch does layer by layer, for all of a batch, is bound by its bookkeeping and by one core:
threads that share one small product wait for each other. Parts of a batch share nothing but the
weights, whose gradients are summed at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..parallel import even_share, for_chunks
from .products import affine, back, outer

LEAST = 256
"""Signals of a part, at least: fewer take as long."""

Slope = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Gradient of what an activation was given, from (gradient, what it was given, what it gave)."""

_aten = torch.ops.aten
_ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Slope]] = {
    nn.SiLU: (functional.silu, lambda g, given, _: _aten.silu_backward(g, given)),
    nn.ReLU: (functional.relu, lambda g, given, _: _aten.threshold_backward(g, given, 0)),
    nn.GELU: (functional.gelu, lambda g, given, _: _aten.gelu_backward(g, given)),
    nn.Tanh: (torch.tanh, lambda g, _, gave: _aten.tanh_backward(g, gave)),
}


def run_stack(x: Tensor, activation: nn.Module, layers: list[nn.Linear]) -> Tensor:
    """What the last layer gives, `(signal, output)`, with gradients for its weights.

    Parameters
    ----------
    x
        What the first layer sees, float32 on the processor, `(signal, input)`.
    activation
        Between the layers.
    layers
        The layer in, two a residual block, the layer out.
    """
    weights = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
    return _Stack.apply(x, type(activation), *weights)


class _Kept(NamedTuple):
    """What the way back needs of the way forward, by activation."""

    given: list[Tensor]
    gave: list[Tensor]


class _Stack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: type[nn.Module], *weights: Tensor) -> Tensor:
        f, _ = _ACTIVATIONS[activation]
        out = x.new_empty(len(x), len(weights[-1]))
        kept: dict[int, _Kept] = {}

        def work(start: int, stop: int) -> None:
            out[start:stop], kept[start] = _forward(x[start:stop], weights, f)

        in_parts(work, len(x), LEAST)
        ctx.save_for_backward(x, *weights)
        ctx.activation, ctx.kept = activation, kept
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, *weights = ctx.saved_tensors
        _, slope = _ACTIVATIONS[ctx.activation]
        needs_x, _, *needs = ctx.needs_input_grad
        to_x = torch.empty_like(x) if needs_x else None
        found: dict[int, list[Tensor | None]] = {}

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            first, found[start] = _backward(
                gradients[0][part], x[part], weights, needs, ctx.kept[start], slope
            )
            if to_x is not None:
                to_x[part] = back(first, weights[0])

        in_parts(work, len(x), LEAST)
        parts = [found[start] for start in sorted(found)]
        return to_x, None, *map(_sum, zip(*parts, strict=True))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for what the calling one has it do."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_parts(work: Callable[[int, int], None], n_items: int, least: int = 1) -> None:
    """Call `work(start, stop)` for parts of a batch on all cores, without a graph.

    Each is of `least` items at least, and leaves torch one thread.
    """

    def alone(start: int, stop: int) -> None:
        with torch_threads(1), torch.no_grad():
            work(start, stop)

    for_chunks(alone, n_items, max(least, even_share(n_items)))


def _forward(
    x: Tensor, weights: tuple[Tensor, ...], f: Callable[[Tensor], Tensor]
) -> tuple[Tensor, _Kept]:
    kept = _Kept([], [])

    def activated(given: Tensor) -> Tensor:
        kept.given.append(given)
        kept.gave.append(f(given))
        return kept.gave[-1]

    sums = affine(x, *weights[:2])
    for at in range(2, len(weights) - 2, 4):
        inner = affine(activated(sums), *weights[at : at + 2])
        sums = affine(activated(inner), *weights[at + 2 : at + 4]).add_(sums)
    return affine(activated(sums), *weights[-2:]), kept


def _backward(
    gradient: Tensor,
    x: Tensor,
    weights: list[Tensor],
    needs: list[bool],
    kept: _Kept,
    slope: Slope,
) -> tuple[Tensor, list[Tensor | None]]:
    """Gradients of the first layer's sums, and of all weights that need them."""
    found: list[Tensor | None] = [None] * len(weights)
    given, gave = list(kept.given), list(kept.gave)

    def learn(at: int, gradient: Tensor, seen: Tensor) -> None:
        if needs[at]:
            found[at] = outer(gradient, seen)
        if needs[at + 1]:
            found[at + 1] = gradient.sum(dim=0)

    def through(at: int, gradient: Tensor) -> Tensor:
        """From the sums of the layer whose weights are there to those of the layer before."""
        learn(at, gradient, gave[-1])
        return slope(back(gradient, weights[at]), given.pop(), gave.pop())

    sums = through(len(weights) - 2, gradient)
    for at in range(len(weights) - 6, 0, -4):
        sums = sums + through(at, through(at + 2, sums))
    learn(0, sums, x)
    return sums, found


def _sum(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    first, *others = parts
    for other in others:
        if first is not None and other is not None:
            first = first + other
    return first
