"""The meaning of the numbers: claims with their verdicts, and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

from ..evaluation import Row
from ..maps import Maps, Status
from .page import Outcome, Verdict
from .quantities import DISPLAY, listed, shown

COVERAGE = math.erf(1 / math.sqrt(2))
"""Share of normal errors within one standard deviation [-]."""

MEDIAN_RATIO = 0.67449
"""Median of |error| over SD of normal errors [-]."""

EFFICIENT = 0.74
"""Median of |error| over Cramér-Rao SD up to which an estimator is called efficient [-]."""

_SMALL = 1.0  # percent of the truth below which a mean error is called small
_TOLERANCE = 0.03  # of the coverage: a 68 % interval that covers 65 to 71 % is called right
_CHANCE = 3.0  # standard errors that a number may be off by chance
_MOST = 0.5  # of the voxels of a structure
_ENOUGH = 10  # voxels; structures of fewer are not judged


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


def verdict(rows: Sequence[Row], maps: Maps, voxels: str = "voxels") -> list[str]:
    """The verdict as plain sentences: accuracy, bias, and what failed.

    `voxels` is the name of the voxels of the rows.
    """
    whole = [row for row in rows if row.label is None and row.n_estimated]
    sentences = [_accuracy(whole, voxels), _bias(rows)] if whole else []
    return [*sentences, failures(maps), *_beyond(rows)]


def claims(rows: Sequence[Row]) -> list[Verdict]:
    """Claims about maps, beside what was measured over all voxels.

    For each parameter: whether its error is as small as the noise allows (where the rows know the
    Cramér-Rao bound), whether its stated deviations are right, and whether its mean error is
    small. Intervals are those of the rows.
    """
    whole = [row for row in rows if row.label is None and row.n_estimated]
    judged = [claim(row) for claim in (_efficiency, _calibration, _smallness) for row in whole]
    return [verdict for verdict in judged if verdict is not None]


def _efficiency(row: Row) -> Verdict | None:
    if not math.isfinite(row.median_error_over_bound):
        return None
    return Verdict(
        f"{_symbol(row)} is as precise as the noise allows: the median |error| is at most"
        f" {EFFICIENT:g} Cramér-Rao SD ({MEDIAN_RATIO:.3f} is the least without bias)",
        f"{shown(row.median_error_over_bound, 3)} SD",
        _interval(row, "median_error_over_bound", decimals=3),
        _outcome(row, "median_error_over_bound", -math.inf, EFFICIENT),
    )


def _calibration(row: Row) -> Verdict | None:
    kind = judge(row)
    if kind is ErrorBars.UNKNOWN:
        return None
    low, high = COVERAGE - _TOLERANCE, COVERAGE + _TOLERANCE
    # An interval beyond the range settles it, also where it is within three standard errors.
    off = kind is not ErrorBars.RIGHT or (
        "coverage" in row.intervals and _outcome(row, "coverage", low, high) is Outcome.FAILS
    )
    too = ErrorBars.TOO_LARGE if row.coverage > COVERAGE else ErrorBars.TOO_SMALL
    return Verdict(
        f"The stated SD of {_symbol(row)} is right: ±1 SD holds the truth in {100 * low:.0f} to"
        f" {100 * high:.0f} % of the voxels",
        f"{shown(100 * row.coverage, 1)} %",
        _interval(row, "coverage", factor=100, unit=" %", decimals=1),
        Outcome.FAILS if off else Outcome.HOLDS,
        f"It is {too.value}." if off else "",
    )


def _smallness(row: Row) -> Verdict | None:
    if not math.isfinite(row.bias_percent):
        return None
    return Verdict(
        f"The mean error of {_symbol(row)} is below {_SMALL:g} %",
        f"{shown(row.bias_percent, sign=True)} %",
        _interval(row, "bias_percent", unit=" %", sign=True),
        _outcome(row, "bias_percent", -_SMALL, _SMALL),
    )


def _outcome(row: Row, name: str, low: float, high: float) -> Outcome:
    """Whether a number lies between limits, undecided where its interval reaches beyond one."""
    value = getattr(row, name)
    first, last = row.intervals.get(name, (value, value))
    if low <= first and last <= high:
        return Outcome.HOLDS
    return Outcome.FAILS if last < low or first > high else Outcome.OPEN


def _interval(
    row: Row,
    name: str,
    *,
    factor: float = 1.0,
    unit: str = "",
    decimals: int | None = None,
    sign: bool = False,
) -> str:
    if name not in row.intervals:
        return ""
    low, high = (shown(factor * end, decimals, sign=sign) for end in row.intervals[name])
    return f"{low} to {high}{unit}"


def failures(maps: Maps) -> str:
    """How many voxels were mapped, and how many of them are doubtful."""
    counts = maps.counts()
    asked = sum(counts.values()) - counts.get(Status.OUTSIDE, 0)
    doubts = [status for status in counts if status not in (Status.OK, Status.OUTSIDE)]
    if not doubts:
        return f"All {asked} voxels were mapped."
    parts = [f"{counts[status]} {_WORDS[status]}" for status in doubts]
    return f"Of {asked} voxels, {counts.get(Status.OK, 0)} were mapped, {listed(parts)}."


def _beyond(rows: Sequence[Row]) -> list[str]:
    """Structures that seem to lie beyond the range, as most of their voxels end at its edge."""
    edges = (row for row in rows if row.label is not None and row.at_edge > _MOST)
    names = list(dict.fromkeys(row.name for row in edges))
    if not names:
        return []
    return [
        f"Most voxels of {'; '.join(names)} end at the edge of the range: their true values seem to"
        " lie beyond it, and their errors reflect the range rather than the estimator."
    ]


_WORDS = {
    Status.NO_SIGNAL: "have no signal above the noise",
    Status.AT_EDGE: "lie at the edge of the range of the search",
    Status.NOT_CONVERGED: "did not converge",
    Status.NOT_FINITE: "hold NaN or Inf in the series",
}


def _accuracy(whole: Sequence[Row], voxels: str) -> str:
    parts = [f"{shown(row.median_ape)} % of the true {_symbol(row)}" for row in whole]
    return f"Half of all {voxels} lie within {listed(parts)}."


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
