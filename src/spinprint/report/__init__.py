"""Figures, the pages made of them, and sequences drawn in the terminal.

A page is data (`Page`, its `Section`s and their parts) that `write_page` turns into one file.
Importing this loads neither matplotlib nor jinja2; drawing and writing do.
"""

from .content import Fingerprint, ReportContent
from .html import write_page
from .mapping import mapping_page, write_report
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
from .pick import pick_fingerprints
from .terminal import describe_sequence, draw_sequence, draw_train
from .viewer import Categories, Panels, Viewer, Volume
from .volumes import label_panel, maps_viewer, quantity_panels
from .window import Window

__all__ = [
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
    "ReportContent",
    "Section",
    "Table",
    "Text",
    "Verdict",
    "Verdicts",
    "Viewer",
    "Volume",
    "Window",
    "describe_sequence",
    "draw_sequence",
    "draw_train",
    "label_panel",
    "mapping_page",
    "maps_viewer",
    "pick_fingerprints",
    "quantity_panels",
    "write_markdown",
    "write_page",
    "write_report",
]
