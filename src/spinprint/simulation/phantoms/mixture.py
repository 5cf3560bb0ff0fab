"""What a voxel holds where tissues meet: parts, whose signals add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from ...physics.simulate import simulate
from ...sequence import Sequence
from ...tissue import Tissue

_CHUNK = 8192  # voxels simulated at a time


@dataclass(frozen=True, eq=False, kw_only=True)
class Mixture:
    """The parts of all voxels, arrays of shape `(part,)`, sorted by voxel.

    A voxel on a border holds several tissues. Its signal is the sum of theirs, which in general
    no single T1 and T2 describe.

    Raises
    ------
    TissueError
        Shapes differ, m0 is missing, or the parts are not sorted by voxel.
    """

    voxel: NDArray[np.intp]
    """Index into the flattened volume."""
    label: NDArray[np.uint8]
    """Which structure the part belongs to."""
    tissue: Tissue
    """Of each part; m0 is that of the part alone."""

    def __post_init__(self) -> None:
        shapes = {self.voxel.shape, self.label.shape}
        shapes |= {array.shape for array in self.tissue.given().values()}
        if shapes != {(self.voxel.size,)} or self.tissue.m0 is None:
            raise TissueError("the parts of a mixture must be flat, equally many and have an m0")
        if (np.diff(self.voxel) < 0).any():
            raise TissueError("the parts of a mixture must be sorted by voxel")

    def total_m0(self, n_voxels: int) -> NDArray[Any]:
        """The sum of m0 over the parts of each voxel, shape `(voxel,)`."""
        m0 = self.tissue.get("m0")
        total = np.zeros(n_voxels, m0.dtype)
        np.add.at(total, self.voxel, m0)
        return total

    def image(self, sequence: Sequence, shape: tuple[int, ...]) -> NDArray[np.complex64]:
        """Noise-free series of a volume, shape `(x, y, z, time)`; 0 where there is no part.

        Beyond the series itself, memory is that of some 8192 voxels.

        Raises
        ------
        TissueError
            The sequence needs a parameter that the tissue does not have.
        """
        series = np.zeros((int(np.prod(shape)), sequence.n_samples), np.complex64)
        starts = np.append(np.flatnonzero(np.diff(self.voxel, prepend=-1)), self.voxel.size)
        for begin in range(0, len(starts) - 1, _CHUNK):
            bounds = starts[begin : begin + _CHUNK + 1]
            first, stop = bounds[:-1], bounds[-1]
            signals = simulate(sequence, self.tissue.take(slice(first[0], stop)))
            series[self.voxel[first]] = np.add.reduceat(signals, first - first[0], axis=0)
        return series.reshape(*shape, sequence.n_samples)
