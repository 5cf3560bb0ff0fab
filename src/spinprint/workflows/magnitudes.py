"""What is lost where a series is mapped from its magnitudes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..errors import TissueError
from ..evaluation.bounds import cramer_rao, known_tissue
from ..maps import Maps
from ..parameters import PARAMETERS
from ..sequence import Sequence

_VOXELS = 64  # whose bounds are compared


def what_is_lost(
    maps: Maps, sequence: Sequence, fields: Mapping[str, ArrayLike] | None = None
) -> str:
    """Two sentences: what magnitudes do not show, and how much less precise that makes the maps.

    Parameters
    ----------
    maps
        Made from magnitudes.
    sequence
        What was measured.
    fields
        B1 and B0 as the estimator knew them [relative, Hz].
    """
    lost = (
        "Magnitudes were mapped, their noise taken for Rician: sign and phase of the signal are"
        " lost, and M0 has no phase."
    )
    mapped = np.flatnonzero(maps.has_value())
    where = np.zeros(maps.shape, bool)
    where.flat[mapped[:: -(-len(mapped) // _VOXELS) or 1]] = True
    try:
        tissue, told = known_tissue(maps, sequence, None, where, fields)
    except TissueError:  # the atoms share a parameter that no map holds
        return lost
    if not told.any():
        return lost
    sigma = maps.sigma[told].astype(np.float64)
    names = list(maps)
    whole = cramer_rao(sequence, tissue, sigma, names).sd
    left = cramer_rao(sequence, tissue, sigma, names, magnitude=True).sd
    ratios = []
    for name in names:
        known = np.isfinite(whole[name]) & np.isfinite(left[name]) & (whole[name] > 0)
        if known.any():
            ratio = np.median(left[name][known] / whole[name][known])
            ratios.append(f"{ratio:.2f} ({PARAMETERS[name].symbol})")
    if not ratios:
        return lost
    return f"{lost} At best, SDs are {', '.join(ratios)} times those of the complex series."
