"""Features of a signal: unit norm, standard phase, each number standardised.

All arithmetic is real, with real and imaginary parts apart, so that it can be exported.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

LEAST_NOISE = 1e-5
"""Lowest noise relative to the norm that is resolved: about the accuracy of the signal model."""


class Features(NamedTuple):
    """Voxels as the layers of a network receive them."""

    signal: Tensor
    """Standardised signal, `(voxel, channel, sample)`: one channel, or real and imaginary part."""
    extra: Tensor
    """Standardised noise, where it is an input, and known fields, `(voxel, item)`."""
    noise: Tensor
    """Logarithm of the noise over the norm of the signal, `(voxel,)`."""
    norm: Tensor
    """Norm of the signal, `(voxel,)`."""
    phase: tuple[Tensor, Tensor]
    """Cosine and sine of the phase that was removed, `(voxel,)` each."""


class Inputs(nn.Module):
    """Computes the features of signals, compressed or not.

    If the signals of all tissues lie on one line through 0 (`is_real`), they are rotated onto the
    real axis by half the angle of the sum of their squares; the imaginary part that remains is
    noise and is dropped. Other signals are rotated until their inner product with the reference
    is real and positive.
    """

    # Names of buffers are keys in model files.
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
        self.n_extra = int(sigma_input) + n_known
        self.register_buffer("reference", torch.zeros(2, n_samples))
        self.register_buffer("mean", torch.zeros(self.n_channels, n_samples))
        self.register_buffer("scale", torch.ones(self.n_channels, n_samples))
        self.register_buffer("least_noise", torch.tensor(math.log(LEAST_NOISE)))
        self.register_buffer("besides_mean", torch.zeros(self.n_extra))
        self.register_buffer("besides_scale", torch.ones(self.n_extra))

    @torch.no_grad()
    def calibrate(
        self, clean: Tensor, signal: tuple[Tensor, Tensor], sigma: Tensor, known: Tensor
    ) -> None:
        """Set phase reference and scales from typical voxels.

        Parameters
        ----------
        clean
            Noise-free signals, real and imaginary part, `(2, voxel, sample)`.
        signal, sigma, known
            The same voxels with noise, as arguments of `forward`.
        """
        unit = clean / _norm(clean[0], clean[1])[:, None]
        self.reference.copy_(unit.mean(dim=1))
        self.least_noise.copy_(torch.log(sigma / _norm(*signal)).amin())
        features = self.forward(*signal, sigma, known)
        for values, mean, scale in (
            (features.signal, self.mean, self.scale),
            (features.extra, self.besides_mean, self.besides_scale),
        ):
            if values.numel() == 0:
                continue  # the signal is the only input
            mean.copy_(values.mean(dim=0))
            spread = values.std(dim=0)
            # A constant carries no information and keeps its scale.
            scale.copy_(torch.where(spread > 1e-12, spread, torch.ones_like(spread)))

    def forward(self, real: Tensor, imaginary: Tensor, sigma: Tensor, known: Tensor) -> Features:
        """Compute the features of voxels.

        Parameters
        ----------
        real, imaginary
            The signal, `(voxel, sample)` each, of any scale and phase.
        sigma
            Noise per channel in the unit of the signal, `(voxel,)`.
        known
            Known fields [relative, Hz], `(voxel, field)`.
        """
        norm = _norm(real, imaginary).clamp_min(torch.finfo(real.dtype).tiny)
        real, imaginary = real / norm[:, None], imaginary / norm[:, None]
        cos, sin = self._phase(real, imaginary)
        parts = [real * cos[:, None] + imaginary * sin[:, None]]
        if not self.is_real:
            parts.append(imaginary * cos[:, None] - real * sin[:, None])
        # Below the least noise in training, a network cannot know how accurate it is.
        noise = torch.log((sigma / norm).clamp_min(LEAST_NOISE)).clamp_min(self.least_noise)
        extra = torch.cat([noise[:, None], known], dim=1) if self.sigma_input else known
        return Features(
            signal=(torch.stack(parts, dim=1) - self.mean) / self.scale,
            extra=(extra - self.besides_mean) / self.besides_scale,
            noise=noise,
            norm=norm,
            phase=(cos, sin),
        )

    def _phase(self, real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the phase to remove, `(voxel,)` each."""
        if not self.is_real:
            a = real @ self.reference[0] + imaginary @ self.reference[1]
            b = imaginary @ self.reference[0] - real @ self.reference[1]
            return _unit(a, b)
        a = (real * real - imaginary * imaginary).sum(dim=1)
        b = 2 * (real * imaginary).sum(dim=1)
        cos, sin = _half_angle(*_unit(a, b))
        # Of the two directions along the line, take that of the reference.
        along = (real * cos[:, None] + imaginary * sin[:, None]) @ self.reference[0]
        sign = torch.where(along < 0, -1.0, 1.0)
        return cos * sign, sin * sign


def _norm(real: Tensor, imaginary: Tensor) -> Tensor:
    """Norm of signals `(voxel, sample)`, without overflow or underflow of the squares."""
    largest = torch.maximum(real.abs(), imaginary.abs()).amax(dim=-1)
    unit = torch.where(largest > 0, largest, torch.ones_like(largest))
    real, imaginary = real / unit[:, None], imaginary / unit[:, None]
    return largest * torch.sqrt((real * real + imaginary * imaginary).sum(dim=-1))


def _unit(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Project points of the plane onto the unit circle; the origin goes to (1, 0)."""
    length = torch.sqrt(a * a + b * b)
    nonzero = length > 0
    safe = torch.where(nonzero, length, torch.ones_like(length))
    return torch.where(nonzero, a / safe, torch.ones_like(a)), b / safe


def _half_angle(cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of half an angle from -pi to pi, without cancellation near either end."""
    right = cos >= 0
    larger = torch.sqrt((1 + torch.abs(cos)) / 2)
    smaller = torch.abs(sin) / (2 * larger)
    side = torch.where(sin < 0, -1.0, 1.0)
    return torch.where(right, larger, smaller), side * torch.where(right, smaller, larger)


def split(signal: Any, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Split an array into real and imaginary part, as float32 tensors."""
    return (
        torch.as_tensor(signal.real.copy(), dtype=torch.float32, device=device),
        torch.as_tensor(signal.imag.copy(), dtype=torch.float32, device=device),
    )
