"""How precisely a sequence can measure tissue at a given noise, for the terminal."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

from ..evaluation import Precision, precision_table, typical_tissues
from ..sequence import Sequence
from .quantities import DISPLAY, shown

if TYPE_CHECKING:
    from rich.console import Group

SNRS_DB = (20.0, 30.0, 40.0)
"""Signal-to-noise ratios of the table [dB]."""

_NOTE = (
    "Cramér-Rao standard deviation in % of the value: no unbiased estimate does better. M0 is"
    " unknown, B1 and B0 are known. The SNR is 20 log10(rms over time of |signal| / (√2 sigma)),"
    " of the signal of each tissue; 10 dB more is 3.2 times as precise. Tissue values at 3 T."
)


def describe_precision(sequence: Sequence, organ: str) -> Group:
    """A table for `rich`: one row per typical tissue of an organ and parameter.

    Raises
    ------
    TissueError
        There is no table of the organ.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows = precision_table(sequence, typical_tissues(sequence, organ), SNRS_DB)
    table = Table(header_style="bold", pad_edge=False, box=None)
    table.add_column(Text("tissue"))
    for head in ("", "value", *(f"{snr:g} dB" for snr in SNRS_DB)):
        table.add_column(Text(head), justify="right" if head else "left")
    for name, of_tissue in groupby(rows, key=lambda row: row.tissue):
        cells = _cells(list(of_tissue))
        for index, line in enumerate(cells):
            table.add_row(*(Text(cell) for cell in (name if index == 0 else "", *line)))
    return Group(table, Text(), Text(_NOTE, style="dim"))


def _cells(rows: list[Precision]) -> list[list[str]]:
    """Symbol, value and deviations of each parameter of a tissue."""
    lines = []
    for parameter in dict.fromkeys(row.parameter for row in rows):
        mine = [row for row in rows if row.parameter == parameter]
        display = DISPLAY[parameter]
        value = f"{shown(mine[0].value * display.factor)} {display.unit}"
        lines.append([display.symbol, value, *(_percent(row.percent) for row in mine)])
    return lines


def _percent(value: float) -> str:
    """A deviation for display; above 100 % the parameter is not determined."""
    if math.isnan(value):
        return "–"
    return f"{shown(value)} %" if value <= 100 else "> 100 %"
