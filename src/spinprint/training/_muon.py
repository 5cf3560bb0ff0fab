"""Muon: an optimiser that orthogonalises the momentum of each matrix before the update.

Jordan et al. 2024 (kellerjordan.github.io/posts/muon); scaled as by Liu et al., arXiv 2502.16982,
so that it shares one learning rate with AdamW. `studies.zhang2025` measures AdamW alone with as
many steps. The version in torch computes in bfloat16, which is slow on CPUs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..networks.stack import in_parts

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of a polynomial that maps singular values in (0, 1) close to 1 in five steps."""

_STEPS = 5
_RMS = 0.2  # of an update, as that of AdamW


class Muon(torch.optim.Optimizer):
    """Muon for matrices `(out, in)`; those of one shape are processed together."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # noqa: ARG002
        """Update all matrices that have a gradient."""
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[weight.shape].append(weight)
            for weights in by_shape.values():
                self._step(weights, group)

    def _step(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        directions = []
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
            directions.append(weight.grad.lerp(state["momentum"], group["momentum"]))  # Nesterov
        size = group["lr"] * _RMS * max(weights[0].shape) ** 0.5
        for weight, direction in zip(weights, orthogonal(torch.stack(directions)), strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=size)


def orthogonal(matrices: Tensor) -> Tensor:
    """Approximate the nearest orthogonal matrices to `(matrix, out, in)`, each on one core."""
    if matrices.device.type != "cpu":
        return newton_schulz(matrices)
    out = torch.empty_like(matrices)

    def work(start: int, stop: int) -> None:
        out[start:stop] = newton_schulz(matrices[start:stop])

    in_parts(work, len(matrices))
    return out


def newton_schulz(matrices: Tensor) -> Tensor:
    """Apply Newton-Schulz steps towards the nearest orthogonal matrices to `(matrix, out, in)`."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    a, b, c = _QUINTIC
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
