"""Display of quantities on pages: names, practical units, colours and numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..parameters import PARAMETERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """Display of a parameter."""

    symbol: str
    """Its usual symbol."""
    unit: str
    """The practical unit."""
    factor: float
    """Practical units per SI unit [-]."""
    colours: str
    """The colour map of its values; lightness rises evenly, or falls to both sides of `centre`."""
    centre: float | None
    """The neutral value in the practical unit, for quantities that deviate to both sides."""

    @property
    def label(self) -> str:
        """Symbol and unit, for axes and colour bars."""
        return f"{self.symbol} [{self.unit}]"


DISPLAY = {
    name: Display(
        symbol=parameter.symbol,
        unit=parameter.display_unit,
        factor=parameter.display_factor,
        colours=parameter.colours,
        centre=parameter.neutral if parameter.is_field else None,
    )
    for name, parameter in PARAMETERS.items()
}
"""Each parameter that maps can hold."""

ERROR_COLOURS = "RdBu_r"
"""Colour map of signed errors: blue is too low, red is too high."""

SD_COLOURS = "YlOrBr"
"""Colour map of standard deviations: dark is uncertain."""

M0_COLOURS = "bone"
"""Colour map of the modulus of M0."""


def shown(value: float, decimals: int | None = None, *, sign: bool = False) -> str:
    """A number for display: three significant digits unless decimals are given, a true minus."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def listed(parts: list[str]) -> str:
    """Parts joined as in a sentence: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
