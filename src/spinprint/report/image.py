"""Figures as data URIs, so that a page needs no other file."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160
_CSS_PIXELS = 96  # per inch
_LARGEST_LINES = 300_000  # bytes of lines and dots from which pixels are the smaller picture


@dataclass(frozen=True, slots=True)
class Image:
    """What an `img` element needs."""

    src: str
    """The picture as a data URI."""
    width: int
    """Natural width [CSS pixels]."""
    height: int
    """Natural height [CSS pixels]."""


def image(figure: Figure) -> Image:
    """A figure as lines, or as pixels where lines would take more room.

    The same figure gives the same bytes.
    """
    content, mime = encoded(figure, "svg"), "image/svg+xml"
    if len(content) > _LARGEST_LINES:
        content, mime = encoded(figure, "png"), "image/png"
    text = base64.b64encode(content).decode("ascii")
    width, height = figure.get_size_inches() * _CSS_PIXELS
    return Image(f"data:{mime};base64,{text}", round(width), round(height))


def encoded(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """The content of a file of a figure; the same figure gives the same bytes."""
    from .figures.style import style

    buffer = io.BytesIO()
    # The date and the version of the writer would make each file another one.
    nothing = dict.fromkeys(("Date", "Creator") if kind == "svg" else ("Software",))
    with style():
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=nothing)
    content = buffer.getvalue()
    if kind == "svg":
        content = re.sub(rb"<metadata>.*?</metadata>|<!DOCTYPE.*?>", b"", content, flags=re.DOTALL)
    return content
