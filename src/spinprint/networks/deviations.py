"""Factors on the deviations a network states, so that they hold as often as they should.

A network states more than its errors where these have long tails: one deviation then holds more
than 68 %. The factor that mends this, measured on signals the network has not learned from, is
that of conformal prediction (Romano et al., NeurIPS 2019), here by level of noise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ONE_DEVIATION = 0.6827
"""Part of a normal within one deviation of its mean."""

_LEVELS = 9


class Deviations(nn.Module):
    """Factors at levels of noise evenly spread over a range, straight lines between them."""

    ends: Tensor
    log_factor: Tensor

    def __init__(self, n_targets: int) -> None:
        super().__init__()
        self.register_buffer("ends", torch.tensor([-1.0, 0.0]))
        self.register_buffer("log_factor", torch.zeros(_LEVELS, n_targets))

    def forward(self, noise: Tensor) -> Tensor:
        """Logarithms of the factors `(voxel, target)` at the log of the noise `(voxel,)`."""
        at = (noise - self.ends[0]) / (self.ends[1] - self.ends[0])
        at = at.clamp(0, 1) * (_LEVELS - 1)
        levels = torch.arange(_LEVELS, dtype=at.dtype, device=at.device)
        return (1 - (at[:, None] - levels).abs()).clamp_min(0) @ self.log_factor

    @torch.no_grad()
    def fit(self, noise: Tensor, ratio: Tensor) -> None:
        """Take the factors from voxels with known truth.

        Parameters
        ----------
        noise
            Logarithm of the noise relative to the signal, `(voxel,)`.
        ratio
            |error| over the deviation as it was stated without factors, `(voxel, target)`.
        """
        low, high = noise.min(), noise.max()
        if high - low < 1e-3:  # one level of noise: one factor
            low = high - 1
        self.ends.copy_(torch.stack([low, high]))
        # Around each level so many of the nearest voxels that neighbours overlap by half.
        count = max(2, round(2 * len(noise) / _LEVELS))
        for level, at in enumerate(torch.linspace(float(low), float(high), _LEVELS)):
            near = (noise - at).abs().argsort()[:count]
            self.log_factor[level] = torch.log(
                torch.quantile(ratio[near], ONE_DEVIATION, dim=0).clamp(1e-3, 1e3)
            )
