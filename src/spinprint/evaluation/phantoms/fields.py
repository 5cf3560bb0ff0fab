"""Smooth fields over the patient: how tissue varies, how B1 and B0 are off, what the coil adds.

They are sums of plane waves, functions of the place in mm: the same seed gives the same field
however finely it is sampled, and neighbouring slices fit together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from .shapes import Points

_WAVES = 32


def texture(points: Points, length: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random field of mean 0 and SD 1 that decorrelates over `length` [mm], shape `(...)`.

    Close to a Gaussian field with a Gaussian correlation (random Fourier features: Rahimi and
    Recht, NIPS 2007); it never leaves +-3, so that no voxel is an outlier by construction.
    """
    waves = rng.normal(size=(_WAVES, 3)) / length
    phases = rng.uniform(0, 2 * np.pi, size=_WAVES)
    total = sum(
        np.cos(x * points.posterior + y * points.superior + z * points.lateral + phase)
        for (x, y, z), phase in zip(waves, phases, strict=True)
    )
    return np.clip(np.sqrt(2 / _WAVES) * total, -3, 3)


def ramp(
    points: Points, bounds: tuple[float, float], length: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A random field that stays within bounds and turns over `length` [mm], shape `(...)`.

    Raises
    ------
    TissueError
        The bounds are not finite, or the lower one is above the upper one.
    """
    low, high = bounds
    if not (np.isfinite(bounds).all() and low <= high):
        raise TissueError(f"the range {low:g} to {high:g} of a field must be finite and ascend")
    share = 0.5 + 0.5 * np.tanh(texture(points, length, rng))
    return low + (high - low) * share
