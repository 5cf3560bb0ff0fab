"""The section of a page on the Bayes risk, beside the error of maps."""

from __future__ import annotations

from typing import Any

from ..evaluation import MapRisk, Row
from .page import Column, Content, Section, Table, Text
from .quantities import DISPLAY, listed, shown


def risk_section(risk: MapRisk, prior: str, rows: tuple[Row, ...] = ()) -> Section:
    """The Bayes risk explained and tabulated, with what a comparison with it can mean.

    Parameters
    ----------
    risk
        The risk at the noise of the maps.
    prior
        Its prior, in words.
    rows
        Errors of the maps, where they were compared with a truth.
    """
    lines = risk.table(rows)
    compared = any(line["mse_over_bayes_risk"] is not None for line in lines)
    return Section(
        "Bayes risk",
        [Text(_meaning(risk, prior)), _table(lines, compared), Text(_caution(risk), style="small")],
    )


def _meaning(risk: MapRisk, prior: str) -> str:
    bayes, (low, middle, high) = risk.risk, risk.snr_db
    return (
        f"No estimate whatever has a smaller mean squared error on average over {prior}, with every"
        f" signal at {shown(middle, 1)} dB ({bayes.convention} over time, the median of these"
        f" voxels, of which 90 % lie from {shown(low, 1)} to {shown(high, 1)} dB). Unlike the"
        " Cramér-Rao bound it holds for biased estimates too."
    )


def _table(lines: list[dict[str, Any]], compared: bool) -> Table:
    columns = [
        Column("quantity", is_text=True),
        Column("least RMS error"),
        Column("± Monte Carlo"),
        Column("unit", is_text=True),
    ]
    if compared:
        columns += [Column("RMS error of the maps"), Column("MSE / Bayes risk")]
    return Table(
        caption=(
            "The root of the Bayes risk and its standard error"
            + (
                "; the errors of the maps over all structures in the same terms, and the ratio of"
                " the mean squares with its 95 % interval."
                if compared
                else "."
            )
        ),
        columns=columns,
        rows=[_cells(line, compared) for line in lines],
    )


def _cells(line: dict[str, Any], compared: bool) -> list[Content]:
    display = DISPLAY[line["parameter"]]
    relative = line["unit"] == "relative"
    factor = 100.0 if relative else display.factor
    cells: list[Content] = [
        display.symbol,
        shown(factor * line["bayes_rms_error"], 3),
        shown(factor * line["standard_error"], 3),
        "% of the value" if relative else display.unit,
    ]
    if not compared:
        return cells
    if line["mse_over_bayes_risk"] is None:
        return [*cells, None, None]
    ends = (line["mse_over_bayes_risk_low"], line["mse_over_bayes_risk_high"])
    interval = "" if None in ends else f" [{shown(ends[0])}, {shown(ends[1])}]"
    return [
        *cells,
        shown(factor * line["rms_error_of_maps"], 3),
        shown(line["mse_over_bayes_risk"]) + interval,
    ]


def _caution(risk: MapRisk) -> list[str]:
    bayes = risk.risk
    sentences = [
        "The risk is an average over the prior and at one ratio, not over the tissue and the noise"
        " of this object: tissue that is easier to measure, or brighter, gives a ratio below 1"
        " without any estimate being better than possible, and harder tissue one above 1. The ratio"
        " to the Cramér-Rao bound is taken voxel by voxel and has no such reservation.",
        f"Tissue of the prior: {_ranges(risk)}.",
        f"{bayes.n} draws of tissue and noise, {bayes.n_atoms} atoms, rank {bayes.rank}; fields"
        " that the prior does not hold were known.",
    ]
    if abs(bayes.disagreement) > 3:
        sentences.append(
            "The squared error of the posterior mean disagrees with its variance by"
            f" {shown(bayes.disagreement, 1)} standard errors: do not rely on these numbers."
        )
    return sentences


def _ranges(risk: MapRisk) -> str:
    """The range of the prior, in practical units."""
    parts = []
    for name, law in risk.prior.laws.items():
        display = DISPLAY[name]
        low, high = (shown(display.factor * end) for end in (law.low, law.high))
        parts.append(
            f"{display.symbol} {low if low == high else f'{low} to {high}'} {display.unit}"
        )
    return listed(parts)
