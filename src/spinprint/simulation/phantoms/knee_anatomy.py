"""The anatomy of the knee: which structure lies at a place, drawn as solids in mm.

Axes: `posterior` from front to back, `superior` from foot to head, `lateral` from the inner to
the outer side; the origin is the middle of the joint line. All shapes and sizes are ours, drawn
to look like a stretched adult knee in a sagittal image; they are no measured person.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from ...errors import TissueError
from .shapes import Distance, Points, blend, both, box, cone, ellipse, round_both, slab, union

_PLATES = ("medial femoral", "lateral femoral", "medial tibial", "lateral tibial", "patellar")

STRUCTURES = dict(
    enumerate(
        [
            "fat",
            "muscle",
            "marrow",
            *(
                f"{plate} cartilage, {layer}"
                for plate in _PLATES
                for layer in ("deep", "superficial")
            ),
            "meniscus",
            "joint fluid",
            "infrapatellar fat pad",
            "tendon",
            "cruciate ligament",
        ],
        start=1,
    )
)
"""The name of each label. 0 is air, and cortical bone, which gives no signal."""

LABELS = {name: label for label, name in STRUCTURES.items()}


def cartilage_regions() -> dict[str, tuple[int, ...]]:
    """The plates of cartilage, each with the labels of its deep and its superficial layer."""
    return {
        f"{plate} cartilage": tuple(
            LABELS[f"{plate} cartilage, {layer}"] for layer in ("deep", "superficial")
        )
        for plate in _PLATES
    }


CARTILAGE = tuple(label for labels in cartilage_regions().values() for label in labels)
"""The labels of all cartilage."""

REGIONS = (
    cartilage_regions()
    | {"cartilage": CARTILAGE}
    | {name: (label,) for name, label in LABELS.items() if label not in CARTILAGE}
)
"""Labels by region: the plates of cartilage, all of it, and every other structure."""


@dataclass(frozen=True, kw_only=True)
class KneeAnatomy:
    """The sizes that differ from knee to knee; thicknesses are those at scale 1.

    Raises
    ------
    TissueError
        A size is not positive, or the share of the superficial layer not below 1.
    """

    scale: float = 1.0
    """Size of the whole knee against the drawn one [-]."""
    femoral_cartilage: float = 2.8
    """Thickness [mm]."""
    tibial_cartilage: float = 2.8
    """Thickness [mm]."""
    patellar_cartilage: float = 3.8
    """Thickness [mm]."""
    superficial: float = 0.5
    """Share of the thickness of cartilage that is its superficial layer [-]."""
    cortex: float = 0.9
    """Thickness of the cortical bone near the joint [mm]; the shafts have three times as much."""
    fat: float = 6.0
    """Thickness of the fat under the skin [mm]."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise TissueError(f"{field.name} = {getattr(self, field.name):g} must be positive")
        if self.superficial >= 1:
            raise TissueError(f"superficial = {self.superficial:g} must be below 1")

    @classmethod
    def sample(cls, rng: np.random.Generator) -> KneeAnatomy:
        """A healthy person: sizes about the drawn ones, none further off than two SDs.

        The SDs are our choice: 4 % for the whole knee, 10 % for cartilage, fat a third.
        """
        deviations = np.clip(rng.normal(size=len(_SPREADS)), -2, 2)
        return cls(
            **{
                name: getattr(cls, name) * float(np.exp(spread * deviation))
                for (name, spread), deviation in zip(_SPREADS.items(), deviations, strict=True)
            }
        )


_SPREADS = {
    "scale": 0.04,
    "femoral_cartilage": 0.10,
    "tibial_cartilage": 0.10,
    "patellar_cartilage": 0.10,
    "superficial": 0.06,
    "cortex": 0.10,
    "fat": 0.35,
}
"""Relative SD of each size between people [-]."""


def label_at(points: Points, anatomy: KneeAnatomy) -> NDArray[np.uint8]:
    """The label of the structure at each place, shape `(...)`; 0 where nothing gives signal."""
    points = Points(*(axis / anatomy.scale for axis in points))
    femur, tibia, patella = _femur(points), _tibia(points), _patella(points)
    bone = union(femur, tibia, patella, _fibula(points))
    skin, joint = _limb(points), _joint(points)

    # Painted from the outside in: what comes later covers what came before.
    layers: list[tuple[str | None, Distance]] = [
        ("fat", skin),
        ("muscle", both(skin + anatomy.fat, _muscles(points))),
        ("infrapatellar fat pad", _fat_pad(points)),
        ("joint fluid", _recess(points)),
        ("joint fluid", joint),
        ("tendon", _extensor_tendons(points)),
        ("cruciate ligament", _cruciates(points)),
        ("meniscus", both(_menisci(points), joint)),
        *_sides("tibial", anatomy, tibia, _tibial_plateau(points), points),
        *_cartilage(
            "patellar", anatomy.patellar_cartilage, anatomy, patella, _patellar_facet(points)
        ),
        *_sides("femoral", anatomy, femur, _femoral_condyles(points), points),
        (None, bone),
        ("marrow", bone + _cortex(points, anatomy)),
        (None, -skin),
    ]
    labels = np.zeros(skin.shape, dtype=np.uint8)
    for name, distance in layers:
        labels[np.broadcast_to(distance < 0, labels.shape)] = LABELS[name] if name else 0
    return labels


def _sides(
    bone_name: str, anatomy: KneeAnatomy, bone: Distance, surface: Distance, points: Points
) -> list[tuple[str, Distance]]:
    """The cartilage of a bone, its medial part apart from its lateral one."""
    thickness: float = getattr(anatomy, f"{bone_name}_cartilage")
    medial = points.lateral - 1e-9  # the midline itself belongs to the medial side
    return [
        (name, both(distance, within))
        for side, within in (("medial", medial), ("lateral", -medial))
        for name, distance in _cartilage(f"{side} {bone_name}", thickness, anatomy, bone, surface)
    ]


def _cartilage(
    plate: str, thickness: float, anatomy: KneeAnatomy, bone: Distance, surface: Distance
) -> list[tuple[str, Distance]]:
    """Two layers on the part of a bone that lies within `surface`."""
    deep = thickness * (1 - anatomy.superficial)
    # The edge of the plate tapers: it ends where the surface region does, not in a step.
    taper = np.clip(1 - np.exp(surface / 3.0), 0, 1)
    return [
        (f"{plate} cartilage, superficial", both(bone - thickness * taper, surface)),
        (f"{plate} cartilage, deep", both(bone - deep * taper, surface)),
    ]


def _femur(points: Points) -> Distance:
    condyle = blend(ellipse(points, (-3, 28), (27, 25.2)), ellipse(points, (14, 26), (19.5, 20)), 5)
    condyles = union(slab(condyle, points, 22, 14.5, 12), slab(condyle, points, -22, 14.5, 12))
    # The patella runs in a groove.
    groove = 3.5 * np.exp(-(((points.lateral - 2) / 11) ** 2))
    trochlea = slab(ellipse(points, (-12, 38), (20, 21), tilt=12) + groove, points, 0, 31, 12)
    flare = cone(_wide(points, 0.8), (-5, 44, 0), (-11, 130, 0), (22, 13.5))
    return blend(union(condyles, trochlea), flare, 10)


def _wide(points: Points, factor: float) -> Points:
    """The same places with `lateral` shrunk: a round solid drawn there comes out wider."""
    return points._replace(lateral=points.lateral * factor)


def _femoral_condyles(points: Points) -> Distance:
    """Where the femur has cartilage: below a line from the trochlea to the posterior condyles."""
    line = (points.superior - 46 + (points.posterior + 30) * 0.21) * 0.98
    return both(line, _pillars(points))


def _pillars(points: Points) -> Distance:
    """The medial and lateral compartments, and the trochlea in front of the notch."""
    beside = np.minimum(np.abs(points.lateral - 22), np.abs(points.lateral + 22)) - 14.5
    return union(beside, points.posterior + 20)


def _tibia(points: Points) -> Distance:
    head = slab(box(points, (2, -13), (26.5, 13), 5), points, 0, 37)
    flare = cone(_wide(points, 0.75), (3, -24, 0), (4, -130, 0), (25, 8))
    tuberosity = cone(_wide(points, 0.55), (-13, -26, 1), (-10, -52, 1), (11, 6))
    # The plateau slopes backwards by 4 degrees and is dished under each condyle.
    dish = 0.8 * np.exp(-((points.posterior / 14) ** 2))
    top = points.superior + 1.9 + 0.07 * points.posterior + dish
    spine = cone(points, (2, -12, -3), (4, 4, -1), (7, 2))
    body = blend(blend(head, flare, 12), tuberosity, 8)
    return union(round_both(body, top, 6), spine)


def _tibial_plateau(points: Points) -> Distance:
    top = -7 - 0.07 * points.posterior - points.superior
    across = np.minimum(np.abs(points.lateral - 21), np.abs(points.lateral + 21)) - 14
    return both(top, np.abs(points.posterior - 2) - 22, across)


def _patella(points: Points) -> Distance:
    body = ellipse(points, (-50, 42), (9, 20.5), tilt=5)
    facet = ellipse(points, (-46, 44), (10.5, 13), tilt=5)
    # Its back is a keel: the facets fall off to both sides.
    return slab(blend(body, facet + 0.2 * np.abs(points.lateral - 2), 6), points, 2, 22, 10)


def _patellar_facet(points: Points) -> Distance:
    height, width = np.abs(points.superior - 44.5) - 15, np.abs(points.lateral - 2) - 20
    return both(-47.5 - points.posterior, height, width)


def _fibula(points: Points) -> Distance:
    return cone(points, (26, -27, 36), (24, -130, 38), (9, 6.5))


def _cortex(points: Points, anatomy: KneeAnatomy) -> Distance:
    """Thickness of the dense outer layer of bone, growing from the joint to the shafts."""
    away = np.clip((np.abs(points.superior - 8) - 35) / 30, 0, 1)
    return anatomy.cortex * (1 + 2 * away)


def _joint(points: Points) -> Distance:
    """The space between the bones that cartilage, menisci and fluid share."""
    compartments = [
        both(
            (_reach(points, side) - 1.03) * 20,
            np.abs(points.superior - 2) - 11,
            _open_end(points, side),
        )
        for side in (22, -22)
    ]
    patellofemoral = slab(ellipse(points, (-35.5, 42), (2.4, 12), tilt=5), points, 0, 22)
    return union(*compartments, patellofemoral)


def _reach(points: Points, side: float) -> Distance:
    """How far out of a compartment a place is, 1 at the rim; a C that opens to the notch."""
    outward = np.maximum(np.sign(side) * (points.lateral - side), 0)
    return np.hypot((points.posterior - 2) / 25, outward / 14.5)


def _open_end(points: Points, side: float) -> Distance:
    return np.sign(side) * (side - points.lateral) - 13


def _recess(points: Points) -> Distance:
    """The suprapatellar recess: a film of fluid behind the quadriceps tendon."""
    return cone(points, (-37, 60, 2), (-33, 84, 2), (1.6, 1.0))


def _menisci(points: Points) -> Distance:
    """Two C-shaped wedges between the condyles and the plateau; the bones give them height."""
    wedges = union(*((0.44 - _reach(points, side)) * 20 for side in (22, -22)))
    return both(wedges, np.abs(points.superior - 1.5) - 5)


def _cruciates(points: Points) -> Distance:
    anterior = cone(points, (14, 27, 7), (-10, -2, -3), (3.5, 4.5))
    posterior = blend(
        cone(points, (-4, 17, -5), (14, 17, -2), (5, 4.5)),
        cone(points, (14, 17, -2), (28, -12, 0), (4.5, 4)),
        4,
    )
    return union(anterior, posterior)


def _extensor_tendons(points: Points) -> Distance:
    """The quadriceps tendon, its fibres over the patella, and the patellar tendon."""
    bands = (_band(points, *ends) for ends in _TENDON_SECTIONS)
    return union(*(slab(band, points, 2, 15) for band in bands))


_TENDON_SECTIONS = (
    ((-51.0, 58.0), (-42.0, 130.0), 3.4),
    ((-57.0, 54.0), (-58.5, 34.0), 2.2),
    ((-54.5, 26.0), (-26.0, -42.0), 2.8),
)


def _band(
    points: Points, start: tuple[float, float], stop: tuple[float, float], half: float
) -> Distance:
    """A band along `lateral` between two points of the sagittal plane."""
    flat = Points(points.posterior, points.superior, np.zeros(()))
    return cone(flat, (*start, 0), (*stop, 0), (half, half))


def _fat_pad(points: Points) -> Distance:
    """Hoffa's fat pad, behind the patellar tendon and in front of the joint."""
    behind = -_band(points, (-58, 26), (-29.5, -42), 0.1)
    wedge = slab(ellipse(points, (-32, 0), (16, 32), tilt=-22), points, 0, 28)
    return both(wedge, behind)


_HEIGHTS = (-130, -65, -35, -10, 15, 45, 75, 130)
_FRONT = (-29, -31, -38, -48, -59, -66, -59, -62)
_BACK = (62, 62, 61, 57, 55, 57, 62, 70)
_SIDES = (50, 52, 52, 53, 56, 58, 62, 70)


def _profile(values: tuple[float, ...], height: NDArray[np.float64]) -> NDArray[np.float64]:
    return PchipInterpolator(_HEIGHTS, values)(np.clip(height, _HEIGHTS[0], _HEIGHTS[-1]))


def _limb(points: Points) -> Distance:
    """The skin: a cross-section for every height, squarer than an ellipse."""
    front, back = _profile(_FRONT, points.superior), _profile(_BACK, points.superior)
    depth, middle = (back - front) / 2, (back + front) / 2
    width = _profile(_SIDES, points.superior)
    reach = (
        np.abs((points.posterior - middle) / depth) ** 2.5 + np.abs(points.lateral / width) ** 2.5
    ) ** 0.4
    return (reach - 1) * np.minimum(depth, width)


def _muscles(points: Points) -> Distance:
    """Calf, thigh and shin; what they leave free is fat, as in the hollow of the knee."""
    heads = ellipse(points, (43, -32), (12.5, 62), tilt=-3)
    gastrocnemius = union(*(slab(heads, points, 18 * side, 15) for side in (-1, 1)))
    # A seam of fat parts the deep muscles of the calf from the gastrocnemius.
    deep = both(slab(ellipse(points, (25, -62), (11, 46)), points, 2, 26), 1.6 - gastrocnemius)
    hamstrings = [
        slab(ellipse(points, (46, 92), (15, 62), tilt=-10), points, 26 * side, 19)
        for side in (-1, 1)
    ]
    intermedius = cone(_wide(points, 0.5), (-34, 76, 0), (-28, 130, 0), (6, 13))
    vasti = [cone(points, (-28, 66, 30 * side), (-18, 130, 34 * side), (9, 26)) for side in (-1, 1)]
    shin = cone(points, (-8, -40, 36), (-8, -130, 34), (8, 16))
    return union(gastrocnemius, deep, *hamstrings, intermedius, *vasti, shin)
