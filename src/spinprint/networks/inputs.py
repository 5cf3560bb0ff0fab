"""What a network sees: a signal of unit norm, turned to a standard phase, each number scaled.

All in real arithmetic, real and imaginary parts apart, so that it can be exported.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

LEAST_NOISE = 1e-5
"""Noise relative to the norm below which all noise looks alike: that of the signal model."""


class Seen(NamedTuple):
    """Voxels as a network sees them."""

    signal: Tensor
    """Scaled, `(voxel, channel, sample)`: one channel, or real and imaginary part."""
    besides: Tensor
    """Scaled noise, where the network is told, and known fields, `(voxel, item)`."""
    noise: Tensor
    """Logarithm of the noise over the norm of the signal, `(voxel,)`."""
    norm: Tensor
    """Norm of the signal, `(voxel,)`."""
    turn: tuple[Tensor, Tensor]
    """Cosine and sine of the phase taken out, `(voxel,)` each."""


class Inputs(nn.Module):
    """Turns signals, compressed or not, into what a network sees.

    Signals that all lie on one line through 0, whatever tissue they come from, are turned onto
    the real axis by half the angle of the sum of their squares, and what is left in the imaginary
    part is noise and is dropped. Others are turned until their product with the reference is
    real and positive.
    """

    reference: Tensor
    mean: Tensor
    scale: Tensor
    besides_mean: Tensor
    besides_scale: Tensor
    least_noise: Tensor

    def __init__(self, n_samples: int, n_known: int, *, is_real: bool, sigma_input: bool) -> None:
        super().__init__()
        self.is_real = is_real
        self.sigma_input = sigma_input
        self.n_channels = 1 if is_real else 2
        self.n_besides = int(sigma_input) + n_known
        self.register_buffer("reference", torch.zeros(2, n_samples))
        self.register_buffer("mean", torch.zeros(self.n_channels, n_samples))
        self.register_buffer("scale", torch.ones(self.n_channels, n_samples))
        self.register_buffer("least_noise", torch.tensor(math.log(LEAST_NOISE)))
        self.register_buffer("besides_mean", torch.zeros(self.n_besides))
        self.register_buffer("besides_scale", torch.ones(self.n_besides))

    @torch.no_grad()
    def calibrate(
        self, clean: Tensor, signal: tuple[Tensor, Tensor], sigma: Tensor, known: Tensor
    ) -> None:
        """Take phase reference and scales from typical voxels.

        Parameters
        ----------
        clean
            Their signals without noise, real and imaginary part, `(2, voxel, sample)`.
        signal, sigma, known
            The same voxels as `forward` gets them.
        """
        unit = clean / _norm(clean[0], clean[1])[:, None]
        self.reference.copy_(unit.mean(dim=1))
        self.least_noise.copy_(torch.log(sigma / _norm(*signal)).amin())
        seen = self.forward(*signal, sigma, known)
        for values, mean, scale in (
            (seen.signal, self.mean, self.scale),
            (seen.besides, self.besides_mean, self.besides_scale),
        ):
            if values.numel() == 0:
                continue  # told of nothing besides the signal
            mean.copy_(values.mean(dim=0))
            spread = values.std(dim=0)
            # What never varies tells nothing: it is left as it is.
            scale.copy_(torch.where(spread > 1e-12, spread, torch.ones_like(spread)))

    def forward(self, real: Tensor, imaginary: Tensor, sigma: Tensor, known: Tensor) -> Seen:
        """See voxels.

        Parameters
        ----------
        real, imaginary
            The signal, `(voxel, sample)` each, of any scale and phase.
        sigma
            Noise per channel in its unit, `(voxel,)`.
        known
            Known fields [relative, Hz], `(voxel, field)`.
        """
        norm = _norm(real, imaginary).clamp_min(torch.finfo(real.dtype).tiny)
        real, imaginary = real / norm[:, None], imaginary / norm[:, None]
        cos, sin = self._phase(real, imaginary)
        parts = [real * cos[:, None] + imaginary * sin[:, None]]
        if not self.is_real:
            parts.append(imaginary * cos[:, None] - real * sin[:, None])
        # A network that never saw less noise than some cannot tell how good its answers are there.
        noise = torch.log((sigma / norm).clamp_min(LEAST_NOISE)).clamp_min(self.least_noise)
        besides = torch.cat([noise[:, None], known], dim=1) if self.sigma_input else known
        return Seen(
            signal=(torch.stack(parts, dim=1) - self.mean) / self.scale,
            besides=(besides - self.besides_mean) / self.besides_scale,
            noise=noise,
            norm=norm,
            turn=(cos, sin),
        )

    def _phase(self, real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the phase to take out."""
        if not self.is_real:
            a = real @ self.reference[0] + imaginary @ self.reference[1]
            b = imaginary @ self.reference[0] - real @ self.reference[1]
            return _unit(a, b)
        a = (real * real - imaginary * imaginary).sum(dim=1)
        b = 2 * (real * imaginary).sum(dim=1)
        cos, sin = _half_angle(*_unit(a, b))
        # Of the two directions of a line, the one along the reference.
        along = (real * cos[:, None] + imaginary * sin[:, None]) @ self.reference[0]
        sign = torch.where(along < 0, -1.0, 1.0)
        return cos * sign, sin * sign


def _norm(real: Tensor, imaginary: Tensor) -> Tensor:
    """Norm of signals `(voxel, sample)`, of any scale whose numbers are."""
    largest = torch.maximum(real.abs(), imaginary.abs()).amax(dim=-1)
    unit = torch.where(largest > 0, largest, torch.ones_like(largest))
    real, imaginary = real / unit[:, None], imaginary / unit[:, None]
    return largest * torch.sqrt((real * real + imaginary * imaginary).sum(dim=-1))


def _unit(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """A point of the plane moved to the unit circle; the origin to (1, 0)."""
    length = torch.sqrt(a * a + b * b)
    some = length > 0
    safe = torch.where(some, length, torch.ones_like(length))
    return torch.where(some, a / safe, torch.ones_like(a)), b / safe


def _half_angle(cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of half an angle from -pi to pi, without loss near either end."""
    right = cos >= 0
    larger = torch.sqrt((1 + torch.abs(cos)) / 2)
    smaller = torch.abs(sin) / (2 * larger)
    side = torch.where(sin < 0, -1.0, 1.0)
    return torch.where(right, larger, smaller), side * torch.where(right, smaller, larger)


def split(signal: Any, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of an array, as single-precision tensors."""
    return (
        torch.as_tensor(signal.real.copy(), dtype=torch.float32, device=device),
        torch.as_tensor(signal.imag.copy(), dtype=torch.float32, device=device),
    )
