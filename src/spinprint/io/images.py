"""Image series as files hold them, real or complex, with the axes `(x, y, z, time)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from .arrays import read_array
from .geometry import Geometry


@dataclass(frozen=True, eq=False)
class Images:
    """What one file holds."""

    path: Path
    values: NDArray[Any]
    """Shape `(x, y, z, time)`."""
    geometry: Geometry | None
    """None unless the file is NIfTI."""

    @property
    def is_complex(self) -> bool:
        """Whether it is a series alone; else it is one half of it, or magnitudes."""
        return np.iscomplexobj(self.values)


def read_images(path: Path, *, want_complex: bool = False) -> Images:
    """Read the images of a file.

    Parameters
    ----------
    path
        As for `read_array`.
    want_complex
        Which kind is meant where the file holds both complex and real arrays.

    Raises
    ------
    SeriesError
        As for `read_array`, or the array has other axes.
    """
    array, geometry = read_array(path, want_complex=want_complex)
    return Images(path, _with_axes(array, path, geometry), geometry)


def _with_axes(array: NDArray[Any], path: Path, geometry: Geometry | None) -> NDArray[Any]:
    """The array with the axes `(x, y, z, time)`."""
    shape = list(array.shape)
    # Axes of length 1 say nothing; the first three of a NIfTI are space, whatever their length.
    first = 3 if geometry else 0
    while len(shape) > 4 and 1 in shape[first:]:
        del shape[max(i for i, length in enumerate(shape) if length == 1)]
    # Outside NIfTI nothing fixes the number of axes; there, time is the last.
    fewest = 4 if geometry else 2
    if not fewest <= len(shape) <= 4:
        raise SeriesError(
            f"{path}: has {array.ndim} axes, shape {array.shape}: a series has four,"
            " (x, y, z, time), where x, y and z may be 1"
        )
    *space, time = shape
    return array.reshape(*space, *(1,) * (4 - len(shape)), time)
