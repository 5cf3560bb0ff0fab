"""The report of one mapping: summary, maps, errors, fingerprints, sequence, numbers, limits."""

from __future__ import annotations

from pathlib import Path

from .content import ReportContent
from .html import write_page
from .page import Bullets, Details, Page, Part, Section, Text, Verdicts
from .quantities import DISPLAY
from .tables import accuracy_table, detail_table, parameters, provenance, value_table
from .verdict import claims, failures, verdict
from .volumes import maps_viewer


def write_report(content: ReportContent, path: str | Path) -> Path:
    """Write the report of one mapping; see `write_page`.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return write_page(mapping_page(content), path)


def mapping_page(content: ReportContent) -> Page:
    """The page of one mapping, with as much as is known: the truth and the labels may lack."""
    sections = [_summary(content), _maps(content)]
    if content.rows:
        sections.append(_calibration(content))
    if content.fingerprints:
        sections.append(_fingerprints(content))
    sections.append(_sequence(content))
    if content.rows:
        sections.append(_numbers(content))
    sections.append(_limits(content))
    return Page(
        title=content.title,
        subtitle=content.description,
        sections=sections,
        provenance=provenance(content),
    )


def _summary(content: ReportContent) -> Section:
    if not content.rows:
        return Section(
            "Summary", [Text(failures(content.maps), style="summary"), value_table(content)]
        )
    summary: list[Part] = [Text(verdict(content.rows, content.maps), style="summary")]
    if judged := claims(content.rows):
        caption = "Verdicts over all voxels, with 95 % intervals where voxels were resampled."
        summary.append(Verdicts(judged, caption))
    return Section("Summary", [*summary, accuracy_table(content.rows)])


def _maps(content: ReportContent) -> Section:
    compared = (
        "Truth and estimate share one window. Error and stated SD are relative to the truth and to"
        " the estimate."
        if content.truth
        else "The stated SD is relative to the estimate."
    )
    viewer = maps_viewer(content.maps, content.truth, content.labels, content.names)
    return Section("Maps", [Text(f"{compared} Grey voxels have no value."), viewer])


def _calibration(content: ReportContent) -> Section:
    from .pictures import calibration_gallery

    text = (
        "Each error over the standard deviation stated in its voxel. A histogram wider than the"
        " curve means that the stated SD is too small, a narrower one that it is too large, a"
        " shifted one bias."
    )
    return Section("Errors and error bars", [Text(text), calibration_gallery(content)])


def _fingerprints(content: ReportContent) -> Section:
    from .pictures import fingerprint_gallery

    text = "Measured samples of single voxels, and the signal of what was estimated there."
    return Section("Fingerprints", [Text(text), fingerprint_gallery(content)])


def _sequence(content: ReportContent) -> Section:
    from .pictures import sequence_picture, spectrum_picture

    sequence = content.sequence
    text = (
        f"{sequence.name}: {sequence.n_samples} samples in {sequence.duration:.3g} s at"
        f" {sequence.field_strength:g} T. {sequence.citation}".strip()
    )
    parts: list[Part] = [Text(text), sequence_picture(content)]
    if spectrum := spectrum_picture(content):
        parts.append(Section("Dictionary", [spectrum]))
    return Section("Sequence", parts)


def _numbers(content: ReportContent) -> Section:
    folded = [
        Details(DISPLAY[name].label, [detail_table(content.rows, name)])
        for name in parameters(content.rows)
    ]
    return Section("All numbers", folded)


def _limits(content: ReportContent) -> Section:
    simulated = (
        "The series was simulated, with the same signal model that the estimate uses. Errors of"
        " the model, motion, undersampling and hardware do not appear in these numbers."
    )
    points = [
        "Stated standard deviations speak of noise only, not of errors of the signal model.",
        "A voxel at the edge of the range may have its true value beyond it.",
    ]
    return Section("Limits", [Bullets([simulated, *points] if content.simulated else points)])
