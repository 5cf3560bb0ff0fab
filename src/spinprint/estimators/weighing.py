"""All atoms weighed by their likelihood in one pass; no weight is stored.

Each voxel keeps the largest logarithm of a weight so far, and sums of weights relative to it
that shrink when a larger one comes. Atoms that weigh next to nothing cost one comparison for
sixteen of them, so that the pass costs about what matching does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..dictionary.kernel import LANES, pack, unpack_voxels
from ..parallel import for_chunks
from .belief import LEVELS, Belief, interpolate
from .kernel import NEVER, weigh_atoms

Array = NDArray[np.float64]

BINS = 256
"""Bins of the histogram of each parameter, over its range."""

_CHUNK = 256  # voxels per call of the kernel


@dataclass(frozen=True, eq=False)
class Weighed:
    """What the atoms say."""

    belief: Belief
    """Moments and quantiles."""
    best: NDArray[np.int64]
    """The atom of the largest weight, `(voxel,)`."""


class Weigher:
    """Atoms laid out for weighing, of which there may be fewer than of the dictionary."""

    def __init__(
        self,
        coefficients: NDArray[np.generic],
        theta: Array,
        log_weights: Array,
        bounds: tuple[Array, Array],
    ) -> None:
        """Take the atoms.

        Parameters
        ----------
        coefficients
            Signals in the basis, `(atom, rank)`; atoms of norm 0 never count.
        theta
            Where they lie, `(atom, parameter)`.
        log_weights
            Logarithm of their prior weight, `(atom,)`.
        bounds
            Lowest and highest theta, `(parameter,)` each: the range of the histograms.
        """
        # Shuffled, so that the largest weight comes early, whatever the order of a grid.
        order = np.random.default_rng(0).permutation(len(theta))
        norms = np.linalg.norm(coefficients, axis=1)[order, None]
        self._complex = np.iscomplexobj(coefficients)
        self._atoms = pack(coefficients[order] / np.where(norms > 0, norms, 1))
        weights = np.where(norms[:, 0] > 0, log_weights[order], NEVER)
        padding = (0, -len(order) % LANES)
        weights = np.pad(np.maximum(weights, NEVER), padding, constant_values=NEVER)
        self._weights = weights.astype(np.float32).reshape(-1, LANES)
        self._order = order
        self._theta = np.ascontiguousarray(theta[order])
        low, high = bounds
        part = (self._theta - low) / np.where(high > low, high - low, 1)
        self._bins = np.clip((part * BINS).astype(np.int32), 0, BINS - 1)
        self._edges = np.linspace(low, high, BINS + 1, axis=1)

    def weigh(self, unit: NDArray[np.complexfloating], energy: Array) -> Weighed:
        """Weigh all atoms for every voxel.

        Parameters
        ----------
        unit
            Compressed signals of unit norm, `(voxel, rank)`.
        energy
            Their squared norm before, over 2 sigma², `(voxel,)`: an atom of prior weight w
            weighs w exp(energy |<d, unit>|²).
        """
        parameters = self._theta.shape[1]
        found = Belief.empty(len(unit), parameters)
        best = np.zeros(len(unit), np.int64)

        def work(start: int, stop: int) -> None:
            voxels = unpack_voxels(unit[start:stop], complex_atoms=self._complex)
            more = (0, -len(voxels) % 4)
            voxels = np.pad(voxels, (more, (0, 0)))
            scale = np.pad(energy[start:stop].astype(np.float32), more)
            top, where = np.full(len(voxels), -math.inf), np.zeros(len(voxels), np.int64)
            sums = np.zeros((len(voxels), 2 + 2 * parameters))
            histogram = np.zeros((len(voxels), parameters, BINS), np.float32)
            weigh_atoms(
                self._atoms, self._weights, self._theta, self._bins, voxels, scale,
                top, where, sums, histogram,
            )  # fmt: skip
            part = slice(start, stop)
            found.put(part, self._belief(sums[: stop - start], histogram[: stop - start]))
            best[part] = self._order[where[: stop - start]]

        for_chunks(work, len(unit), _CHUNK)
        return Weighed(found, best)

    def _belief(self, sums: Array, histogram: NDArray[np.float32]) -> Belief:
        total = np.where(sums[:, 0] > 0, sums[:, 0], 1)
        first, second = np.split(sums[:, 2:] / total[:, None], 2, axis=1)
        cumulative = np.cumsum(histogram, axis=2, dtype=np.float64) / total[:, None, None]
        cumulative = np.pad(cumulative, ((0, 0), (0, 0), (1, 0)))
        edges = np.broadcast_to(self._edges, cumulative.shape)
        return Belief(
            mean=first,
            sd=np.sqrt(np.maximum(second - first**2, 0)),
            quantiles=np.stack([interpolate(cumulative, edges, level) for level in LEVELS]),
            ess=sums[:, 0] ** 2 / np.where(sums[:, 1] > 0, sums[:, 1], 1),
        )
