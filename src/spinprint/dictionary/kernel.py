"""The largest inner products of voxels with sixteen atoms at once."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..physics.kernels.simd import LANES, load, number, store, where_greater

TILE = 32
"""Vectors of atoms (of sixteen each) that stay in the first cache while voxels pass."""


@njit(nogil=True, cache=True, error_model="numpy")
def best_atoms(atoms, voxels, scores, blocks):
    """For every voxel and lane, the largest |inner product|² and where it is.

    No inner product is kept: a tile of atoms stays in the first cache, four voxels in
    registers.

    Parameters
    ----------
    atoms
        Unit-norm atoms, float32 `(block * term, lane)`: sixteen atoms a block.
    voxels
        Real and imaginary coefficients, float32 `(voxel, 2 * term)`; the number of voxels is a
        multiple of four.
    scores, blocks
        Written: largest squared modulus and its block, float32 `(voxel, lane)`.
    """
    terms = voxels.shape[1] // 2
    n_blocks = atoms.shape[0] // terms
    for voxel in range(voxels.shape[0]):
        store(scores, voxel, number(-1.0))
        store(blocks, voxel, number(0.0))
    for start in range(0, n_blocks, TILE):
        stop = min(start + TILE, n_blocks)
        for v in range(0, voxels.shape[0], 4):
            s0, s1 = load(scores, v), load(scores, v + 1)
            s2, s3 = load(scores, v + 2), load(scores, v + 3)
            b0, b1 = load(blocks, v), load(blocks, v + 1)
            b2, b3 = load(blocks, v + 2), load(blocks, v + 3)
            for block in range(start, stop):
                r0 = i0 = r1 = i1 = r2 = i2 = r3 = i3 = number(0.0)
                for term in range(terms):
                    atom = load(atoms, block * terms + term)
                    r0 = r0 + atom * number(voxels[v, term])
                    i0 = i0 + atom * number(voxels[v, terms + term])
                    r1 = r1 + atom * number(voxels[v + 1, term])
                    i1 = i1 + atom * number(voxels[v + 1, terms + term])
                    r2 = r2 + atom * number(voxels[v + 2, term])
                    i2 = i2 + atom * number(voxels[v + 2, terms + term])
                    r3 = r3 + atom * number(voxels[v + 3, term])
                    i3 = i3 + atom * number(voxels[v + 3, terms + term])
                here = number(block)
                m0, m1 = r0 * r0 + i0 * i0, r1 * r1 + i1 * i1
                m2, m3 = r2 * r2 + i2 * i2, r3 * r3 + i3 * i3
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


def pack(unit: np.ndarray) -> np.ndarray:
    """Atoms of unit norm `(atom, rank)` as the kernel reads them, `(block * term, lane)`.

    A complex atom becomes twice as many real terms; missing atoms of the last block are zero.
    """
    terms = np.concatenate([unit.real, unit.imag], axis=1) if np.iscomplexobj(unit) else unit
    terms = np.pad(terms.astype(np.float32), ((0, -len(terms) % LANES), (0, 0)))
    blocks = terms.reshape(-1, LANES, terms.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(blocks).reshape(-1, LANES)


def unpack_voxels(series: np.ndarray, *, complex_atoms: bool) -> np.ndarray:
    """Voxels `(voxel, rank)` so that two real products give <d, y> = Σ conj(d) y.

    float32 `(voxel, 2 * term)`: what to multiply for the real part, then for the imaginary.
    """
    real, imag = series.real, series.imag
    parts = (real, imag, imag, -real) if complex_atoms else (real, imag)
    return np.concatenate(parts, axis=1).astype(np.float32)
