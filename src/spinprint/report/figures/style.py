"""How all figures look, whatever the user's matplotlib is set to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import ParamSpec

import matplotlib.style
from matplotlib.figure import Figure

INK = "#1b1f24"
MUTED = "#5b6570"
ACCENT = "#1f5a8c"
SECOND = "#c2571a"

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a3b9a", "#5b6570")
"""Colours of curves, told apart also by those who see fewer colours (Okabe and Ito, 2008, in
another order and with two of our own)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One for each of those colours, for those who see none and for grey printers."""

_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: figures are the same everywhere
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    # Names may hold dollar signs; no figure needs formulas.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "spinprint",  # the same figure gives the same bytes
}

Arguments = ParamSpec("Arguments")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Draw with our settings and leave the user's as they were."""

    @wraps(draw)
    def with_style(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return with_style


def style() -> AbstractContextManager[None]:
    """The context in which figures are drawn and saved."""
    return matplotlib.style.context(["default", _STYLE])
