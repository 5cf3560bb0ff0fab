"""The range of the atoms that noise makes indistinguishable from the best one."""

from __future__ import annotations

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from ..dictionary import Dictionary
from .nearest import competitions
from .protocol import Fields

LEVEL = 0.6827
"""Coverage of the likelihood region within the noise: that of one standard deviation."""


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
