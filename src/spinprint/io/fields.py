"""Field maps and purity that belong to a series or to maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .beside import MapPlace, read_beside
from .field_units import StatedUnit, convert_field
from .geometry import Remark, unsaid
from .series import Series

_ROUNDING = 1e-5  # of a purity of 1 in single precision


@dataclass(frozen=True, kw_only=True)
class FieldFiles:
    """The field maps that a command is given, and what is said of their units.

    Raises
    ------
    SeriesError
        Something is said of a map that is not given.
    """

    b1: Path | None = None
    """Flip angle."""
    b0: Path | None = None
    """Off-resonance."""
    b1_unit: str | None = None
    """A key of `B1_UNITS`."""
    b1_nominal_deg: float | None = None
    """The nominal flip angle of the B1 map [degrees]."""
    b0_unit: str | None = None
    """A key of `B0_UNITS`."""

    def __post_init__(self) -> None:
        for option in ("b1_unit", "b1_nominal_deg", "b0_unit"):
            name = option[:2]
            if getattr(self, option) is not None and getattr(self, name) is None:
                raise SeriesError(
                    f"--{option.replace('_', '-')} has no use without --{name}-map, whose values"
                    " it describes"
                )

    @property
    def paths(self) -> dict[str, Path]:
        """The files that are given, by field."""
        return {name: path for name in ("b1", "b0") if (path := getattr(self, name)) is not None}

    @property
    def units(self) -> dict[str, str | float]:
        """What is said of their units, by option, for the record."""
        options = ("b1_unit", "b1_nominal_deg", "b0_unit")
        return {one: value for one in options if (value := getattr(self, one)) is not None}

    def read(
        self,
        place: Series | MapPlace,
        where: NDArray[np.bool_],
        field_strength: float | None,
        remark: Remark,
    ) -> dict[str, NDArray[np.float32]]:
        """The fields that are given; arguments and errors as for `read_field`."""
        b1 = StatedUnit(unit=self.b1_unit, nominal_deg=self.b1_nominal_deg)
        b0 = StatedUnit(unit=self.b0_unit, field_strength=field_strength)
        fields = {}
        if self.b1 is not None:
            fields["b1"] = read_field(self.b1, place, "b1", b1, where, remark)
        if self.b0 is not None:
            fields["b0"] = read_field(self.b0, place, "b0", b0, where, remark)
        return fields


def read_field(
    path: str | Path,
    place: Series | MapPlace,
    what: Literal["b1", "b0"],
    stated: StatedUnit | None = None,
    where: NDArray[np.bool_] | None = None,
    remark: Remark = unsaid,
) -> NDArray[np.float32]:
    """Read a map of the transmit field or of off-resonance for a series or for maps.

    Parameters
    ----------
    path
        Any format that `read_series` knows.
    place
        What it belongs to: a series, or the voxels of maps.
    what
        "b1": flip angle relative to nominal [-]; "b0": off-resonance [Hz].
    stated
        The unit of the values; without it the `Units` of a sidecar count, and without these the
        values are relative B1 or B0 in Hz.
    where
        True where there is signal, `(x, y, z)`; everywhere if not given. The values there must
        lie in the range of the field's parameter, but for a quarter of them.
    remark
        Takes sentences that the user should read.

    Returns
    -------
    field
        Shape `(x, y, z)`; NaN where the file has no finite value, B1 of 0, or one out of bounds.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the series, or holds values
        that cannot be meant so.
    """
    path = Path(path)
    array = read_beside(path, place, f"{what.upper()} map", remark)
    inside = np.ones(array.shape, bool) if where is None else where
    # What is too large is out of bounds; a NaN of a damaged file may be a signalling one.
    with np.errstate(over="ignore", invalid="ignore"):
        values = array.astype(np.float64)
        field = convert_field(values, path, what, stated or StatedUnit(), inside, remark)
    return field.astype(np.float32)


def read_purity(path: str | Path, place: MapPlace, remark: Remark = unsaid) -> NDArray[np.float64]:
    """Read how much of each voxel belongs to the structure of its label.

    Parameters
    ----------
    path
        Any format that `read_series` knows; numbers from 0 to 1 [-], as `spinprint simulate` writes
        them.
    place
        The voxels of the maps.
    remark
        Takes a sentence where the place of the image could not be checked.

    Returns
    -------
    purity
        Shape `(x, y, z)`; 0 where the file has no finite value.

    Raises
    ------
    SeriesError
        The file cannot be read, has another shape or place than the maps, or holds other numbers.
    """
    path = Path(path)
    values = read_beside(path, place, "purity map", remark).astype(np.float64)
    told = np.isfinite(values)
    if not told.any() or values[told].min() < 0 or values[told].max() > 1 + _ROUNDING:
        raise SeriesError(
            f"{path}: a purity map holds the part of each voxel that its label fills, from 0 to 1"
        )
    return np.where(told, values, 0.0)
