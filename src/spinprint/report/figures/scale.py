"""Axes that are read at a glance: whole or round ticks, and powers of ten without formulas."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = (1e-3, 1e5)  # numbers that are written out


def logarithmic(axes: Axes, *which: str) -> None:
    """Make "x", "y" or both logarithmic, with ticks that fit what they show."""
    for name in which:
        getattr(axes, f"set_{name}scale")("log")
        axis = getattr(axes, f"{name}axis")
        axis.set_major_locator(_RoundTicks(numticks=9))
        axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
        axis.set_minor_locator(NullLocator())


class _RoundTicks(LogLocator):
    """Powers of ten, and numbers between them where the axis spans few."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        decades = abs(math.log10(vmax / vmin)) if vmin > 0 else math.inf
        between = (2.0, 3.0, 5.0) if decades < 1 else (2.0, 5.0) if decades < 2 else ()
        self.set_params(subs=(1.0, *between))
        return super().tick_values(vmin, vmax)


def whole(axes: Axes, name: str) -> None:
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
