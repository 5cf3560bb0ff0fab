"""Weighing of all atoms in torch, for a GPU, block by block.

Each block of atoms is weighed relative to the largest weight so far, and the sums so far shrink
when a larger one comes. Histograms are matrix products with the bins of the atoms: a scattered
sum would add in another order each time. Tested with torch on the processor; speed and memory on
CUDA have not been measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..device import full_precision
from ..dictionary.layout import Slabs, unpack_atoms, unpack_voxels
from ..dictionary.matching_torch import blocks, squared_products
from .weights import BINS, NEGLIGIBLE, NEVER, Array, Weighed, WeightedAtoms

VOXELS = 1 << 9
"""Voxels weighed at a time: about 200 MiB of weights with a block of atoms."""


class _Atoms(NamedTuple):
    """A slab on the device."""

    order: torch.Tensor
    """Index of each atom, `(atom,)`."""
    atoms: torch.Tensor
    """Of unit norm, `(atom, term)`."""
    weights: torch.Tensor
    """Logarithm of the prior weight, `(atom,)`."""
    powers: torch.Tensor
    """Theta and theta², double, `(atom, 2 * parameter)`."""
    bins: torch.Tensor
    """The bin that each lies in, `(atom, parameter)`."""

    def blocks(self) -> Iterator[_Atoms]:
        """Yield them in consecutive blocks."""
        for first, block in blocks(self.atoms):
            yield _Atoms(*(tensor[first : first + len(block)] for tensor in self))


class _Sums:
    """Sums over the atoms so far, relative to the largest weight of each voxel."""

    def __init__(self, voxels: int, parameters: int, device: torch.device) -> None:
        self.top = torch.full((voxels,), NEVER, device=device)
        self.best = torch.zeros(voxels, dtype=torch.int64, device=device)
        shape = (voxels, 2 + 2 * parameters)
        self.sums = torch.zeros(shape, dtype=torch.float64, device=device)
        self.histogram = torch.zeros((voxels, parameters, BINS), device=device)

    def add(self, part: slice, atoms: _Atoms, scores: torch.Tensor) -> None:
        """Add atoms, whose logarithms of weights are `(voxel, atom)`, to some voxels."""
        largest, place = scores.max(dim=1)
        before = self.top[part].clone()
        better = largest > before
        self.top[part] = top = torch.maximum(largest, before)
        self.best[part] = torch.where(better, atoms.order[place], self.best[part])
        counts = scores > (top - NEGLIGIBLE).clamp(min=NEVER / 2)[:, None]
        weights = torch.where(counts, torch.exp(scores - top[:, None]), 0.0)
        exact = weights.double()
        shrink = torch.exp(before - top)
        sums = self.sums[part]
        sums *= shrink[:, None]
        sums[:, 1] *= shrink
        sums[:, 0] += exact.sum(dim=1)
        sums[:, 1] += exact.square().sum(dim=1)
        sums[:, 2:] += exact @ atoms.powers
        histogram = self.histogram[part]
        histogram *= shrink[:, None, None]
        every = torch.arange(BINS, device=weights.device)
        with full_precision():
            for p, bins in enumerate(atoms.bins.T):
                histogram[:, p] += weights @ (bins[:, None] == every).float()


class TorchWeigher:
    """A `Weigher` on a torch device."""

    def __init__(self, atoms: WeightedAtoms, device: torch.device) -> None:
        """Take the atoms."""
        self._weighted = atoms
        self._complex = np.iscomplexobj(atoms.coefficients)
        self._device = device
        self._slabs = Slabs(len(atoms.theta), self._lay_out)

    def weigh(self, unit: NDArray[np.complexfloating], energy: Array) -> Weighed:
        """Weigh all atoms for every voxel, see `Weigher.weigh`."""
        totals = _Sums(len(unit), self._weighted.n_parameters, self._device)
        scale = self._tensor(energy.astype(np.float32))
        for slab in self._slabs:
            for start in range(0, len(unit), VOXELS):
                part = slice(start, min(start + VOXELS, len(unit)))
                voxels = self._tensor(unpack_voxels(unit[part], complex_atoms=self._complex))
                for atoms in slab.blocks():
                    products = squared_products(atoms.atoms, voxels)
                    scores = products.mul_(scale[part, None]).add_(atoms.weights)
                    totals.add(part, atoms, scores)
        belief = self._weighted.belief(totals.sums.cpu().numpy(), totals.histogram.cpu().numpy())
        return Weighed(belief, totals.best.cpu().numpy())

    def _lay_out(self, part: slice) -> _Atoms:
        slab = self._weighted.slab(part)
        size = len(slab.order)
        return _Atoms(
            order=self._tensor(slab.order),
            atoms=self._tensor(unpack_atoms(slab.atoms, size)),
            weights=self._tensor(slab.weights.reshape(-1)[:size]),
            powers=self._tensor(np.concatenate([slab.theta, slab.theta**2], axis=1)),
            bins=self._tensor(slab.bins),
        )

    def _tensor(self, array: NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)
