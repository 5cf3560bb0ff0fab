"""Masks: which voxels count as inside, whatever program wrote the values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .beside import MapPlace, read_beside
from .geometry import Remark, unsaid
from .series import Series

HALF = 0.5
"""From this value on a voxel of a probability map, or of an interpolated mask, is inside."""

_OVERSHOOT = 1.5
"""Interpolation of a mask of 0 and 1 stays below this value."""

_SCALES = (100, 255)
"""The maximum of a mask stored in percent or in 8 bits."""


class _Rule(NamedTuple):
    """From which value on voxels are inside."""

    least: float
    """The smallest value inside."""
    reason: str
    """What the values are taken for, and where the line is."""


def read_mask(
    path: str | Path, place: Series | MapPlace, remark: Remark = unsaid
) -> NDArray[np.bool_]:
    """Read a mask for a series.

    Inside are, by the finite values that the file holds:

    - one value other than 0: the voxels that hold it (0 and 1, 0 and 255, 0 and -1);
    - whole numbers: labels, all that are above 0; but half of the maximum and more where that is
      100 or 255 and the most frequent value above 0, as in a mask stored in percent or in 8 bits;
    - other numbers: 0.5 and more where the maximum lies from 0.5 to 1.5, as in a probability map
      or an interpolated mask, whose ringing is not inside; else half of the maximum and more.

    Parameters
    ----------
    path
        Any format that `read_series` knows.
    place
        The series that it masks.
    remark
        Takes a sentence on how the values were read where they are not 0 and 1, and one where the
        place of the mask could not be checked.

    Returns
    -------
    mask
        True inside, shape `(x, y, z)`; False where the file has no finite value.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the series, or masks all of it.
    """
    path = Path(path)
    values = read_beside(path, place, "mask", remark)
    finite = np.isfinite(values)
    found, counts = np.unique(values[finite], return_counts=True)
    others = found[found != 0]
    if others.size == 1:
        rule = _Rule(float(others[0]), f"the value {float(others[0]):g}")
        inside = finite & (values == others[0])
    else:
        rule = _rule(found, counts)
        inside = finite & (values >= rule.least) & (values > 0)
    if not inside.any():
        raise SeriesError(
            f"{path}: no voxel is inside the mask: give one with values above 0, 1 for inside"
        )
    if rule.least != 1 or others.size > 1:
        remark(
            f"{path}: the mask holds {float(found[0]):.3g} to {float(found[-1]):.3g}:"
            f" {rule.reason} is inside, {np.count_nonzero(inside)} of {inside.size} voxels."
        )
    return inside


def _rule(found: NDArray[Any], counts: NDArray[np.intp]) -> _Rule:
    """The rule for these values, ascending, and how often each occurs."""
    if not found.size or found[-1] <= 0:
        return _Rule(np.inf, "nothing")
    highest = float(found[-1])
    half = _Rule(highest / 2, f"half of the maximum ({highest / 2:g}) and more")
    if (found == np.round(found)).all():
        commonest = found[found > 0][counts[found > 0].argmax()]
        if highest in _SCALES and commonest == highest:
            return half
        return _Rule(1.0, "every label above 0")
    return _Rule(HALF, f"{HALF:g} and more") if HALF <= highest <= _OVERSHOOT else half
