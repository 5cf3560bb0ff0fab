"""Figures, the pages made of them, and sequences drawn in the terminal.

A page is data (`Page`, its `Section`s and their parts) that `write_page` turns into one file.
Importing this loads neither matplotlib nor jinja2; drawing and writing do.
"""

from .evaluation import (
    evaluation_page,
    fingerprint_section,
    limits_section,
    maps_page,
    sequence_section,
)
from .fingerprints import Fingerprint, pick_fingerprints
from .html import encode_figure, write_page
from .markdown import write_markdown
from .page import (
    Bullets,
    Cell,
    Column,
    Details,
    Gallery,
    Outcome,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Verdict,
    Verdicts,
)
from .pictures import KINDS, draw_comparison
from .precision import describe_precision
from .quantities import DISPLAY, listed, shown
from .terminal import describe_sequence, draw_sequence, draw_train
from .viewer import Categories, Panels, Viewer, Volume, Window
from .volumes import label_panel, maps_viewer, quantity_panels

__all__ = [
    "DISPLAY",
    "KINDS",
    "Bullets",
    "Categories",
    "Cell",
    "Column",
    "Details",
    "Fingerprint",
    "Gallery",
    "Outcome",
    "Page",
    "Panels",
    "Picture",
    "Section",
    "Table",
    "Text",
    "Verdict",
    "Verdicts",
    "Viewer",
    "Volume",
    "Window",
    "describe_precision",
    "describe_sequence",
    "draw_comparison",
    "draw_sequence",
    "draw_train",
    "encode_figure",
    "evaluation_page",
    "fingerprint_section",
    "label_panel",
    "limits_section",
    "listed",
    "maps_page",
    "maps_viewer",
    "pick_fingerprints",
    "quantity_panels",
    "sequence_section",
    "shown",
    "write_markdown",
    "write_page",
]
