"""The parts of a page: sections of texts, tables, verdicts, pictures and maps.

Every report (of the demo, of an evaluation, of tuning, of a study) is a `Page`; `write_page` turns
it into one file. All text is plain text: nothing in it is taken for HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import InputError
from .viewer import Viewer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Text:
    """Paragraphs.

    Raises
    ------
    InputError
        There is no text.
    """

    paragraphs: str | Sequence[str]
    """One paragraph, or several in their order."""
    style: Literal["plain", "summary", "small"] = "plain"
    """`summary` for the main results, `small` for remarks."""

    def __post_init__(self) -> None:
        given = self.paragraphs
        object.__setattr__(self, "paragraphs", (given,) if isinstance(given, str) else tuple(given))
        if not all(self.paragraphs):
            raise InputError("a text on a page holds an empty paragraph: leave it out")


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    """Its points, in their order."""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    name: str
    """What it holds."""
    unit: str = ""
    """Unit of its numbers."""
    group: str = ""
    """A head above it, shared with the neighbours of the same group."""
    is_text: bool = False
    """Whether it holds words, which start on the left, and not numbers."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number or word with a mark beside it."""

    content: str | int | float | None
    """As in a plain cell."""
    mark: str = ""
    """The mark."""
    remark: str = ""
    """What the mark means, for screen readers."""


Content: TypeAlias = "str | int | float | Cell | None"
"""A cell: text and whole numbers as they are, other numbers with three significant digits, NaN and
None as a dash."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under heads; the first cell of a row is the row's head.

    Raises
    ------
    InputError
        A row does not have one cell per column.
    """

    caption: str
    """What the table shows."""
    columns: Sequence[Column | str]
    """The heads; text alone is the name of a column of numbers."""
    rows: Sequence[Sequence[Content]]
    """The cells, row by row."""
    totals: int = 0
    """Number of rows at the top that sum up the others; they are set in bold."""
    notes: str = ""
    """What the marks mean, below the table."""

    def __post_init__(self) -> None:
        heads = tuple(Column(head) if isinstance(head, str) else head for head in self.columns)
        object.__setattr__(self, "columns", heads)
        object.__setattr__(self, "rows", tuple(tuple(row) for row in self.rows))
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(heads):
                raise InputError(
                    f"table {self.caption!r}: row {number} has {len(row)} cells where there are"
                    f" {len(heads)} columns"
                )


class Outcome(Enum):
    """The verdict of a measurement on a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "undecided"
    UNTESTED = "not tested"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim beside what was measured."""

    claim: str
    """The claim, in a sentence that can be wrong."""
    measured: str
    """The measured value, with its unit."""
    interval: str
    """Its confidence interval; empty where it is not known."""
    outcome: Outcome
    """Whether the claim holds."""
    reason: str = ""
    """Why, where the numbers are not self-explanatory."""


@dataclass(frozen=True)
class Verdicts:
    """Claims beside measurements, in one table."""

    rows: Sequence[Verdict]
    """The claims, in their order."""
    caption: str = "Claims beside what was measured."
    """What the table shows."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure, embedded as lines or, where that is smaller, as pixels."""

    figure: Figure
    """From `report.figures`, or any other figure of matplotlib."""
    alt: str
    """Alternative text for those who cannot see it: quantities and what they look like."""
    caption: str = ""
    """Text above it."""

    def __post_init__(self) -> None:
        if not self.alt:
            raise InputError(f"picture {self.caption!r} has no text for those who cannot see it")


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side."""

    pictures: Sequence[Picture]
    """From left to right."""
    columns: Literal[2, 3, 4] = 2
    """Number of pictures per row where there is room."""


@dataclass(frozen=True)
class Details:
    """Details: folded on a screen, open on paper."""

    summary: str
    """The line that unfolds it."""
    parts: Sequence[Part]
    """What it holds."""


@dataclass(frozen=True)
class Section:
    """Parts under a heading; a section among the parts has a heading one level lower."""

    heading: str
    """Its heading."""
    parts: Sequence[Part]
    """What it holds, in its order."""


Part: TypeAlias = (
    "Text | Bullets | Table | Verdicts | Picture | Gallery | Viewer | Details | Section"
)
"""What may stand in a section."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: a title, sections, and provenance."""

    title: str
    """The heading of the page."""
    subtitle: str = ""
    """What was measured, in a sentence or two."""
    sections: Sequence[Section]
    """The sections: the summary first."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """How the numbers were made, such as the command line, the seed or the sequence; nested entries
    are named after their parents. It becomes the last section, with the version of spinprint."""
