"""How quantities look on a page: names, practical units and colours."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How one parameter is shown."""

    symbol: str
    """What the field calls it."""
    unit: str
    """The practical unit."""
    factor: float = 1.0
    """Practical units in one SI unit [-]."""
    colours: str
    """The colour map of its values; lightness rises evenly, or falls to both sides of `centre`."""
    centre: float | None = None
    """The neutral value in the practical unit, for quantities that deviate to both sides."""

    @property
    def label(self) -> str:
        """Symbol and unit, for axes and colour bars."""
        return f"{self.symbol} [{self.unit}]"


DISPLAY = {
    "t1": Display(symbol="T1", unit="ms", factor=1e3, colours="magma"),
    "t2": Display(symbol="T2", unit="ms", factor=1e3, colours="viridis"),
    "t1rho": Display(symbol="T1ρ", unit="ms", factor=1e3, colours="plasma"),
    "adc": Display(symbol="ADC", unit="10⁻³ mm²/s", factor=1e3, colours="YlGnBu_r"),
    "b1": Display(symbol="B1", unit="relative", colours="PuOr_r", centre=1.0),
    "b0": Display(symbol="B0", unit="Hz", colours="PuOr_r", centre=0.0),
}
"""Each parameter that maps can hold, one colour map a quantity.

None of the colour maps passes through the grey of voxels without a value.
"""

ERROR_COLOURS = "RdBu_r"
"""Of signed errors: blue is too low, red is too high."""

SD_COLOURS = "YlOrBr"
"""Of standard deviations: dark is uncertain."""

M0_COLOURS = "bone"
"""Of the modulus of M0."""


def shown(value: float, decimals: int | None = None, *, sign: bool = False) -> str:
    """A number for people: three digits that count unless decimals are asked for, a real minus."""
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
