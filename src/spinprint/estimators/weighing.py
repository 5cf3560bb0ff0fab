"""All atoms weighed by their likelihood in one pass; no weight is stored.

Each voxel keeps the largest logarithm of a weight so far, and sums of weights relative to it
that shrink when a larger one comes. Atoms of negligible weight cost one comparison per vector of
atoms, so that the pass takes about as long as matching. The processor (`weighing_cpu.py`) and
torch (`weighing_torch.py`) form the same sums.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..device import accelerator
from .weighing_cpu import CpuWeigher
from .weights import Array, Weighed, WeightedAtoms


class Weigher(Protocol):
    """Atoms laid out for weighing."""

    def weigh(self, unit: NDArray[np.complexfloating], energy: Array) -> Weighed:
        """Weigh all atoms for every voxel.

        Memory is that of a slab of atoms, and 1 KB per voxel and parameter.

        Parameters
        ----------
        unit
            Compressed signals of unit norm, `(voxel, rank)`.
        energy
            Their squared norm before, over 2 sigma², `(voxel,)`: an atom of prior weight w
            weighs w exp(energy |<d, unit>|²).
        """


def weigher_for(atoms: WeightedAtoms) -> Weigher:
    """Lay atoms out for weighing on the device that `accelerator` chooses.

    Raises
    ------
    InputError
        `SPINPRINT_DEVICE` names no device, or one that is missing.
    """
    device = accelerator()
    if device is None:
        return CpuWeigher(atoms)
    from .weighing_torch import TorchWeigher  # loads torch, which takes seconds

    return TorchWeigher(atoms, device)
