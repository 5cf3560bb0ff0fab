"""Figures and the page made of them, and sequences drawn in the terminal.

Importing this loads neither matplotlib nor jinja2; `write_report` does.
"""

from .content import Fingerprint, ReportContent
from .html import write_report
from .pick import pick_fingerprints
from .terminal import describe_sequence, draw_sequence, draw_train

__all__ = [
    "Fingerprint",
    "ReportContent",
    "describe_sequence",
    "draw_sequence",
    "draw_train",
    "pick_fingerprints",
    "write_report",
]
