"""Where the spheres of the ISMRM/NIST system phantom lie.

Numbers: NIST's PhantomViewer, SystemPhantom.py (https://github.com/MRIStandards/PhantomViewer),
which describes the phantom of Stupic et al., MRM 2021;86:1194, doi 10.1002/mrm.28779.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

SHELL_RADIUS = 100.0
"""Inner radius of the shell that holds the water [mm]."""

ARRAYS = {"t1": 56.5, "t2": 16.5, "pd": -23.5}
"""How far the middle plane of each array lies to the front of the phantom's middle [mm]."""

SPHERES_PER_ARRAY = 14

OUTER_RADIUS = 10.0
"""Of a sphere of an array, wall included [mm]."""

WALL = 1.0
"""Thickness of a sphere's wall, which gives no signal [mm]; our choice."""

FIDUCIAL_RADIUS = 5.0
"""Inner radius of the spheres that mark a grid [mm]."""

PLATES = (-80.0, -40.0, 0.0, 40.0, 80.0)
"""Where plates lie, from back to front [mm]; they carry the fiducial spheres."""

_CIRCLE, _SQUARE = 50.0, 20.0
_MISSING_FIDUCIAL = (0.0, 80.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sphere:
    """One sphere of an array."""

    array: str
    """t1 (NiCl2), t2 (MnCl2) or pd (heavy water)."""
    index: int
    """1 to 14. In t1 and t2 the first has the longest times, in pd the lowest density."""
    centre: tuple[float, float, float]
    """To the right, to the front and to the top of the phantom's middle (RAS+) [mm]."""
    radius: float
    """Of what gives signal, the wall left out [mm]."""

    @property
    def name(self) -> str:
        """As it stands in `labels.json`."""
        return f"{self.array.upper()} array, sphere {self.index}"


def nist_geometry() -> tuple[Sphere, ...]:
    """All 42 spheres of the three arrays, in the order t1, t2, pd, each from 1 to 14.

    Spheres 1 to 10 lie on a circle of 50 mm radius, 36 degrees apart: the first at the top, the
    next ones towards the phantom's left, which is clockwise in a coronal image. 11 to 14 are the
    corners of a square of 40 mm: top right, top left, bottom left, bottom right.
    """
    angles = [2 * math.pi * step / 10 for step in range(10)]
    circle = [(-_CIRCLE * math.sin(angle), _CIRCLE * math.cos(angle)) for angle in angles]
    square = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    plane = [*circle, *((_SQUARE * right, _SQUARE * up) for right, up in square)]
    return tuple(
        Sphere(array=array, index=index, centre=(x, front, z), radius=OUTER_RADIUS - WALL)
        for array, front in ARRAYS.items()
        for index, (x, z) in enumerate(plane, start=1)
    )


def fiducial_centres() -> tuple[tuple[float, float, float], ...]:
    """The 56 spheres that mark a grid of 40 mm, to the right, front and top [mm].

    The place of a 57th is taken by the fill port of the phantoms that are sold.
    """
    reach = SHELL_RADIUS - FIDUCIAL_RADIUS - 2
    return tuple(
        (x, y, z)
        for x, y, z in product(PLATES, repeat=3)
        if math.hypot(x, y, z) < reach and (x, y, z) != _MISSING_FIDUCIAL
    )
