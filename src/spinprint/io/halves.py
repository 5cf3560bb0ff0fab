"""Series in two files, real and imaginary part or magnitude and phase, as one complex series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .geometry import require_place
from .images import Images, read_images
from .parts import CARTESIAN, POLAR, Half, other_half, role_of
from .phase import phase_turn, turn_of_range

_NEGATIVE = 1e-2  # part of a magnitude's energy below 0 that interpolation may make


def given_half(path: Path, imaginary: str | Path | None, phase: str | Path | None) -> Half | None:
    """The half that was named, and what it is: a phase, if that is what its name says."""
    named = imaginary if phase is None else phase
    if named is None:
        return None
    second = Path(named)
    own, role = role_of(path), role_of(second)
    stated = {own, role} - {None}
    polar = phase is not None or ("phase" in stated and stated <= {*POLAR})
    first, other = POLAR if polar else CARTESIAN
    if own in (None, first) and role in (None, other):
        return Half(second, other, first)
    # The other way round, as far as the names say so.
    if own == other and (role == first or (polar and role is None)):
        return Half(second, first, other)
    wrong, what = (path, own) if own not in (None, first) else (second, role)
    raise SeriesError(
        f"{wrong}: its name says {what}: --imaginary joins a real and an imaginary part,"
        " --phase a magnitude and a phase"
    )


def is_magnitude(half: Images) -> bool:
    """Whether a real file, asked for as magnitudes, is one; False for the half of a complex one.

    Raises
    ------
    SeriesError
        It is something else.
    """
    role = role_of(half.path)
    if role == "phase":
        raise SeriesError(f"{half.path}: is a phase: give the magnitudes with --magnitude")
    if role in ("real part", "imaginary part"):
        return False
    _require_positive(half.values, half.path)
    return True


def unused_phase(path: Path) -> tuple[str, ...]:
    """A sentence on the phase that lies beside magnitudes that are mapped alone, if one does."""
    half = other_half(path)
    if half is None or half.role != "phase" or not half.path.exists():
        return ()
    return (f"The phase {half.path.name} is not used.",)


def half_beside(path: Path) -> Half:
    """The other half of a series that lies beside a real file."""
    half = other_half(path)
    if half is None:
        raise SeriesError(
            f"{path}: values are real, a series is complex: give the imaginary part as well"
            " (--imaginary) or the phase (--phase), or name the two …_part-real_… and"
            " …_part-imag_… or …_part-mag_… and …_part-phase_…; magnitudes alone are mapped with"
            " --magnitude, without the sign that the phase carries"
        )
    if not half.path.exists():
        alone = ", or map the magnitudes alone (--magnitude)" if half.own == "magnitude" else ""
        raise SeriesError(
            f"{path}: holds the {half.own}, and its {half.role} {half.path.name} is not beside it:"
            f" put it there or name it{alone}"
        )
    return half


def joined(
    half: Images, other: Half, phase_unit: str | None = None
) -> tuple[NDArray[np.complex64], tuple[Path, ...], tuple[str, ...]]:
    """Both halves as one complex array.

    Parameters
    ----------
    half
        One of them.
    other
        Where the other is.
    phase_unit
        As for `phase_turn`.

    Returns
    -------
    The images `(x, y, z, time)`, the files with the real part or the magnitude first, and what to
    say of them.

    Raises
    ------
    SeriesError
        The halves do not belong together, are no halves, or the unit of the phase is not known.
    """
    first, second = half, _read_half(other, half)
    if other.role in ("real part", "magnitude"):
        first, second = second, first
    whole = np.empty(first.values.shape, dtype=np.complex64)
    files = (first.path, second.path)
    if "phase" not in (other.role, other.own):
        _require_no_phase(first, second)
        with np.errstate(over="ignore", invalid="ignore"):
            whole.real, whole.imag = first.values, second.values
        return whole, files, ()
    _require_positive(first.values, first.path)
    turn, remark = phase_turn(second.values, second.path, phase_unit)
    with np.errstate(over="ignore", invalid="ignore"):
        angle = (second.values * (2 * np.pi / turn)).astype(np.float32)
        whole.real, whole.imag = np.cos(angle), np.sin(angle)
        # Where there is no signal its phase may be anything, NaN too.
        whole[first.values == 0] = 0
        whole *= first.values.astype(np.float32)
    return whole, files, (remark,)


def _read_half(other: Half, half: Images) -> Images:
    """The other half, if it fits."""
    path = other.path
    found = read_images(path)
    if found.is_complex:
        raise SeriesError(f"{path}: is complex, a {other.role} is real: give the right file")
    shape, place = found.values.shape, found.geometry
    if shape != half.values.shape:
        raise SeriesError(
            f"{path}: shape {shape} is not that of the {other.own} {half.path.name},"
            f" {half.values.shape}: give the two parts of one series"
        )
    what, first = f"{path}: the {other.role}", f"the {other.own} {half.path.name}"
    require_place(place, half.geometry, shape[:3], what, first)
    return found


def _require_positive(values: NDArray[Any], path: Path) -> None:
    """Refuse what cannot be magnitudes."""
    squares = np.where(np.isfinite(values), values, 0).astype(float) ** 2
    if squares[values < 0].sum() > _NEGATIVE * squares.sum():
        raise SeriesError(
            f"{path}: holds negative values, which no magnitude has: give the magnitudes, or the"
            " imaginary part of real ones (--imaginary)"
        )


def _require_no_phase(real: Images, imaginary: Images) -> None:
    """Refuse a magnitude and a phase that were given as real and imaginary part."""
    for one, other in ((real, imaginary), (imaginary, real)):
        if not (one.values < 0).any() and turn_of_range(other.values, whole=True):
            low, high = np.nanmin(other.values), np.nanmax(other.values)
            raise SeriesError(
                f"{other.path}: values from {low:g} to {high:g} are a phase, and {one.path.name}"
                " is never negative: give magnitude and phase as such, the second with --phase"
            )
