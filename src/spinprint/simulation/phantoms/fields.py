"""Smooth fields over the patient: how tissue varies, how B1 and B0 are off, what the coil adds.

They are sums of plane waves, functions of the place in mm: the same seed gives the same field
however finely it is sampled, and neighbouring slices fit together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from .shapes import Points

Bounds = tuple[float, float]

_WAVES = 32
_MOST_B1, _MOST_B0 = 100.0, 1e6  # [relative], [Hz]: far beyond what any scanner plays


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The bounds of the fields of a scan; None leaves a field out.

    Raises
    ------
    TissueError
        Bounds are not finite, do not ascend or are impossible.
    """

    b1: Bounds | None = None
    """Flip angle relative to nominal [-]."""
    b0: Bounds | None = None
    """Off-resonance [Hz]."""
    phase: Bounds | None = (-1.5, 1.5)
    """Of the receiving coil, which makes m0 complex [rad]."""
    length: float = 70.0
    """Over which the fields turn [mm]."""

    def __post_init__(self) -> None:
        for name in ("b1", "b0", "phase"):
            bounds = getattr(self, name)
            if bounds is not None and not (np.isfinite(bounds).all() and bounds[0] <= bounds[1]):
                raise TissueError(
                    f"the range {bounds[0]:g} to {bounds[1]:g} of {name} must be finite and ascend"
                )
        if self.b1 is not None and not 0 <= self.b1[0] <= self.b1[1] <= _MOST_B1:
            raise TissueError(
                f"the range {self.b1[0]:g} to {self.b1[1]:g} of b1 must lie from 0 to"
                f" {_MOST_B1:g}: relative B1 is near 1"
            )
        if self.b0 is not None and max(map(abs, self.b0)) > _MOST_B0:
            raise TissueError(
                f"the range {self.b0[0]:g} to {self.b0[1]:g} of b0 must lie within"
                f" {_MOST_B0:g} Hz of resonance"
            )
        if not (np.isfinite(self.length) and self.length > 0):
            raise TissueError(f"length = {self.length:g} mm of the fields must be positive")

    def draw(self, points: Points, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """`b1`, `b0` and `phase` at each place, shape `(...)`.

        All three are drawn in any case, so that leaving one out leaves the others as they are.
        """
        bounds = {
            "b1": self.b1 or (1.0, 1.0),
            "b0": self.b0 or (0, 0),
            "phase": self.phase or (0, 0),
        }
        return {name: _ramp(points, pair, self.length, rng) for name, pair in bounds.items()}


def _ramp(
    points: Points, bounds: Bounds, length: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    low, high = bounds
    share = 0.5 + 0.5 * np.tanh(texture(points, length, rng))
    return low + (high - low) * share


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
