"""What a table of tissues says: mean values, how much they vary, and where they come from."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ...errors import TissueError


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueValues:
    """The values of one tissue and their source.

    Raises
    ------
    TissueError
        A value is impossible, or T2 <= T1rho <= T1 does not hold.
    """

    t1: float
    """Longitudinal relaxation time [s]."""
    t2: float
    """Transverse relaxation time [s]."""
    t1rho: float
    """Relaxation time in the rotating frame [s]."""
    adc: float
    """Apparent diffusion coefficient [mm²/s]."""
    density: float
    """Density of the protons that give signal, relative to water [-]."""
    spread: float
    """Relative standard deviation of T1, T2, T1rho and ADC within the tissue [-]."""
    source: str
    """Citation and field strength of each value; what is our choice says so."""

    def __post_init__(self) -> None:
        values = (self.t1, self.t2, self.t1rho, self.adc, self.density, self.spread)
        if not all(math.isfinite(value) and value >= 0 for value in values):
            raise TissueError(f"the values of a tissue must be finite and not negative: {self}")
        if not 0 < self.t2 <= self.t1rho <= self.t1:
            raise TissueError(
                f"t2 = {self.t2:g} s, t1rho = {self.t1rho:g} s and t1 = {self.t1:g} s"
                " must keep 0 < T2 <= T1rho <= T1"
            )
        if not self.source:
            raise TissueError("every tissue must state the source of its values")


def read_data(name: str) -> dict[str, Any]:
    """A table of values that comes with the package, as it stands in `data/NAME.toml`."""
    return tomllib.loads((files(__package__) / "data" / f"{name}.toml").read_text("utf-8"))


def tissue_table(name: str) -> dict[str, TissueValues]:
    """The tissues of `data/NAME.toml` by name; the keys state the units."""
    return {tissue: _values(**entry) for tissue, entry in read_data(name)["tissue"].items()}


def _values(*, adc_um2_per_ms: float, **entry: Any) -> TissueValues:
    times = {name: entry.pop(f"{name}_ms") / 1e3 for name in ("t1", "t2", "t1rho")}
    return TissueValues(**times, adc=adc_um2_per_ms / 1e3, **entry)
