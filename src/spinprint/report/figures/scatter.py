"""Estimates against the truth, with the line of identity and the line through them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...evaluation.agreement import Line
from .bland_altman import cloud, scale_by_range
from .style import INK, MUTED, SECOND, styled

_TAIL = 0.1  # percent of the values that the axes may leave out at either end


@styled
def scatter_figure(
    reference: NDArray[Any],
    estimate: NDArray[Any],
    *,
    reference_label: str,
    estimate_label: str,
    line: Line | None = None,
    centres: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> Figure:
    """One dot a case; both axes alike, logarithmic where the reference spans a factor of ten.

    Parameters
    ----------
    reference, estimate
        Values in one unit, `(case,)`; what is not finite is left out.
    reference_label, estimate_label
        Quantities and units at the axes.
    line
        The regression of the estimate on the reference, in that unit.
    centres
        Reference and estimate of groups of cases, as the medians of regions, each `(group,)`.
    """
    told = np.isfinite(reference) & np.isfinite(estimate)
    x, y = np.asarray(reference)[told], np.asarray(estimate)[told]
    figure = Figure(figsize=(3.4, 3.2), layout="constrained")
    axes = figure.subplots()
    cloud(axes, x, y)
    scale_by_range(axes, x, "x", "y")
    low, high = _ends(x, y, logarithmic=axes.get_xscale() == "log")
    axes.plot([low, high], [low, high], color=MUTED, lw=0.9, ls="--", label="identity", zorder=3)
    if line is not None:
        along = np.geomspace(low, high) if axes.get_xscale() == "log" else np.array([low, high])
        fitted = line.intercept.value + line.slope.value * along
        axes.plot(along, fitted, color=SECOND, lw=1.2, label="regression", zorder=3)
    if centres is not None:
        axes.plot(*centres, "o", ms=5, mfc="white", mec=INK, mew=1.0, label="medians", zorder=4)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel(reference_label)
    axes.set_ylabel(estimate_label)
    axes.legend(loc="upper left", handlelength=1.4)
    return figure


def _ends(x: NDArray[Any], y: NDArray[Any], *, logarithmic: bool) -> tuple[float, float]:
    """The range of both axes, a little wider than the values."""
    values = np.concatenate([x, y])
    values = values[values > 0] if logarithmic else values
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, [_TAIL, 100 - _TAIL])
    low, high = min(low, x.min()), max(high, x.max())
    if logarithmic:
        return float(low / 1.15), float(high * 1.15)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return float(low - margin), float(high + margin)
