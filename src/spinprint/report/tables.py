"""The tables of a report: rows in, text in cells out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evaluation import Row
from ..maps import Status
from .content import ReportContent
from .quantities import DISPLAY, Display, shown
from .verdict import ErrorBars, is_biased, judge


@dataclass(frozen=True, slots=True)
class Cell:
    """One number as text, and what is to be said of it."""

    text: str
    """The number."""
    mark: str = ""
    """A sign beside it."""
    remark: str = ""
    """What the sign says, for screen readers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table."""

    name: str
    """The header of the row."""
    cells: tuple[Cell, ...]
    """The numbers."""
    whole: bool = False
    """Whether the row is over all voxels."""


BIASED = ("†", "biased beyond chance")
"""Sign and meaning of a mean error beyond three of its standard errors."""

MARKS = {
    ErrorBars.TOO_SMALL: ("▲", "stated SD too small"),
    ErrorBars.TOO_LARGE: ("▼", "stated SD too large"),
}
"""Signs and meanings of stated standard deviations that do not fit the errors."""


def verdict_table(rows: Sequence[Row]) -> list[Line]:
    """A line a structure, all voxels first: voxels, edge, failed, then four numbers a parameter."""
    lines = []
    for label in _labels_first_all(rows):
        group = {row.parameter: row for row in rows if row.label == label}
        counts = dict.fromkeys(str(row.n) for row in group.values())
        cells = [
            Cell(" / ".join(counts)),
            _percent(max(row.at_edge for row in group.values())),
            _percent(max(row.failed for row in group.values())),
        ]
        for parameter in parameters(rows):
            row = group.get(parameter)
            cells += [Cell("–")] * 4 if row is None else _verdict_cells(row)
        name = "all voxels" if label is None else next(iter(group.values())).name
        lines.append(Line(name, tuple(cells), whole=label is None))
    return lines


def parameters(rows: Iterable[Row]) -> list[str]:
    """The parameters of the rows, in their order."""
    return list(dict.fromkeys(row.parameter for row in rows))


def detail_table(rows: Sequence[Row], parameter: str) -> list[Line]:
    """A line a structure with all that was measured of one parameter, in practical units."""
    display = DISPLAY[parameter]
    return [
        Line(
            "all voxels" if row.label is None else row.name,
            tuple(_detail_cells(row, display)),
            whole=row.label is None,
        )
        for row in sorted(
            (row for row in rows if row.parameter == parameter),
            key=lambda row: row.label is not None,
        )
    ]


def value_table(content: ReportContent) -> list[Line]:
    """A line a structure: voxels with a value, then median, range and stated SD a parameter."""
    maps = content.maps
    inside = maps.has_value()
    places: list[tuple[str, NDArray[np.bool_], bool]] = [("all voxels", inside, True)]
    for label, name in content.label_names().items():
        places.append((name, inside & (np.asarray(content.labels) == label), False))
    lines = []
    for name, where, whole in places:
        cells = [Cell(str(int(where.sum())))]
        for parameter in maps:
            sd = maps.sd.get(parameter)
            cells += _value_cells(
                DISPLAY[parameter], maps[parameter][where], None if sd is None else sd[where]
            )
        lines.append(Line(name, tuple(cells), whole))
    return lines


def provenance_table(content: ReportContent) -> list[tuple[str, str]]:
    """How the page came about: software, sequence, estimator, and what the caller adds."""
    sequence, maps = content.sequence, content.maps
    noise = maps.sigma[maps.status != Status.OUTSIDE]
    noise = noise[np.isfinite(noise)]
    stated = [
        ("software", f"spinprint {version('spinprint')}"),
        ("sequence", sequence.name),
        ("sequence digest", f"SHA-256 {sequence.digest}"),
        ("field strength", f"{sequence.field_strength:g} T"),
        ("matrix", " × ".join(str(length) for length in maps.shape) + " voxels"),
    ]
    if noise.size:
        stated.append(("noise per channel, median", f"{np.median(noise):.3g} [unit of the series]"))
    return [*stated, *_flat(maps.provenance), *_flat(content.provenance)]


def _labels_first_all(rows: Sequence[Row]) -> list[int | None]:
    labels = dict.fromkeys(row.label for row in rows)
    return sorted(labels, key=lambda label: label is not None)


def _verdict_cells(row: Row) -> list[Cell]:
    spread = 100 * row.sd / abs(row.mean_truth) if row.mean_truth else float("nan")
    mark = MARKS.get(judge(row), ("", ""))
    bias = shown(row.bias_percent, _decimals(row.bias_percent), sign=True)
    return [
        Cell(bias, *(BIASED if is_biased(row) else ("", ""))),
        Cell(shown(spread, _decimals(spread))),
        Cell(shown(row.median_error_over_sd, 3)),
        Cell(shown(100 * row.coverage, 1), *mark),
    ]


def _detail_cells(row: Row, display: Display) -> list[Cell]:
    own = (row.mean_truth, row.mean_estimate, row.bias, row.median_bias, row.sd, row.rmse)
    relative = (row.bias_percent, row.median_bias_percent, row.mape, row.median_ape)
    return [
        Cell(str(row.n)),
        Cell(str(row.n_estimated)),
        *(Cell(shown(display.factor * value)) for value in own),
        *(Cell(shown(value)) for value in relative),
    ]


def _value_cells(
    display: Display, values: NDArray[Any], sd: NDArray[Any] | None
) -> tuple[Cell, Cell, Cell]:
    if not values.size:
        return Cell("–"), Cell("–"), Cell("–")
    low, middle, high = np.percentile(display.factor * values.astype(float), (5, 50, 95))
    spread = Cell("–") if sd is None else Cell(shown(display.factor * float(np.median(sd))))
    return Cell(shown(middle)), Cell(f"{shown(low)} to {shown(high)}"), spread


def _percent(share: float) -> Cell:
    return Cell(shown(100 * share, 1))


def _decimals(percent: float) -> int:
    return 2 if abs(percent) < 10 else 1


def _flat(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Entries as text, nested ones under the names of their parents."""
    for key, value in entries.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(str(one) for one in value)
        else:
            yield name, str(value)
