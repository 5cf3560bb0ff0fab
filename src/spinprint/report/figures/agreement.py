"""Estimates against references: differences, scatter, and errors over their stated deviation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ...evaluation.agreement import BlandAltman, Line
from ...evaluation.statistic import Statistic
from .curves import Curve
from .style import (
    ACCENT,
    INK,
    MARKERS,
    MUTED,
    SECOND,
    SERIES,
    cloud,
    scale_by_range,
    styled,
)

_SHOWN = 3.0  # times the distance of the limits, to either side
_TAIL = 0.1  # percent of the values that the axes may leave out at either end
_REACH = 4.0
_BINS = 41  # odd, so that one bin is centred on 0
LEVELS = np.linspace(0.05, 0.95, 19)
"""Stated coverages at which intervals are counted [-]."""

_CONFIDENCE = 0.95


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

    Differences far outside the limits are drawn at the rim as triangles and counted in a note.

    Parameters
    ----------
    size
        Mean of the two measurements, or the true value where one is the truth, `(case,)`; values
        that are not finite are ignored.
    difference
        Their differences, in the unit of `agreement`, `(case,)`.
    agreement
        Bias and limits of the scale "difference" or "percent".
    size_label, difference_label
        Quantities and units at the axes.
    centres
        Size and difference of groups of cases, such as the medians of regions, each `(group,)`.
    """
    finite = np.isfinite(size) & np.isfinite(difference)
    size, difference = np.asarray(size)[finite], np.asarray(difference)[finite]
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


def _line(axes: Axes, estimate: Statistic, colour: str, name: str) -> None:
    axes.axhspan(estimate.low, estimate.high, color=colour, alpha=0.15, lw=0, zorder=0)
    axes.axhline(estimate.value, color=colour, lw=1.2, zorder=3)
    axes.annotate(
        f"{name} {estimate.value:.3g}".replace("-", "−"),
        (1.0, estimate.value), (3, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", va="center", color=INK, fontsize=7.5,
    )  # fmt: skip


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
    """One dot per case; equal axes, logarithmic where the reference spans a factor of ten.

    Parameters
    ----------
    reference, estimate
        Values in one unit, `(case,)`; those that are not finite are ignored.
    reference_label, estimate_label
        Quantities and units at the axes.
    line
        The regression of the estimate on the reference, in that unit.
    centres
        Reference and estimate of groups of cases, such as medians of regions, each `(group,)`.
    """
    finite = np.isfinite(reference) & np.isfinite(estimate)
    x, y = np.asarray(reference)[finite], np.asarray(estimate)[finite]
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


@styled
def calibration_figure(z: NDArray[Any], label: str) -> Figure:
    """Histogram of (estimate - truth) / SD with the density it has if the SD is right.

    Errors beyond 4 SD are counted in the outermost bins and in a note.

    Parameters
    ----------
    z
        Errors over stated standard deviations [-], any shape; values that are not finite are
        ignored.
    label
        Name of the quantity.
    """
    values = z[np.isfinite(z)]
    edges = np.linspace(-_REACH, _REACH, _BINS + 1)
    counts, _ = np.histogram(np.clip(values, -_REACH, _REACH), edges)
    density = counts / max(values.size, 1) / np.diff(edges)
    figure = Figure(figsize=(3.1, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.stairs(density, edges, fill=True, color=ACCENT, alpha=0.35)
    axes.stairs(density, edges, color=ACCENT, lw=0.8, label="voxels")
    x = np.linspace(-_REACH, _REACH, 201)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(x, normal, color=SECOND, lw=1.4, label="if the SD is right")
    axes.axvline(0, color=MUTED, lw=0.5, zorder=0)
    beyond = int((np.abs(values) > _REACH).sum())
    axes.text(
        0.02, 0.98, f"beyond ±{_REACH:g}: {beyond}", transform=axes.transAxes, va="top", size=7.5,
        color=INK,
    )  # fmt: skip
    axes.set_xlabel(f"error of {label} / stated SD [-]")
    axes.set_ylabel("density [-]")
    axes.set_ylim(0, 1.35 * max(normal.max(), density.max()))
    axes.legend(loc="upper right", handlelength=1.2)
    return figure


@styled
def coverage_figure(curves: Sequence[Curve]) -> Figure:
    """Actual against stated coverage; on the diagonal, intervals are right.

    Below it they are too narrow, above it too wide.

    Parameters
    ----------
    curves
        One per quantity or estimator: actual coverage [-] over stated coverage [-], as
        `coverage_curve` counts it, or counted from quantiles.
    """
    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1.0, ls="--", label="right")
    for number, curve in enumerate(curves):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        axes.plot(curve.x, curve.y, color=colour, marker=marker, ms=3.5, mew=0, label=curve.name)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
    axes.text(0.97, 0.04, "intervals too narrow", ha="right", color=MUTED, fontsize=7.5)
    axes.text(0.03, 0.62, "intervals too wide", ha="left", color=MUTED, fontsize=7.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("stated coverage [-]")
    axes.set_ylabel("share of true values covered [-]")
    axes.legend(loc="upper left", handlelength=1.8)
    return figure


def coverage_curve(z: ArrayLike, name: str, levels: NDArray[Any] = LEVELS) -> Curve:
    """Coverage of the central normal intervals that stated standard deviations give.

    Parameters
    ----------
    z
        Independent errors over stated standard deviations [-], any shape; values that are not
        finite are ignored.
    name
        Name in the legend.
    levels
        Stated coverages, `(level,)` [-].

    Returns
    -------
    Curve
        Share of |z| within each interval, with Wilson's 95 % interval (E. B. Wilson, J. Am. Stat.
        Assoc. 22, 209, 1927).
    """
    size = np.abs(np.asarray(z, dtype=float))
    size = np.sort(size[np.isfinite(size)])
    n = max(size.size, 1)
    share = np.searchsorted(size, ndtri((1 + levels) / 2), side="right") / n
    reach = ndtri((1 + _CONFIDENCE) / 2)
    middle = (share + reach**2 / (2 * n)) / (1 + reach**2 / n)
    half = reach / (1 + reach**2 / n) * np.sqrt(share * (1 - share) / n + (reach / (2 * n)) ** 2)
    return Curve(name=name, x=levels, y=share, low=middle - half, high=middle + half)
