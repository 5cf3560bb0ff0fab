"""The dictionary: compressed signals of many tissues, and the search for the nearest one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DictionaryError
from ..parallel import Progress
from ..physics.own_unit import own_unit
from ..room import require_room
from ..sequence import Sequence
from ..source import source_digest
from ..tissue import ParameterGrid, Tissue
from . import store
from .basis import require_orthonormal
from .compression import compress_atoms, find_basis
from .matching import Matcher, matcher_for

# Made while this is imported: an hour later the source may not be what runs.
SOURCE = source_digest(__name__)
"""SHA-256 of all code that atoms depend on; None where there is no source to read."""

_SLAB = 1 << 24
"""Bytes looked at at a time, so that a dictionary on disk is never needed in memory as a whole."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Dictionary:
    """Signals of atoms in an orthonormal basis, per unit of M0.

    Immutable; holds the sequence it was made for and refuses series of another length.
    """

    sequence: Sequence
    """What was played."""
    tissue: Tissue
    """The atoms, flat, in the order of the grid."""
    basis: NDArray[Any]
    """Orthonormal columns, `(time, rank)`; float32 or complex64."""
    coefficients: NDArray[Any]
    """Signals in the basis, `(atom, rank)`; float32 or complex64; may lie on disk."""
    singular_values: NDArray[np.float64]
    """Of the atoms the basis was made from, each of unit norm, `(time,)`."""
    grid: ParameterGrid | None = None
    """The grid of the atoms, where they lie on one."""
    magnitude: bool = False
    """Whether the atoms are the moduli of signals, for series whose phase is lost."""

    @classmethod
    def build(
        cls,
        sequence: Sequence,
        grid: ParameterGrid | Tissue,
        rank: int | None = None,
        *,
        energy: float | None = None,
        n_states: int | None = None,
        magnitude: bool = False,
        progress: Progress | None = None,
    ) -> Dictionary:
        """Simulate and compress all atoms.

        Memory stays at the compressed dictionary, the signals of 8192 atoms and a
        `(time, time)` matrix; `on_disk.build_file` does without the first.

        Parameters
        ----------
        sequence
            What is played.
        grid
            The atoms: a grid, or any tissues.
        rank
            Number of basis vectors; None decides by the energy.
        energy
            Part of the signals' energy the basis keeps; None keeps 1 - 1e-5.
        n_states
            Configuration orders kept; None as in `simulate`.
        magnitude
            True makes the moduli of the signals the atoms: every estimator that is built on
            the dictionary then maps the moduli of a series, and takes their noise for Rician.
        progress
            Called with the atoms done and their number.

        Raises
        ------
        TissueError
            The atoms lack a parameter the sequence needs.
        DictionaryError
            The rank or the energy is impossible.
        """
        tissue = (grid.tissue() if isinstance(grid, ParameterGrid) else grid).flat()
        basis, singular_values = find_basis(
            sequence, tissue, rank=rank, energy=energy, n_states=n_states, magnitude=magnitude
        )
        atoms, rank = tissue.size, basis.shape[1]
        require_room(
            atoms * rank * basis.itemsize, f"a dictionary of {atoms} atoms, rank {rank},",
            DictionaryError, "build it on disk (on_disk.build_file), or on a coarser grid",
        )  # fmt: skip
        coefficients = np.empty((atoms, rank), basis.dtype)
        compress_atoms(
            sequence, tissue, basis, coefficients,
            n_states=n_states, magnitude=magnitude, progress=progress,
        )  # fmt: skip
        return cls(
            sequence=sequence,
            tissue=tissue,
            basis=basis,
            coefficients=coefficients,
            singular_values=singular_values,
            grid=grid if isinstance(grid, ParameterGrid) else None,
            magnitude=magnitude,
        )

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.coefficients)

    @property
    def rank(self) -> int:
        """Number of basis vectors."""
        return self.basis.shape[1]

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The tissue parameters that differ between atoms."""
        given = self.tissue.given()
        return tuple(name for name, values in given.items() if np.ptp(values) > 0)

    @cached_property
    def matcher(self) -> Matcher:
        """The atoms laid out for matching."""
        return matcher_for(self.coefficients)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that the dictionary holds."""
        hasher = hashlib.sha256(self.sequence.digest.encode())
        if self.magnitude:
            hasher.update(b"magnitude")
        if self.grid is not None:
            hasher.update(json.dumps(self.grid.to_dict(), sort_keys=True).encode())
        held = {name: getattr(self, name) for name in ("basis", "coefficients", "singular_values")}
        arrays = {**self.tissue.given(), **held}
        for name, array in sorted(arrays.items()):
            hasher.update(f"{name}{array.shape}{array.dtype}".encode())
            for rows in _slabs(array):
                hasher.update(np.ascontiguousarray(array[rows]).data)
        return hasher.hexdigest()

    def require(self, sequence: Sequence) -> None:
        """Refuse to serve another sequence.

        Raises
        ------
        DictionaryError
            The sequence plays something else than this dictionary's.
        """
        if sequence.digest != self.sequence.digest:
            raise DictionaryError(
                f"the dictionary was made for another sequence ({self.sequence.name!r},"
                f" {self.sequence.n_samples} samples) than the one given ({sequence.name!r},"
                f" {sequence.n_samples} samples): build one for it"
            )

    def compress(self, series: NDArray[Any]) -> NDArray[np.complex64]:
        """Project a series `(..., time)` onto the basis, complex64 `(..., rank)`.

        Its modulus, if the atoms are moduli.

        Raises
        ------
        DictionaryError
            The series has another length than the sequence.
        """
        if series.shape[-1] != len(self.basis):
            raise DictionaryError(
                f"the series has {series.shape[-1]} time points, the dictionary {len(self.basis)}:"
                " both must come from one sequence"
            )
        if self.magnitude:
            series = np.abs(series)
        compressed = series.astype(np.complex64, copy=False) @ self.basis.conj()
        return compressed.astype(np.complex64, copy=False)

    def match(
        self,
        series: NDArray[Any],
        *,
        top: int | None = None,
        progress: Progress | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The atom with the largest modulus of the complex inner product; exact.

        Parameters
        ----------
        series
            Signals `(..., time)`, finite.
        top
            How many of the best atoms to return, in order; None returns the best alone.
        progress
            Called with the voxels done and their number.

        Returns
        -------
        index into the atoms `(...)`, and score `(...)` from 0 to 1: |<d, y>| / (|d| |y|),
        both in the basis; 0 where the series is zero. With `top`, both are `(..., top)`.

        Raises
        ------
        DictionaryError
            The series has another length than the sequence, or `top` is impossible.
        """
        if top is not None and not 1 <= top <= self.n_atoms:
            raise DictionaryError(f"top = {top} must be from 1 to the {self.n_atoms} atoms")
        compressed = self.compress(own_unit(series)[0]).reshape(-1, self.rank)
        if top is None:
            index, product = self.matcher.best(compressed, progress)
            shape: tuple[int, ...] = series.shape[:-1]
        else:
            index, product = self.matcher.top(compressed, top)
            shape = (*series.shape[:-1], top)
        norm = np.linalg.norm(compressed, axis=-1)
        norm = norm if top is None else np.broadcast_to(norm[:, None], product.shape)
        score = np.divide(product, norm, out=np.zeros_like(product), where=norm > 0)
        return index.reshape(shape), np.minimum(score, 1).reshape(shape)

    def save(self, path: str | Path) -> None:
        """Write an HDF5 file with all it takes to use the dictionary again.

        Raises
        ------
        OutputError
            The file cannot be written; nothing is left behind.
        """
        arrays = {name: getattr(self, name) for name in store.ARRAYS}
        held = self.sequence, self.tissue, self.grid, arrays, self.digest, self.magnitude
        store.write(path, store.Stored(*held))

    @classmethod
    def load(cls, path: str | Path, sequence: Sequence | None = None) -> Dictionary:
        """Read a file that `save` wrote and check that it is whole.

        Parameters
        ----------
        path
            The file.
        sequence
            What the dictionary is wanted for; None takes whatever it holds.

        Raises
        ------
        DictionaryError
            The file is missing, damaged, of another kind, or of another sequence.
        """
        stored = store.read(path)
        dictionary = cls(
            sequence=stored.sequence, tissue=stored.tissue, grid=stored.grid,
            magnitude=stored.magnitude, **stored.arrays,
        )  # fmt: skip
        if stored.digest != dictionary.digest:
            raise DictionaryError(f"{path}: the content does not fit its checksum; build it anew")
        try:
            dictionary._check_values()
            if sequence is not None:
                dictionary.require(sequence)
        except DictionaryError as error:
            raise DictionaryError(f"{path}: {error}") from None
        return dictionary

    def _check_values(self) -> None:
        """Refuse numbers that no dictionary can hold, whatever its checksum says."""
        require_orthonormal(self.basis)
        slabs = (self.coefficients[rows] for rows in _slabs(self.coefficients))
        # The sum of squares is finite where every number is.
        if not all(np.isfinite(np.vdot(slab, slab)) for slab in slabs):
            raise DictionaryError("its atoms hold numbers that are not finite; build it anew")


def _slabs(array: NDArray[Any]) -> Iterator[slice]:
    """Rows that are held in memory at a time."""
    rows = max(1, _SLAB // max(1, array[:1].nbytes))
    return (slice(start, start + rows) for start in range(0, len(array), rows))
