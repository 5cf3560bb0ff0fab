"""Sequences in the terminal: blocks as a table, trains as line plots of braille dots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..sequence import Sequence
from ..sequence.fields import MILLI
from .quantities import DISPLAY, listed

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group
    from rich.text import Text

_UNITS = {"_s_per_mm2": "s/mm²", "_ms": "ms", "_deg": "°", "_hz": "Hz"}
"""Endings of keys in sequence files, and the units they stand for."""

_USUAL = {"phase_deg": 0.0, "spoiler_cycles": 1.0, "efficiency": 1.0}
"""Defaults of a block, which are not listed."""

_WIDEST, _NARROWEST = 100, 24
"""Width of a drawing in a terminal [characters]."""

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bit of each dot in a braille character, `(row, column)` (Unicode block U+2800)."""


def draw_train(values: ArrayLike, width: int = 72, height: int = 8, margin: int = 6) -> str:
    """A line plot in braille dots, with the range on the left and pulse numbers below.

    Where several values share a column of dots, the line spans from the lowest to the highest.

    Parameters
    ----------
    values
        One value per pulse, shape `(time,)`, in the unit to be shown.
    width, height
        Size of the whole drawing [characters].
    margin
        Room for the numbers on the left, of four digits each [characters].

    Returns
    -------
    `height` lines of at most `width` characters.

    Raises
    ------
    InputError
        There is no room, no value, or a value is not finite.
    """
    train = np.asarray(values, dtype=float)
    if train.ndim != 1 or not train.size or not np.isfinite(train).all():
        raise InputError("a train to draw must be one axis of finite numbers, at least one")
    low, high = _range(train)
    labels = [f"{high:.4g}", *[""] * (height - 3), f"{low:.4g}"]
    margin = max(margin, *(len(label) for label in labels))
    columns = width - margin - 1
    last = str(train.size)
    if height < 3 or columns < len(last) + 2:
        raise InputError(f"no room to draw in {width} x {height} characters")
    canvas = _canvas(_spans(train, 2 * columns), low, high, 4 * (height - 1))
    lines = [
        f"{label:>{margin}}┤{row}" for label, row in zip(labels, _braille(canvas), strict=True)
    ]
    return "\n".join([*lines, f"{'':>{margin}} 1{last:>{columns - 1}}"])


def draw_sequence(sequence: Sequence, width: int = 72, height: int = 8) -> str:
    """The trains of flip angle [°] and TR [ms] of a sequence, each under its name.

    Raises
    ------
    InputError
        There is no room.
    """
    flip = [float(np.rad2deg(angle)) for train in sequence.trains for angle in train.flip]
    tr = [1e3 * time for train in sequence.trains for time in train.tr]
    parts = [("flip angle [°]", flip, height), ("TR [ms]", tr, max(3, height // 2))]
    return "\n".join(f"{name}\n{draw_train(train, width, rows)}" for name, train, rows in parts)


def describe_sequence(sequence: Sequence) -> Group:
    """A sequence for `rich`: what it is, its blocks, and its trains as wide as there is room."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(sequence):
        # Text, not str: brackets in a name are no markup.
        facts.add_row(Text(name, style="bold"), Text(printable(value)))
    blocks = Table(title_justify="left", header_style="bold", pad_edge=False, box=None)
    for column, justify in (("block", "right"), ("type", "left"), ("starts", "right")):
        blocks.add_column(Text(column), justify=justify)  # type: ignore[arg-type]
    blocks.add_column(Text("what it does"))
    for row in _block_rows(sequence):
        blocks.add_row(*(Text(cell) for cell in row))
    return Group(facts, Text(), blocks, Text(), _Drawing(sequence))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The trains of a sequence, drawn when the width of the terminal is known."""

    sequence: Sequence

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        from rich.text import Text

        width = max(min(options.max_width, _WIDEST), _NARROWEST)
        yield Text(draw_sequence(self.sequence, width), no_wrap=True, overflow="crop")


def printable(text: str) -> str:
    """The text without characters that control a terminal, as in a malicious name."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _facts(sequence: Sequence) -> Iterator[tuple[str, str]]:
    yield "sequence", sequence.name
    yield "duration", f"{sequence.duration:.4g} s"
    yield "samples", str(sequence.n_samples)
    yield "field", f"{sequence.field_strength:g} T"
    if sequence.spoiler:
        yield "spoiler", f"{sequence.spoiler:g} rad/mm"
    if sequence.t1rho_dispersion:
        percent = 100 * sequence.t1rho_dispersion / MILLI
        yield "dispersion", f"T1ρ {percent:+g} % per kHz from {sequence.t1rho_reference:g} Hz"
    if profile := sequence.slice_profile:
        yield "slice profile", f"{profile.type}, {len(profile.weights)} positions"
    yield "unknowns", listed([DISPLAY[name].symbol for name in sequence.unknowns])
    yield "digest", sequence.digest[:16]
    if sequence.citation:
        yield "citation", sequence.citation


def _block_rows(sequence: Sequence) -> list[tuple[str, str, str, str]]:
    """Numbers, type, start and description of the blocks, equal neighbours in one row."""
    tables = sequence.to_dict()["block"]
    starts = np.cumsum([0.0, *(block.duration for block in sequence.blocks)])
    rows, first = [], 0
    for _, run in groupby(sequence.blocks):
        count = len(list(run))
        numbers = f"{first + 1}" if count == 1 else f"{first + 1} to {first + count}"
        kind = tables[first]["type"] + (f" × {count}" if count > 1 else "")
        rows.append((numbers, kind, f"{starts[first]:.3f} s", _describe(tables[first])))
        first += count
    return rows


def _describe(table: Mapping[str, Any]) -> str:
    """What a block does, from its entry in a file: name, value and unit of each key."""
    flips = table.get("flip_deg")
    parts = [f"{len(flips)} pulses"] if isinstance(flips, list) else []
    unusual = {key: value for key, value in table.items() if value != _USUAL.get(key)}
    parts += [_named(key, value) for key, value in unusual.items() if key != "type"]
    return ", ".join(parts)


def _named(key: str, value: Any) -> str:
    ending = next((unit for unit in _UNITS if key.endswith(unit)), "")
    name = key.removesuffix(ending).replace("_", " ")
    name = name.upper() if len(name) == 2 else name  # TR and TE, but flip
    numbers = [value] if not isinstance(value, list) else [min(value), max(value)]
    texts = [x if isinstance(x, str) else f"{x:.4g}" for x in numbers]
    unit = _UNITS.get(ending, "")
    space = "" if unit in ("", "°") else " "
    return f"{name} {' to '.join(dict.fromkeys(texts))}{space}{unit}"


def _range(train: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the axis: those of the values, and 0 if it is near or all are equal."""
    low, high = float(train.min()), float(train.max())
    if (0 < low < 0.5 * high) or low == high > 0:
        low = 0.0
    if 0.5 * low < high < 0 or low == high < 0:
        high = 0.0
    return (low, high) if low < high else (low, low + 1.0)


def _spans(train: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Lowest and highest value in each column of dots, joined to its neighbour, `(column, 2)`."""
    edges = np.linspace(0, train.size, columns + 1)
    first = np.minimum(edges[:-1].astype(int), train.size - 1)
    stop = np.maximum(np.ceil(edges[1:]).astype(int), first + 1)
    parts = [train[start:end] for start, end in zip(first, stop, strict=True)]
    return np.array([(part.min(), part.max()) for part in parts])


def _canvas(spans: NDArray[np.float64], low: float, high: float, rows: int) -> NDArray[np.bool_]:
    """The dots to set, `(row, column)`, the top row first."""
    level = np.rint((high - spans) / (high - low) * (rows - 1)).astype(int)
    bottom, top = level[:, 0].copy(), level[:, 1].copy()
    # A step between neighbours is drawn as a line: half of it in each column.
    middle = (top[1:] + bottom[:-1]) // 2
    falls = top[1:] > bottom[:-1]
    bottom[:-1] = np.where(falls, np.maximum(bottom[:-1], middle), bottom[:-1])
    top[1:] = np.where(falls, np.minimum(top[1:], middle + 1), top[1:])
    middle = (bottom[1:] + level[:-1, 1]) // 2
    rises = bottom[1:] < level[:-1, 1]
    top[:-1] = np.where(rises, np.minimum(top[:-1], middle + 1), top[:-1])
    bottom[1:] = np.where(rises, np.maximum(bottom[1:], middle), bottom[1:])
    row = np.arange(rows)[:, None]
    return (row >= top) & (row <= bottom)


def _braille(canvas: NDArray[np.bool_]) -> list[str]:
    """Lines of braille characters of a canvas of whole characters."""
    rows, columns = canvas.shape
    cells = canvas.reshape(rows // 4, 4, columns // 2, 2)
    codes = 0x2800 + np.einsum("rych,yh->rc", cells, _DOTS)
    return ["".join(chr(code) for code in line) for line in codes]
