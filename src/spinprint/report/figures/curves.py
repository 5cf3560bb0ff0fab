"""Lines over an axis with their intervals: error against SNR or rank, loss against step."""

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
from .scale import logarithmic as make_logarithmic
from .scale import whole
from .style import INK, MARKERS, MUTED, SERIES, styled

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
    """What the legend calls it."""
    x: NDArray[Any]
    """Places along the axis, ascending, `(point,)` [unit of the axis]."""
    y: NDArray[Any]
    """Values, `(point,)` [unit of the other axis]; NaN breaks the line."""
    low: NDArray[Any] | None = None
    """Lower ends of their intervals, `(point,)`."""
    high: NDArray[Any] | None = None
    """Upper ends, `(point,)`."""
    is_bound: bool = False
    """Whether it is a limit to compare with, as the Bayes risk: drawn dark and dashed."""

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise InputError(f"curve {self.name!r}: an interval has a lower and an upper end")
        shapes = {np.shape(one) for one in (self.x, self.y, self.low, self.high) if one is not None}
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
        What is drawn; bounds go below the others.
    x_label, y_label
        Quantities and units.
    logarithmic
        The axes that are logarithmic.
    marks
        Names of places along the axis that deserve a line, as the step where noise is added or
        the rank that is used.
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
        whole(axes, "x")
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
