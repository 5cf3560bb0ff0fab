"""Where a known constellation of spheres lies in maps.

No registration by hand: the constellation is turned and moved until the maps show at the centres
what the tables state. The maps' affine gives the size of voxels, and the right hand from the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import SeriesError
from ...maps import Maps
from .search import Search, to_rotation_and_shift

Array = NDArray[np.float64]

_FOUND = 0.35  # median difference of logarithms below which a sphere is taken for found
_FEWEST = 7  # found spheres without which the phantom is not believed to be there


@dataclass(frozen=True, eq=False, kw_only=True)
class Placement:
    """Where a constellation lies in the space of the maps."""

    centres: Array
    """World coordinates of the spheres, `(sphere, 3)` [mm]."""
    rotation: Array
    """From the phantom's axes to those of the world, `(3, 3)`."""
    shift: Array
    """World coordinates of the phantom's middle, `(3,)` [mm]."""
    mismatch: Array
    """Median |log(map / table)| near each sphere's middle [-], cut off at `CUT`; that where the
    sphere lies outside the maps."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """Spheres whose tissue is where it should be, `(sphere,)`."""
        return self.mismatch < _FOUND


def place_spheres(
    maps: Maps, centres: ArrayLike, radius: float, expected: Mapping[str, ArrayLike]
) -> Placement:
    """Find where a known constellation of spheres lies in maps.

    All turns in steps of 6 degrees about the three axes of the world and all shifts on a lattice
    of 5 mm are tried, the best ones refined. Differences are cut off at a factor of two, so that
    spheres with gross errors, or outside the maps, do not pull the others away.

    Parameters
    ----------
    maps
        Shape `(x, y, z)`, with an affine.
    centres
        Of the spheres in the phantom's axes, `(sphere, 3)` [mm]; all in planes across its second.
    radius
        Of the spheres [mm].
    expected
        What the spheres are made of, by parameter, each `(sphere,)`; used to tell them apart, so
        that errors of some ten per cent do not matter.

    Raises
    ------
    SeriesError
        The maps have no affine or not three axes, share no parameter with the table, or fewer
        than 7 spheres are found in them.
    """
    if maps.affine is None or len(maps.shape) != 3:
        raise SeriesError(
            "the maps state no place in space, so that the size of a voxel is not known:"
            " give the spheres as --labels"
        )
    search = Search.prepare(maps, np.asarray(centres, dtype=np.float64), radius, expected)
    best = min(
        (search.refined(start) for start in search.coarse()), key=lambda pose: search.cost(pose)
    )
    rotation, shift = to_rotation_and_shift(best)
    placement = Placement(
        centres=search.centres @ rotation.T + shift,
        rotation=rotation,
        shift=shift,
        mismatch=search.mismatch(best),
    )
    found = int(placement.found.sum())
    if found < _FEWEST:
        raise SeriesError(
            f"only {found} of {len(placement.found)} spheres were found in the maps, and"
            f" {_FEWEST} are needed: check the phantom, or give the spheres as --labels"
        )
    return placement
