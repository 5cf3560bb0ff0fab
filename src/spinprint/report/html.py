"""The report: one HTML file that needs nothing else, to read on a screen or to print."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import check_output_file, replacing
from .content import ReportContent
from .quantities import DISPLAY
from .tables import (
    BIASED,
    MARKS,
    detail_table,
    parameters,
    provenance_table,
    value_table,
    verdict_table,
)
from .verdict import COVERAGE, MEDIAN_RATIO, failures, verdict

if TYPE_CHECKING:
    from jinja2 import Environment


def write_report(content: ReportContent, path: str | Path) -> Path:
    """Write a report.

    Every text is escaped, no script or picture is loaded from anywhere, and the same content
    gives the same bytes.

    Parameters
    ----------
    content
        What the report says.
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
    page = render_report(content).encode("utf-8", "backslashreplace")
    with replacing(path) as temporary:
        temporary.write_bytes(page)
    return path


def render_report(content: ReportContent) -> str:
    """The text of the page."""
    from markupsafe import Markup

    from .pictures import Pictures

    script = _part("report.js")
    page = _environment().get_template("report.html.j2").render(
        content=content,
        display=DISPLAY,
        pictures=Pictures(content),
        sentences=verdict(content.rows, content.maps) if content.rows else [failures(content.maps)],
        compared=parameters(content.rows),
        verdict_lines=verdict_table(content.rows),
        value_lines=value_table(content),
        details={name: detail_table(content.rows, name) for name in parameters(content.rows)},
        provenance=provenance_table(content),
        marks=[BIASED, *MARKS.values()],
        coverage=100 * COVERAGE,
        median_ratio=MEDIAN_RATIO,
        # Our own parts of the page are the only text that is not escaped.
        style=Markup(_part("report.css")),
        script=Markup(script),
        script_hash=_hash(script),
    )  # fmt: skip
    return page.lstrip()  # macros leave empty lines


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("spinprint.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _part(name: str) -> str:
    """The text of a file beside the template."""
    return resources.files(__package__).joinpath("templates", name).read_text("utf-8").strip()


def _hash(script: str) -> str:
    """By this hash the page allows its own script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
