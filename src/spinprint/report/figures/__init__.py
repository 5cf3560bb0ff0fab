"""Arrays in, matplotlib figures out; nothing here reads or writes a file.

Text from users stays out of the figures: names stand beside them on the page, where they can be
escaped, read aloud and searched. Importing this loads matplotlib, but neither pyplot nor a screen.
"""

from .calibration import calibration_figure
from .fingerprint import fingerprint_figure
from .sequence import sequence_figure
from .spectrum import spectrum_figure

__all__ = [
    "calibration_figure",
    "fingerprint_figure",
    "sequence_figure",
    "spectrum_figure",
]
