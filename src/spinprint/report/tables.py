"""The tables of a mapping report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evaluation import Row
from ..maps import Status
from .content import ReportContent
from .page import Cell, Column, Content, Table
from .quantities import DISPLAY, Display, shown
from .verdict import COVERAGE, MEDIAN_RATIO, ErrorBars, is_biased, judge

BIASED = ("†", "biased beyond chance")
"""Sign and meaning of a mean error beyond three of its standard errors."""

MARKS = {
    ErrorBars.TOO_SMALL: ("▲", "stated SD too small"),
    ErrorBars.TOO_LARGE: ("▼", "stated SD too large"),
}
"""Signs and meanings of stated standard deviations that do not fit the errors."""

ALL_VOXELS = "all voxels"
"""What the row over all structures is called."""

_STRUCTURE = Column("structure", is_text=True)

# What a table of all numbers shows of a row: names of columns and fields.
_OWN = {
    "mean truth": "mean_truth",
    "mean estimate": "mean_estimate",
    "bias": "bias",
    "median bias": "median_bias",
    "trimmed bias": "trimmed_bias",
    "SD of error": "sd",
    "robust SD": "robust_sd",
    "RMSE": "rmse",
}
_RELATIVE = {
    "bias": "bias_percent",
    "median bias": "median_bias_percent",
    "mean |error|": "mape",
    "median |error|": "median_ape",
}
_RATIOS = {
    "RMSE / mean truth": "nrmse_by_mean",
    "RMSE / range of truth": "nrmse_by_range",
    "RMS error / bound": "rmse_over_bound",
}


def accuracy_table(rows: Sequence[Row], whole: str = ALL_VOXELS) -> Table:
    """A row a structure, all voxels first: voxels, edge, failed, then four numbers a parameter.

    The error is compared with the Cramér-Rao bound where the rows know it, else with the stated SD.
    `whole` is what the row over all structures is called.
    """
    over = _over(rows)
    names = parameters(rows)
    heads = [_STRUCTURE, Column("voxels"), Column("at edge", "%"), Column("failed", "%")]
    for name in names:
        symbol = DISPLAY[name].symbol
        heads += [Column("bias", "%", symbol), Column("spread", "%", symbol)]
        if over:
            heads += [Column(over, "", symbol), Column("covered", "%", symbol)]
    labels = sorted(dict.fromkeys(row.label for row in rows), key=lambda one: one is not None)
    signs = "; ".join(f"{sign} {meaning}" for sign, meaning in (BIASED, *MARKS.values()))
    return Table(
        caption=_accuracy_caption(over),
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


_BOUND, _STATED = "|error| / bound", "|error| / SD"


def _over(rows: Sequence[Row]) -> str:
    """What errors are compared with; nothing between maps of one series, whose noise is one."""
    if any(math.isfinite(row.median_error_over_bound) for row in rows):
        return _BOUND
    return _STATED if any(math.isfinite(row.median_error_over_sd) for row in rows) else ""


def _accuracy_caption(over: str) -> str:
    denominator = (
        "the Cramér-Rao bound on the standard deviation in the voxel"
        if over == _BOUND
        else "the standard deviation (SD) stated in the voxel"
    )
    caption = (
        "Estimates against the truth. Bias is the mean error in percent of the truth, spread the"
        " standard deviation of the error in percent of the mean truth."
    )
    if not over:
        return caption
    return (
        f"{caption} {over} is the"
        f" median error over {denominator}: {MEDIAN_RATIO:.3f} if errors are normal and that is"
        " their SD. Covered is the share of voxels whose estimate ±1 stated SD holds the truth:"
        f" {100 * COVERAGE:.1f} % if the SD is right."
    )


def parameters(rows: Iterable[Row]) -> list[str]:
    """The parameters of the rows, in their order."""
    return list(dict.fromkeys(row.parameter for row in rows))


def detail_table(rows: Sequence[Row], parameter: str, whole: str = ALL_VOXELS) -> Table:
    """A row a structure with all that was measured of one parameter, in practical units.

    `whole` is what the row over all structures is called.
    """
    display = DISPLAY[parameter]
    of_it = [row for row in rows if row.parameter == parameter]
    ordered = sorted(of_it, key=lambda row: row.label is not None)
    return Table(
        caption=(
            f"{display.symbol}: estimate against truth in {display.unit}; relative errors in"
            " percent of the truth. The trimmed bias leaves out a tenth of the errors at either"
            " end; the robust SD is 1.48 times their median distance to the median."
        ),
        columns=[
            _STRUCTURE,
            Column("voxels"),
            Column("with a value"),
            *(Column(name) for name in _OWN),
            *(Column(name, "%") for name in _RELATIVE),
            *(Column(name) for name in _RATIOS),
        ],
        rows=[_detail_cells(row, display, whole) for row in ordered],
        totals=sum(row.label is None for row in ordered),
    )


def value_table(content: ReportContent) -> Table:
    """A row a structure: voxels with a value, then median, range and stated SD a parameter."""
    maps = content.maps
    inside = maps.has_value()
    places: dict[str, NDArray[np.bool_]] = {}
    for label, name in content.label_names().items():
        places[name] = inside & (np.asarray(content.labels) == label)
    heads = [_STRUCTURE, Column("voxels")]
    for parameter in maps:
        group = DISPLAY[parameter].label
        heads += [Column(name, "", group) for name in ("median", "5 to 95 %", "SD")]
    return Table(
        caption=(
            "Estimates over the voxels with a value: the median, the range from the 5th to the"
            " 95th percentile, and the median of the stated standard deviation."
        ),
        columns=heads,
        rows=[_value_row("all voxels", inside, content)]
        + [_value_row(name, where, content) for name, where in places.items()],
        totals=1,
    )


def provenance(content: ReportContent) -> dict[str, Any]:
    """How the maps came about: sequence, estimator, and what the caller adds."""
    sequence, maps = content.sequence, content.maps
    noise = maps.sigma[maps.status != Status.OUTSIDE]
    noise = noise[np.isfinite(noise)]
    stated: dict[str, Any] = {
        "sequence": sequence.name,
        "sequence digest": f"SHA-256 {sequence.digest}",
        "field strength": f"{sequence.field_strength:g} T",
        "matrix": " × ".join(str(length) for length in maps.shape) + " voxels",
    }
    if noise.size:
        stated["noise per channel, median"] = f"{np.median(noise):.3g} [unit of the series]"
    return {**stated, **_renamed(maps.provenance, stated), **_renamed(content.provenance, stated)}


def _renamed(entries: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """The entries, those under a name that is taken with a remark."""
    return {f"{key} (of the maps)" if key in taken else key: v for key, v in entries.items()}


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
    spread = 100 * row.sd / abs(row.mean_truth) if row.mean_truth else float("nan")
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


def _detail_cells(row: Row, display: Display, whole: str) -> list[Content]:
    scaled = (display.factor * getattr(row, name) for name in _OWN.values())
    others = (getattr(row, name) for name in (*_RELATIVE.values(), *_RATIOS.values()))
    return [_name(row, whole), row.n, row.n_estimated, *scaled, *others]


def _value_row(name: str, where: NDArray[np.bool_], content: ReportContent) -> list[Content]:
    maps = content.maps
    cells: list[Content] = [name, int(where.sum())]
    for parameter in maps:
        sd = maps.sd.get(parameter)
        stated = None if sd is None else sd[where]
        cells += _value_cells(DISPLAY[parameter], maps[parameter][where], stated)
    return cells


def _value_cells(
    display: Display, values: NDArray[Any], sd: NDArray[Any] | None
) -> tuple[Content, Content, Content]:
    if not values.size:
        return None, None, None
    low, middle, high = np.percentile(display.factor * values.astype(float), (5, 50, 95))
    spread = None if sd is None else display.factor * float(np.median(sd))
    return float(middle), f"{shown(low)} to {shown(high)}", spread


def _decimals(percent: float) -> int:
    return 2 if abs(percent) < 10 else 1
