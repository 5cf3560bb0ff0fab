"""Interactive maps on a page: panels that share slices, a cursor and windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SeriesError

_TAIL = 1.0  # percent of the values that may lie beyond an end


@dataclass(frozen=True, slots=True)
class Window:
    """The values at the ends of a colour bar.

    Raises
    ------
    InputError
        The first is not below the last.
    """

    low: float
    """Value of the first colour."""
    high: float
    """Value of the last colour, above `low`."""

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"a window from {self.low} to {self.high}: the first must be below")

    @classmethod
    def from_zero(cls, *arrays: NDArray[Any]) -> Window:
        """From 0 to the 99th percentile, rounded up."""
        values = _finite(arrays)
        high = float(np.percentile(values, 100 - _TAIL)) if values.size else 1.0
        return cls(0.0, _up(high))

    @classmethod
    def symmetric(cls, *arrays: NDArray[Any], centre: float = 0.0) -> Window:
        """About the centre, to the 99th percentile of the distance from it on both sides."""
        values = _finite(arrays)
        distance = np.abs(values - centre)
        reach = _up(float(np.percentile(distance, 100 - _TAIL)) if values.size else 1.0)
        return cls(centre - reach, centre + reach)


@dataclass(frozen=True, eq=False, kw_only=True)
class Volume:
    """A map of a quantity, in colours."""

    caption: str
    """Name of the map, such as the estimate or the truth."""
    values: NDArray[Any]
    """Shape `(x, y, z)` or fewer axes [unit of the label]; NaN where there is none."""
    label: str
    """Quantity and unit; volumes of the same label in one row share their window."""
    colours: str
    """Name of a matplotlib colour map."""
    window: Window
    """Initial range of the colours."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Categories:
    """A map of codes, each with its own colour and name."""

    caption: str
    """Name of the map, such as the status or the structures."""
    codes: NDArray[Any]
    """Whole numbers, shape `(x, y, z)` or fewer axes; what is not in the key is background."""
    key: Mapping[int, tuple[str, str]]
    """Colour (as `#rrggbb`) and name of each code."""


@dataclass(frozen=True)
class Panels:
    """Maps side by side under one heading."""

    heading: str
    """What they share, such as the quantity."""
    panels: Sequence[Volume | Categories]
    """From left to right."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Viewer:
    """Maps on one grid of voxels, viewed together.

    Raises
    ------
    SeriesError
        The grid has more than three axes or no voxel, a map is on another grid, or the affine is
        not 4 by 4.
    """

    rows: Sequence[Panels]
    """The maps, row by row."""
    asked: NDArray[np.bool_]
    """Voxels that should have a value, `(x, y, z)` or fewer axes: grey where they have none; the
    others are background."""
    affine: NDArray[np.float64] | None = None
    """Voxel to world transform [mm], shape (4, 4): turns slices as radiologists look at them."""

    def __post_init__(self) -> None:
        shape = self.asked.shape
        if not 1 <= len(shape) <= 3 or not self.asked.size:
            raise SeriesError(f"maps of shape {shape}: a viewer shows one to three axes of voxels")
        for panel in self.panels:
            voxels = panel.values if isinstance(panel, Volume) else panel.codes
            if np.shape(voxels) != shape:
                raise SeriesError(
                    f"{panel.caption!r} has shape {np.shape(voxels)}; the other maps have {shape}"
                )
        if self.affine is not None and np.shape(self.affine) != (4, 4):
            raise SeriesError(f"the affine has shape {np.shape(self.affine)}; it must be (4, 4)")

    @property
    def panels(self) -> list[Volume | Categories]:
        """The maps of all rows."""
        return [panel for row in self.rows for panel in row.panels]


def _finite(arrays: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
    joined = np.concatenate([np.asarray(array, dtype=float).ravel() for array in arrays])
    return joined[np.isfinite(joined)]


def _up(value: float) -> float:
    """The next number of two digits with an even second digit; 1 where there is nothing to show."""
    if value <= 0:
        return 1.0
    step = 2 * 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step - 1e-9) * step
