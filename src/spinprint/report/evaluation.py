"""Pages of maps: alone, or compared with the truth or with other maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from ..evaluation import Comparison, MapRisk, Row
from ..evaluation.agreement import FORMULAS, MODELS
from ..maps import Maps
from ..sequence import Sequence as PulseSequence
from .fingerprints import Fingerprint
from .page import (
    Bullets,
    Column,
    Details,
    Gallery,
    Page,
    Part,
    Section,
    Table,
    Text,
    Verdicts,
)
from .pictures import Pictures, fingerprint_gallery, sequence_picture, spectrum_picture
from .quantities import DISPLAY, listed, shown
from .risk import risk_section
from .tables import (
    ALL_VOXELS,
    accuracy_table,
    detail_table,
    difference_table,
    line_table,
    value_table,
)
from .verdict import claims, failures, verdict
from .volumes import maps_viewer

_WITH_MIXED = f"{ALL_VOXELS}, also mixed ones"


def evaluation_page(
    comparison: Comparison,
    pictures: Pictures,
    *,
    title: str,
    bound: str,
    subtitle: str = "",
    remarks: Sequence[str] = (),
    provenance: Mapping[str, Any] | None = None,
    risk: MapRisk | None = None,
    prior: str = "",
    sections: Sequence[Section] = (),
    closing: Sequence[Section] = (),
) -> Page:
    """The page of an evaluation.

    Parameters
    ----------
    comparison
        What was compared, and the results.
    pictures
        Its figures, as `draw_comparison` gives them.
    title
        The heading.
    bound
        What the Cramér-Rao bound holds for, or why there is none, in a sentence.
    subtitle
        What was measured, in a sentence or two; by default the parameters and the reference.
    remarks
        What the reader should know of the run, a sentence each.
    provenance
        How the maps and this page were made.
    risk, prior
        The Bayes risk at the noise of the maps, where it is wanted, and its prior in words.
    sections, closing
        More sections, before the tables of all numbers and at the end.
    """
    if not subtitle:
        symbols = listed([DISPLAY[name].symbol for name in comparison.parameters])
        subtitle = f"Maps of {symbols}, compared with {comparison.reference.role.value}."
    rows = comparison.rows if comparison.against_truth else ()
    return Page(
        title=title,
        subtitle=subtitle,
        sections=[
            _summary(comparison, bound, remarks),
            _maps(comparison),
            _errors(comparison, pictures),
            *([] if risk is None else [risk_section(risk, prior, rows)]),
            _agreement(comparison, pictures),
            *sections,
            _numbers(comparison),
            _definitions(comparison),
            *closing,
        ],
        provenance=dict(provenance or {}),
    )


def maps_page(
    maps: Maps,
    *,
    title: str,
    subtitle: str = "",
    labels: NDArray[Any] | None = None,
    names: Mapping[int, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    sections: Sequence[Section] = (),
) -> Page:
    """The page of maps without a reference, as of a patient.

    Parameters
    ----------
    maps
        What was measured, `(x, y, z)` or fewer axes.
    title, subtitle
        The heading, and what was measured in a sentence or two.
    labels, names
        Structure of each voxel, 0 for none, same shape, and the name of each label.
    provenance
        How the maps and this page were made.
    sections
        More sections, after the maps.
    """
    text = "The stated SD is relative to the estimate. Grey voxels have no value."
    summary: list[Part] = [Text(failures(maps), style="summary"), value_table(maps, labels, names)]
    return Page(
        title=title,
        subtitle=subtitle,
        sections=[
            Section("Summary", summary),
            Section("Maps", [Text(text), maps_viewer(maps, None, labels, names)]),
            *sections,
        ],
        provenance=dict(provenance or {}),
    )


def fingerprint_section(fingerprints: Sequence[Fingerprint]) -> Section:
    """Measured signals of single voxels beside the signals of their estimates."""
    text = "Measured samples of single voxels, and the signal of what was estimated there."
    return Section("Fingerprints", [Text(text), fingerprint_gallery(fingerprints)])


def sequence_section(
    sequence: PulseSequence,
    singular_values: NDArray[Any] | None = None,
    rank: int | None = None,
) -> Section:
    """A sequence, and the singular values of its dictionary.

    Parameters
    ----------
    sequence
        What was played.
    singular_values
        Those of the dictionary, descending, where there is one.
    rank
        Number of singular vectors kept.
    """
    text = (
        f"{sequence.name}: {sequence.n_samples} samples in {sequence.duration:.3g} s at"
        f" {sequence.field_strength:g} T. {sequence.citation}".strip()
    )
    parts: list[Part] = [Text(text), sequence_picture(sequence)]
    if singular_values is not None:
        parts.append(Section("Dictionary", [spectrum_picture(singular_values, rank)]))
    return Section("Sequence", parts)


def limits_section(*, simulated: bool) -> Section:
    """What the numbers of a page do not include."""
    points = [
        "Stated standard deviations account for noise only, not for errors of the signal model.",
        "A voxel at the edge of the range may have its true value beyond it.",
    ]
    if simulated:
        points.insert(
            0,
            "The series was simulated, with the same signal model that the estimate uses. Errors of"
            " the model, motion, undersampling and hardware do not appear in these numbers.",
        )
    return Section("Limits", [Bullets(points)])


def _summary(comparison: Comparison, bound: str, remarks: Sequence[str]) -> Section:
    rows, mixed_rows = comparison.rows, comparison.rows_with_mixed
    voxels, noun = _voxels(comparison), comparison.reference.role.noun
    if comparison.against_truth:
        sentences = verdict(rows, comparison.maps, voxels)
    else:
        sentences = [_differences(comparison), failures(comparison.maps)]
    if mixed_rows:
        sentences.append(_left_out(rows, mixed_rows))
    parts: list[Part] = [Text(sentences, style="summary")]
    if comparison.against_truth and (judged := claims(rows)):
        caption = f"Verdicts over all {voxels}, with 95 % bootstrap intervals."
        parts.append(Verdicts(judged, caption))
    parts.append(accuracy_table(rows, f"all {voxels}", noun))
    if mixed_rows:
        mixed = accuracy_table(mixed_rows, _WITH_MIXED, noun)
        parts.append(Details("The same with the voxels of several tissues", [mixed]))
    return Section("Summary", [*parts, Text([bound, *remarks], style="small")])


def _left_out(rows: Sequence[Row], mixed_rows: Sequence[Row]) -> str:
    """How many voxels are left out because they hold several tissues."""
    pure, whole = (max(row.n for row in group if row.label is None) for group in (rows, mixed_rows))
    return (
        f"{whole - pure} of {whole} labelled voxels hold more than one tissue, so that no single"
        " value is true of them; they are left out here."
    )


def _voxels(comparison: Comparison) -> str:
    """What the voxels that count are called."""
    return "pure voxels" if comparison.rows_with_mixed else "voxels"


def _differences(comparison: Comparison) -> str:
    parts = [
        f"{shown(row.bias_percent, sign=True)} ± {shown(row.spread_percent)} % in"
        f" {DISPLAY[row.parameter].symbol}"
        for row in comparison.rows
        if row.label is None
    ]
    return f"Mean difference to {comparison.reference.role.value}, ± its SD: {listed(parts)}."


def _maps(comparison: Comparison) -> Section:
    role = comparison.reference.role
    viewer = maps_viewer(
        comparison.maps,
        {name: comparison.reference.values[name] for name in comparison.parameters},
        comparison.labels,
        comparison.names,
        comparison.counted if comparison.rows_with_mixed else None,
        role.noun,
    )
    text = (
        f"The maps beside {role.value}. Errors and stated SD are relative; grey voxels have no"
        " value."
    )
    if comparison.rows_with_mixed:
        text += " Errors and structures are those of pure voxels, which hold one tissue."
    return Section("Maps", [Text(text), viewer])


def _errors(comparison: Comparison, pictures: Pictures) -> Section:
    parts: list[Part] = []
    boxes = [kinds["regions"] for kinds in pictures.values() if "regions" in kinds]
    if boxes:
        text = (
            "Boxes hold the middle half of the voxels of a structure, whiskers reach from the 5th"
            " to the 95th percentile; orange lines are where the whiskers of an efficient estimator"
            " would end, at the Cramér-Rao bound."
        )
        labels = sorted({row.label for row in comparison.rows if row.label is not None})
        legend = Table(
            caption="The labels at the axes of the boxes.",
            columns=[Column("label"), Column("structure", is_text=True)],
            rows=[(str(label), comparison.names.get(label, str(label))) for label in labels],
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


def _agreement(comparison: Comparison, pictures: Pictures) -> Section:
    regions = any(agreement.cases == "regions" for agreement in comparison.agreements)
    circles = ", circles the medians of structures" if regions else ""
    advice = ": read the rows over regions for that" if regions else ""
    text = (
        f"Dots are voxels{circles}. Lines show the bias and the 95 % limits of agreement, bands"
        " their 95 % intervals. The voxels of one image are not independent measurements of a"
        f" scanner's performance{advice}."
    )
    parts: list[Part] = [
        Gallery([kinds[kind] for kind in ("bland_altman", "scatter") if kind in kinds])
        for kinds in pictures.values()
        if "bland_altman" in kinds
    ]
    if comparison.agreements:
        parts += [difference_table(comparison.agreements), line_table(comparison.agreements)]
    return Section("Agreement", [Text(text), *parts])


def _numbers(comparison: Comparison) -> Section:
    noun = comparison.reference.role.noun
    folded = []
    for name in comparison.parameters:
        whole = f"all {_voxels(comparison)}"
        parts: list[Part] = [detail_table(comparison.rows, name, whole, noun)]
        if comparison.rows_with_mixed:
            mixed = detail_table(comparison.rows_with_mixed, name, _WITH_MIXED, noun)
            parts += [Text("With the voxels of several tissues:"), mixed]
        folded.append(Details(DISPLAY[name].label, parts))
    return Section("All numbers", folded)


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
    if not comparison.against_truth:
        points += [f"{formula}." for formula in FORMULAS.values()]
    return Section("Definitions", [Bullets(points)])
