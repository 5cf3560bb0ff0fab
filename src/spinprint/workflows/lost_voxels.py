"""What NaN, Inf and empty frames take away from a series, frame by frame and slice by slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from ..io import Series

_MOST = 0.5  # of the voxels: a frame that loses more is named
_NAMED = 5  # frames or slices that are listed


def lost_voxels(series: Series, mask: NDArray[np.bool_] | None) -> tuple[str, ...]:
    """What is lost to frames and slices that hold NaN or Inf, or nothing; a sentence each.

    Voxels that hold no number in any frame count as outside.

    Parameters
    ----------
    series
        What is to be mapped.
    mask
        Where, shape `(x, y, z)`; None everywhere.

    Raises
    ------
    SeriesError
        No voxel is left that is finite in all frames.
    """
    inside = np.ones(series.shape, bool) if mask is None else mask
    with np.errstate(invalid="ignore"):  # signalling NaN
        finite = np.isfinite(series.data)
        empty = ~series.data.any(axis=(0, 1, 2))
    seen = inside & finite.any(axis=-1)
    if not seen.any():
        raise SeriesError(
            f"{series.name}: no value inside the mask is finite: check that both belong together"
        )
    kind = "NaN" if np.isnan(series.data).any() else "Inf"
    n_seen, lost = np.count_nonzero(seen), np.count_nonzero(~finite[seen], axis=0)
    whole = seen & finite.all(axis=-1)
    if not whole.any():
        raise SeriesError(_nothing_left(series, lost, int(n_seen), kind))
    remarks = []
    if frames := _listed(np.flatnonzero(lost > _MOST * n_seen), series.length):
        n_lost = n_seen - np.count_nonzero(whole)
        remarks.append(
            f"Frame {frames} holds {kind} in most voxels: {n_lost} of {n_seen} voxels are lost."
        )
    if series.shape[2] > 1:
        gone = inside.any(axis=(0, 1)) & ~whole.any(axis=(0, 1))
        if slices := _listed(np.flatnonzero(gone), series.shape[2]):
            remarks.append(f"Slice {slices} holds {kind} in every voxel and is lost.")
    if frames := _listed(np.flatnonzero(empty), series.length):
        remarks.append(
            f"Frame {frames} is 0 in every voxel: if it was not measured, the maps are wrong."
        )
    return tuple(remarks)


def _nothing_left(series: Series, lost: NDArray[np.int64], n_seen: int, kind: str) -> str:
    """Why no voxel can be mapped."""
    worst = int(lost.max())
    frames = _listed(np.flatnonzero(lost == worst), series.length)
    where = "every voxel" if worst == n_seen else f"{worst} of {n_seen} voxels"
    return (
        f"{series.name}: frame {frames} is {kind} in {where}, and no voxel is finite in all"
        " frames: reconstruct or export that frame again; no frame may be missing"
    )


def _listed(numbers: NDArray[np.int64], count: int) -> str:
    """Numbers of frames or slices for a sentence; empty where there is none."""
    if not len(numbers):
        return ""
    names = ", ".join(str(number) for number in numbers[:_NAMED])
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"{names}{more} of {count} (counted from 0)"
