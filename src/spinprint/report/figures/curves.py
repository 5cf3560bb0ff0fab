"""Lines, fronts and bars: error against noise, rank, step or cost, and shares of importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...errors import InputError
from .style import (
    ACCENT,
    INK,
    MARKERS,
    MUTED,
    SERIES,
    make_logarithmic,
    styled,
    whole_ticks,
)

_MOST_MARKERS = 24  # points that still get a marker each
_CROWD = 200  # points from which a line is drawn thin, as the loss of every step
_DASHES = ("--", ":", "-.")


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """One line.

    Raises
    ------
    InputError
        The arrays differ in length, or an interval has one end.
    """

    name: str
    """Name in the legend."""
    x: NDArray[Any]
    """Positions along the axis, ascending, `(point,)` [unit of the axis]."""
    y: NDArray[Any]
    """Values, `(point,)` [unit of the other axis]; NaN breaks the line."""
    low: NDArray[Any] | None = None
    """Lower ends of their intervals, `(point,)`."""
    high: NDArray[Any] | None = None
    """Upper ends, `(point,)`."""
    is_bound: bool = False
    """Whether it is a limit for comparison, such as the Bayes risk: drawn dark and dashed."""

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise InputError(f"curve {self.name!r}: an interval has a lower and an upper end")
        shapes = {np.shape(a) for a in (self.x, self.y, self.low, self.high) if a is not None}
        if len(shapes) != 1 or len(shapes.pop()) != 1:
            raise InputError(f"curve {self.name!r}: its arrays must be one axis of equal length")


@styled
def curves_figure(
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    logarithmic: Literal["", "x", "y", "xy"] = "y",
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """Curves in one panel, each with its colour and marker, intervals as bands.

    Parameters
    ----------
    curves
        The curves; bounds are drawn below the others.
    x_label, y_label
        Quantities and units.
    logarithmic
        The axes that are logarithmic.
    marks
        Positions along the axis to mark with a line, by name, such as the step where noise is added
        or the rank that is used.
    """
    figure = Figure(figsize=(4.2, 3.1), layout="constrained")
    axes = figure.subplots()
    dashes = cycle(_DASHES)
    looks = cycle(zip(SERIES, MARKERS, strict=True))
    for curve in curves:
        if curve.is_bound:
            axes.plot(curve.x, curve.y, color=INK, ls=next(dashes), lw=1.2, label=curve.name)
            _band(axes, curve, INK)
        else:
            colour, marker = next(looks)
            few, crowd = len(curve.x) <= _MOST_MARKERS, len(curve.x) > _CROWD
            axes.plot(
                curve.x, curve.y, color=colour, marker=marker if few else "", ms=4, mew=0,
                lw=0.6 if crowd else 1.3, alpha=0.5 if crowd else 1.0, label=curve.name, zorder=3,
            )  # fmt: skip
            _band(axes, curve, colour)
    for name, place in (marks or {}).items():
        axes.axvline(place, color=MUTED, lw=0.8, zorder=1)
        axes.annotate(
            name, (place, 1), (2, -2), xycoords=("data", "axes fraction"), color=MUTED,
            textcoords="offset points", rotation=90, va="top", fontsize=7.5,
        )  # fmt: skip
    make_logarithmic(axes, *logarithmic)
    if "x" not in logarithmic and all(_is_whole(curve.x) for curve in curves):
        whole_ticks(axes, "x")
    axes.grid(which="major", color=MUTED, alpha=0.2, lw=0.5)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    figure.legend(loc="outside upper left", ncols=3, handlelength=2.4)
    return figure


def _band(axes: Axes, curve: Curve, colour: str) -> None:
    if curve.low is not None and curve.high is not None:
        axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.18, lw=0, zorder=2)


def _is_whole(places: NDArray[Any]) -> bool:
    return bool(np.equal(places, np.round(places)).all())


@styled
def pareto_figure(
    groups: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    *,
    cost_label: str,
    error_label: str,
    bound: float | None = None,
) -> Figure:
    """Cost against error on logarithmic axes, with the Pareto front.

    Parameters
    ----------
    groups
        Cost and error of each case, both positive and `(case,)`, by the name of their group (such
        as the estimator); values that are not finite are ignored.
    cost_label, error_label
        Quantities and units.
    bound
        The least error there can be, as a line.
    """
    figure = Figure(figsize=(4.2, 3.1), layout="constrained")
    axes = figure.subplots()
    for number, (name, (cost, error)) in enumerate(groups.items()):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        axes.plot(cost, error, marker, color=colour, ms=4.5, mew=0, alpha=0.75, label=name)
    cost, error = (
        np.concatenate([np.asarray(pair[i], dtype=float) for pair in groups.values()])
        for i in (0, 1)
    )
    front = pareto_front(cost, error)
    axes.step(cost[front], error[front], where="post", color=INK, lw=1.0, label="front", zorder=1)
    if bound is not None:
        axes.axhline(bound, color=MUTED, ls="--", lw=1.0, label="bound", zorder=1)
    make_logarithmic(axes, "x", "y")
    axes.grid(which="major", color=MUTED, alpha=0.2, lw=0.5)
    axes.set_xlabel(cost_label)
    axes.set_ylabel(error_label)
    figure.legend(loc="outside upper left", ncols=4, handlelength=1.8)
    return figure


def pareto_front(cost: NDArray[Any], error: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the cases that no other beats in cost and error, by ascending cost.

    Parameters
    ----------
    cost, error
        `(case,)`; cases with a value that is not finite are never on the front.
    """
    order = np.lexsort((error, cost))
    order = order[np.isfinite(cost[order]) & np.isfinite(error[order])]
    least = np.minimum.accumulate(error[order])
    better = np.ones(order.size, dtype=bool)
    better[1:] = error[order][1:] < least[:-1]
    front: NDArray[np.intp] = order[better]
    return front


@styled
def importance_figure(
    shares: Mapping[str, float],
    label: str,
    *,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Bars from the most to the least important, each with its value.

    Parameters
    ----------
    shares
        Importance of each choice by its name [-].
    label
        Label of the axis.
    intervals
        Intervals by name; not all need one.
    """
    names = sorted(shares, key=lambda name: shares[name])
    values = np.array([shares[name] for name in names])
    figure = Figure(figsize=(4.6, 0.6 + 0.26 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, values, color=ACCENT, alpha=0.6, height=0.62)
    ends = values.copy()
    for place, name in enumerate(names):
        if name in (intervals or {}):
            low, high = (intervals or {})[name]
            axes.plot([low, high], [place, place], color=INK, lw=1.2)
            ends[place] = max(high, ends[place])
        axes.annotate(
            f"{shares[name]:.2f}", (ends[place], place), (4, 0), textcoords="offset points",
            va="center", fontsize=7.5,
        )  # fmt: skip
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    return figure
