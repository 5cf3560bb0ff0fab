"""Objects with known truth, to simulate and to measure estimators against."""

from collections.abc import Callable

from .brain import brain
from .fields import Fields
from .knee import knee
from .knee_anatomy import KneeAnatomy, cartilage_regions
from .mixture import Mixture
from .nist import nist
from .nist_geometry import Sphere, nist_geometry
from .phantom import Phantom
from .pose import Pose
from .tissue_table import TissueValues

PHANTOMS: dict[str, Callable[..., Phantom]] = {"knee": knee, "brain": brain, "nist": nist}
"""Phantoms by the name they have on the command line."""

__all__ = [
    "PHANTOMS",
    "Fields",
    "KneeAnatomy",
    "Mixture",
    "Phantom",
    "Pose",
    "Sphere",
    "TissueValues",
    "brain",
    "cartilage_regions",
    "knee",
    "nist",
    "nist_geometry",
]
