"""The layout of atoms and voxels for matching and weighing, one slab of atoms at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..simd.vectors import WIDE

SLAB = 1 << 20
"""Maximum number of atoms laid out at a time; more are read slab by slab from where they lie."""

T = TypeVar("T")


class Slabs(Generic[T]):
    """All atoms, slab by slab; the layout is kept where a single slab holds them all."""

    def __init__(self, n_atoms: int, lay_out: Callable[[slice], T]) -> None:
        """Divide `n_atoms` atoms into slabs; `lay_out` prepares the atoms of a slice."""
        self._n_atoms = n_atoms
        self._lay_out = lay_out

    def __iter__(self) -> Iterator[T]:
        if self._n_atoms <= SLAB:
            yield self._whole
            return
        for first in range(0, self._n_atoms, SLAB):
            yield self._lay_out(slice(first, first + SLAB))

    @cached_property
    def _whole(self) -> T:
        return self._lay_out(slice(0, self._n_atoms))


class Slab(NamedTuple):
    """Atoms of unit norm in the layout of the kernels."""

    first: int
    """Index of the first atom."""
    size: int
    """Number of atoms without padding."""
    atoms: NDArray[np.float32]
    """As `pack` returns them."""


def slab_of(coefficients: NDArray[Any], part: slice) -> Slab:
    """Scale a slice of the atoms `(atom, rank)` to unit norm and lay them out.

    Atoms of norm 0 stay 0.
    """
    chosen = coefficients[part]
    norms = np.linalg.norm(chosen, axis=1, keepdims=True)
    return Slab(part.start, len(chosen), pack(chosen / np.where(norms > 0, norms, np.inf)))


def pack(unit: NDArray[Any]) -> NDArray[np.float32]:
    """Lay atoms of unit norm `(atom, rank)` out for the kernels, `(block * term, lane)`.

    A complex atom becomes twice as many real terms; the last block is padded with zeros.
    """
    terms = np.concatenate([unit.real, unit.imag], axis=1) if np.iscomplexobj(unit) else unit
    terms = np.pad(terms.astype(np.float32), ((0, -len(terms) % WIDE), (0, 0)))
    blocks = terms.reshape(-1, WIDE, terms.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(blocks).reshape(-1, WIDE)


def unpack_atoms(atoms: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Invert `pack`: one atom per row, without the padding, float32 `(atom, term)`."""
    blocks = atoms.reshape(-(-size // WIDE), -1, WIDE)
    return blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])[:size]


def unpack_voxels(series: NDArray[Any], *, complex_atoms: bool) -> NDArray[np.float32]:
    """Lay voxels `(voxel, rank)` out so that two real products give <d, y> = Σ conj(d) y.

    float32 `(voxel, 2 * term)`: the factors for the real part, then those for the imaginary part.
    """
    real, imag = series.real, series.imag
    parts = (real, imag, imag, -real) if complex_atoms else (real, imag)
    return np.concatenate(parts, axis=1).astype(np.float32)
