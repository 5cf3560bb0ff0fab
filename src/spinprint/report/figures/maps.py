"""Errors of maps, slice by slice and region by region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import (
    ACCENT,
    INK,
    MUTED,
    SECOND,
    styled,
)

_OUTSIDE = "#e9ebee"
_HEIGHT = 2.6
"""Height of a slice [inch]."""

_FAR = 8.0  # times the usual whisker, from which the axis is logarithmic but near 0
_QUANTILES = (5, 25, 50, 75, 95)  # whisker, box, median, box, whisker


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
        The slices, each `(row, column)`, the top row first, in the unit of the label; NaN where
        there is no error to show.
    asked
        Where there should be an error, `(row, column)`: grey where there is none.
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


@styled
def region_figure(
    errors: Sequence[NDArray[Any]],
    numbers: Sequence[int],
    label: str,
    *,
    bounds: Sequence[float] | None = None,
) -> Figure:
    """One box per region: quartiles and median, whiskers from the 5th to the 95th percentile.

    Where errors of some regions are far larger than those of most, the axis is linear near 0 and
    logarithmic beyond.

    Parameters
    ----------
    errors
        Errors of each region, each `(voxel,)`; values that are not finite are ignored.
    numbers
        Labels of the regions, at the axis.
    label
        Quantity and unit of the errors.
    bounds
        Cramér-Rao deviation of each region in that unit, drawn as a band of +- 1.645 SD, which
        would hold the whiskers of an efficient estimator.
    """
    figure = Figure(figsize=(max(3.2, 0.32 * len(errors) + 1.2), 2.8), layout="constrained")
    axes = figure.subplots()
    places = np.arange(1, len(errors) + 1)
    boxes = [_box(np.asarray(values)) for values in errors]
    drawn = axes.bxp(
        boxes, positions=places, widths=0.55, showfliers=False, patch_artist=True,
        boxprops={"facecolor": ACCENT, "alpha": 0.45, "lw": 0.8},
        medianprops={"color": INK, "lw": 1.4},
        whiskerprops={"color": MUTED}, capprops={"color": MUTED},
    )  # fmt: skip
    drawn["medians"][0].set_label("median, quartiles, 5 to 95 %")
    if bounds is not None:
        for place, bound in zip(places, bounds, strict=True):
            reach = 1.645 * bound
            axes.plot([place - 0.4, place + 0.4], [reach, reach], color=SECOND, lw=1.3)
            (lower,) = axes.plot([place - 0.4, place + 0.4], [-reach, -reach], color=SECOND, lw=1.3)
        lower.set_label("5 to 95 % at the Cramér-Rao bound")
    axes.axhline(0, color=INK, lw=0.6, ls=":", zorder=0)
    axes.set_xticks(places, [str(number) for number in numbers])
    axes.set_xlabel("label of the structure")
    axes.set_ylabel(label)
    _widen(axes, boxes)
    axes.legend(loc="upper left", handlelength=1.2)
    return figure


def _widen(axes: Axes, boxes: Sequence[dict[str, float]]) -> None:
    """Make room for the legend, and compress large errors where they would hide the others."""
    reaches = np.array([max(abs(box["whislo"]), abs(box["whishi"])) for box in boxes])
    reaches = reaches[np.isfinite(reaches)]
    usual, largest = (np.median(reaches), reaches.max()) if reaches.size else (0, 0)
    if largest > _FAR * usual > 0:
        axes.set_yscale("symlog", linthresh=2 * usual)
        axes.set_ylim(top=4 * largest)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    else:
        axes.margins(y=0.25)


def _box(values: NDArray[Any]) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    low, q1, middle, q3, high = (
        np.percentile(finite, _QUANTILES) if finite.size else np.full(5, np.nan)
    )
    return {"whislo": low, "q1": q1, "med": middle, "q3": q3, "whishi": high}
