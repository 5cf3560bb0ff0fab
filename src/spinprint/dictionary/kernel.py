"""Inner products of voxels with a vector of atoms at a time; no product is stored."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..simd.compiled import kernel
from ..simd.vectors import WIDE, any_greater, load_wide, number_wide, store, where_greater

TILE = 512 // WIDE
"""Vectors of atoms per tile, which stays in the first-level cache while all voxels are compared."""


@njit(forceinline=True)
def four_products(atoms, voxels, terms, block, v):
    """|<d, y>|² of a vector of atoms with four voxels, from `v` on; all stays in registers."""
    r0 = i0 = r1 = i1 = r2 = i2 = r3 = i3 = number_wide(0.0)
    for term in range(terms):
        atom = load_wide(atoms, block * terms + term)
        r0 = r0 + atom * number_wide(voxels[v, term])
        i0 = i0 + atom * number_wide(voxels[v, terms + term])
        r1 = r1 + atom * number_wide(voxels[v + 1, term])
        i1 = i1 + atom * number_wide(voxels[v + 1, terms + term])
        r2 = r2 + atom * number_wide(voxels[v + 2, term])
        i2 = i2 + atom * number_wide(voxels[v + 2, terms + term])
        r3 = r3 + atom * number_wide(voxels[v + 3, term])
        i3 = i3 + atom * number_wide(voxels[v + 3, terms + term])
    return r0 * r0 + i0 * i0, r1 * r1 + i1 * i1, r2 * r2 + i2 * i2, r3 * r3 + i3 * i3


@kernel
def best_atoms(atoms, voxels, scores, blocks):
    """For every voxel and lane, find the largest |inner product|² and its block.

    No inner product is stored: a tile of atoms stays in the first-level cache, four voxels stay
    in registers.

    Parameters
    ----------
    atoms
        Atoms of unit norm, float32 `(block * term, lane)`: one vector of atoms per block.
    voxels
        Real and imaginary coefficients, float32 `(voxel, 2 * term)`; the number of voxels is a
        multiple of four.
    scores, blocks
        Written: largest squared modulus and its block, float32 `(voxel, lane)`.
    """
    terms = voxels.shape[1] // 2
    n_blocks = atoms.shape[0] // terms
    for voxel in range(voxels.shape[0]):
        store(scores, voxel, number_wide(-1.0))
        store(blocks, voxel, number_wide(0.0))
    for start in range(0, n_blocks, TILE):
        stop = min(start + TILE, n_blocks)
        for v in range(0, voxels.shape[0], 4):
            s0, s1 = load_wide(scores, v), load_wide(scores, v + 1)
            s2, s3 = load_wide(scores, v + 2), load_wide(scores, v + 3)
            b0, b1 = load_wide(blocks, v), load_wide(blocks, v + 1)
            b2, b3 = load_wide(blocks, v + 2), load_wide(blocks, v + 3)
            for block in range(start, stop):
                here = number_wide(block)
                m0, m1, m2, m3 = four_products(atoms, voxels, terms, block, v)
                b0, b1 = where_greater(m0, s0, here, b0), where_greater(m1, s1, here, b1)
                b2, b3 = where_greater(m2, s2, here, b2), where_greater(m3, s3, here, b3)
                s0, s1 = where_greater(m0, s0, m0, s0), where_greater(m1, s1, m1, s1)
                s2, s3 = where_greater(m2, s2, m2, s2), where_greater(m3, s3, m3, s3)
            store(scores, v, s0)
            store(scores, v + 1, s1)
            store(scores, v + 2, s2)
            store(scores, v + 3, s3)
            store(blocks, v, b0)
            store(blocks, v + 1, b1)
            store(blocks, v + 2, b2)
            store(blocks, v + 3, b3)


@kernel
def top_atoms(atoms, first, n_atoms, voxels, scores, index):
    """Update the ordered list of the largest |inner products|² of every voxel.

    Among equal products the first atom comes first.

    Parameters
    ----------
    atoms, voxels
        As for `best_atoms`.
    first, n_atoms
        Index of the first atom, and the number of atoms without the padding of the last block.
    scores, index
        Updated: squared moduli, -1 at first, and indices of atoms, float32 and int64
        `(voxel, place)`.
    """
    terms = voxels.shape[1] // 2
    n_blocks = atoms.shape[0] // terms
    row = np.empty((1, WIDE), np.float32)
    for start in range(0, n_blocks, TILE):
        for v in range(0, voxels.shape[0], 4):
            for block in range(start, min(start + TILE, n_blocks)):
                m0, m1, m2, m3 = four_products(atoms, voxels, terms, block, v)
                insert(m0, row, block, first, n_atoms, scores[v], index[v])
                insert(m1, row, block, first, n_atoms, scores[v + 1], index[v + 1])
                insert(m2, row, block, first, n_atoms, scores[v + 2], index[v + 2])
                insert(m3, row, block, first, n_atoms, scores[v + 3], index[v + 3])


@njit(forceinline=True)
def insert(products, row, block, first, n_atoms, scores, index):
    """Insert into an ordered list those products of a vector that are large enough."""
    if any_greater(products, number_wide(scores[-1])):
        store(row, 0, products)
        for lane in range(WIDE):
            atom, place = block * WIDE + lane, len(scores)
            if atom >= n_atoms:
                break
            while place > 0 and row[0, lane] > scores[place - 1]:
                place -= 1
            for later in range(len(scores) - 1, place, -1):
                scores[later], index[later] = scores[later - 1], index[later - 1]
            if place < len(scores):
                scores[place], index[place] = row[0, lane], first + atom


@kernel
def extent(atoms, voxels, floors, theta, low, high):
    """Find the lowest and highest parameters of the atoms whose |inner product|² is above a floor.

    Parameters
    ----------
    atoms, voxels
        As for `best_atoms`.
    floors
        The floor of each voxel, float32 `(voxel,)`.
    theta
        Parameters of the atoms, float64 `(atom, parameter)`.
    low, high
        Updated, inf and -inf at first: float64 `(voxel, parameter)`.
    """
    terms = voxels.shape[1] // 2
    n_blocks = atoms.shape[0] // terms
    row = np.empty((1, WIDE), np.float32)
    for start in range(0, n_blocks, TILE):
        for v in range(0, voxels.shape[0], 4):
            for block in range(start, min(start + TILE, n_blocks)):
                m0, m1, m2, m3 = four_products(atoms, voxels, terms, block, v)
                widen(m0, row, block, floors[v], theta, low[v], high[v])
                widen(m1, row, block, floors[v + 1], theta, low[v + 1], high[v + 1])
                widen(m2, row, block, floors[v + 2], theta, low[v + 2], high[v + 2])
                widen(m3, row, block, floors[v + 3], theta, low[v + 3], high[v + 3])


@njit(forceinline=True)
def widen(products, row, block, floor, theta, low, high):
    """Extend a range to those atoms of a vector whose product is above the floor."""
    if any_greater(products, number_wide(floor)):
        store(row, 0, products)
        for lane in range(WIDE):
            atom = block * WIDE + lane
            if row[0, lane] > floor and atom < len(theta):
                for p in range(len(low)):
                    low[p], high[p] = min(low[p], theta[atom, p]), max(high[p], theta[atom, p])
