"""Linear layers whose products use the widest vectors of any processor.

Torch hands products of float32 matrices on a processor to MKL, which keeps to 256-bit vectors on
processors that are not Intel's; oneDNN, which torch holds too, does not: twice as fast there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise") and torch.backends.mkldnn.is_available()


class Linear(nn.Linear):
    """As `torch.nn.Linear`, the same but for rounding."""

    def forward(self, x: Tensor) -> Tensor:
        """X W^T + b, `(..., out)` of `(..., in)`."""
        plain = x.device.type != "cpu" or torch.is_autocast_enabled("cpu")
        if plain or not _ONEDNN or torch.compiler.is_compiling() or x.dtype != torch.float32:
            return super().forward(x)
        if not torch.is_grad_enabled():
            return _product(x, self.weight, self.bias)
        return _Product.apply(x, self.weight, self.bias)


class _Product(torch.autograd.Function):
    """X W^T + b with its gradients, all by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        gradient = gradients[0]
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        flat = gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, weight.mT.contiguous()) if needs_x else None,
            _product(flat.mT, x.reshape(-1, x.shape[-1]).mT) if needs_weight else None,
            flat.sum(dim=0) if needs_bias else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
