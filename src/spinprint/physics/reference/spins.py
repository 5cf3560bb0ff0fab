"""What both references share, which is no physics: their input, slices and the stack of samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...sequence import Block, Sequence
from ...tissue import Tissue

Array = NDArray[Any]


@dataclass(kw_only=True)
class Spins:
    """Tissue parameters, sequence and samples; a reference adds its kind of magnetisation."""

    tissue: dict[str, Array]
    """Tissue parameters, each of shape `(tissue, 1)`."""
    sequence: Sequence
    """What is played."""
    samples: list[Array] = field(default_factory=list)
    """What the receiver has measured so far, each of shape `(tissue,)`."""

    def __getitem__(self, name: str) -> Array:
        return self.tissue[name]


S = TypeVar("S", bound=Spins)


def signal_of(
    sequence: Sequence,
    tissue: Tissue,
    equilibrium: Callable[[Sequence, dict[str, Array], int], S],
    play: Callable[[Block, S], None],
) -> Array:
    """Signal of a sequence.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    equilibrium
        Makes spins at rest from a sequence, tissue parameters and the number of tissues.
    play
        Lets a block act on the spins.

    Returns
    -------
    complex128, shape `(..., time)`, per unit of m0 times m0; summed over the positions of the
    slice profile, if there is one.

    Raises
    ------
    TissueError
        A parameter that the sequence needs was not given.
    """
    if sequence.slice_profile is not None:
        slices = (w * signal_of(part, tissue, equilibrium, play) for w, part in sequence.slices)
        return np.sum(list(slices), axis=0)
    flat = tissue.flat()
    needed = {*sequence.unknowns, "t1", "t2", "adc", "b1", "b0"}
    parameters = {name: np.reshape(flat.get(name), (-1, 1)) for name in needed}
    spins = equilibrium(sequence, parameters, flat.size)
    for block in sequence.blocks:
        play(block, spins)
    signal = np.stack(spins.samples, axis=-1) * np.reshape(flat.get("m0"), (-1, 1))
    return signal.reshape(*tissue.shape, -1)
