"""All atoms weighed by their likelihood in one pass; no weight is stored.

Each voxel keeps the largest logarithm of a weight so far, and sums of weights relative to it
that shrink when a larger one comes. Atoms that weigh next to nothing cost one comparison for
a vector of them, so that the pass costs about what matching does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..device import accelerator
from ..dictionary.kernel import WIDE, pack, unpack_voxels
from ..dictionary.matching import SLAB
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


class _Slab(NamedTuple):
    """Atoms as the kernel reads them, shuffled."""

    order: NDArray[np.int64]
    """Which atom each is, `(atom,)`."""
    atoms: NDArray[np.float32]
    weights: NDArray[np.float32]
    theta: Array
    bins: NDArray[np.int32]


class Weigher:
    """Atoms laid out for weighing, at most a slab of them at a time."""

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
            Signals in the basis, in memory or on disk, `(atom, rank)`; atoms of norm 0 never
            count.
        theta
            Where they lie, `(atom, parameter)`.
        log_weights
            Logarithm of their prior weight, `(atom,)`.
        bounds
            Lowest and highest theta, `(parameter,)` each: the range of the histograms.
        """
        self._coefficients = coefficients
        self._complex = np.iscomplexobj(coefficients)
        self._theta, self._log_weights = theta, log_weights
        self._low, self._high = bounds

    def weigh(self, unit: NDArray[np.complexfloating], energy: Array) -> Weighed:
        """Weigh all atoms for every voxel.

        Memory is that of a slab of atoms, and 1 KB for each parameter of a voxel.

        Parameters
        ----------
        unit
            Compressed signals of unit norm, `(voxel, rank)`.
        energy
            Their squared norm before, over 2 sigma², `(voxel,)`: an atom of prior weight w
            weighs w exp(energy |<d, unit>|²).
        """
        n, parameters = len(unit), self._theta.shape[1]
        # Room for the voxels that fill up the last four.
        top, best = np.full(n + 3, -math.inf), np.zeros(n + 3, np.int64)
        sums = np.zeros((n + 3, 2 + 2 * parameters))
        histogram = np.zeros((n + 3, parameters, BINS), np.float32)

        def work(slab: _Slab, start: int, stop: int) -> None:
            voxels = unpack_voxels(unit[start:stop], complex_atoms=self._complex)
            more = (0, -len(voxels) % 4)
            voxels = np.pad(voxels, (more, (0, 0)))
            scale = np.pad(energy[start:stop].astype(np.float32), more)
            part = slice(start, start + len(voxels))
            before = top[part].copy()
            weigh_atoms(
                slab.atoms, slab.weights, slab.theta, slab.bins, voxels, scale,
                top[part], best[part], sums[part], histogram[part],
            )  # fmt: skip
            changed = start + np.flatnonzero(top[part] > before)
            best[changed] = slab.order[best[changed]]

        for slab in self._slabs():
            for_chunks(partial(work, slab), n, _CHUNK)
        return Weighed(self._belief(sums[:n], histogram[:n]), best[:n])

    def _slabs(self) -> Iterator[_Slab]:
        if len(self._theta) <= SLAB:
            yield self._whole
            return
        for first in range(0, len(self._theta), SLAB):
            yield self._laid_out(first, SLAB)

    @cached_property
    def _whole(self) -> _Slab:
        return self._laid_out(0, SLAB)

    def _laid_out(self, first: int, size: int) -> _Slab:
        part = slice(first, first + size)
        theta = self._theta[part]
        # Shuffled, so that the largest weight comes early, whatever the order of a grid.
        order = np.random.default_rng(0).permutation(len(theta))
        coefficients = self._coefficients[part][order]
        norms = np.linalg.norm(coefficients, axis=1)
        atoms = pack(coefficients / np.where(norms > 0, norms, 1)[:, None])
        weights = np.where(norms > 0, self._log_weights[part][order], NEVER)
        padding = (0, -len(order) % WIDE)
        weights = np.pad(np.maximum(weights, NEVER), padding, constant_values=NEVER)
        place = (theta[order] - self._low) / np.where(
            self._high > self._low, self._high - self._low, 1
        )
        return _Slab(
            order=first + order,
            atoms=atoms,
            weights=weights.astype(np.float32).reshape(-1, WIDE),
            theta=theta[order],
            bins=np.clip((place * BINS).astype(np.int32), 0, BINS - 1),
        )

    def _belief(self, sums: Array, histogram: NDArray[np.float32]) -> Belief:
        total = np.where(sums[:, 0] > 0, sums[:, 0], 1)
        first, second = np.split(sums[:, 2:] / total[:, None], 2, axis=1)
        cumulative = np.cumsum(histogram, axis=2, dtype=np.float64) / total[:, None, None]
        cumulative = np.pad(cumulative, ((0, 0), (0, 0), (1, 0)))
        edges = np.linspace(self._low, self._high, BINS + 1, axis=1)
        edges = np.broadcast_to(edges, cumulative.shape)
        return Belief(
            mean=first,
            sd=np.sqrt(np.maximum(second - first**2, 0)),
            quantiles=np.stack([interpolate(cumulative, edges, level) for level in LEVELS]),
            ess=sums[:, 0] ** 2 / np.where(sums[:, 1] > 0, sums[:, 1], 1),
        )


def weigher_for(
    coefficients: NDArray[np.generic],
    theta: Array,
    log_weights: Array,
    bounds: tuple[Array, Array],
) -> Weigher:
    """Lay atoms out for weighing on this machine, on its GPU if it has one; see `Weigher`.

    Raises
    ------
    InputError
        `SPINPRINT_DEVICE` asks for what is not there.
    """
    device = accelerator()
    if device is None:
        return Weigher(coefficients, theta, log_weights, bounds)
    from .weighing_torch import TorchWeigher

    return TorchWeigher(coefficients, theta, log_weights, bounds, device)
