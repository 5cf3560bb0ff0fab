"""The look of all figures, whatever the user's matplotlib is set to: colours, axes and dots."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

INK = "#1b1f24"
MUTED = "#5b6570"
ACCENT = "#1f5a8c"
SECOND = "#c2571a"

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a3b9a", "#5b6570")
"""Colours of curves, also for the colour-blind (Okabe and Ito, 2008, in another order and with two
of our own)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""A marker for each of these colours, for greyscale prints."""

WIDE = 10.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic [-]."""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = (1e-3, 1e5)  # numbers that are written out

_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: figures are the same everywhere
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    # Names may hold dollar signs; no figure needs formulas.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "spinprint",  # the same figure gives the same bytes
}

Arguments = ParamSpec("Arguments")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Draw with our settings and leave the user's unchanged."""

    @wraps(draw)
    def with_style(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return with_style


def style() -> AbstractContextManager[None]:
    """The context in which figures are drawn and saved."""
    return matplotlib.style.context(["default", _STYLE])


def make_logarithmic(axes: Axes, *which: str) -> None:
    """Make "x", "y" or both logarithmic, with ticks that fit what they show."""
    for name in which:
        getattr(axes, f"set_{name}scale")("log")
        axis = getattr(axes, f"{name}axis")
        axis.set_major_locator(_RoundTicks(numticks=9))
        axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
        axis.set_minor_locator(NullLocator())


class _RoundTicks(LogLocator):
    """Powers of ten, and round numbers between them where the axis spans few."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        decades = abs(math.log10(vmax / vmin)) if vmin > 0 else math.inf
        between = (2.0, 3.0, 5.0) if decades < 1 else (2.0, 5.0) if decades < 2 else ()
        self.set_params(subs=(1.0, *between))
        return super().tick_values(vmin, vmax)


def whole_ticks(axes: Axes, name: str) -> None:
    """Ticks at whole numbers along "x" or "y"."""
    locator = MaxNLocator(integer=True, steps=[1, 2, 5, 10])
    getattr(axes, f"{name}axis").set_major_locator(locator)


def power_of_ten(value: float) -> str:
    """A number at a tick of a logarithmic axis: 0.02, 500, 2·10⁻⁶."""
    if _PLAIN[0] <= value < _PLAIN[1]:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10.0**exponent)
    return f"{'' if factor == 1 else f'{factor}·'}10{str(exponent).translate(_RAISED)}"


def cloud(axes: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Cases as dots, fainter the more there are; as pixels also where lines are saved as lines."""
    alpha = float(np.clip(30 / np.sqrt(max(x.size, 1)), 0.08, 0.8))
    area = 12 if x.size < 500 else 4
    axes.scatter(x, y, s=area, color=ACCENT, alpha=alpha, lw=0, rasterized=x.size > 500, zorder=2)


def scale_by_range(axes: Axes, values: NDArray[Any], *which: str) -> None:
    """Make axes logarithmic where positive values span more than a factor of `WIDE`."""
    if values.size and values.min() > 0 and values.max() > WIDE * values.min():
        make_logarithmic(axes, *which)
