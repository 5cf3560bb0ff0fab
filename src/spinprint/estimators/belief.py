"""What is believed of voxels: moments and quantiles of the posterior, in the coordinates."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVELS = (0.05, 0.16, 0.5, 0.84, 0.95)
"""The quantiles that are told."""


@dataclass(frozen=True, eq=False)
class Belief:
    """Summary of the posterior of many voxels, theta as in `Coordinates`."""

    mean: Array
    """Mean, `(voxel, parameter)`."""
    sd: Array
    """Standard deviation, `(voxel, parameter)`."""
    quantiles: Array
    """Quantiles at `LEVELS`, `(level, voxel, parameter)`."""
    ess: Array
    """Effective sample size: (Σ weight)² / Σ weight², `(voxel,)`."""

    @classmethod
    def empty(cls, voxels: int, parameters: int) -> Belief:
        """Room for so many voxels, all zero."""
        both = (voxels, parameters)
        quantiles = np.zeros((len(LEVELS), *both))
        return cls(np.zeros(both), np.zeros(both), quantiles, np.zeros(voxels))

    @classmethod
    def of_draws(cls, draws: Array, weights: Array) -> Belief:
        """The belief that weighted draws stand for.

        Parameters
        ----------
        draws
            Theta, `(voxel, draw, parameter)`.
        weights
            Weight of each, of any scale, `(voxel, draw)`.
        """
        total = weights.sum(axis=1, keepdims=True)
        part = weights / np.where(total > 0, total, 1)
        mean = np.einsum("vd,vdp->vp", part, draws)
        variance = np.einsum("vd,vdp->vp", part, (draws - mean[:, None]) ** 2)
        columns = draws.transpose(0, 2, 1)
        order = np.argsort(columns, axis=2)
        columns = np.take_along_axis(columns, order, axis=2)
        sorted_part = np.take_along_axis(part[:, None], order, axis=2)
        # Half of a draw's weight lies below it, half above.
        cumulative = np.cumsum(sorted_part, axis=2) - sorted_part / 2
        return cls(
            mean=mean,
            sd=np.sqrt(variance),
            quantiles=np.stack([interpolate(cumulative, columns, level) for level in LEVELS]),
            ess=effective_size(weights),
        )

    @classmethod
    def normal(
        cls, mean: Array, covariance: Array, bounds: tuple[Array, Array], ess: Array
    ) -> Belief:
        """A normal belief, with quantiles within the bounds.

        Parameters
        ----------
        mean
            Theta, `(voxel, parameter)`.
        covariance
            `(voxel, parameter, parameter)`.
        bounds
            Lowest and highest theta, `(parameter,)` each.
        ess
            What the belief is worth all the same, `(voxel,)`.
        """
        sd = np.sqrt(np.einsum("vpp->vp", covariance))
        away = scipy.special.ndtri(LEVELS)[:, None, None] * sd
        return cls(mean, sd, np.clip(mean + away, *bounds), ess)

    def put(self, index: Any, other: Belief) -> None:
        """Take over the belief of some voxels."""
        for field in fields(self):
            axis = (slice(None), index) if field.name == "quantiles" else index
            getattr(self, field.name)[axis] = getattr(other, field.name)

    def take(self, index: Any) -> Belief:
        """The belief of some voxels."""
        return Belief(self.mean[index], self.sd[index], self.quantiles[:, index], self.ess[index])


def effective_size(weights: Array) -> Array:
    """How many equal draws tell as much, `(voxel,)`, of weights `(voxel, draw)`."""
    squares = np.einsum("vd,vd->v", weights, weights)
    return weights.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1)


def interpolate(cumulative: Array, positions: Array, level: float) -> Array:
    """Where ascending cumulative weights `(..., point)` at positions reach a level, `(...)`."""
    above = np.sum(cumulative < level, axis=-1)[..., None]
    above = np.clip(above, 1, cumulative.shape[-1] - 1)

    def pair(values: Array) -> tuple[Array, Array]:
        ends = (np.take_along_axis(values, above - 1, -1), np.take_along_axis(values, above, -1))
        return ends[0][..., 0], ends[1][..., 0]

    (c0, c1), (x0, x1) = pair(cumulative), pair(positions)
    part = np.divide(level - c0, c1 - c0, out=np.ones_like(c0), where=c1 > c0)
    return x0 + np.clip(part, 0, 1) * (x1 - x0)
