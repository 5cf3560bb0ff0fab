"""Exact matching: the atom with the largest modulus of the complex inner product.

Ma et al., Nature 2013;495:187. Blocked over atoms and over voxels: memory is that of the
atoms, the voxels and one candidate a lane and voxel, never a voxel x atom matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..device import accelerator
from ..parallel import Progress, for_chunks
from .kernel import WIDE, best_atoms, extent, pack, top_atoms, unpack_voxels

_CHUNK = 256
"""Voxels per call of the kernel: their candidates fit the second cache."""

SLAB = 1 << 20
"""Atoms laid out for the kernel at a time; more are read from where they lie, slab by slab."""


class _Slab(NamedTuple):
    """Atoms as the kernels read them."""

    first: int
    size: int
    atoms: NDArray[np.float32]


class Matcher:
    """Atoms laid out for the kernel, at most a slab of them at a time.

    Memory is twice that of a slab (at rank 20, 80 MB each time) and that of the voxels.
    """

    def __init__(self, coefficients: NDArray[Any]) -> None:
        """Take atoms `(atom, rank)`, in memory or on disk; those of norm 0 never win."""
        self.n_atoms = len(coefficients)
        self._coefficients = coefficients
        self._complex = np.iscomplexobj(coefficients)

    def best(
        self, series: NDArray[Any], progress: Progress | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best atom of each voxel and |<d, y>| with its unit-norm atom.

        Parameters
        ----------
        series
            Compressed signals, complex `(voxel, rank)`.
        progress
            Called with the voxels done and their number, once over for every slab of atoms.

        Returns
        -------
        index `(voxel,)` and inner product `(voxel,)`; of equal atoms the first one wins.
        """
        index = np.zeros(len(series), np.int64)
        score = np.full(len(series), -1, np.float32)

        def work(slab: _Slab, start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            scores = np.empty((len(voxels), WIDE), np.float32)
            blocks = np.empty_like(scores)
            best_atoms(slab.atoms, voxels, scores, blocks)
            here, product = _best_lane(scores[: stop - start], blocks[: stop - start], slab.size)
            better = product > score[start:stop]
            index[start:stop] = np.where(better, slab.first + here, index[start:stop])
            score[start:stop] = np.where(better, product, score[start:stop])

        for slab in self._slabs():
            for_chunks(partial(work, slab), len(series), _CHUNK, progress)
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
        shape = (len(series) + 3, count)  # the kernel takes four voxels at a time
        index, score = np.zeros(shape, np.int64), np.full(shape, -1, np.float32)

        def work(slab: _Slab, start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            part = slice(start, start + len(voxels))
            top_atoms(slab.atoms, slab.first, slab.size, voxels, score[part], index[part])

        for slab in self._slabs():
            for_chunks(partial(work, slab), len(series), _CHUNK)
        return index[: len(series)], np.sqrt(np.maximum(score[: len(series)], 0))

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
        low = np.full((len(series) + 3, theta.shape[1]), np.inf)
        high = -low
        floors = np.full(len(series) + 3, np.inf, np.float32)
        floors[: len(series)] = floor

        def work(slab: _Slab, start: int, stop: int) -> None:
            voxels = self._voxels(series[start:stop])
            part = slice(start, start + len(voxels))
            columns = np.ascontiguousarray(theta[slab.first : slab.first + slab.size])
            extent(slab.atoms, voxels, floors[part], columns, low[part], high[part])

        for slab in self._slabs():
            for_chunks(partial(work, slab), len(series), _CHUNK)
        return low[: len(series)], high[: len(series)]

    def _slabs(self) -> Iterator[_Slab]:
        if self.n_atoms <= SLAB:
            yield _Slab(0, self.n_atoms, self._whole)
            return
        for first in range(0, self.n_atoms, SLAB):
            part = self._coefficients[first : first + SLAB]
            yield _Slab(first, len(part), _laid_out(part))

    @cached_property
    def _whole(self) -> NDArray[np.float32]:
        return _laid_out(self._coefficients)

    def _voxels(self, series: NDArray[Any]) -> NDArray[np.float32]:
        """Voxels as the kernels read them, as many as a multiple of four."""
        voxels = unpack_voxels(series, complex_atoms=self._complex)
        return np.pad(voxels, ((0, -len(voxels) % 4), (0, 0)))


def matcher_for(coefficients: NDArray[Any]) -> Matcher:
    """Lay atoms `(atom, rank)` out for matching on this machine: on its GPU if it has one.

    Raises
    ------
    InputError
        `SPINPRINT_DEVICE` asks for what is not there.
    """
    device = accelerator()
    if device is None:
        return Matcher(coefficients)
    from .matching_torch import TorchMatcher

    return TorchMatcher(coefficients, device)


def _laid_out(coefficients: NDArray[Any]) -> NDArray[np.float32]:
    norms = np.linalg.norm(coefficients, axis=1, keepdims=True)
    return pack(coefficients / np.where(norms > 0, norms, np.inf))


def _best_lane(
    scores: NDArray[np.float32], blocks: NDArray[np.float32], n_atoms: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best of the candidates of each voxel, one a lane; of equal ones the first atom."""
    atoms = blocks.astype(np.int64) * WIDE + np.arange(WIDE)
    scores = np.where(atoms < n_atoms, scores, -1)  # the last block is padded
    top = scores.max(axis=1, keepdims=True)
    index = np.where(scores == top, atoms, n_atoms).min(axis=1)
    return index, np.sqrt(np.maximum(top[:, 0], 0))
