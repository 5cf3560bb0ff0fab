"""Products of matrices by whatever is fastest on this processor.

Torch hands float32 products on a processor to MKL, which keeps to 256-bit vectors on processors
that are not Intel's. Where there are wider ones, oneDNN, which torch holds too, is twice as fast;
elsewhere it is slower.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

_ONEDNN = (
    hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability() == "AVX512"
)


def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """X Wᵀ + b, `(row, out)` of `(row, in)`, as a linear layer gives it."""
    return _affine(x, weight, bias) if _ONEDNN else linear(x, weight, bias)


def back(gradient: Tensor, weight: Tensor) -> Tensor:
    """G W: gradients of the inputs of a linear layer from those of its outputs."""
    return _affine(gradient, weight.mT.contiguous()) if _ONEDNN else gradient @ weight


def outer(gradient: Tensor, x: Tensor) -> Tensor:
    """Gᵀ X: gradients of the weights of a linear layer."""
    return _affine(gradient.mT, x.mT) if _ONEDNN else gradient.mT @ x


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
