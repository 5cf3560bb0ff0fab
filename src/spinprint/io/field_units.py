"""What the values of a field map mean: units, as options and sidecars state them, and physics.

No unit is guessed from the values. What nobody states is taken for relative B1 or for B0 in Hz,
and refused where it cannot be that. Whatever the unit, values have to lie in the range of their
parameter (`parameters.PARAMETERS`): where flip angles are a tenth of nominal a sequence gives next
to no signal, and three times nominal is beyond the hot spots of surface coils; off-resonance is
some hundred Hz beside air at 3 T, and 1500 Hz at 7 T.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from ..parameters import PARAMETERS
from .geometry import Remark, unsaid
from .sidecar import read_sidecar

B1_UNITS = {
    "relative": 1.0,
    "tenths": 0.1,
    "percent": 0.01,
    "permille": 0.001,
    # per degree of the nominal flip angle
    "degrees": 1.0,
    "decidegrees": 0.1,
    "radians": 180 / pi,
}
"""Units of a B1 map and their size: relative to nominal [-], or as an angle [degrees]."""

ANGLES = ("degrees", "decidegrees", "radians")
"""Units that need the nominal flip angle."""

B0_UNITS = {"hz": 1.0, "rad/s": 1 / (2 * pi), "ppm": 42.577478518, "tesla": 42.577478518e6}
"""Units of a B0 map and their size [Hz]; of ppm per tesla of the main field (protons)."""

_MEANT = {"b1": "times nominal", "b0": "Hz"}
"""What fields are converted to."""

_SPELLINGS = {
    "1": "relative", "ratio": "relative", "fraction": "relative", "%": "percent",
    "percentage": "percent", "‰": "permille", "deg": "degrees", "degree": "degrees",
    "°": "degrees", "rad": "radians", "radian": "radians", "hertz": "hz", "rads/s": "rad/s",
    "rad/sec": "rad/s", "radians/s": "rad/s", "t": "tesla",
}  # fmt: skip
"""How sidecars write units, in small letters."""

_UNSTATED = ("", "arbitrary", "a.u.", "au", "arb.", "none", "n/a", "unknown")
"""What sidecars write where they state no unit."""

B1_TYPICAL = (0.25, 2.0)
"""Median of a map that is relative beyond doubt; organs at 1.5 to 7 T have 0.4 to 1.3."""

_STRAYS = 0.25
"""Part of the voxels with signal that may lie out of bounds: noise in air, not another unit."""

_ROUNDED = 0.05
"""Part of the values other than 1, above which whole numbers are a B1 map that was rounded."""

_ROUNDING = 1e-6
"""Of a value at a bound in single precision."""

_PHASE = (3.0, 3.15)
"""Where the largest modulus of a phase in radians lies."""


@dataclass(frozen=True, kw_only=True)
class StatedUnit:
    """What the user says of the unit of a field map; None leaves it to the sidecar.

    Raises
    ------
    SeriesError
        The nominal flip angle is missing for an angle, has no use, or is no positive number.
    """

    unit: str | None = None
    """A key of `B1_UNITS` or `B0_UNITS`."""
    nominal_deg: float | None = None
    """The nominal flip angle of the B1 map [degrees]; alone, it means that B1 is in degrees."""
    field_strength: float | None = None
    """The main field [T], for B0 in ppm."""

    def __post_init__(self) -> None:
        if self.nominal_deg is None:
            return
        if not (np.isfinite(self.nominal_deg) and self.nominal_deg > 0):
            raise SeriesError(f"--b1-nominal-deg = {self.nominal_deg:g} must be a positive angle")
        if self.unit is None:
            object.__setattr__(self, "unit", "degrees")
        elif self.unit not in ANGLES:
            raise SeriesError(
                f"--b1-nominal-deg has no use with --b1-unit {self.unit}: it is the flip angle"
                f" that a map in {', '.join(ANGLES)} is relative to"
            )


def convert_field(
    values: NDArray[np.float64],
    path: Path,
    what: Literal["b1", "b0"],
    stated: StatedUnit,
    where: NDArray[np.bool_],
    remark: Remark = unsaid,
) -> NDArray[np.float64]:
    """Values of a field map as relative B1 or as B0 in Hz, NaN where there is none.

    Parameters
    ----------
    values
        As the file holds them, `(x, y, z)`.
    path
        The file, whose sidecar may state Units.
    what
        Which field it is.
    stated
        What the user says of the unit.
    where
        True where there is signal, `(x, y, z)`: there the values have to be physical.
    remark
        Takes sentences on the unit and on voxels without a value.

    Raises
    ------
    SeriesError
        The unit is not known, or the values cannot be meant so.
    """
    name, (low, high) = f"{what.upper()} map", PARAMETERS[what].range
    unit = stated.unit or _sidecar_unit(path, what)
    # In a map of B1, 0 stands where it was not measured: without a flip there is no signal.
    measured = np.isfinite(values) & ((values != 0) | (what == "b0"))
    if not measured.any():
        empty = "is 0 everywhere" if (values == 0).any() else "holds no finite value"
        raise SeriesError(f"{path}: the {name} {empty}: give another one")
    inside = measured & where
    if not inside.any():
        raise SeriesError(f"{path}: the {name} holds no value where there is signal")
    field = np.where(measured, values * _size(unit, what, stated, path), np.nan)
    physical = (field >= low - _ROUNDING) & (field <= high + _ROUNDING)
    given, strays = values[inside], np.count_nonzero(inside & ~physical)
    out = strays == given.size or strays > max(1, _STRAYS * given.size)
    if out or (unit is None and what == "b1" and not _plainly_relative(values[inside & physical])):
        raise SeriesError(_refusal(given, path, what, unit))
    if unit is None and what == "b0" and _PHASE[0] <= np.abs(given).max() <= _PHASE[1]:
        remark(
            f"{path}: the B0 map spans {given.min():.3g} to {given.max():.3g}, as phase in radians"
            " does; it was taken for Hz: if it is in Hz, state this with --b0-unit hz."
        )
    if unit not in (None, "relative", "hz"):
        middle = f"{np.median(given):.4g} is {np.nanmedian(field[inside]):.4g}"
        remark(f"{path}: the {name} was taken to be in {unit}: its median {middle} {_MEANT[what]}.")
    missing = np.count_nonzero(where & ~measured)
    if missing or strays:
        remark(
            f"{path}: of {np.count_nonzero(where)} voxels with signal the {name} has no value in"
            f" {missing}, and one outside {_range(what)} in {strays}: these are not mapped."
        )
    return np.where(physical, field, np.nan)


def _plainly_relative(values: NDArray[np.float64]) -> bool:
    """Whether B1 of no stated unit is relative: near 1, and not rounded to whole numbers."""
    low, high = B1_TYPICAL
    rounded = (values == np.round(values)).all() and (values != 1).mean() > _ROUNDED
    return bool(low <= np.median(values) <= high and not rounded)


def _sidecar_unit(path: Path, what: str) -> str | None:
    """The unit that the sidecar states; None if it states none."""
    units = read_sidecar(path).get("Units", "")
    known = B1_UNITS if what == "b1" else B0_UNITS
    if isinstance(units, str):
        word = units.strip().lower()
        unit = _SPELLINGS.get(word, word)
        if unit in known:
            return unit
        if unit in _UNSTATED:
            return None
    raise SeriesError(
        f"{path}: its sidecar states Units {units!r:.40}, which is none of {', '.join(known)}:"
        f" convert the map, or state its unit with --{what}-unit"
    )


def _size(unit: str | None, what: str, stated: StatedUnit, path: Path) -> float:
    """What one unit is in relative B1 or in Hz."""
    if unit is None:
        return 1.0
    if unit == "ppm":
        if stated.field_strength is None:
            raise SeriesError(f"{path}: B0 in ppm needs the field strength: give the sequence")
        return B0_UNITS[unit] * stated.field_strength
    if what == "b0":
        return B0_UNITS[unit]
    if unit not in ANGLES:
        return B1_UNITS[unit]
    if stated.nominal_deg is None:
        raise SeriesError(
            f"{path}: a B1 map in {unit} needs the nominal flip angle: give it with"
            " --b1-nominal-deg"
        )
    return B1_UNITS[unit] / stated.nominal_deg


def _refusal(given: NDArray[np.float64], path: Path, what: str, unit: str | None) -> str:
    """One message for values that are not what they should be, whatever they are."""
    whole = "whole numbers, " if (given == np.round(given)).all() else ""
    values = f"{whole}median {np.median(given):.4g}, {given.min():.4g} to {given.max():.4g}"
    if unit is not None:
        return (
            f"{path}: the {what.upper()} map cannot be in {unit} ({values}): it would not lie in"
            f" {_range(what)}; check the unit"
        )
    if what == "b0":
        return (
            f"{path}: the B0 map is not in Hz ({values}), as it does not lie in {_range(what)}:"
            f" state its unit with --b0-unit ({', '.join(list(B0_UNITS)[1:])}); a phase must be"
            " unwrapped and divided by 2 pi and the difference of the echo times first"
        )
    return (
        f"{path}: the B1 map is not clearly relative to nominal ({values}), which is near 1: state"
        f" its unit with --b1-unit ({', '.join(B1_UNITS)}), and the nominal flip angle of an angle"
        " with --b1-nominal-deg"
    )


def _range(what: str) -> str:
    low, high = PARAMETERS[what].range
    return f"{low:g} to {high:g} {_MEANT[what]}"
