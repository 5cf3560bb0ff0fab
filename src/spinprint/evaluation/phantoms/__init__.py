"""Objects with known truth, to simulate and to measure estimators against."""

from collections.abc import Callable

from .knee import knee
from .knee_anatomy import KneeAnatomy
from .nist_geometry import Sphere, nist_geometry
from .phantom import Phantom
from .tissue_table import TissueValues

PHANTOMS: dict[str, Callable[..., Phantom]] = {"knee": knee}
"""Phantoms by the name they have on the command line."""

__all__ = ["PHANTOMS", "KneeAnatomy", "Phantom", "Sphere", "TissueValues", "knee", "nist_geometry"]
