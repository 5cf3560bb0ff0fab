"""Exact matching in torch, for a GPU, by products of matrices.

Blocked over atoms and over voxels: the device holds a slab of atoms, the voxels and two blocks
of products, never a voxel x atom matrix. Tested with torch on the processor; speed and memory on
CUDA have not been measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..device import full_precision
from ..parallel import Progress
from .layout import Slabs, slab_of, unpack_atoms, unpack_voxels

ATOMS, VOXELS = 1 << 14, 1 << 11
"""A block of products: 128 MiB."""

FEWER_VOXELS = 1 << 8
"""Voxels per block where the products are also sorted or converted to double precision."""


class TorchMatcher:
    """A `Matcher` on a torch device.

    float32 is never rounded to TF32; where the scores of two atoms agree to about 1e-6, rounding
    may favour another one than on the processor.
    """

    def __init__(self, coefficients: NDArray[Any], device: torch.device) -> None:
        """Take atoms `(atom, rank)`, in memory or on disk; those of norm 0 never win."""
        self._complex = np.iscomplexobj(coefficients)
        self._device = device

        def lay_out(part: slice) -> tuple[int, torch.Tensor]:
            slab = slab_of(coefficients, part)
            return slab.first, torch.from_numpy(unpack_atoms(slab.atoms, slab.size)).to(device)

        self._slabs = Slabs(len(coefficients), lay_out)

    def best(
        self, series: NDArray[Any], progress: Progress | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the best atom of each voxel, see `Matcher.best`."""
        index, score = self._lists(len(series))
        for part, first, products in self._sweep(series, VOXELS, progress):
            largest, place = products.max(dim=1)  # of equal ones the first
            better = largest > score[part]
            index[part] = torch.where(better, first + place, index[part])
            score[part] = torch.where(better, largest, score[part])
        return index.cpu().numpy(), score.clamp_(min=0).sqrt_().cpu().numpy()

    def top(
        self, series: NDArray[Any], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the best atoms of each voxel in order, see `Matcher.top`."""
        index, score = self._lists(len(series), count)
        for part, first, products in self._sweep(series, FEWER_VOXELS):
            # The list so far holds earlier atoms, and a stable sort keeps the first of equals.
            sorted_, order = torch.sort(
                torch.cat([score[part], products], dim=1), dim=1, descending=True, stable=True
            )
            order = order[:, :count]
            known = index[part].gather(1, order.clamp(max=count - 1))
            index[part] = torch.where(order < count, known, first + order - count)
            score[part] = sorted_[:, :count]
        return index.cpu().numpy(), score.clamp_(min=0).sqrt_().cpu().numpy()

    def extent(
        self, series: NDArray[Any], floor: NDArray[Any], theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the range of the atoms above a floor, see `Matcher.extent`."""
        infinite = torch.tensor(np.inf, dtype=torch.float64, device=self._device)
        low = infinite.repeat(len(series), theta.shape[1])
        high = -low
        floors = torch.from_numpy(np.asarray(floor, np.float32)).to(self._device)
        for part, first, products in self._sweep(series, FEWER_VOXELS):
            counts = products > floors[part, None]
            columns = torch.from_numpy(theta[first : first + counts.shape[1]].T.copy())
            for p, column in enumerate(columns.to(self._device)):
                lowest = torch.where(counts, column, infinite).amin(dim=1)
                highest = torch.where(counts, column, -infinite).amax(dim=1)
                low[part, p] = torch.minimum(low[part, p], lowest)
                high[part, p] = torch.maximum(high[part, p], highest)
        return low.cpu().numpy(), high.cpu().numpy()

    def _lists(self, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Indices and scores of the best atoms, before any comparison."""
        index = torch.zeros(shape, dtype=torch.int64, device=self._device)
        return index, torch.full(shape, -1.0, device=self._device)

    def _sweep(
        self, series: NDArray[Any], size: int, progress: Progress | None = None
    ) -> Iterator[tuple[slice, int, torch.Tensor]]:
        """Yield all |<d, y>|² in blocks: the voxels, the first atom, products `(voxel, atom)`."""
        for first, atoms in self._slabs:
            for start in range(0, len(series), size):
                part = slice(start, min(start + size, len(series)))
                voxels = unpack_voxels(series[part], complex_atoms=self._complex)
                here = torch.from_numpy(voxels).to(self._device)
                for atom, block in blocks(atoms):
                    yield part, first + atom, squared_products(block, here)
                if progress:
                    progress(part.stop, len(series))


def blocks(atoms: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield consecutive blocks of at most `ATOMS` atoms, each with the index of its first atom."""
    return ((first, atoms[first : first + ATOMS]) for first in range(0, len(atoms), ATOMS))


def squared_products(atoms: torch.Tensor, voxels: torch.Tensor) -> torch.Tensor:
    """|<d, y>|² of atoms `(atom, term)` and voxels `(voxel, 2 * term)`, `(voxel, atom)`."""
    real, imaginary = voxels.split(atoms.shape[1], dim=1)
    with full_precision():
        real, imaginary = real @ atoms.T, imaginary @ atoms.T
    return real.square_().add_(imaginary.square_())
