"""Slices of a map of errors, side by side in one colour scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import INK, MUTED, styled

_OUTSIDE = "#e9ebee"
_HEIGHT = 2.6
"""Height of a slice [inch]."""


@styled
def error_map_figure(
    planes: Sequence[NDArray[Any]],
    asked: Sequence[NDArray[np.bool_]],
    *,
    reach: float,
    label: str,
    colours: str,
    numbers: Sequence[int],
    aspect: float = 1.0,
) -> Figure:
    """Signed errors in colours around 0.

    Parameters
    ----------
    planes
        A slice each, `(row, column)`, the top row first, in the unit of the label; NaN where
        there is no error to show.
    asked
        Where there should be one, `(row, column)`: grey where there is none.
    reach
        The error at the ends of the colour bar, to either side of 0.
    label
        Quantity and unit.
    colours
        Name of a matplotlib colour map whose middle is neutral.
    numbers
        Number of each slice, below it.
    aspect
        Height of a voxel over its width [-].
    """
    rows, columns = planes[0].shape
    width = float(np.clip(_HEIGHT * columns / (rows * aspect), 0.6, 4.0))
    figure = Figure(figsize=(width * len(planes) + 1.0, _HEIGHT + 0.3), layout="constrained")
    many = figure.subplots(1, len(planes), squeeze=False)[0]
    palette = colormaps[colours].with_extremes(bad=(0, 0, 0, 0))
    for axes, plane, inside, number in zip(many, planes, asked, numbers, strict=True):
        axes.set_facecolor(_OUTSIDE)
        axes.imshow(
            np.ma.masked_where(~inside | np.isfinite(plane), np.zeros(plane.shape)),
            cmap=colormaps["gray"], vmin=-1, vmax=1, alpha=1.0, aspect=aspect,
            interpolation="nearest",
        )  # fmt: skip
        drawn = axes.imshow(
            np.ma.masked_invalid(plane), cmap=palette, vmin=-reach, vmax=reach, aspect=aspect,
            interpolation="nearest",
        )  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel(f"slice {number}", color=MUTED)
    bar = figure.colorbar(drawn, ax=list(many), extend="both", fraction=0.05, pad=0.02)
    bar.outline.set_linewidth(0.5)
    bar.set_label(label, color=INK)
    return figure
