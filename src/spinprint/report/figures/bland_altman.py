"""Differences of two measurements against their size, with the limits of agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...evaluation.agreement import BlandAltman, Estimate
from .scale import logarithmic
from .style import ACCENT, INK, MUTED, SECOND, styled

WIDE = 10.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic [-]."""

_SHOWN = 3.0  # times the distance of the limits, to either side


@styled
def bland_altman_figure(
    size: NDArray[Any],
    difference: NDArray[Any],
    agreement: BlandAltman,
    *,
    size_label: str,
    difference_label: str,
    centres: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> Figure:
    """Bland and Altman's plot: bias and 95 % limits as lines, their intervals as bands.

    Differences far outside the limits are drawn at the rim as triangles and counted by a note.

    Parameters
    ----------
    size
        Mean of the two measurements, or the true value where one is the truth, `(case,)`; what is
        not finite is left out.
    difference
        Their differences, in the unit of `agreement`, `(case,)`.
    agreement
        Bias and limits of the scale "difference" or "percent".
    size_label, difference_label
        Quantities and units at the axes.
    centres
        Size and difference of groups of cases, as the medians of regions, each `(group,)`.
    """
    told = np.isfinite(size) & np.isfinite(difference)
    size, difference = np.asarray(size)[told], np.asarray(difference)[told]
    figure = Figure(figsize=(4.2, 3.0), layout="constrained")
    axes = figure.subplots()
    low, high = _range(agreement)
    _cases(axes, size, difference, low, high)
    if centres is not None:
        axes.plot(*centres, "o", ms=5, mfc="white", mec=SECOND, mew=1.2, zorder=4)
    for estimate, colour, name in (
        (agreement.upper, MUTED, "+1.96 SD"),
        (agreement.bias, SECOND, "bias"),
        (agreement.lower, MUTED, "−1.96 SD"),
    ):
        _line(axes, estimate, colour, name)
    axes.axhline(0, color=INK, lw=0.6, ls=":", zorder=1)
    scale_by_range(axes, size, "x")
    axes.set_ylim(low, high)
    axes.set_xlabel(size_label)
    axes.set_ylabel(difference_label)
    return figure


def cloud(axes: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Cases as dots, fainter the more there are; as pixels also where lines are saved as lines."""
    alpha = float(np.clip(30 / np.sqrt(max(x.size, 1)), 0.08, 0.8))
    area = 12 if x.size < 500 else 4
    axes.scatter(x, y, s=area, color=ACCENT, alpha=alpha, lw=0, rasterized=x.size > 500, zorder=2)


def scale_by_range(axes: Axes, values: NDArray[Any], *which: str) -> None:
    """Make axes logarithmic where positive values span more than a factor of `WIDE`."""
    if values.size and values.min() > 0 and values.max() > WIDE * values.min():
        logarithmic(axes, *which)


def _range(agreement: BlandAltman) -> tuple[float, float]:
    middle = agreement.bias.value
    reach = _SHOWN * max(agreement.upper.value - middle, 1e-12)
    ends = (agreement.lower.low, agreement.upper.high, 0.0)
    return min(middle - reach, *ends), max(middle + reach, *ends)


def _cases(
    axes: Axes, size: NDArray[Any], difference: NDArray[Any], low: float, high: float
) -> None:
    inside = (difference >= low) & (difference <= high)
    cloud(axes, size[inside], difference[inside])
    for beyond, rim, marker in ((difference < low, low, "v"), (difference > high, high, "^")):
        place = np.full(int(beyond.sum()), rim)
        axes.plot(size[beyond], place, marker, color=ACCENT, ms=3, clip_on=False, zorder=3)
    outside = int((~inside).sum())
    if outside:
        axes.set_title(f"{outside} of {inside.size} beyond the rim", loc="left", color=MUTED)


def _line(axes: Axes, estimate: Estimate, colour: str, name: str) -> None:
    axes.axhspan(estimate.low, estimate.high, color=colour, alpha=0.15, lw=0, zorder=0)
    axes.axhline(estimate.value, color=colour, lw=1.2, zorder=3)
    axes.annotate(
        f"{name} {estimate.value:.3g}".replace("-", "−"),
        (1.0, estimate.value), (3, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", va="center", color=INK, fontsize=7.5,
    )  # fmt: skip
