"""Maps by region: one number for each, as readers of maps take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError


def region_means(
    values: ArrayLike, labels: NDArray[np.integer], regions: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    """Mean over the voxels of each region that hold a value.

    Parameters
    ----------
    values
        A map, `(...)`; NaN where there is no value.
    labels
        Structure of each voxel, of the same shape.
    regions
        Labels by the name of the region.

    Returns
    -------
    The mean by region [unit of the map]; NaN where no voxel holds a value.

    Raises
    ------
    SeriesError
        The shapes differ.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != labels.shape:
        raise SeriesError(
            f"the map has shape {array.shape} and the labels {labels.shape}: they must be equal"
        )
    told = np.isfinite(array)
    means = {}
    for name, chosen in regions.items():
        inside = array[told & np.isin(labels, list(chosen))]
        means[name] = float(inside.mean()) if inside.size else float("nan")
    return means
