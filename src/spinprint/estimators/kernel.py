"""The weights of a vector of atoms at once, summed as they come."""

from __future__ import annotations

import math

import numpy as np

from ..dictionary.kernel import TILE, four_products
from ..simd.compiled import kernel
from ..simd.vectors import WIDE, any_greater, load_wide, number_wide, store

NEGLIGIBLE = 20.0
"""Atoms whose weight is exp(-20) of the largest or less are left out: 10^6 add up to 0.2 %."""

NEVER = -1e30
"""Logarithm of the weight of an atom that cannot be."""


@kernel
def weigh_atoms(atoms, weights, theta, bins, voxels, scale, top, best, sums, histogram):
    """Sums of the weights exp(scale |<d, y>|² + weight) over the atoms d, for every voxel y.

    Parameters
    ----------
    atoms
        Unit-norm atoms, float32 `(block * term, lane)`: a vector of atoms a block.
    weights
        Logarithm of their prior weight, float32 `(block, lane)`.
    theta
        Their parameters, float64 `(atom, parameter)`.
    bins
        In which bin of the histogram each lies, int32 `(atom, parameter)`.
    voxels
        Real and imaginary coefficients, float32 `(voxel, 2 * term)`; the number of voxels is a
        multiple of four.
    scale
        Factor of the squared inner product, float32 `(voxel,)`.
    top, best
        Updated: largest logarithm of a weight so far (-inf at first) and its atom, `(voxel,)`.
    sums
        Added to: weight, weight², weight times theta and times theta² by parameter, all relative
        to the largest weight; float64 `(voxel, 2 + 2 * parameter)`.
    histogram
        Added to: relative weight by bin, float32 `(voxel, parameter, bin)`.
    """
    terms = voxels.shape[1] // 2
    row = np.empty((1, WIDE), np.float32)
    limits = np.maximum(top - NEGLIGIBLE, NEVER / 2).astype(np.float32)
    for start in range(0, weights.shape[0], TILE):
        for v in range(0, voxels.shape[0], 4):
            f0, f1 = number_wide(scale[v]), number_wide(scale[v + 1])
            f2, f3 = number_wide(scale[v + 2]), number_wide(scale[v + 3])
            l0, l1 = number_wide(limits[v]), number_wide(limits[v + 1])
            l2, l3 = number_wide(limits[v + 2]), number_wide(limits[v + 3])
            for block in range(start, min(start + TILE, weights.shape[0])):
                m0, m1, m2, m3 = four_products(atoms, voxels, terms, block, v)
                weight = load_wide(weights, block)
                m0, m1 = m0 * f0 + weight, m1 * f1 + weight
                m2, m3 = m2 * f2 + weight, m3 * f3 + weight
                if any_greater(m0, l0):
                    store(row, 0, m0)
                    _add(row, block, v, limits, theta, bins, top, best, sums, histogram)
                    l0 = number_wide(limits[v])
                if any_greater(m1, l1):
                    store(row, 0, m1)
                    _add(row, block, v + 1, limits, theta, bins, top, best, sums, histogram)
                    l1 = number_wide(limits[v + 1])
                if any_greater(m2, l2):
                    store(row, 0, m2)
                    _add(row, block, v + 2, limits, theta, bins, top, best, sums, histogram)
                    l2 = number_wide(limits[v + 2])
                if any_greater(m3, l3):
                    store(row, 0, m3)
                    _add(row, block, v + 3, limits, theta, bins, top, best, sums, histogram)
                    l3 = number_wide(limits[v + 3])


@kernel
def _add(scores, block, voxel, limits, theta, bins, top, best, sums, histogram):
    """Add those of a vector of atoms that count to the sums of one voxel."""
    parameters = theta.shape[1]
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
            top[voxel], best[voxel] = score, atom
            limits[voxel] = score - NEGLIGIBLE
        weight = math.exp(score - top[voxel])
        sums[voxel, 0] += weight
        sums[voxel, 1] += weight * weight
        for p in range(parameters):
            value = theta[atom, p]
            sums[voxel, 2 + p] += weight * value
            sums[voxel, 2 + parameters + p] += weight * value * value
            histogram[voxel, p, bins[atom, p]] += np.float32(weight)
