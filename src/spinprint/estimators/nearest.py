"""The best atom of each voxel among those that share its known fields, and its ambiguity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from ..dictionary import Dictionary
from ..dictionary.matching import Matcher, matcher_for
from ..errors import DictionaryError
from .protocol import Fields

LEVEL = 0.6827
"""Coverage of the likelihood region within the noise: that of one standard deviation."""


def require_axes(dictionary: Dictionary, given: Iterable[str]) -> None:
    """Refuse a field in which the atoms do not differ, and atoms that differ in nothing else.

    Raises
    ------
    DictionaryError
        All atoms have the same value of a given field, or nothing is left to estimate.
    """
    known = [*given]
    for name in known:
        if name not in dictionary.parameters:
            raise DictionaryError(
                f"a {name} map was given, but the dictionary has a single {name}:"
                f" build it on a grid with an axis {name}"
            )
    if set(dictionary.parameters) <= set(known):
        raise DictionaryError(
            "the atoms differ in no unknown, so that there is nothing to estimate:"
            " build the dictionary on a grid of several T1 or T2"
        )


def competitions(
    dictionary: Dictionary, known: Fields, n_voxels: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Matcher]]:
    """Yield voxels, the atoms that compete in them, and these atoms laid out for matching.

    Without known fields, all atoms compete in all voxels; with them, each voxel is left to the
    atoms whose grid values are nearest to its fields.
    """
    if not known:
        yield np.arange(n_voxels), np.arange(dictionary.n_atoms), dictionary.matcher
        return
    atom_group, voxel_group = field_groups(dictionary, known)
    for group in np.unique(voxel_group):
        atoms = np.flatnonzero(atom_group == group)
        matcher = matcher_for(dictionary.coefficients[atoms])
        yield np.flatnonzero(voxel_group == group), atoms, matcher


def nearest_atoms(
    dictionary: Dictionary, compressed: NDArray[np.complex64], known: Fields
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the best match of each voxel and its inner product, `(voxel,)` each.

    Parameters
    ----------
    dictionary
        The atoms.
    compressed
        Signals in its basis, `(voxel, rank)`.
    known
        Known fields of the voxels, `(voxel,)` each.
    """
    index = np.zeros(len(compressed), np.int64)
    product = np.zeros(len(compressed), np.float32)
    for voxels, atoms, matcher in competitions(dictionary, known, len(compressed)):
        best, product[voxels] = matcher.best(compressed[voxels])
        index[voxels] = atoms[best]
    return index, product


def ambiguity(
    dictionary: Dictionary,
    compressed: NDArray[np.complex64],
    known: Fields,
    best: NDArray[np.float32],
    sigma: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Half the range of each unknown over the atoms within the noise of the best, `(voxel,)`.

    An atom counts whose log-likelihood |<d, y>|² / (2 sigma²) is at most half the quantile of
    χ² (one degree of freedom per unknown) below that of the best atom. Where the half range is
    far larger than the standard deviation, distant tissues explain the signal equally well; it is
    0 where the grid is coarser than the noise.

    Parameters
    ----------
    dictionary
        The atoms.
    compressed
        Signals in its basis, `(voxel, rank)`.
    known
        Known fields of the voxels, `(voxel,)` each.
    best
        Inner product with the best atom, `(voxel,)`.
    sigma
        Noise per real and imaginary channel, `(voxel,)`.
    """
    names = [name for name in dictionary.parameters if name not in known]
    margin = scipy.stats.chi2.ppf(LEVEL, len(names)) * np.nan_to_num(sigma) ** 2
    columns = np.stack([dictionary.tissue.get(name) for name in names], axis=1)
    half = np.zeros((len(compressed), len(names)))
    for voxels, atoms, matcher in competitions(dictionary, known, len(compressed)):
        # Just below the best atom itself, so that it counts in spite of rounding.
        floor = best[voxels].astype(np.float64) ** 2 * (1 - 1e-6) - margin[voxels]
        theta = np.ascontiguousarray(columns[atoms])
        low, high = matcher.extent(compressed[voxels], floor, theta)
        half[voxels] = np.maximum(high - low, 0) / 2
    return {name: half[:, column] for column, name in enumerate(names)}


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
