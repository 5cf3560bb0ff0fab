"""Exact matching: the atom with the largest modulus of the complex inner product.

Ma et al., Nature 2013;495:187. Blocked over atoms and over voxels: memory is that of the
atoms, the voxels and sixteen candidates a voxel, never a voxel x atom matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..parallel import Progress, for_chunks
from .kernel import LANES, best_atoms, pack, unpack_voxels

_CHUNK = 256
"""Voxels per call of the kernel: their candidates fit the second cache."""


class Matcher:
    """Atoms laid out for the kernel."""

    def __init__(self, coefficients: NDArray[Any]) -> None:
        """Take atoms `(atom, rank)`; their norm does not matter, atoms of norm 0 never win."""
        norms = np.linalg.norm(coefficients, axis=1, keepdims=True)
        self.n_atoms = len(coefficients)
        self._complex = np.iscomplexobj(coefficients)
        self._atoms = pack(coefficients / np.where(norms > 0, norms, np.inf))

    def best(
        self, series: NDArray[Any], progress: Progress | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best atom of each voxel and |<d, y>| with its unit-norm atom.

        Parameters
        ----------
        series
            Compressed signals, complex `(voxel, rank)`.
        progress
            Called with the voxels done and their number.

        Returns
        -------
        index `(voxel,)` and inner product `(voxel,)`; of equal atoms the first one wins.
        """
        index = np.zeros(len(series), np.int64)
        score = np.zeros(len(series), np.float32)

        def work(start: int, stop: int) -> None:
            voxels = unpack_voxels(series[start:stop], complex_atoms=self._complex)
            voxels = np.pad(voxels, ((0, -len(voxels) % 4), (0, 0)))
            scores = np.empty((len(voxels), LANES), np.float32)
            blocks = np.empty_like(scores)
            best_atoms(self._atoms, voxels, scores, blocks)
            atoms = blocks[: stop - start].astype(np.int64) * LANES + np.arange(LANES)
            scores = scores[: stop - start]
            scores[atoms >= self.n_atoms] = -1  # the padding of the last block
            top = scores.max(axis=1, keepdims=True)
            index[start:stop] = np.where(scores == top, atoms, self.n_atoms).min(axis=1)
            score[start:stop] = np.sqrt(np.maximum(top[:, 0], 0))

        for_chunks(work, len(series), _CHUNK, progress)
        return index, score
