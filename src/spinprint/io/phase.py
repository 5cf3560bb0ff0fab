"""The unit that phase images are in: stated beside them, by the user, or by their range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .sidecar import read_sidecar

TURNS = {"rad": 2 * np.pi, "deg": 360.0, "mrad": 2000 * np.pi}
"""One turn in each unit."""

_SPELLINGS = {
    "rad": ("rad", "radian", "radians"),
    "deg": ("deg", "degree", "degrees", "°"),
    "mrad": ("mrad", "milliradian", "milliradians"),
}
"""What sidecars call them."""

_SILENT = ("", "1", "arbitrary", "a.u.", "au", "n/a")  # what they state that says nothing

_STEPS = tuple(1 << bits for bits in range(12, 17))  # of one turn, as scanners store integers

_FULL, _HALF = (0.95, 1.001), (0.495, 0.5005)
"""Parts of a turn that phases span: all of it with noise, half where signals only change sign."""

_OPTION = "--phase-unit rad, deg, mrad, scaled, or the steps of one turn, as 4096"


def phase_turn(values: NDArray[Any], path: Path, unit: str | None = None) -> tuple[float, str]:
    """One turn of phase images in their unit, and the sentence that says so.

    The `Units` of the sidecar decide, then `unit`, then the range of the values.

    Parameters
    ----------
    values
        The phases, of any shape.
    path
        Their file.
    unit
        "rad", "deg", "mrad"; "scaled", integers whose range is one turn; or the steps of a turn.

    Raises
    ------
    SeriesError
        The unit is none, or cannot be told, or two sources state different ones.
    """
    low, high = _range(values, path)
    stated, seen = _stated(path), turn_of_range(values)
    asked = _asked(unit, high - low, path) if unit is not None else None
    if stated and asked and not np.isclose(stated, asked):
        raise SeriesError(
            f"{path}: its sidecar says that the phase is in {_name(stated)}, --phase-unit"
            f" {_name(asked)}: leave the option out, or correct Units in the sidecar"
        )
    if stated and seen and not np.isclose(stated, seen):
        raise SeriesError(
            f"{path}: its sidecar says that the phase is in {_name(stated)}, but values from"
            f" {low:g} to {high:g} are {_name(seen)}: correct Units in the sidecar"
        )
    source = "by its sidecar" if stated else "as --phase-unit says" if asked else "by its range"
    turn = stated or asked or seen
    if turn is None:
        raise SeriesError(
            f"{path}: values from {low:g} to {high:g} do not say what unit the phase is in: state"
            f" Units (rad or deg) in its sidecar, or give {_OPTION}"
        )
    return turn, f"{path.name}: phase in {_name(turn)} {source}, values from {low:g} to {high:g}."


def turn_of_range(values: NDArray[Any], *, whole: bool = False) -> float | None:
    """One turn in the unit of phases that fill their range; None where the range says nothing.

    Half a turn, which signals span that only change their sign, counts unless `whole` is wanted.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    span = float(finite.max()) - float(finite.min())
    parts = (_FULL,) if whole else (_FULL, _HALF)
    turns = [turn for turn in TURNS.values() if _spans(span, turn, parts)]
    if not turns and np.array_equal(finite, np.rint(finite)):
        turns = [float(steps) for steps in _STEPS if _spans(span, steps, (_FULL,))]
    return turns[0] if len(turns) == 1 else None


def _spans(span: float, turn: float, parts: tuple[tuple[float, float], ...]) -> bool:
    return any(low * turn <= span <= high * turn for low, high in parts)


def _range(values: NDArray[Any], path: Path) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise SeriesError(f"{path}: the phase holds no finite value: export it again")
    return float(finite.min()), float(finite.max())


def _stated(path: Path) -> float | None:
    """One turn in the unit of the sidecar; None if it states none."""
    units = str(read_sidecar(path).get("Units", "")).strip().lower()
    for unit, names in _SPELLINGS.items():
        if units in names:
            return TURNS[unit]
    if units in _SILENT:
        return None
    raise SeriesError(
        f"{path}: its sidecar says Units {units!r}, which is none of a phase: correct it to rad or"
        " deg, or give the phase images"
    )


def _asked(unit: str, span: float, path: Path) -> float:
    """One turn in the unit of the user."""
    if unit in TURNS:
        return TURNS[unit]
    if unit == "scaled":
        turn = next((float(steps) for steps in _STEPS if span <= steps), None)
        if turn is None or span < 0.75 * turn:
            raise SeriesError(
                f"{path}: values that span {span:g} do not say how many steps one turn has:"
                " give their number, as --phase-unit 4096"
            )
        return turn
    try:
        steps = float(unit)
    except ValueError:
        steps = np.nan
    if not (np.isfinite(steps) and steps > 0):
        raise SeriesError(f"the unit {unit!r} of a phase is unknown: give {_OPTION}")
    return steps


def _name(turn: float) -> str:
    """What the unit is called of which one turn has so many."""
    names = {"rad": "radians", "deg": "degrees", "mrad": "milliradians"}
    found = next((name for unit, name in names.items() if np.isclose(turn, TURNS[unit])), None)
    return found or f"steps of 1/{turn:g} turn"
