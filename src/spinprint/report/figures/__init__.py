"""Arrays in, matplotlib figures out; nothing here reads or writes a file.

Text from users stays out of the figures: names stand beside them on the page, where they can be
escaped, read aloud and searched. Importing this loads matplotlib, but neither pyplot nor a screen.
"""

from .calibration import calibration_figure
from .fingerprint import fingerprint_figure
from .maps import category_figure, map_figure
from .sequence import sequence_figure
from .spectrum import spectrum_figure
from .view import View
from .window import Window

__all__ = [
    "View",
    "Window",
    "calibration_figure",
    "category_figure",
    "fingerprint_figure",
    "map_figure",
    "sequence_figure",
    "spectrum_figure",
]
