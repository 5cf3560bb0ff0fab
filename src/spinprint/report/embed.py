"""Figures as data URIs, so that a page needs no other file."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160
_CSS_PIXELS = 96  # per inch


@dataclass(frozen=True, slots=True)
class Picture:
    """What an `img` element needs."""

    src: str
    """The picture as a data URI."""
    alt: str
    """What it shows, for those who do not see it."""
    width: int
    """Natural width [CSS pixels]."""
    height: int
    """Natural height [CSS pixels]."""


def png(figure: Figure, alt: str) -> Picture:
    """A figure of voxels as pixels."""
    return _picture(figure, alt, "png", "image/png")


def svg(figure: Figure, alt: str) -> Picture:
    """A figure of lines as lines."""
    return _picture(figure, alt, "svg", "image/svg+xml")


def _picture(figure: Figure, alt: str, kind: str, mime: str) -> Picture:
    from .figures.style import style

    buffer = io.BytesIO()
    # Without date and creator, the same figure gives the same bytes.
    nothing = dict.fromkeys(("Date", "Creator") if kind == "svg" else ("Software",))
    with style():
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=nothing)
    content = buffer.getvalue()
    if kind == "svg":
        content = re.sub(rb"<metadata>.*?</metadata>|<!DOCTYPE.*?>", b"", content, flags=re.DOTALL)
    text = base64.b64encode(content).decode("ascii")
    width, height = figure.get_size_inches() * _CSS_PIXELS
    return Picture(f"data:{mime};base64,{text}", alt, round(width), round(height))
