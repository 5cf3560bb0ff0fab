"""Spheres of a phantom found in its maps: by what is known of their places and their tissue."""

from .cores import sphere_labels
from .placement import Placement, place_spheres

__all__ = ["Placement", "place_spheres", "sphere_labels"]
