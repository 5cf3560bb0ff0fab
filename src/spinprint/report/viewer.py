"""Maps to look through on a page: panels that share slices, a cross and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .window import Window


@dataclass(frozen=True, eq=False, kw_only=True)
class Volume:
    """A map of a quantity, in colours."""

    caption: str
    """What the map is, as the estimate or the truth."""
    values: NDArray[Any]
    """Shape `(x, y, z)` or fewer axes [unit of the label]; NaN where there is none."""
    label: str
    """Quantity and unit; volumes of the same label in one row share their window."""
    colours: str
    """Name of a matplotlib colour map."""
    window: Window
    """What the colours span at first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Categories:
    """A map of codes, each with its own colour and name."""

    caption: str
    """What the map is, as the status or the structures."""
    codes: NDArray[Any]
    """Whole numbers, shape `(x, y, z)` or fewer axes; what is not in the key is background."""
    key: Mapping[int, tuple[str, str]]
    """Colour (as `#rrggbb`) and name of each code."""


@dataclass(frozen=True)
class Panels:
    """Maps side by side under one heading."""

    heading: str
    """What they have in common, as the quantity."""
    panels: Sequence[Volume | Categories]
    """From left to right."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Viewer:
    """Maps of one grid of voxels, looked at together.

    Raises
    ------
    SeriesError
        The grid has more than three axes or no voxel, a map is on another grid, or the affine is
        not 4 by 4.
    """

    rows: Sequence[Panels]
    """The maps, row by row."""
    asked: NDArray[np.bool_]
    """Where values were asked for, `(x, y, z)` or fewer axes: grey where there is none, and what
    lies outside is background."""
    affine: NDArray[np.float64] | None = None
    """Voxel to world transform [mm], shape (4, 4): turns slices as radiologists look at them."""

    def __post_init__(self) -> None:
        shape = self.asked.shape
        if not 1 <= len(shape) <= 3 or not self.asked.size:
            raise SeriesError(f"maps of shape {shape}: a viewer shows one to three axes of voxels")
        for panel in self.panels:
            found = panel.values if isinstance(panel, Volume) else panel.codes
            if np.shape(found) != shape:
                raise SeriesError(
                    f"{panel.caption!r} has shape {np.shape(found)}; the other maps have {shape}"
                )
        if self.affine is not None and np.shape(self.affine) != (4, 4):
            raise SeriesError(f"the affine has shape {np.shape(self.affine)}; it must be (4, 4)")

    @property
    def panels(self) -> list[Volume | Categories]:
        """The maps of all rows."""
        return [panel for row in self.rows for panel in row.panels]
