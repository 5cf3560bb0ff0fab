"""A page as one self-contained HTML file, to read on a screen or to print."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..files import check_output_file, replacing
from .page import Cell, Column, Content, Outcome, Page, Part, Table
from .quantities import shown
from .viewer import Viewer
from .voxels import viewer_data

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_DPI = 160
_CSS_PIXELS = 96  # per inch
_LARGEST_LINES = 300_000  # bytes of lines and dots from which pixels are the smaller picture

SIGNS = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.OPEN: "?", Outcome.UNTESTED: "–"}
"""The sign of each outcome."""


@dataclass(frozen=True, slots=True)
class Image:
    """The attributes of an `img` element."""

    src: str
    """The picture as a data URI."""
    width: int
    """Natural width [CSS pixels]."""
    height: int
    """Natural height [CSS pixels]."""


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page.

    All text is escaped, no script or picture is loaded from elsewhere, and the same page gives the
    same bytes.

    Parameters
    ----------
    page
        The content.
    path
        The file to write; an old one is replaced when the new one is complete.

    Returns
    -------
    The path.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    check_output_file(path)
    # File names may hold bytes that are not text; these are shown as numbers.
    content = render_page(page).encode("utf-8", "backslashreplace")
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def render_page(page: Page) -> str:
    """The text of the file."""
    from markupsafe import Markup

    script = "\n".join(_part(name) for name in _scripts(page))
    text = _environment().get_template("page.html.j2").render(
        page=page,
        provenance=[("software", f"spinprint {version('spinprint')}"), *flat(page.provenance)],
        # Our own parts of the page are the only text that is not escaped.
        style=Markup(_part("page.css")),
        script=Markup(script),
        script_hash=_hash(script),
    )  # fmt: skip
    return text.lstrip()  # macros leave empty lines


def image(figure: Figure) -> Image:
    """A figure as lines, or as pixels where lines would take more space.

    The same figure gives the same bytes.
    """
    content, mime = encode_figure(figure, "svg"), "image/svg+xml"
    if len(content) > _LARGEST_LINES:
        content, mime = encode_figure(figure, "png"), "image/png"
    text = base64.b64encode(content).decode("ascii")
    width, height = figure.get_size_inches() * _CSS_PIXELS
    return Image(f"data:{mime};base64,{text}", round(width), round(height))


def encode_figure(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """The content of a file of a figure; the same figure gives the same bytes."""
    from .figures.style import style

    buffer = io.BytesIO()
    # Date and version of the writer would make every file different.
    nothing = dict.fromkeys(("Date", "Creator") if kind == "svg" else ("Software",))
    with style():
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=nothing)
    content = buffer.getvalue()
    if kind == "svg":
        content = re.sub(rb"<metadata>.*?</metadata>|<!DOCTYPE.*?>", b"", content, flags=re.DOTALL)
    return content


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("spinprint.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": lambda part: type(part).__name__,
        "image": image,
        "viewer_data": viewer_data,
        "heads": _heads,
        "cell": cell_of,
        "sign": SIGNS.__getitem__,
    }
    return environment


def _heads(table: Table) -> list[tuple[str, list[Column]]]:
    """Columns grouped under a shared head; those without one each under an empty head."""
    runs = groupby(enumerate(table.columns), key=lambda item: _column(item[1]).group or item[0])
    return [(group if isinstance(group, str) else "", [_column(c) for _, c in run])
            for group, run in runs]  # fmt: skip


def _column(column: Column | str) -> Column:
    return column if isinstance(column, Column) else Column(column)


def cell_of(content: Content) -> Cell:
    """A cell with its content as text."""
    if isinstance(content, Cell):
        return Cell(_cell_text(content.content), content.mark, content.remark)
    return Cell(_cell_text(content))


def _cell_text(content: str | int | float | None) -> str:
    if content is None:
        return "–"
    return shown(content) if isinstance(content, float) else str(content)


def flat(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Entries as text, nested ones under the names of their parents."""
    for key, value in entries.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}, ")
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(str(item) for item in value)
        else:
            yield name, str(value)


def _scripts(page: Page) -> list[str]:
    """The scripts that the page needs."""
    with_maps = any(isinstance(part, Viewer) for part in _all_parts(page.sections))
    return ["page.js", "viewer.js"] if with_maps else ["page.js"]


def _all_parts(parts: Any) -> Iterator[Part]:
    for part in parts:
        yield part
        if hasattr(part, "parts"):
            yield from _all_parts(part.parts)


def _part(name: str) -> str:
    """The text of a file beside the template."""
    return resources.files(__package__).joinpath("templates", name).read_text("utf-8").strip()


def _hash(script: str) -> str:
    """The hash by which the page allows its own script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
