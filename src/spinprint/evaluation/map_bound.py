"""The Cramér-Rao bound in every voxel of maps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import TissueError
from ..maps import Maps
from ..parameters import PARAMETERS
from ..sequence import Sequence
from ..tissue import Tissue
from .bounds import cramer_rao

Array = NDArray[np.float64]


def map_bound(
    maps: Maps,
    sequence: Sequence,
    truth: Mapping[str, ArrayLike] | None = None,
    where: ArrayLike = True,
    fields: Mapping[str, ArrayLike] | None = None,
) -> dict[str, Array]:
    """Least standard deviation of an unbiased estimate in each voxel, by mapped parameter.

    For the noise that the maps state and the M0 they found, and of magnitudes where maps were made
    of them; what they map is unknown, and B1 and B0 are nominal unless they are given or mapped.

    Parameters
    ----------
    maps
        Shape `(...)`.
    sequence
        What the series was measured with.
    truth
        True maps by parameter, `(...)` [SI units]; where there is none, the estimate stands in.
    where
        The voxels whose bound is wanted, `(...)`.
    fields
        B1 and B0 as the estimator knew them, `(...)` [relative, Hz].

    Returns
    -------
    Deviations [unit of the parameter], `(...)`; NaN where tissue, M0 or noise is not
    known.

    Raises
    ------
    TissueError
        The sequence depends on a parameter that neither the maps nor the truth hold.
    """
    some, told = known_tissue(maps, sequence, truth, where, fields)
    unknowns = [name for name in maps if name in PARAMETERS]
    bound = {name: np.full(maps.shape, np.nan) for name in unknowns}
    if told.any():
        sigma = np.asarray(maps.sigma, dtype=np.float64)[told]
        magnitude = bool(maps.provenance.get("magnitude"))
        limits = cramer_rao(sequence, some, sigma, unknowns, magnitude=magnitude)
        for name, sd in limits.sd.items():
            bound[name][told] = sd
    return bound


def known_tissue(
    maps: Maps,
    sequence: Sequence,
    truth: Mapping[str, ArrayLike] | None = None,
    where: ArrayLike = True,
    fields: Mapping[str, ArrayLike] | None = None,
) -> tuple[Tissue, NDArray[np.bool_]]:
    """The tissue of the voxels whose tissue, M0 and noise are known, and which these are.

    Arguments and errors as for `map_bound`.

    Returns
    -------
    tissue
        Flat, the modulus of M0 included.
    told
        True in its voxels, shape of the maps.
    """
    known = {**(fields or {}), **maps.values, **(truth or {})}
    missing = [name for name in ("t1", "t2", *sequence.unknowns) if name not in known]
    if missing:
        raise TissueError(
            f"no bound can be said: {sequence.name!r} depends on {missing[0]}, of which there is"
            " neither a map nor a truth"
        )
    tissue = {
        name: _filled(known[name], maps.values.get(name)) for name in PARAMETERS if name in known
    }
    tissue["m0"] = np.abs(maps.m0).astype(np.float64)
    sigma = np.asarray(maps.sigma, dtype=np.float64)
    told = np.asarray(where, dtype=bool) & np.isfinite(sigma) & (sigma > 0) & (tissue["m0"] > 0)
    for name, values in tissue.items():
        told &= np.isfinite(values) & ((values > 0) | (name in ("b0", "adc")))
    return Tissue(**{name: values[told] for name, values in tissue.items()}), told


def _filled(values: ArrayLike, otherwise: NDArray[np.float32] | None) -> Array:
    """Values, with others where they are not finite."""
    array = np.asarray(values, dtype=np.float64)
    return array if otherwise is None else np.where(np.isfinite(array), array, otherwise)
