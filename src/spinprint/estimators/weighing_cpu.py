"""Weighing of all atoms on the processor: weights of a vector of atoms, summed as they come."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..dictionary.kernel import TILE, four_products
from ..dictionary.layout import Slabs, unpack_voxels
from ..parallel import for_chunks
from ..simd.compiled import kernel
from ..simd.vectors import WIDE, any_greater, load_wide, number_wide, store
from .weights import BINS, NEGLIGIBLE, NEVER, Array, Slab, Weighed, WeightedAtoms

_CHUNK = 256  # voxels per call of the kernel


class _Totals(NamedTuple):
    """Sums over the atoms so far; weights are relative to the largest one."""

    top: Array
    """Largest logarithm of a weight, -inf at first, `(voxel,)`."""
    best: NDArray[np.int64]
    """Its atom, `(voxel,)`."""
    sums: Array
    """Weight, weight², weight times theta and times theta² by parameter,
    `(voxel, 2 + 2 * parameter)`."""
    histogram: NDArray[np.float32]
    """Weight by bin, `(voxel, parameter, bin)`."""

    def part(self, voxels: slice) -> _Totals:
        """Those of some voxels, in the same memory."""
        top, best = self.top[voxels], self.best[voxels]
        return _Totals(top, best, self.sums[voxels], self.histogram[voxels])


class CpuWeigher:
    """A `Weigher` on all cores of the processor."""

    def __init__(self, atoms: WeightedAtoms) -> None:
        """Take the atoms."""
        self._atoms = atoms
        self._complex = np.iscomplexobj(atoms.coefficients)
        self._slabs = Slabs(len(atoms.theta), atoms.slab)

    def weigh(self, unit: NDArray[np.complexfloating], energy: Array) -> Weighed:
        """Weigh all atoms for every voxel, see `Weigher.weigh`."""
        parameters, n = self._atoms.n_parameters, len(unit)
        rows = n + 3  # the kernel takes four voxels at a time
        totals = _Totals(
            top=np.full(rows, -math.inf),
            best=np.zeros(rows, np.int64),
            sums=np.zeros((rows, 2 + 2 * parameters)),
            histogram=np.zeros((rows, parameters, BINS), np.float32),
        )

        def work(slab: Slab, start: int, stop: int) -> None:
            voxels = unpack_voxels(unit[start:stop], complex_atoms=self._complex)
            padding = (0, -len(voxels) % 4)
            voxels = np.pad(voxels, (padding, (0, 0)))
            scale = np.pad(energy[start:stop].astype(np.float32), padding)
            weigh_atoms(slab, voxels, scale, totals.part(slice(start, start + len(voxels))))

        for slab in self._slabs:
            for_chunks(partial(work, slab), n, _CHUNK)
        belief = self._atoms.belief(totals.sums[:n], totals.histogram[:n])
        return Weighed(belief, totals.best[:n])


@kernel
def weigh_atoms(slab, voxels, scale, totals):
    """Add the weights exp(scale |<d, y>|² + weight) of the atoms d to the sums of every voxel y.

    Parameters
    ----------
    slab
        A `Slab` of atoms.
    voxels
        Real and imaginary coefficients, float32 `(voxel, 2 * term)`; the number of voxels is a
        multiple of four.
    scale
        Factor of the squared inner product, float32 `(voxel,)`.
    totals
        Updated: a `_Totals`.
    """
    terms = voxels.shape[1] // 2
    row = np.empty((1, WIDE), np.float32)
    limits = np.maximum(totals.top - NEGLIGIBLE, NEVER / 2).astype(np.float32)
    for start in range(0, slab.weights.shape[0], TILE):
        for v in range(0, voxels.shape[0], 4):
            f0, f1 = number_wide(scale[v]), number_wide(scale[v + 1])
            f2, f3 = number_wide(scale[v + 2]), number_wide(scale[v + 3])
            l0, l1 = number_wide(limits[v]), number_wide(limits[v + 1])
            l2, l3 = number_wide(limits[v + 2]), number_wide(limits[v + 3])
            for block in range(start, min(start + TILE, slab.weights.shape[0])):
                m0, m1, m2, m3 = four_products(slab.atoms, voxels, terms, block, v)
                weight = load_wide(slab.weights, block)
                m0, m1 = m0 * f0 + weight, m1 * f1 + weight
                m2, m3 = m2 * f2 + weight, m3 * f3 + weight
                if any_greater(m0, l0):
                    store(row, 0, m0)
                    _add(row, block, v, limits, slab, totals)
                    l0 = number_wide(limits[v])
                if any_greater(m1, l1):
                    store(row, 0, m1)
                    _add(row, block, v + 1, limits, slab, totals)
                    l1 = number_wide(limits[v + 1])
                if any_greater(m2, l2):
                    store(row, 0, m2)
                    _add(row, block, v + 2, limits, slab, totals)
                    l2 = number_wide(limits[v + 2])
                if any_greater(m3, l3):
                    store(row, 0, m3)
                    _add(row, block, v + 3, limits, slab, totals)
                    l3 = number_wide(limits[v + 3])


@kernel
def _add(scores, block, voxel, limits, slab, totals):
    """Add those of a vector of atoms whose weight counts to the sums of a voxel."""
    top, best, sums, histogram = totals
    parameters = slab.theta.shape[1]
    for lane in range(WIDE):
        score = np.float64(scores[0, lane])
        if not score > limits[voxel]:
            continue
        atom = block * WIDE + lane
        if score > top[voxel]:
            shrink = math.exp(top[voxel] - score)
            sums[voxel] *= shrink
            sums[voxel, 1] *= shrink
            histogram[voxel] *= np.float32(shrink)
            top[voxel], best[voxel] = score, slab.order[atom]
            limits[voxel] = score - NEGLIGIBLE
        weight = math.exp(score - top[voxel])
        sums[voxel, 0] += weight
        sums[voxel, 1] += weight * weight
        for p in range(parameters):
            value = slab.theta[atom, p]
            sums[voxel, 2 + p] += weight * value
            sums[voxel, 2 + parameters + p] += weight * value * value
            histogram[voxel, p, slab.bins[atom, p]] += np.float32(weight)
