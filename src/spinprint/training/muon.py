"""Muon: momentum whose matrices are made orthogonal before they are added.

Jordan et al. 2024 (kellerjordan.github.io/posts/muon); scaled as by Liu et al., arXiv 2502.16982,
so that one learning rate serves it and AdamW. `studies.zhang2025` measures what AdamW alone
gives in as many steps. Torch's own works in bfloat16, which is slow on processors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..networks.stack import in_parts

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of a polynomial that moves singular values from (0, 1) close to 1 in five steps."""

_STEPS = 5
_RMS = 0.2  # of an update, which is that of AdamW


class Muon(torch.optim.Optimizer):
    """For matrices `(out, in)`; those of one shape are treated together."""

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
        """Move all matrices that have a gradient."""
        for group in self.param_groups:
            alike = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for weights in alike.values():
                self._step(weights, group)

    def _step(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        pushes = []
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
            pushes.append(weight.grad.lerp(state["momentum"], group["momentum"]))  # Nesterov
        size = group["lr"] * _RMS * max(weights[0].shape) ** 0.5
        for weight, direction in zip(weights, orthogonal(torch.stack(pushes)), strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=size)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices, roughly, of `(matrix, out, in)`; each on a core."""
    if matrices.device.type != "cpu":
        return newton_schulz(matrices)
    out = torch.empty_like(matrices)

    def work(start: int, stop: int) -> None:
        out[start:stop] = newton_schulz(matrices[start:stop])

    in_parts(work, len(matrices))
    return out


def newton_schulz(matrices: Tensor) -> Tensor:
    """Newton-Schulz steps towards the nearest orthogonal matrices of `(matrix, out, in)`."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    a, b, c = _QUINTIC
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
