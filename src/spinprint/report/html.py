"""A page as one HTML file that needs nothing else, to read on a screen or to print."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import check_output_file, replacing
from .image import image
from .page import Cell, Column, Content, Outcome, Page, Part, Table
from .quantities import shown
from .viewer import Viewer
from .voxels import viewer_data

if TYPE_CHECKING:
    from jinja2 import Environment

SIGNS = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.OPEN: "?", Outcome.UNTESTED: "–"}
"""The sign of each outcome."""


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page.

    Every text is escaped, no script or picture is loaded from anywhere, and the same page gives
    the same bytes.

    Parameters
    ----------
    page
        What the page says.
    path
        The file to write, as `report.html`; an old one is replaced when the new one is whole.

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
    # File names may hold bytes that are no text; they are shown by their numbers.
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
    """Columns under the head they share; those without one alone, under an empty head."""
    runs = groupby(enumerate(table.columns), key=lambda one: _column(one[1]).group or one[0])
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
            yield name, ", ".join(str(one) for one in value)
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
    """By this hash the page allows its own script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
