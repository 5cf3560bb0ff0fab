"""Exact matching: the atom with the largest modulus of the complex inner product.

Ma et al., Nature 2013;495:187. The processor (`matching_cpu.py`) and torch (`matching_torch.py`)
do the same search.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..device import accelerator
from ..parallel import Progress
from .matching_cpu import CpuMatcher


class Matcher(Protocol):
    """Atoms laid out for matching."""

    def best(
        self, series: NDArray[Any], progress: Progress | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the best atom of each voxel and |<d, y>| with this atom at unit norm.

        Parameters
        ----------
        series
            Compressed signals, complex `(voxel, rank)`.
        progress
            Called with the voxels done and their number, from the start for every slab of atoms.

        Returns
        -------
        index `(voxel,)` and inner product `(voxel,)`; among equal atoms the first wins.
        """

    def top(
        self, series: NDArray[Any], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the best atoms of each voxel, in order, and their inner products.

        Parameters
        ----------
        series
            Compressed signals, complex `(voxel, rank)`.
        count
            Number of atoms per voxel, from 1 to the number of all atoms.

        Returns
        -------
        index and inner product, `(voxel, count)` each; among equal atoms the first comes first.
        """

    def extent(
        self, series: NDArray[Any], floor: NDArray[Any], theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the range of the atoms whose squared inner product exceeds a floor.

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
        lowest and highest parameters, `(voxel, parameter)` each; inf and -inf where no atom
        counts.
        """


def matcher_for(coefficients: NDArray[Any]) -> Matcher:
    """Lay atoms `(atom, rank)` out for matching on the device that `accelerator` chooses.

    The atoms may lie in memory or on disk; those of norm 0 never win.

    Raises
    ------
    InputError
        `SPINPRINT_DEVICE` names no device, or one that is missing.
    """
    device = accelerator()
    if device is None:
        return CpuMatcher(coefficients)
    from .matching_torch import TorchMatcher  # loads torch, which takes seconds

    return TorchMatcher(coefficients, device)
