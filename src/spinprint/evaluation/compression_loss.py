"""What is given up by compressing signals, rank by rank."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..sequence import Sequence
from ..tissue import Tissue
from .bounds import cramer_rao

Array = NDArray[np.float64]


def compression_loss(
    sequence: Sequence,
    tissue: Tissue,
    vectors: NDArray[np.floating] | NDArray[np.complexfloating],
    ranks: Iterable[int],
    unknowns: Iterable[str] | None = None,
) -> dict[str, Array]:
    """Cramér-Rao deviation in the leading vectors over that from all samples, by unknown.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    vectors
        Orthonormal columns, the most telling first, `(time, vector)`.
    ranks
        How many of them are kept.
    unknowns
        As for `cramer_rao`.

    Returns
    -------
    The loss of each unknown [-], `(rank, ...)`: 1 where nothing is lost, infinite where the vectors
    do not tell the unknown, NaN where all samples do not either.

    Raises
    ------
    InputError
        A rank is none of the vectors, or as for `cramer_rao`.
    """
    wanted = list(ranks)
    names = None if unknowns is None else tuple(unknowns)
    for rank in wanted:
        if not 1 <= rank <= vectors.shape[1]:
            raise InputError(f"rank {rank} must be from 1 to {vectors.shape[1]}, the vectors given")
    found = [
        cramer_rao(sequence, tissue, 1.0, names, basis=vectors[:, :rank]).loss for rank in wanted
    ]
    return {name: np.stack([one[name] for one in found]) for name in (found[0] if found else ())}
