"""Errors in each of several regions, as boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import ACCENT, INK, MUTED, SECOND, styled

_FAR = 8.0  # times the usual whisker, from which the axis is logarithmic but near 0
_QUANTILES = (5, 25, 50, 75, 95)  # whisker, box, median, box, whisker


@styled
def region_figure(
    errors: Sequence[NDArray[Any]],
    numbers: Sequence[int],
    label: str,
    *,
    bounds: Sequence[float] | None = None,
) -> Figure:
    """A box a region: quartiles and median, whiskers from the 5th to the 95th percentile.

    Where errors of some regions are far larger than usual, the axis is linear near 0 and
    logarithmic beyond.

    Parameters
    ----------
    errors
        Errors of each region, each `(voxel,)`; what is not finite is left out.
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
    boxes = [_box(np.asarray(one)) for one in errors]
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
    usual, largest = np.nanmedian(reaches), np.nanmax(reaches)
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
