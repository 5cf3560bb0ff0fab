"""Arrays in, matplotlib figures out; nothing here reads or writes a file.

Text from users stays out of the figures: names stand beside them on the page, where they can be
escaped, read aloud and searched. Importing this loads matplotlib, but neither pyplot nor a screen.
"""

from ...cache import place_fonts

place_fonts()  # before matplotlib is imported

from .bland_altman import bland_altman_figure
from .calibration import calibration_figure
from .coverage import coverage_curve, coverage_figure
from .curves import Curve, curves_figure
from .error_map import error_map_figure
from .fingerprint import fingerprint_figure
from .importance import importance_figure
from .pareto import pareto_figure, pareto_front
from .regions import region_figure
from .scatter import scatter_figure
from .sequence import sequence_figure
from .singular_vectors import singular_vectors_figure
from .spectrum import spectrum_figure

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
