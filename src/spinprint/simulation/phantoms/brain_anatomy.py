"""The anatomy of the brain: which structure lies at a place, drawn as solids in mm.

Axes: `posterior` from front to back, `superior` from foot to head, `lateral` to the left; the
origin is the middle between the commissures. All shapes are ours, drawn to look like an adult
head in an axial image; they are no measured person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .shapes import Distance, Points, blend, both, cone, ellipsoid, round_both, union

STRUCTURES = {
    1: "cortical grey matter",
    2: "white matter",
    3: "deep grey matter",
    4: "ventricles",
    5: "subarachnoid fluid",
    6: "scalp",
}
"""The name of each label; 0 is air and bone. The cortex of the cerebellum counts as cortex."""

LABELS = {name: label for label, name in STRUCTURES.items()}

REGIONS = {
    "grey matter": (LABELS["cortical grey matter"], LABELS["deep grey matter"]),
    "cerebrospinal fluid": (LABELS["ventricles"], LABELS["subarachnoid fluid"]),
} | {name: (label,) for name, label in LABELS.items()}
"""Labels by region."""

_SCALP, _SKULL, _FLUID = 5.0, 7.0, 2.0
_CORTEX = 2.8
_SULCUS, _DEPTH, _DEEPEST = 0.8, 20.0, 30.0
_WAVELENGTH = 26.0
_RADII = (87.0, 80.0, 69.0)


def label_at(points: Points) -> NDArray[np.uint8]:
    """The label of the structure at each place, shape `(...)`; 0 where nothing gives signal."""
    head = ellipsoid(points, (0, 2, 0), (99, 92, 81))
    inside = round_both(head + _SCALP + _SKULL, _base(points), 12)
    hull = inside + _FLUID
    cerebellum = _cerebellum(points, hull)
    stem = cone(points, (8, -4, 0), (22, -75, 0), (13, 9))
    cerebrum = both(hull, -_sulci(points, hull), -_fissures(points), 1.5 - _cerebellar_hull(points))
    ventricles = _ventricles(points)

    # Painted from the outside in: what comes later covers what came before.
    layers: list[tuple[str | None, Distance]] = [
        ("scalp", head),
        (None, both(head + _SCALP, inside - _SKULL)),
        ("subarachnoid fluid", inside),
        ("cortical grey matter", both(cerebellum, hull)),
        ("white matter", both(cerebellum + 1.8, hull)),
        ("cortical grey matter", cerebrum),
        ("white matter", both(cerebrum + _CORTEX, hull)),
        ("white matter", both(stem, inside + 4)),
        ("deep grey matter", _nuclei(points)),
        ("ventricles", ventricles),
    ]
    labels = np.zeros(head.shape, dtype=np.uint8)
    for name, distance in layers:
        labels[np.broadcast_to(distance < 0, labels.shape)] = LABELS[name] if name else 0
    return labels


def _sides(points: Points) -> Points:
    """Both halves drawn as one, the left one a little further back, as no head is symmetric."""
    shift = 1.5 * np.tanh(points.lateral / 15)
    return Points(points.posterior - shift, points.superior, np.abs(points.lateral))


def _base(points: Points) -> Distance:
    """Below the base of the skull, which rises to the front; positive there."""
    return (-points.superior - 38 - 0.42 * points.posterior) * 0.92


def _sulci(points: Points, hull: Distance) -> Distance:
    """Sheets of fluid that fold the cortex: where a random field crosses zero.

    The sheet's distance is the field over its slope. The field hardly changes with depth, so that
    the sheets stand on the surface. It is part of the drawing, and so always the same.
    """
    rng = np.random.default_rng(14)
    near = np.broadcast_to((hull < _SULCUS) & (hull > -_DEEPEST - 5), hull.shape)
    if not near.any():
        return np.full(hull.shape, np.inf)
    half = Points(*(axis[near] for axis in np.broadcast_arrays(*_sides(points))))
    level = np.sqrt(sum((axis / radius) ** 2 for axis, radius in zip(half, _RADII, strict=True)))
    outward = np.maximum(level, 0.1) ** -0.8
    surface = Points(*(axis * outward for axis in half))
    field, slope = _waves(surface, _WAVELENGTH, rng)
    depth = _DEPTH * (1 + 0.4 * _waves(surface, 2 * _WAVELENGTH, rng)[0])
    sheet = np.full(hull.shape, np.inf)
    sheet[near] = both(
        np.abs(field) / np.sqrt(slope + 1e-6) / outward - _SULCUS,
        -hull[near] - np.minimum(depth, _DEEPEST),
    )
    return sheet


def _waves(
    points: Points, wavelength: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A field of one wavelength [mm] and SD 1 from plane waves in all directions, and its squared
    slope [mm^-2].
    """
    waves = rng.normal(size=(16, 3))
    waves *= 2 * np.pi / wavelength / np.linalg.norm(waves, axis=1, keepdims=True)
    angles = [
        sum(factor * axis for factor, axis in zip(wave, points, strict=True)) + phase
        for wave, phase in zip(waves, rng.uniform(0, 2 * np.pi, len(waves)), strict=True)
    ]
    scale = np.sqrt(2 / len(waves))
    sines = np.sin(angles)
    slope = sum((scale * np.tensordot(waves[:, axis], sines, axes=1)) ** 2 for axis in range(3))
    return scale * np.cos(angles).sum(axis=0), slope


def _fissures(points: Points) -> Distance:
    """Between the halves down to the corpus callosum, and the Sylvian fissure on each side."""
    callosum = ellipsoid(points, (4, 8, 0), (44, 27, 60))
    between = both(np.abs(points.lateral) - 0.9, -callosum)
    side = _sides(points)
    plane = np.abs(side.superior - 4 - 0.5 * side.posterior) * 0.9 - 0.9
    sylvian = both(plane, 36 - side.lateral, np.abs(side.posterior + 4) - 32)
    return union(between, sylvian)


def _cerebellar_hull(points: Points) -> Distance:
    halves = ellipsoid(_sides(points), (50, -38, 22), (27, 21, 26))
    return blend(halves, ellipsoid(points, (46, -36, 0), (20, 19, 12)), 6)


def _cerebellum(points: Points, hull: Distance) -> Distance:
    """Its leaves are close and flat, about the middle of the hindbrain."""
    shape = both(_cerebellar_hull(points), hull)
    turn = np.arctan2(points.superior + 36, points.posterior - 24)
    leaf = np.abs((turn / 0.22) % 1 - 0.5) * 0.22 * 30
    return both(shape, -both(leaf - 0.5, -shape - 7))


def _ventricles(points: Points) -> Distance:
    side = _sides(points)
    horns = (
        ((-31, 6, 10), (-22, 9, 8), (2.5, 4.5)),  # frontal horn
        ((-22, 9, 8), (4, 21, 9), (4.5, 5)),  # body
        ((4, 21, 9), (28, 13, 19), (5, 6)),  # to the atrium
        ((28, 13, 19), (50, 5, 21), (6, 2)),  # occipital horn
        ((28, 13, 19), (2, -16, 32), (5, 2)),  # temporal horn
    )
    lateral = union(*(cone(side, start, stop, radii) for start, stop, radii in horns))
    third = both(side.lateral - 2.2, ellipsoid(points, (2, 1, 0), (13, 12, 20)))
    fourth = ellipsoid(points, (27, -34, 0), (6, 9, 6))
    # A septum parts the lateral ventricles.
    return union(both(lateral, 0.8 - side.lateral), third, fourth)


def _nuclei(points: Points) -> Distance:
    """Caudate nucleus, putamen with pallidum, and thalamus, on each side."""
    side = _sides(points)
    caudate = union(
        cone(side, (-27, 5, 15), (-14, 14, 17), (6, 5)),
        cone(side, (-14, 14, 17), (16, 22, 19), (5, 2)),
    )
    putamen = ellipsoid(
        side._replace(lateral=side.lateral - 0.2 * (side.posterior + 6)), (-6, 3, 27), (19, 11, 6)
    )
    thalamus = ellipsoid(
        side._replace(lateral=side.lateral - 0.35 * (side.posterior - 9)), (9, 7, 11), (14, 9, 8)
    )
    return union(caudate, putamen, thalamus)
