"""Atoms with prior weights, laid out for weighing, and the belief that their sums add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..dictionary.layout import pack
from ..simd.vectors import WIDE
from .belief import LEVELS, Belief, interpolate

Array = NDArray[np.float64]

BINS = 256
"""Bins of the histogram of each parameter, over its range."""

NEGLIGIBLE = 20.0
"""Atoms with a weight of exp(-20) of the largest or less are left out: 10^6 add up to 0.2 %."""

NEVER = -1e30
"""Logarithm of the weight of an impossible atom."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """The result of weighing all atoms."""

    belief: Belief
    """Moments and quantiles."""
    best: NDArray[np.int64]
    """The atom of the largest weight, `(voxel,)`."""


class Slab(NamedTuple):
    """Shuffled atoms in the layout of the kernel."""

    order: NDArray[np.int64]
    """Index of each atom, `(atom,)`."""
    atoms: NDArray[np.float32]
    """Atoms of unit norm, `(block * term, lane)`: one vector of atoms per block."""
    weights: NDArray[np.float32]
    """Logarithm of their prior weight, `(block, lane)`."""
    theta: Array
    """Their parameters, `(atom, parameter)`."""
    bins: NDArray[np.int32]
    """The bin of the histogram that each lies in, `(atom, parameter)`."""


@dataclass(frozen=True, eq=False)
class WeightedAtoms:
    """Atoms with their prior weights."""

    coefficients: NDArray[Any]
    """Signals in the basis, in memory or on disk, `(atom, rank)`; atoms of norm 0 never count."""
    theta: Array
    """Their parameters, `(atom, parameter)`."""
    log_weights: Array
    """Logarithm of their prior weight, `(atom,)`."""
    bounds: tuple[Array, Array]
    """Lowest and highest theta, `(parameter,)` each: the range of the histograms."""

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return self.theta.shape[1]

    def slab(self, part: slice) -> Slab:
        """Shuffle a slice of the atoms and lay them out."""
        theta, (low, high) = self.theta[part], self.bounds
        # Shuffled, so that the largest weight comes early, whatever the order of a grid.
        order = np.random.default_rng(0).permutation(len(theta))
        coefficients = self.coefficients[part][order]
        norms = np.linalg.norm(coefficients, axis=1)
        atoms = pack(coefficients / np.where(norms > 0, norms, 1)[:, None])
        weights = np.where(norms > 0, self.log_weights[part][order], NEVER)
        padding = (0, -len(order) % WIDE)
        weights = np.pad(np.maximum(weights, NEVER), padding, constant_values=NEVER)
        place = (theta[order] - low) / np.where(high > low, high - low, 1)
        return Slab(
            order=part.start + order,
            atoms=atoms,
            weights=weights.astype(np.float32).reshape(-1, WIDE),
            theta=theta[order],
            bins=np.clip((place * BINS).astype(np.int32), 0, BINS - 1),
        )

    def belief(self, sums: Array, histogram: NDArray[np.float32]) -> Belief:
        """Turn sums over all atoms into moments and quantiles.

        Parameters
        ----------
        sums
            Weight, weight², weight times theta and weight times theta² by parameter,
            `(voxel, 2 + 2 * parameter)`.
        histogram
            Weight by bin, `(voxel, parameter, bin)`.
        """
        total = np.where(sums[:, 0] > 0, sums[:, 0], 1)
        first, second = np.split(sums[:, 2:] / total[:, None], 2, axis=1)
        cumulative = np.cumsum(histogram, axis=2, dtype=np.float64) / total[:, None, None]
        cumulative = np.pad(cumulative, ((0, 0), (0, 0), (1, 0)))
        edges = np.linspace(*self.bounds, BINS + 1, axis=1)
        edges = np.broadcast_to(edges, cumulative.shape)
        return Belief(
            mean=first,
            sd=np.sqrt(np.maximum(second - first**2, 0)),
            quantiles=np.stack([interpolate(cumulative, edges, level) for level in LEVELS]),
            ess=sums[:, 0] ** 2 / np.where(sums[:, 1] > 0, sums[:, 1], 1),
        )
