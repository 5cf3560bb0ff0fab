"""The subspace that signals of a dictionary live in.

McGivney et al., IEEE Trans Med Imaging 2014;33:2311: time is projected onto the leading right
singular vectors of the dictionary. The vectors come from the time x time Gram matrix, so that
the dictionary is never needed as a whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..errors import DictionaryError
from ..room import require_room

DEFAULT_ENERGY = 1 - 1e-5
"""Part of the energy a default basis keeps: it raises the Cramér-Rao bound by about 0.01 %."""


_ORTHONORMAL = 1e-3  # how far products of columns may be off


class GramMatrix:
    """Sum over signals of unit norm of their outer products, shape `(time, time)`."""

    def __init__(self, n_samples: int) -> None:
        # Its eigenvectors, and what they are computed in, have its size too.
        require_room(
            3 * 8 * n_samples**2, f"the basis of {n_samples} samples", DictionaryError,
            "shorten the sequence",
        )  # fmt: skip
        self._sum: NDArray[Any] = np.zeros((n_samples, n_samples))

    def add(self, signals: NDArray[Any]) -> None:
        """Add signals of shape `(atom, time)`; each counts alike, whatever its norm."""
        # Double precision throughout: the small singular values are roots of what is left over.
        signals = signals.astype(np.complex128 if np.iscomplexobj(signals) else np.float64)
        norms = np.linalg.norm(signals, axis=-1, keepdims=True)
        unit = signals / np.where(norms > 0, norms, 1)
        self._sum = self._sum + unit.T @ unit.conj()

    def basis(
        self, *, rank: int | None = None, energy: float | None = None
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Orthonormal basis `(time, rank)` and all singular values, largest first.

        Parameters
        ----------
        rank
            Vectors to keep.
        energy
            Where no rank is given: keep the fewest vectors that hold this part of the energy
            of all signals, above 0 and below 1.

        Raises
        ------
        DictionaryError
            The rank or the energy is impossible.
        """
        values, vectors = scipy.linalg.eigh(self._sum)
        values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
        rank = choose_rank(values, rank=rank, energy=energy)
        return np.ascontiguousarray(vectors[:, :rank]), np.sqrt(values)


def choose_rank(energies: NDArray[np.float64], *, rank: int | None, energy: float | None) -> int:
    """The number of leading energies to keep, by number or by their part of the sum."""
    if rank is not None:
        if not 1 <= rank <= len(energies):
            raise DictionaryError(
                f"rank = {rank} must be from 1 to {len(energies)}, the number of samples"
            )
        return rank
    energy = DEFAULT_ENERGY if energy is None else energy
    if not 0 < energy < 1:
        raise DictionaryError(f"energy = {energy:g} must lie between 0 and 1")
    part = np.cumsum(energies) / energies.sum()
    return min(int(np.searchsorted(part, energy)) + 1, len(energies))


def require_orthonormal(basis: NDArray[Any]) -> None:
    """Refuse a basis `(time, rank)` whose columns are not orthonormal, or not finite.

    Raises
    ------
    DictionaryError
        A product of two columns is off by more than single precision explains.
    """
    products = basis.conj().T @ basis
    if not np.abs(products - np.eye(basis.shape[1])).max() < _ORTHONORMAL:
        raise DictionaryError("its basis is not orthonormal")
