"""Exact matching on the processor.

Blocked over atoms and over voxels: memory holds the atoms, the voxels and one candidate per lane
and voxel, never a voxel x atom matrix.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..parallel import Progress, for_chunks
from ..simd.vectors import WIDE
from .kernel import best_atoms, extent, top_atoms
from .layout import Slab, Slabs, slab_of, unpack_voxels

_CHUNK = 256
"""Voxels per call of the kernel: their candidates fit into the second-level cache."""


class CpuMatcher:
    """A `Matcher` on all cores of the processor.

    Memory is twice that of a slab of atoms (80 MB each at rank 20) and that of the voxels.
    """

    def __init__(self, coefficients: NDArray[Any]) -> None:
        """Take atoms `(atom, rank)`, in memory or on disk; those of norm 0 never win."""
        self._complex = np.iscomplexobj(coefficients)
        self._slabs = Slabs(len(coefficients), partial(slab_of, coefficients))

    def best(
        self, series: NDArray[Any], progress: Progress | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the best atom of each voxel, see `Matcher.best`."""
        index = np.zeros(len(series), np.int64)
        score = np.full(len(series), -1, np.float32)

        def work(slab: Slab, start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            scores = np.empty((len(voxels), WIDE), np.float32)
            blocks = np.empty_like(scores)
            best_atoms(slab.atoms, voxels, scores, blocks)
            here, product = _best_lane(scores[: stop - start], blocks[: stop - start], slab.size)
            better = product > score[start:stop]
            index[start:stop] = np.where(better, slab.first + here, index[start:stop])
            score[start:stop] = np.where(better, product, score[start:stop])

        for slab in self._slabs:
            for_chunks(partial(work, slab), len(series), _CHUNK, progress)
        return index, score

    def top(
        self, series: NDArray[Any], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the best atoms of each voxel in order, see `Matcher.top`."""
        shape = (len(series) + 3, count)  # the kernel takes four voxels at a time
        index, score = np.zeros(shape, np.int64), np.full(shape, -1, np.float32)

        def work(slab: Slab, start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            part = slice(start, start + len(voxels))
            top_atoms(slab.atoms, slab.first, slab.size, voxels, score[part], index[part])

        for slab in self._slabs:
            for_chunks(partial(work, slab), len(series), _CHUNK)
        return index[: len(series)], np.sqrt(np.maximum(score[: len(series)], 0))

    def extent(
        self, series: NDArray[Any], floor: NDArray[Any], theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the range of the atoms above a floor, see `Matcher.extent`."""
        low = np.full((len(series) + 3, theta.shape[1]), np.inf)
        high = -low
        floors = np.full(len(series) + 3, np.inf, np.float32)
        floors[: len(series)] = floor

        def work(slab: Slab, start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            part = slice(start, start + len(voxels))
            columns = np.ascontiguousarray(theta[slab.first : slab.first + slab.size])
            extent(slab.atoms, voxels, floors[part], columns, low[part], high[part])

        for slab in self._slabs:
            for_chunks(partial(work, slab), len(series), _CHUNK)
        return low[: len(series)], high[: len(series)]

    def _voxels(self, series: NDArray[Any]) -> NDArray[np.float32]:
        """Voxels in the layout of the kernels, padded to a multiple of four."""
        voxels = unpack_voxels(series, complex_atoms=self._complex)
        return np.pad(voxels, ((0, -len(voxels) % 4), (0, 0)))


def _best_lane(
    scores: NDArray[np.float32], blocks: NDArray[np.float32], n_atoms: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best candidate of each voxel over the lanes; among equal ones the first atom."""
    atoms = blocks.astype(np.int64) * WIDE + np.arange(WIDE)
    scores = np.where(atoms < n_atoms, scores, -1)  # the last block is padded
    top = scores.max(axis=1, keepdims=True)
    index = np.where(scores == top, atoms, n_atoms).min(axis=1)
    return index, np.sqrt(np.maximum(top[:, 0], 0))
