"""Smooth solids in space, as signed distances in mm: negative inside, positive outside.

Every shape is a function of `Points`, so that a phantom drawn with them has no resolution of
its own. Distances are exact for round cones and close to exact near the surface of the others,
which is where layers of a given thickness are drawn. The formulas are those that Inigo Quilez
collected (https://iquilezles.org/articles/distfunctions/), rewritten for numpy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Distance = NDArray[np.float64]
"""Signed distance to a surface [mm], shape `(...)`."""


class Points(NamedTuple):
    """Places in the patient, arrays that broadcast to `(...)`."""

    posterior: NDArray[np.float64]
    """From front to back [mm]."""
    superior: NDArray[np.float64]
    """From foot to head [mm]."""
    lateral: NDArray[np.float64]
    """From the inner to the outer side of the limb [mm]."""


def ellipse(
    points: Points,
    centre: tuple[float, float],
    radii: tuple[float, float],
    tilt: float = 0.0,
) -> Distance:
    """An elliptic cylinder along `lateral`; the tilt turns its top backwards [degrees]."""
    p, s = points.posterior - centre[0], points.superior - centre[1]
    cosine, sine = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    p, s = cosine * p - sine * s, sine * p + cosine * s
    level = np.hypot(p / radii[0], s / radii[1])
    slope = np.hypot(p / radii[0] ** 2, s / radii[1] ** 2)
    # At the centre both vanish; the distance there is the shorter radius.
    return np.where(slope > 0, level * (level - 1) / np.where(slope > 0, slope, 1.0), -min(radii))


def ellipsoid(
    points: Points, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> Distance:
    """An ellipsoid along the three axes."""
    offsets = [axis - origin for axis, origin in zip(points, centre, strict=True)]
    level = np.sqrt(sum((o / r) ** 2 for o, r in zip(offsets, radii, strict=True)))
    slope = np.sqrt(sum((o / r**2) ** 2 for o, r in zip(offsets, radii, strict=True)))
    return np.where(slope > 0, level * (level - 1) / np.where(slope > 0, slope, 1.0), -min(radii))


def box(
    points: Points, centre: tuple[float, float], half: tuple[float, float], rounding: float
) -> Distance:
    """A bar along `lateral` with a rectangular section and rounded edges."""
    p = np.abs(points.posterior - centre[0]) - half[0] + rounding
    s = np.abs(points.superior - centre[1]) - half[1] + rounding
    outside = np.hypot(np.maximum(p, 0), np.maximum(s, 0))
    return outside + np.minimum(np.maximum(p, s), 0) - rounding


def slab(
    section: Distance, points: Points, centre: float, half: float, rounding: float = 6.0
) -> Distance:
    """The part of a cylinder along `lateral` that lies within `half` of `centre`, edges rounded."""
    rounding = min(rounding, half)
    across = np.abs(points.lateral - centre) - half + rounding
    along = section + rounding
    outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
    return outside + np.minimum(np.maximum(along, across), 0) - rounding


def cone(
    points: Points,
    start: tuple[float, float, float],
    stop: tuple[float, float, float],
    radii: tuple[float, float],
) -> Distance:
    """A rod with round ends whose radius goes from the first to the second, flat-sided."""
    a, b = np.array(start), np.array(stop)
    along = b - a
    offsets = [axis - origin for axis, origin in zip(points, a, strict=True)]
    share = sum(offset * step for offset, step in zip(offsets, along, strict=True)) / (
        along @ along
    )
    share = np.clip(share, 0, 1)
    squares = sum((offset - share * step) ** 2 for offset, step in zip(offsets, along, strict=True))
    return np.sqrt(squares) - (radii[0] + share * (radii[1] - radii[0]))


def blend(first: Distance, second: Distance, width: float) -> Distance:
    """The union of two solids with the crease between them filled over `width` [mm]."""
    share = np.maximum(width - np.abs(first - second), 0) / width
    return np.minimum(first, second) - share**2 * width / 4


def union(*shapes: Distance) -> Distance:
    """What lies in any of the solids."""
    return np.minimum.reduce(np.broadcast_arrays(*shapes))


def both(*shapes: Distance) -> Distance:
    """What lies in all of the solids."""
    return np.maximum.reduce(np.broadcast_arrays(*shapes))


def round_both(first: Distance, second: Distance, width: float) -> Distance:
    """What lies in both solids, with the edge between them rounded over `width` [mm]."""
    return -blend(-first, -second, width)
