"""The tables of an evaluation: errors by structure, agreement, and the values of maps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..evaluation import Row, Statistic
from ..evaluation.agreement import Agreement
from ..maps import Maps
from .page import Cell, Column, Content, Table
from .quantities import DISPLAY, shown
from .verdict import COVERAGE, MEDIAN_RATIO, ErrorBars, is_biased, judge

BIASED = ("†", "biased beyond chance")
"""Sign and meaning of a mean error beyond three of its standard errors."""

MARKS = {
    ErrorBars.TOO_SMALL: ("▲", "stated SD too small"),
    ErrorBars.TOO_LARGE: ("▼", "stated SD too large"),
}
"""Signs and meanings of stated standard deviations that do not fit the errors."""

ALL_VOXELS = "all voxels"
"""Name of the row over all structures."""

_STRUCTURE = Column("structure", is_text=True)
_CASES = (Column("quantity", is_text=True), Column("pairs", is_text=True), Column("n"))


def accuracy_table(rows: Sequence[Row], whole: str = ALL_VOXELS, reference: str = "truth") -> Table:
    """One row per structure, all voxels first: voxels, at edge, failed, four numbers per parameter.

    The error is compared with the Cramér-Rao bound where the rows know it, else with the stated SD.

    Parameters
    ----------
    rows
        Errors of maps.
    whole
        Name of the row over all structures.
    reference
        What the maps were compared with, as a noun.
    """
    over = _denominator(rows)
    names = parameters(rows)
    heads = [_STRUCTURE, Column("voxels"), Column("at edge", "%"), Column("failed", "%")]
    for name in names:
        symbol = DISPLAY[name].symbol
        heads += [Column("bias", "%", symbol), Column("spread", "%", symbol)]
        if over:
            heads += [Column(over, "", symbol), Column("covered", "%", symbol)]
    labels = sorted(dict.fromkeys(row.label for row in rows), key=lambda label: label is not None)
    signs = "; ".join(f"{sign} {meaning}" for sign, meaning in (BIASED, *MARKS.values()))
    return Table(
        caption=_accuracy_caption(over, reference),
        columns=heads,
        rows=[
            _accuracy_cells([row for row in rows if row.label == label], names, over, whole)
            for label in labels
        ],
        totals=int(None in labels),
        notes=(
            f"{signs}. Chance means three standard errors; structures of fewer than ten voxels are"
            " not judged."
        ),
    )


def parameters(rows: Iterable[Row]) -> list[str]:
    """The parameters of the rows, in their order."""
    return list(dict.fromkeys(row.parameter for row in rows))


def detail_table(
    rows: Sequence[Row], parameter: str, whole: str = ALL_VOXELS, reference: str = "truth"
) -> Table:
    """One row per structure with all measures of one parameter, in practical units.

    Parameters
    ----------
    rows
        Errors of maps.
    parameter
        The parameter.
    whole, reference
        As for `accuracy_table`.
    """
    display = DISPLAY[parameter]
    own = {
        f"mean {reference}": "mean_truth",
        "mean estimate": "mean_estimate",
        "bias": "bias",
        "median bias": "median_bias",
        "trimmed bias": "trimmed_bias",
        "SD of error": "sd",
        "robust SD": "robust_sd",
        "RMSE": "rmse",
    }
    relative = {
        "bias": "bias_percent",
        "median bias": "median_bias_percent",
        "mean |error|": "mape",
        "median |error|": "median_ape",
    }
    ratios = {
        f"RMSE / mean {reference}": "nrmse_by_mean",
        f"RMSE / range of {reference}": "nrmse_by_range",
        "RMS error / bound": "rmse_over_bound",
    }
    its_own = [row for row in rows if row.parameter == parameter]
    ordered = sorted(its_own, key=lambda row: row.label is not None)
    return Table(
        caption=(
            f"{display.symbol}: estimate against {reference} in {display.unit}; relative errors in"
            f" percent of the {reference}. The trimmed bias leaves out a tenth of the errors at"
            " either end; the robust SD is 1.48 times their median distance to the median."
        ),
        columns=[
            _STRUCTURE,
            Column("voxels"),
            Column("with a value"),
            *(Column(name) for name in own),
            *(Column(name, "%") for name in relative),
            *(Column(name) for name in ratios),
        ],
        rows=[
            [
                _name(row, whole),
                row.n,
                row.n_estimated,
                *(display.factor * getattr(row, name) for name in own.values()),
                *(getattr(row, name) for name in (*relative.values(), *ratios.values())),
            ]
            for row in ordered
        ],
        totals=sum(row.label is None for row in ordered),
    )


def value_table(
    maps: Maps, labels: ArrayLike | None = None, names: Mapping[int, str] | None = None
) -> Table:
    """One row per structure: voxels with a value; median, range and stated SD per parameter.

    Parameters
    ----------
    maps
        What was measured, `(x, y, z)` or fewer axes.
    labels
        Structure of each voxel, 0 for none, same shape.
    names
        Name of each label; by default its number.
    """
    inside = maps.has_value()
    places = {ALL_VOXELS: inside}
    for label in () if labels is None else np.unique(labels).tolist():
        if label:
            places[(names or {}).get(label, str(label))] = inside & (np.asarray(labels) == label)
    heads = [_STRUCTURE, Column("voxels")]
    for parameter in maps:
        group = DISPLAY[parameter].label
        heads += [Column(name, "", group) for name in ("median", "5 to 95 %", "SD")]
    rows = []
    for name, where in places.items():
        cells: list[Content] = [name, int(where.sum())]
        for parameter in maps:
            cells += _value_cells(maps, parameter, where)
        rows.append(cells)
    return Table(
        caption=(
            "Estimates over the voxels with a value: the median, the range from the 5th to the"
            " 95th percentile, and the median of the stated standard deviation."
        ),
        columns=heads,
        rows=rows,
        totals=1,
    )


def difference_table(agreements: Sequence[Agreement]) -> Table:
    """Bias and limits of agreement, and scatter within cases where measurements were repeated."""
    repeated = any(agreement.repeatability for agreement in agreements)
    heads = [
        *_CASES,
        Column("bias", "%"),
        Column("lower limit", "%"),
        Column("upper limit", "%"),
        Column("Wilcoxon p (Holm)"),
    ]
    if repeated:
        heads += [Column("wCV", "%"), Column("RC", "%")]
    rows = []
    for agreement in agreements:
        display, p = DISPLAY[agreement.name], agreement.test.p_adjusted
        limits = agreement.percent or agreement.difference.scaled(display.factor)
        cells: list[Content] = [
            *_case_cells(agreement),
            *(_bracketed(limit) for limit in (limits.bias, limits.lower, limits.upper)),
            "< 0.001" if p < 0.001 else shown(p, 3),
        ]
        if scatter := agreement.repeatability:
            cells += [
                _bracketed(scatter.within_cv_percent),
                _bracketed(scatter.coefficient_percent),
            ]
        rows.append(cells)
    return Table(
        caption=(
            "Bias and 95 % limits of agreement, with 95 % intervals in brackets: differences in"
            " percent of the mean of the two, or in the unit of the quantity where it may be 0."
        ),
        columns=heads,
        rows=rows,
    )


def line_table(agreements: Sequence[Agreement]) -> Table:
    """Concordance, intraclass correlation and the line of each quantity."""
    heads = [Column("CCC"), Column("ICC(2,1)"), Column("slope"), Column("intercept")]
    rows = []
    for agreement in agreements:
        display = DISPLAY[agreement.name]
        fitted: list[Content] = [None, None, None]
        if line := agreement.line and agreement.line.scaled(display.factor):
            intercept = f"{_bracketed(line.intercept)} {display.unit}"
            fitted = [_bracketed(line.slope, 3), intercept, line.method]
        ccc, icc = agreement.concordance.ccc, agreement.intraclass.icc
        rows.append([*_case_cells(agreement), _bracketed(ccc, 4), _bracketed(icc, 4), *fitted])
    return Table(
        caption="Concordance and regression, with 95 % intervals in brackets.",
        columns=[*_CASES, *heads, Column("line", is_text=True)],
        rows=rows,
    )


_BOUND, _STATED = "|error| / bound", "|error| / SD"


def _denominator(rows: Sequence[Row]) -> str:
    """What errors are divided by; nothing between maps of a series, whose noise is the same."""
    if any(math.isfinite(row.median_error_over_bound) for row in rows):
        return _BOUND
    return _STATED if any(math.isfinite(row.median_error_over_sd) for row in rows) else ""


def _accuracy_caption(over: str, reference: str) -> str:
    caption = (
        f"Estimates against the {reference}. Bias is the mean error in percent of the {reference},"
        f" spread the standard deviation of the error in percent of the mean {reference}."
    )
    if not over:
        return caption
    denominator = (
        "the Cramér-Rao bound on the standard deviation in the voxel"
        if over == _BOUND
        else "the standard deviation (SD) stated in the voxel"
    )
    return (
        f"{caption} {over} is the"
        f" median error over {denominator}: {MEDIAN_RATIO:.3f} if errors are normal and that is"
        " their SD. Covered is the share of voxels whose estimate ±1 stated SD holds the"
        f" {reference}: {100 * COVERAGE:.1f} % if the SD is right."
    )


def _accuracy_cells(
    group: Sequence[Row], names: Sequence[str], over: str, whole: str
) -> list[Content]:
    by_parameter = {row.parameter: row for row in group}
    counts = dict.fromkeys(str(row.n) for row in group)
    cells: list[Content] = [
        _name(group[0], whole),
        " / ".join(counts),
        shown(100 * max(row.at_edge for row in group), 1),
        shown(100 * max(row.failed for row in group), 1),
    ]
    for parameter in names:
        row = by_parameter.get(parameter)
        width = 4 if over else 2
        cells += [None] * width if row is None else _error_cells(row, over)
    return cells


def _name(row: Row, whole: str) -> str:
    return whole if row.label is None else row.name


def _error_cells(row: Row, over: str) -> list[Content]:
    spread = row.spread_percent
    bias = shown(row.bias_percent, _decimals(row.bias_percent), sign=True)
    cells: list[Content] = [
        Cell(bias, *(BIASED if is_biased(row) else ("", ""))),
        shown(spread, _decimals(spread)),
    ]
    if not over:
        return cells
    return [
        *cells,
        shown(row.median_error_over_bound if over == _BOUND else row.median_error_over_sd, 3),
        Cell(shown(100 * row.coverage, 1), *MARKS.get(judge(row), ("", ""))),
    ]


def _decimals(percent: float) -> int:
    return 2 if abs(percent) < 10 else 1


def _value_cells(maps: Maps, parameter: str, where: np.ndarray) -> tuple[Content, Content, Content]:
    if not where.any():
        return None, None, None
    factor, sd = DISPLAY[parameter].factor, maps.sd.get(parameter)
    low, middle, high = np.percentile(factor * maps[parameter][where].astype(float), (5, 50, 95))
    spread = None if sd is None else factor * float(np.median(sd[where]))
    return float(middle), f"{shown(low)} to {shown(high)}", spread


def _case_cells(agreement: Agreement) -> list[Content]:
    return [DISPLAY[agreement.name].symbol, agreement.cases, agreement.difference.n]


def _bracketed(statistic: Statistic, decimals: int | None = None) -> str:
    value, low, high = (
        shown(number, decimals) for number in (statistic.value, statistic.low, statistic.high)
    )
    return f"{value} [{low}, {high}]"
