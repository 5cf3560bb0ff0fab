"""Claims judged by intervals: a claim holds, fails, or is left open where its limit lies within."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..evaluation import Statistic
from ..report import Outcome, Verdict
from ..report.quantities import shown


def estimate(kept: Mapping[str, Any]) -> Statistic:
    """A number with its interval from what a study has kept of it."""
    ends = (kept[key] for key in ("value", "low", "high"))
    return Statistic(*(math.nan if one is None else float(one) for one in ends))


def reduction(ratio: Statistic) -> Statistic:
    """What an error over that of another means as a reduction [%]."""
    return Statistic(*(100 * (1 - one) for one in (ratio.value, ratio.high, ratio.low)))


def with_interval(measured: Statistic, decimals: int | None = None, *, sign: bool = False) -> str:
    """A number and its interval in one cell of a table."""
    value, low, high = (
        shown(one, decimals, sign=sign) for one in (measured.value, measured.low, measured.high)
    )
    return value if math.isnan(measured.low) else f"{value} ({low} to {high})"


def judge(measured: Statistic, *, least: float = -math.inf, most: float = math.inf) -> Outcome:
    """Whether a number lies within limits, by its whole interval.

    It holds where the interval lies within the limits, fails where it lies outside, and is
    undecided where it reaches across one, or has no ends.
    """
    if not (math.isfinite(measured.low) and math.isfinite(measured.high)):
        return Outcome.OPEN
    if measured.high < least or measured.low > most:
        return Outcome.FAILS
    return Outcome.HOLDS if least <= measured.low and measured.high <= most else Outcome.OPEN


def claim(
    text: str,
    measured: Statistic,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    unit: str = "",
    sign: bool = False,
    reason: str = "",
) -> Verdict:
    """A claim that a number lies within limits, beside the number with its 95 % interval.

    Parameters
    ----------
    text
        The claim, in a sentence that can be wrong.
    measured
        The number, in the unit.
    least, most
        Its limits.
    unit
        The unit, as it is written behind the number.
    sign
        Whether a plus is written.
    reason
        What else a reader must know.
    """
    value, low, high = (
        shown(one, sign=sign) for one in (measured.value, measured.low, measured.high)
    )
    return Verdict(
        text,
        f"{value}{unit}",
        f"{low} to {high}{unit}",
        judge(measured, least=least, most=most),
        reason,
    )
