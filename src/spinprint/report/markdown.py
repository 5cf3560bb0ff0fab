"""A page as Markdown: texts, tables and verdicts; of pictures their captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..files import check_output_file, replacing
from .html import SIGNS, cell_of, flat
from .page import (
    Bullets,
    Column,
    Details,
    Gallery,
    Page,
    Part,
    Picture,
    Section,
    Table,
    Text,
    Verdicts,
)
from .viewer import Viewer


def write_markdown(page: Page, path: str | Path) -> Path:
    """Write a page as Markdown; the same page gives the same bytes.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    check_output_file(path)
    with replacing(path) as temporary:
        temporary.write_bytes(render_markdown(page).encode("utf-8", "backslashreplace"))
    return path


def render_markdown(page: Page) -> str:
    """The text of the file."""
    blocks = [f"# {_line(page.title)}"]
    if page.subtitle:
        blocks.append(_line(page.subtitle))
    for section in page.sections:
        blocks += _section(section, 2)
    rows = [("software", f"spinprint {version('spinprint')}"), *flat(page.provenance)]
    blocks += ["## How this was made", _grid(["what", "value"], rows, [True, True])]
    return "\n\n".join(blocks) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * level} {_line(section.heading)}"
    for part in section.parts:
        yield from _part(part, level)


def _part(part: Part, level: int) -> Iterator[str]:
    match part:
        case Section():
            yield from _section(part, level + 1)
        case Text():
            yield from (_line(paragraph) for paragraph in part.paragraphs)
        case Bullets():
            yield "\n".join(f"- {_line(item)}" for item in part.items)
        case Table():
            yield from _table(part)
        case Verdicts():
            yield from _verdicts(part)
        case Picture():
            yield f"*Figure: {_line(part.caption or part.alt)}*"
        case Gallery():
            for picture in part.pictures:
                yield from _part(picture, level)
        case Details():
            yield f"{'#' * (level + 1)} {_line(part.summary)}"
            for inner in part.parts:
                yield from _part(inner, level + 1)
        case Viewer():
            yield "*Maps: in the report.*"


def _table(table: Table) -> Iterator[str]:
    heads = [head if isinstance(head, Column) else Column(head) for head in table.columns]
    rows = [[_cell(content) for content in row] for row in table.rows]
    yield _line(table.caption)
    yield _grid([_head(head) for head in heads], rows, [head.is_text for head in heads])
    if table.notes:
        yield _line(table.notes)


def _head(column: Column) -> str:
    name = f"{column.group} {column.name}" if column.group else column.name
    return f"{name} [{column.unit}]" if column.unit else name


def _cell(content: Any) -> str:
    cell = cell_of(content)
    return f"{cell.content} {cell.mark}".strip()


def _verdicts(verdicts: Verdicts) -> Iterator[str]:
    yield _line(verdicts.caption)
    rows = [
        (
            row.claim,
            row.measured,
            row.interval,
            f"{SIGNS[row.outcome]} **{row.outcome.value}** {row.reason}".strip(),
        )
        for row in verdicts.rows
    ]
    yield _grid(["claim", "measured", "interval", "verdict"], rows, [True] * 4)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]], is_text: Sequence[bool]) -> str:
    rules = [":---" if text else "---:" for text in is_text]
    return "\n".join(
        f"| {' | '.join(_line(cell).replace('|', chr(92) + '|') for cell in row)} |"
        for row in (heads, rules, *rows)
    )


def _line(text: str) -> str:
    """Text on one line, no HTML in it."""
    return " ".join(text.split()).replace("<", "&lt;")
