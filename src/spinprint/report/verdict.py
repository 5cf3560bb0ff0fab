"""What the numbers mean, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

from ..evaluation import Row
from ..maps import Maps, Status
from .quantities import DISPLAY, listed, shown

COVERAGE = math.erf(1 / math.sqrt(2))
"""Share of normal errors within one standard deviation [-]."""

MEDIAN_RATIO = 0.67449
"""Median of |error| over SD of normal errors [-]."""

_TOLERANCE = 0.03  # of the coverage: a 68 % interval that covers 65 to 71 % is called right
_CHANCE = 3.0  # standard errors that a number may be off by chance
_ENOUGH = 10  # voxels below which nothing is said


class ErrorBars(Enum):
    """Whether the stated standard deviations fit the errors."""

    RIGHT = "right"
    TOO_SMALL = "too small"
    TOO_LARGE = "too large"
    UNKNOWN = "not judged"


def judge(row: Row) -> ErrorBars:
    """Compare the coverage with that of right standard deviations, allowing for chance."""
    if not math.isfinite(row.coverage) or row.n_estimated < _ENOUGH:
        return ErrorBars.UNKNOWN
    chance = math.sqrt(COVERAGE * (1 - COVERAGE) / row.n_estimated)
    off = row.coverage - COVERAGE
    if abs(off) <= _TOLERANCE + _CHANCE * chance:
        return ErrorBars.RIGHT
    return ErrorBars.TOO_LARGE if off > 0 else ErrorBars.TOO_SMALL


def is_biased(row: Row) -> bool:
    """Whether the mean error exceeds three of its standard errors."""
    if not (row.n_estimated >= _ENOUGH and math.isfinite(row.sd)):
        return False
    return abs(row.bias) > _CHANCE * row.sd / math.sqrt(row.n_estimated)


def verdict(rows: Sequence[Row], maps: Maps) -> list[str]:
    """The verdict as plain sentences: accuracy, error bars, bias, and what failed."""
    whole = [row for row in rows if row.label is None and row.n_estimated]
    sentences = [_accuracy(whole), *_error_bars(whole), _bias(rows)] if whole else []
    return [*sentences, failures(maps)]


def failures(maps: Maps) -> str:
    """How many voxels were mapped, and how many of them are in doubt."""
    counts = maps.counts()
    asked = sum(counts.values()) - counts.get(Status.OUTSIDE, 0)
    doubts = [status for status in counts if status not in (Status.OK, Status.OUTSIDE)]
    if not doubts:
        return f"All {asked} voxels were mapped."
    parts = [f"{counts[status]} {_WORDS[status]}" for status in doubts]
    return f"Of {asked} voxels, {counts.get(Status.OK, 0)} were mapped, {listed(parts)}."


_WORDS = {
    Status.NO_SIGNAL: "have no signal above the noise",
    Status.AT_EDGE: "lie at the edge of the range of the search",
    Status.NOT_CONVERGED: "did not converge",
    Status.NOT_FINITE: "hold NaN or Inf in the series",
}


def _accuracy(whole: Sequence[Row]) -> str:
    parts = [f"{shown(row.median_ape)} % of the true {_symbol(row)}" for row in whole]
    return f"Half of all voxels lie within {listed(parts)}."


def _error_bars(whole: Sequence[Row]) -> list[str]:
    sentences = []
    for kind in (ErrorBars.RIGHT, ErrorBars.TOO_SMALL, ErrorBars.TOO_LARGE):
        rows = [row for row in whole if judge(row) is kind]
        if rows:
            covered = listed([f"{shown(100 * r.coverage, 1)} %" for r in rows])
            symbols = listed([_symbol(row) for row in rows])
            sentences.append(
                f"The stated standard deviations of {symbols} are {kind.value}: ±1 SD holds the"
                f" truth in {covered} of the voxels, where {shown(100 * COVERAGE, 1)} % is right."
            )
    return sentences


def _bias(rows: Sequence[Row]) -> str:
    whole = [row for row in rows if row.label is None]
    parts = [f"{shown(row.bias_percent, sign=True)} % in {_symbol(row)}" for row in whole]
    start = f"The mean error is {listed(parts)}"
    biased = [row for row in rows if row.label is not None and is_biased(row)]
    if not biased:
        return start + "."
    worst = max(biased, key=lambda row: abs(row.bias_percent))
    return (
        f"{start}; the largest bias of a structure beyond chance is"
        f" {shown(worst.bias_percent, sign=True)} % in {_symbol(worst)} of {worst.name}."
    )


def _symbol(row: Row) -> str:
    return DISPLAY[row.parameter].symbol
