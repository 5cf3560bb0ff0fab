"""The best atom of each voxel, among those that share its known fields."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..dictionary.matching import Matcher
from ..errors import DictionaryError
from .protocol import Fields


def require_axes(dictionary: Dictionary, fields: dict[str, ArrayLike | None]) -> None:
    """Refuse a field that the atoms do not differ in.

    Raises
    ------
    DictionaryError
        A field is given, and all atoms have the same value of it.
    """
    for name, values in fields.items():
        if values is not None and name not in dictionary.parameters:
            raise DictionaryError(
                f"a {name} map was given, but the dictionary has a single {name}:"
                f" build it on a grid with an axis {name}"
            )


def nearest_atoms(
    dictionary: Dictionary, compressed: NDArray[np.complex64], known: Fields
) -> NDArray[np.int64]:
    """The best match of each voxel, `(voxel,)`; only atoms of the nearest known fields compete.

    Parameters
    ----------
    dictionary
        The atoms.
    compressed
        Signals in its basis, `(voxel, rank)`.
    known
        Fields of each voxel, `(voxel,)` each.
    """
    if not known:
        return dictionary.matcher.best(compressed)[0]
    index = np.zeros(len(compressed), np.int64)
    atom_group, voxel_group = field_groups(dictionary, known)
    for group in np.unique(voxel_group):
        voxels = np.flatnonzero(voxel_group == group)
        atoms = np.flatnonzero(atom_group == group)
        best, _ = Matcher(dictionary.coefficients[atoms]).best(compressed[voxels])
        index[voxels] = atoms[best]
    return index


def field_groups(
    dictionary: Dictionary, known: Fields
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number atoms `(atom,)` and voxels `(voxel,)` by the grid values nearest to the fields."""
    atom_group: Any = 0
    voxel_group: Any = 0
    for name, values in known.items():
        grid, atoms = np.unique(dictionary.tissue.get(name), return_inverse=True)
        nearest = np.searchsorted((grid[1:] + grid[:-1]) / 2, values)
        atom_group = atom_group * len(grid) + atoms
        voxel_group = voxel_group * len(grid) + nearest
    return atom_group, voxel_group
