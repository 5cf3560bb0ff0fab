"""What can be unknown or known of a voxel: one record per parameter, read wherever it is named.

A new parameter is one record here, a field of `Tissue`, and its physics (CONTRIBUTING shows how).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the signal model."""

    symbol: str
    """What the field calls it, as pages show it."""
    description: str
    """What it is, as the sidecar of its map states it."""
    unit: str
    """The unit inside, as BIDS writes it."""
    typical: float
    """A value of soft tissue, or the nominal field [unit]."""
    range: tuple[float, float]
    """From tendon to fluid at 1.5 T to 7 T; of a field, what a map of it can hold [unit]."""
    log: bool = False
    """Whether it is estimated, and drawn, on a logarithmic axis; then it must be positive."""
    least: float = -math.inf
    """Lowest value that is possible [unit]."""
    neutral: float | None = None
    """The value of tissue that does not state it; None where nothing is neutral [unit]."""
    is_field: bool = False
    """Whether it belongs to the scanner rather than to tissue, so that a map of it can be given."""
    steps: tuple[float, float, float]
    """Step of the default grid along its axis with two, three, and four or more axes: a factor
    where `log`, else a difference [unit]."""
    key: str
    """Key in grid files, which names the unit there."""
    key_unit: float = 1.0
    """That unit in units inside [-]."""
    bids: tuple[str, str]
    """Folder and suffix of its map in BIDS."""
    display_unit: str
    """The practical unit, as pages show it."""
    display_factor: float = 1.0
    """Practical units per unit inside [-]."""
    colours: str
    """Colour map of its values; lightness rises evenly, or falls to both sides of a field's
    neutral value. None of them passes through the grey of voxels without a value."""

    def to_axis(self, values: Any) -> Any:
        """Values [unit] on the axis it is estimated on, of the same shape."""
        return np.log(values) if self.log else np.asarray(values, float)

    def from_axis(self, points: Any) -> Any:
        """The values [unit] at points of that axis, of the same shape."""
        return np.exp(points) if self.log else points


def _time(symbol: str, description: str, **facts: Any) -> Parameter:
    """The record of a relaxation time."""
    return Parameter(
        symbol=symbol, description=description, unit="s", log=True, least=0.0, key_unit=1e-3,
        display_unit="ms", display_factor=1e3, **facts,
    )  # fmt: skip


PARAMETERS = {
    "t1": _time(
        "T1", "T1, longitudinal relaxation time", typical=1.0, range=(0.05, 6.0),
        steps=(1.05, 1.15, 1.25), key="t1_ms", bids=("anat", "T1map"), colours="magma",
    ),
    "t2": _time(
        "T2", "T2, transverse relaxation time", typical=0.08, range=(0.004, 3.0),
        steps=(1.05, 1.1, 1.2), key="t2_ms", bids=("anat", "T2map"), colours="viridis",
    ),
    "t1rho": _time(
        "T1ρ", "T1rho, relaxation time in the rotating frame", typical=0.1, range=(0.004, 3.0),
        steps=(1.05, 1.15, 1.25), key="t1rho_ms", bids=("anat", "T1rho"), colours="plasma",
    ),
    "adc": Parameter(
        symbol="ADC", description="ADC, apparent diffusion coefficient", unit="mm2/s",
        typical=1e-3, range=(0.0, 4e-3), least=0.0, neutral=0.0, steps=(2e-4, 2e-4, 2e-4),
        key="adc_mm2_per_s", bids=("dwi", "ADC"), display_unit="10⁻³ mm²/s", display_factor=1e3,
        colours="YlGnBu_r",
    ),
    "b1": Parameter(
        symbol="B1", description="B1, flip angle relative to nominal", unit="1",
        typical=1.0, range=(0.1, 3.0), least=0.0, neutral=1.0, is_field=True,
        steps=(0.05, 0.05, 0.05), key="b1", bids=("fmap", "TB1map"), display_unit="relative",
        colours="PuOr_r",
    ),
    "b0": Parameter(
        symbol="B0", description="B0, off-resonance", unit="Hz",
        typical=0.0, range=(-2000.0, 2000.0), neutral=0.0, is_field=True, steps=(5.0, 5.0, 5.0),
        key="b0_hz", bids=("fmap", "fieldmap"), display_unit="Hz", colours="PuOr_r",
    ),
}  # fmt: skip
"""All parameters by name, in the order they are always listed.

Steps of the grid lead the refinement to the right atom, and the refinement gives the precision, so
that they may grow with the number of axes to keep the number of atoms between 10^4 and 10^5.
"""

FIELDS = tuple(name for name, parameter in PARAMETERS.items() if parameter.is_field)
"""What a map may state of each voxel besides the series."""

REQUIRED = ("t1", "t2")
"""What every tissue and every grid must state."""

PHYSICAL = (("t2", "t1"), ("t2", "t1rho"), ("t1rho", "t1"))
"""Pairs (a, b) with a <= b in tissue: T2 <= T1, T2 <= T1rho <= T1."""
