"""Find the object in a series when no mask is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from ..physics.own_unit import own_unit
from .noise import assess, signal_energy

LEVEL = 0.05
"""Part of the bright signal below which a voxel counts as background."""

DESCRIPTION = (
    "found: signal above the noise (F test, p < 1e-6) and above 5 % of the 98th percentile,"
    " small islands left out"
)

_CHUNK = 16384
_ISLAND = 4  # voxels; fewer in a connected piece are taken for noise


def find_mask(series: NDArray[Any], basis: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a series holds signal of a sequence, `(x, y, z)`.

    Parameters
    ----------
    series
        Complex images, `(x, y, z, time)`; voxels with NaN or Inf are kept, so that they are
        reported rather than lost.
    basis
        Orthonormal columns that signals of the sequence lie in, `(time, rank)`.
    """
    flat = series.reshape(-1, series.shape[-1])
    strength = np.zeros(len(flat))
    present = np.zeros(len(flat), bool)
    broken = np.zeros(len(flat), bool)
    for start in range(0, len(flat), _CHUNK):
        part = slice(start, start + _CHUNK)
        broken[part] = ~np.isfinite(flat[part]).all(axis=1)
        signals, exponent = own_unit(np.where(broken[part, None], 0, flat[part]))
        observed = signals if np.iscomplexobj(series) else np.abs(signals)  # real: magnitudes
        compressed, _, present[part] = assess(basis, observed, None)
        strength[part] = np.ldexp(np.sqrt(signal_energy(compressed)), exponent)
    if present.any():
        present &= strength > LEVEL * _bright(strength[present])
    return _without_islands(present.reshape(series.shape[:-1])) | broken.reshape(series.shape[:-1])


def find_bright(series: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a series is bright, `(x, y, z)`: a first guess at what `find_mask` will find.

    It needs no basis, and takes strong noise in the background for signal.

    Parameters
    ----------
    series
        Complex images, `(x, y, z, time)`.
    """
    flat = series.reshape(-1, series.shape[-1])
    energy = np.zeros(len(flat))
    for start in range(0, len(flat), _CHUNK):
        energy[start : start + _CHUNK] = signal_energy(flat[start : start + _CHUNK])
    strength = np.sqrt(np.where(np.isfinite(energy), energy, 0))
    return (strength > LEVEL * _bright(strength)).reshape(series.shape[:-1])


def _bright(strength: NDArray[np.float64]) -> float:
    """The 98th percentile of the voxels; of few, not that of the strongest, which may be broken."""
    return float(np.percentile(strength, 98, method="lower"))


def _without_islands(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, count = scipy.ndimage.label(mask, np.ones((3,) * mask.ndim))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    # A series so small that everything is an island is left as it is.
    keep = sizes >= min(_ISLAND, sizes[1:].max(initial=0))
    keep[0] = False
    return keep[pieces]
