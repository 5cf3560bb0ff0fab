"""The page of an evaluation: summary, structures, maps, agreement, all numbers, definitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..evaluation.agreement import FORMULAS, MODELS
from ..evaluation.comparison import Comparison, Role
from ..evaluation.map_risk import MapRisk
from .agreement_tables import difference_table, line_table
from .comparison_figures import comparison_pictures
from .page import (
    Bullets,
    Column,
    Details,
    Gallery,
    Page,
    Part,
    Picture,
    Section,
    Table,
    Text,
    Verdicts,
)
from .quantities import DISPLAY, listed, shown
from .risk_table import risk_section
from .tables import ALL_VOXELS, accuracy_table, detail_table
from .verdict import claims, failures, verdict
from .viewer import Panels
from .volumes import maps_viewer

Pictures = Mapping[str, Mapping[str, Picture]]

_WITH_MIXED = f"{ALL_VOXELS}, also mixed ones"


def draw_comparison(comparison: Comparison) -> dict[str, dict[str, Picture]]:
    """All figures of an evaluation, by parameter and kind."""
    return {name: comparison_pictures(comparison, name) for name in comparison.parameters}


def comparison_page(
    comparison: Comparison,
    pictures: Pictures,
    *,
    title: str,
    bound: str,
    remarks: Sequence[str] = (),
    provenance: Mapping[str, Any] | None = None,
    risk: MapRisk | None = None,
    prior: str = "",
) -> Page:
    """The page of an evaluation.

    Parameters
    ----------
    comparison
        What was compared and what came out.
    pictures
        Its figures, as `draw_comparison` gives them.
    title
        The heading.
    bound
        What the Cramér-Rao bound was taken for, or why there is none, in a sentence.
    remarks
        What the reader should know of the run, a sentence each.
    provenance
        How the maps and this page came about.
    risk, prior
        The Bayes risk at the noise of the maps, where it was wanted, and which prior it is of.
    """
    role = comparison.reference.role
    rows = comparison.rows if role is Role.TRUTH else ()
    limits = [] if risk is None else [risk_section(risk, prior, rows)]
    return Page(
        title=title,
        subtitle=f"Maps of {_parameters(comparison)}, compared with {role.value}.",
        sections=[
            _summary(comparison, bound, remarks),
            _maps(comparison),
            _errors(pictures, _label_names(comparison)),
            *limits,
            _agreement(comparison, pictures),
            _numbers(comparison),
            _definitions(comparison),
        ],
        provenance=dict(provenance or {}),
    )


def _parameters(comparison: Comparison) -> str:
    return listed([DISPLAY[name].symbol for name in comparison.parameters])


def _summary(comparison: Comparison, bound: str, remarks: Sequence[str]) -> Section:
    rows = comparison.rows
    if comparison.reference.role is Role.TRUTH:
        sentences = verdict(rows, comparison.maps, _voxels(comparison))
    else:
        sentences = [_differences(comparison), failures(comparison.maps)]
    parts: list[Part] = [Text([*sentences, *_mixed(comparison)], style="summary")]
    if comparison.reference.role is Role.TRUTH and (judged := claims(rows)):
        parts.append(
            Verdicts(
                judged, f"Verdicts over all {_voxels(comparison)}, with 95 % bootstrap intervals."
            )
        )
    parts.append(_called(accuracy_table(rows, f"all {_voxels(comparison)}"), comparison))
    if comparison.rows_with_mixed:
        mixed = _called(accuracy_table(comparison.rows_with_mixed, _WITH_MIXED), comparison)
        parts.append(Details("The same with the voxels of several tissues", [mixed]))
    return Section("Summary", [*parts, Text([bound, *remarks], style="small")])


def _mixed(comparison: Comparison) -> list[str]:
    """How many voxels are left out for holding several tissues."""
    pure, whole = (
        max((row.n for row in rows if row.label is None), default=0)
        for rows in (comparison.rows, comparison.rows_with_mixed)
    )
    if not comparison.rows_with_mixed:
        return []
    return [
        f"{whole - pure} of {whole} labelled voxels hold more than one tissue, so that no single"
        " value is true of them; they are left out here."
    ]


def _voxels(comparison: Comparison) -> str:
    """What the voxels are called that count."""
    return "pure voxels" if comparison.rows_with_mixed else "voxels"


def _called(table: Table, comparison: Comparison) -> Table:
    """A table of errors that calls the reference what it is."""
    if comparison.reference.role is Role.TRUTH:
        return table
    columns = [
        dataclasses.replace(one, name=one.name.replace("truth", "reference"))
        for one in table.columns
        if isinstance(one, Column)
    ]
    caption = table.caption.replace("truth", "reference")
    return dataclasses.replace(table, caption=caption, columns=columns)


def _differences(comparison: Comparison) -> str:
    parts = []
    for row in comparison.rows:
        if row.label is None:
            symbol = DISPLAY[row.parameter].symbol
            parts.append(
                f"{shown(row.bias_percent, sign=True)} ± {shown(_spread(row))} % in {symbol}"
            )
    return f"Mean difference to {comparison.reference.role.value}, ± its SD: {listed(parts)}."


def _spread(row: Any) -> float:
    return 100 * row.sd / abs(row.mean_truth) if row.mean_truth else float("nan")


def _maps(comparison: Comparison) -> Section:
    reference = comparison.reference
    viewer = maps_viewer(
        comparison.maps,
        {name: reference.values[name] for name in comparison.parameters},
        comparison.labels,
        comparison.names,
        comparison.counted if comparison.rows_with_mixed else None,
    )
    if reference.role is not Role.TRUTH:
        viewer = dataclasses.replace(viewer, rows=[_renamed(row) for row in viewer.rows])
    text = (
        f"The maps beside {reference.role.value}. Errors and stated SD are relative; grey voxels"
        " have no value."
    )
    if comparison.rows_with_mixed:
        text += " Errors and structures are those of pure voxels, which hold one tissue."
    return Section("Maps", [Text(text), viewer])


def _renamed(row: Panels) -> Panels:
    """Panels in which what the maps are compared with is not called the truth."""
    panels = [
        dataclasses.replace(one, caption="Reference" if one.caption == "Truth" else one.caption)
        for one in row.panels
    ]
    return dataclasses.replace(row, panels=panels)


def _errors(pictures: Pictures, names: Mapping[int, str]) -> Section:
    parts: list[Part] = []
    boxes = [kinds["regions"] for kinds in pictures.values() if "regions" in kinds]
    if boxes:
        text = (
            "Boxes hold the middle half of the voxels of a structure, whiskers reach from the 5th"
            " to the 95th percentile; orange lines are where the whiskers of an efficient estimator"
            " would end, at the Cramér-Rao bound."
        )
        legend = Table(
            caption="The labels at the axes of the boxes.",
            columns=[Column("label"), Column("structure", is_text=True)],
            rows=[(str(label), name) for label, name in names.items()],
        )
        parts += [Text(text), Details("Names of the labels", [legend]), *boxes]
    stated = [kinds["calibration"] for kinds in pictures.values() if "calibration" in kinds]
    if stated:
        text = (
            "Errors over the stated SD: a histogram wider than the curve means that the SD is too"
            " small, a narrower one that it is too large, a shifted one bias."
        )
        parts += [Text(text), Gallery(stated, columns=3)]
    return Section("Errors", parts or [kinds["error_map"] for kinds in pictures.values()])


def _label_names(comparison: Comparison) -> dict[int, str]:
    """Of the structures that occur."""
    found = dict.fromkeys(row.label for row in comparison.rows if row.label is not None)
    return {label: comparison.names.get(label, str(label)) for label in sorted(found)}


def _agreement(comparison: Comparison, pictures: Pictures) -> Section:
    parts: list[Part] = [
        Gallery([kinds[kind] for kind in ("bland_altman", "scatter") if kind in kinds])
        for kinds in pictures.values()
        if "bland_altman" in kinds
    ]
    regions = any(one.cases == "regions" for one in comparison.agreements)
    circles = ", circles the medians of structures" if regions else ""
    advice = ": read the rows over regions for that" if regions else ""
    text = (
        f"Dots are voxels{circles}. Lines show the bias and the 95 % limits of agreement, bands"
        " their 95 % intervals. The voxels of one image are not independent measurements of a"
        f" scanner's performance{advice}."
    )
    if comparison.agreements:
        parts += [difference_table(comparison.agreements), line_table(comparison.agreements)]
    return Section("Agreement", [Text(text), *parts])


def _numbers(comparison: Comparison) -> Section:
    return Section(
        "All numbers",
        [
            Details(DISPLAY[name].label, _details(comparison, name))
            for name in comparison.parameters
        ],
    )


def _details(comparison: Comparison, name: str) -> list[Part]:
    """All numbers of one parameter, and those with mixed voxels where some were left out."""
    counted = detail_table(comparison.rows, name, f"all {_voxels(comparison)}")
    parts: list[Part] = [_called(counted, comparison)]
    if comparison.rows_with_mixed:
        mixed = detail_table(comparison.rows_with_mixed, name, _WITH_MIXED)
        parts += [Text("With the voxels of several tissues:"), _called(mixed, comparison)]
    return parts


def _definitions(comparison: Comparison) -> Section:
    points = [
        "Errors are estimate minus reference, over every voxel with an estimate, also at the edge"
        " of the range and not converged.",
        "Limits of agreement: bias ± 1.96 SD (Bland and Altman 1986), intervals exact for normal"
        " differences (Carkeet 2015).",
        "CCC: Lin's concordance correlation (1989, variance as corrected in 2000).",
        f"ICC(2,1): {MODELS['ICC(2,1)']} (Shrout and Fleiss 1979; McGraw and Wong 1996).",
        "Lines: least squares over voxels against a truth, Deming over repeated voxels, Passing and"
        " Bablok over regions.",
        "Wilcoxon: signed rank, two-sided, p adjusted by Holm for the quantities of one row group.",
    ]
    if comparison.reference.role is not Role.TRUTH:
        points += [f"{formula}." for formula in FORMULAS.values()]
    return Section("Definitions", [Bullets(points)])
