"""Exact matching: the atom with the largest modulus of the complex inner product.

Ma et al., Nature 2013;495:187. Blocked over atoms and over voxels: memory is that of the
atoms, the voxels and sixteen candidates a voxel, never a voxel x atom matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..parallel import Progress, for_chunks
from .kernel import LANES, best_atoms, extent, pack, top_atoms, unpack_voxels

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
            voxels = self._voxels(series[start:stop])
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

    def top(
        self, series: NDArray[Any], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best atoms of each voxel in order, and their inner products.

        Parameters
        ----------
        series
            Compressed signals, complex `(voxel, rank)`.
        count
            How many, from 1 to the number of atoms.

        Returns
        -------
        index and inner product, `(voxel, count)` each; of equal atoms the first comes first.
        """
        index = np.zeros((len(series), count), np.int64)
        score = np.zeros((len(series), count), np.float32)

        def work(start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            scores = np.empty((len(voxels), count), np.float32)
            atoms = np.zeros((len(voxels), count), np.int64)
            top_atoms(self._atoms, self.n_atoms, voxels, scores, atoms)
            index[start:stop] = atoms[: stop - start]
            score[start:stop] = np.sqrt(np.maximum(scores[: stop - start], 0))

        for_chunks(work, len(series), _CHUNK)
        return index, score

    def extent(
        self, series: NDArray[Any], floor: NDArray[Any], theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far the atoms reach whose squared inner product exceeds a floor.

        Parameters
        ----------
        series
            Compressed signals, complex `(voxel, rank)`.
        floor
            The squared inner product above which an atom counts, `(voxel,)`.
        theta
            Parameters of the atoms, `(atom, parameter)`.

        Returns
        -------
        lowest and highest parameters, `(voxel, parameter)` each; inf and -inf where none counts.
        """
        shape = (len(series), theta.shape[1])
        low, high = np.full(shape, np.inf), np.full(shape, -np.inf)

        def work(start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            more = (0, len(voxels) - (stop - start))
            floors = np.pad(floor[start:stop].astype(np.float32), more, constant_values=np.inf)
            lowest = np.full((len(voxels), shape[1]), np.inf)
            highest = -lowest
            extent(self._atoms, voxels, floors, theta, lowest, highest)
            low[start:stop], high[start:stop] = lowest[: stop - start], highest[: stop - start]

        for_chunks(work, len(series), _CHUNK)
        return low, high

    def _voxels(self, series: NDArray[Any]) -> NDArray[np.float32]:
        """Voxels as the kernels read them, as many as a multiple of four."""
        voxels = unpack_voxels(series, complex_atoms=self._complex)
        return np.pad(voxels, ((0, -len(voxels) % 4), (0, 0)))
