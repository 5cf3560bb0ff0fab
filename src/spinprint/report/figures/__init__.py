"""Arrays in, matplotlib figures out; nothing here reads or writes a file.

Text from users stays out of the figures: names are beside them on the page, where they can be
escaped, read aloud and searched. Importing this loads matplotlib, but neither pyplot nor a display.
"""

from ...cache import place_fonts

place_fonts()  # before matplotlib is imported

from .agreement import (
    bland_altman_figure,
    calibration_figure,
    coverage_curve,
    coverage_figure,
    scatter_figure,
)
from .curves import Curve, curves_figure, importance_figure, pareto_figure, pareto_front
from .maps import error_map_figure, region_figure
from .signals import (
    fingerprint_figure,
    sequence_figure,
    singular_vectors_figure,
    spectrum_figure,
)

__all__ = [
    "Curve",
    "bland_altman_figure",
    "calibration_figure",
    "coverage_curve",
    "coverage_figure",
    "curves_figure",
    "error_map_figure",
    "fingerprint_figure",
    "importance_figure",
    "pareto_figure",
    "pareto_front",
    "region_figure",
    "scatter_figure",
    "sequence_figure",
    "singular_vectors_figure",
    "spectrum_figure",
]
