"""Agreement in tables: numbers with their intervals in brackets."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation.agreement import Agreement, Estimate
from .page import Column, Content, Table
from .quantities import DISPLAY, Display, shown

_CASES = (Column("quantity", is_text=True), Column("pairs", is_text=True), Column("n"))


def difference_table(agreements: Sequence[Agreement]) -> Table:
    """Bias and limits of agreement, and scatter within cases where measurements were repeated."""
    repeated = any(one.repeatability for one in agreements)
    heads = [
        *_CASES,
        Column("bias", "%"),
        Column("lower limit", "%"),
        Column("upper limit", "%"),
        Column("Wilcoxon p (Holm)"),
    ]
    if repeated:
        heads += [Column("wCV", "%"), Column("RC", "%")]
    return Table(
        caption=(
            "Bias and 95 % limits of agreement, with 95 % intervals in brackets: differences in"
            " percent of the mean of the two, or in the unit of the quantity where it may be 0."
        ),
        columns=heads,
        rows=[_difference_cells(one, DISPLAY[one.name], repeated) for one in agreements],
    )


def _difference_cells(one: Agreement, display: Display, repeated: bool) -> list[Content]:
    limits = one.percent or one.difference.scaled(display.factor)
    p = one.test.p_adjusted
    cells: list[Content] = [
        *_case_cells(one),
        *(_bracketed(end) for end in (limits.bias, limits.lower, limits.upper)),
        "< 0.001" if p < 0.001 else shown(p, 3),
    ]
    if repeated and one.repeatability:
        found = one.repeatability
        cells += [_bracketed(found.within_cv_percent), _bracketed(found.coefficient_percent)]
    return cells


def line_table(agreements: Sequence[Agreement]) -> Table:
    """Concordance, intraclass correlation and the line of each quantity."""
    heads = [Column("CCC"), Column("ICC(2,1)"), Column("slope"), Column("intercept")]
    return Table(
        caption="Concordance and regression, with 95 % intervals in brackets.",
        columns=[*_CASES, *heads, Column("line", is_text=True)],
        rows=[_line_cells(one, DISPLAY[one.name]) for one in agreements],
    )


def _line_cells(one: Agreement, display: Display) -> list[Content]:
    line = None if one.line is None else one.line.scaled(display.factor)
    fitted: list[Content] = [None, None, None]
    if line:
        intercept = f"{_bracketed(line.intercept)} {display.unit}"
        fitted = [_bracketed(line.slope, 3), intercept, line.method]
    return [
        *_case_cells(one),
        _bracketed(one.concordance.ccc, 4),
        _bracketed(one.intraclass.icc, 4),
        *fitted,
    ]


def _case_cells(one: Agreement) -> list[Content]:
    return [DISPLAY[one.name].symbol, one.cases, one.difference.n]


def _bracketed(estimate: Estimate, decimals: int | None = None) -> str:
    value, low, high = (
        shown(one, decimals) for one in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"
