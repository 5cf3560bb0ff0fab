"""Simulate atoms and compress them, a chunk at a time."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..parallel import Progress
from ..physics.simulate import simulate_flat
from ..sequence import Sequence
from ..tissue import Tissue
from .basis import GramMatrix, choose_rank

CHUNK = 8192
"""Atoms whose uncompressed signals are held at a time."""

BASIS_ATOMS = 16384
"""The basis is that of all atoms, or of so many spread evenly over them."""


class Rows(Protocol):
    """Rows that are written once each: an array, or a file."""

    def __setitem__(self, rows: slice, values: NDArray[Any], /) -> None:
        """Write some of them."""


def find_basis(
    sequence: Sequence,
    tissue: Tissue,
    *,
    rank: int | None,
    energy: float | None,
    n_states: int | None,
    magnitude: bool = False,
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The basis of flat tissues, `(time, rank)`, and their singular values, `(time,)`.

    Of the moduli of their signals with `magnitude`.

    Raises
    ------
    DictionaryError
        The rank or the energy is impossible.
    """
    choose_rank(np.ones(sequence.n_samples), rank=rank, energy=energy)  # refuse at once
    count = min(tissue.size, BASIS_ATOMS)
    picked = tissue.take(np.linspace(0, tissue.size - 1, count).round().astype(np.int64))
    gram = GramMatrix(sequence.n_samples)
    for start in range(0, count, CHUNK):
        atoms = picked.take(slice(start, start + CHUNK))
        gram.add(simulate_flat(sequence, atoms, n_states=n_states, magnitude=magnitude)[:, 0])
    vectors, singular_values = gram.basis(rank=rank, energy=energy)
    kind = np.complex64 if np.iscomplexobj(vectors) else np.float32
    return vectors.astype(kind), singular_values


def compress_atoms(
    sequence: Sequence,
    tissue: Tissue,
    basis: NDArray[Any],
    out: Rows,
    *,
    n_states: int | None,
    magnitude: bool = False,
    first: int = 0,
    progress: Progress | None = None,
) -> None:
    """Write the signals of flat tissues in the basis to `out`, `(atom, rank)`.

    Parameters
    ----------
    sequence, tissue, n_states
        As for `simulate`.
    magnitude
        Whether the moduli of the signals are the atoms.
    basis
        Orthonormal columns, `(time, rank)`.
    out
        Written from atom `first` on.
    first
        Atoms before it are there already.
    progress
        Called with the atoms written and their number after each chunk.
    """
    for start in range(first, tissue.size, CHUNK):
        stop = min(start + CHUNK, tissue.size)
        atoms = tissue.take(slice(start, stop))
        signals = simulate_flat(sequence, atoms, n_states=n_states, magnitude=magnitude)
        out[start:stop] = signals[:, 0] @ basis.conj()
        if progress:
            progress(stop, tissue.size)
