"""Maps and a reference in; tables, figures and a report out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation import table
from ..evaluation.agreement import FORMULAS, agreement_table
from ..evaluation.comparison import Comparison, Role, compare_maps
from ..evaluation.map_bound import map_bound
from ..files import check_output_folder, staging
from ..io import write_csv, write_labels
from ..io.sidecar import write_json
from ..maps import UNITS
from .evaluation_input import CORE, EvaluationInput, read_input
from .stages import Stage, silent

if TYPE_CHECKING:
    from ..report import Picture

PHANTOM_NAMES = ("nist",)
"""Phantoms whose spheres can be found and whose truth stands in tables."""

_FIGURES, _SPHERES = "figures", "spheres"


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationResult:
    """What an evaluation found and wrote."""

    comparison: Comparison
    """The numbers."""
    report: Path
    """The page."""
    files: list[Path]
    """All files written."""
    remarks: tuple[str, ...]
    """What the user should know, a sentence each."""


def evaluate_maps(
    maps_dir: Path,
    out: Path,
    *,
    truth: Path | None = None,
    phantom: str | None = None,
    batch: str = "K3290",
    labels: Path | None = None,
    erode: int = 0,
    sequence: str | None = None,
    subject: str | None = None,
    resamples: int = 500,
    seed: int = 0,
    stage: Stage = silent,
) -> EvaluationResult:
    """Compare maps with the truth, with other maps, or with the tables of a phantom.

    Writes `metrics.csv` and `agreement.csv`, the same as JSON, `figures/` as PNG and SVG,
    `report.html`, and as `spheres.nii.gz` the spheres it found: all, or nothing. Arguments as on
    the command line (`spinprint evaluate --help`).

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    if phantom is not None and phantom not in PHANTOM_NAMES:
        raise InputError(f"phantom {phantom!r} must be one of {', '.join(PHANTOM_NAMES)}")
    if resamples < 1:
        raise InputError(f"--resamples = {resamples} must be at least 1: intervals come from them")
    check_output_folder(out)
    with stage("Reading the maps"):
        given = read_input(
            maps_dir, truth=truth, phantom=phantom, batch=batch, labels=labels, erode=erode,
            sequence=sequence, subject=subject,
        )  # fmt: skip
    with stage("Computing the bounds"):
        bound, said = _bound(given)
    with stage("Comparing"):
        comparison = compare_maps(
            given.maps, given.reference, given.labels, given.names,
            bound=bound, n_bootstrap=resamples, seed=seed,
        )  # fmt: skip
    provenance = _provenance(maps_dir, given, labels, erode)
    provenance |= {"resamples": resamples, "seed of the resampling": seed}
    with (
        stage("Writing tables, figures and report"),
        staging(out, remove=_earlier(out, labels)) as folder,
    ):
        files = _write(comparison, given, folder, said, provenance)
    return EvaluationResult(
        comparison=comparison,
        report=out / "report.html",
        files=[out / name for name in files],
        remarks=given.remarks,
    )


def _bound(given: EvaluationInput) -> tuple[dict[str, NDArray[np.float64]], str]:
    """The Cramér-Rao deviation of the errors, and what it was taken for or why there is none."""
    sequence, role = given.sequence, given.reference.role
    if role is Role.ESTIMATE:
        return {}, (
            "Both maps were made from the same noise, so that no bound applies to their difference."
        )
    if sequence is None:
        return {}, (
            "The Cramér-Rao bound is not known: the sequence of the maps was not found; --sequence"
            " gives it."
        )
    if not np.isfinite(given.maps.sigma).any():
        return {}, "The Cramér-Rao bound is not known: the maps do not state their noise."
    where = True if given.labels is None else given.labels != 0
    try:
        if role is Role.TRUTH:
            bound = map_bound(given.maps, sequence, given.reference.values, where)
        else:
            assert given.other is not None
            first, second = (
                map_bound(one, sequence, where=where) for one in (given.maps, given.other)
            )
            bound = {name: np.hypot(first[name], second[name]) for name in first if name in second}
    except InputError as error:
        return {}, f"The Cramér-Rao bound is not known: {error}."
    of = "of the difference of two estimates " if role is Role.REPEAT else ""
    return bound, (
        f"The Cramér-Rao bound {of}holds for {sequence.name}, the noise that the maps state, and B1"
        " and B0 at their nominal values unless they were mapped."
    )


def _provenance(
    maps_dir: Path, given: EvaluationInput, labels: Path | None, erode: int
) -> dict[str, Any]:
    """How the comparison came about, in plain values."""
    sequence = given.sequence.name if given.sequence else given.origin.get("SequenceName")
    found = f"spheres found in the maps, to {CORE:g} of their radius" if given.found else "none"
    return {
        "maps": str(maps_dir),
        "estimator": str(given.origin.get("EstimationAlgorithm", "not stated")),
        "compared with": f"{given.reference.name} ({given.reference.role.value})",
        "labels": str(labels) if labels else found,
        **({"layers of voxels eroded": erode} if erode else {}),
        "sequence": str(sequence or "not known"),
        "field strength [T]": given.origin.get("MagneticFieldStrength", "not known"),
        "matrix": " × ".join(str(length) for length in given.maps.shape) + " voxels",
    }


def _write(
    comparison: Comparison,
    given: EvaluationInput,
    folder: Path,
    bound: str,
    provenance: Mapping[str, Any],
) -> list[Path]:
    """Write everything into a folder; the names of the files in it."""
    from ..report import write_page
    from ..report.comparison import comparison_page, draw_comparison

    (folder / _FIGURES).mkdir(parents=True)
    _write_tables(comparison, folder, bound, provenance)
    if given.found:
        assert comparison.labels is not None
        names = dict(comparison.names)
        write_labels(
            folder / f"{_SPHERES}.nii.gz", comparison.labels, names, comparison.maps.affine
        )
    pictures = draw_comparison(comparison)
    for name, kinds in pictures.items():
        for kind, picture in kinds.items():
            _write_figure(picture, folder / _FIGURES / f"{name}_{kind}")
    page = comparison_page(
        comparison,
        pictures,
        title="Evaluation of quantitative maps",
        bound=bound,
        remarks=given.remarks,
        provenance=provenance,
    )
    write_page(page, folder / "report.html")
    return sorted(path.relative_to(folder) for path in _files(folder))


def _write_tables(
    comparison: Comparison, folder: Path, bound: str, provenance: Mapping[str, Any]
) -> None:
    metrics = table(comparison.rows)
    agreement = agreement_table(comparison.agreements, UNITS)
    shared = {
        "Provenance": dict(provenance),
        "ComparedWith": comparison.reference.role.value,
        "Bound": bound,
    }
    for name, rows, more in (
        ("metrics", metrics, {}),
        ("agreement", agreement, {"Formulas": FORMULAS}),
    ):
        write_csv(folder / f"{name}.csv", rows)
        write_json(folder / f"{name}.json", {**shared, **more, "Rows": rows})


def _write_figure(picture: Picture, stem: Path) -> None:
    from ..report.image import encoded

    stem.with_suffix(".svg").write_bytes(encoded(picture.figure, "svg"))
    stem.with_suffix(".png").write_bytes(encoded(picture.figure, "png"))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _earlier(out: Path, labels: Path | None) -> list[Path]:
    """What an earlier evaluation wrote and this one may not write again."""
    from ..report.comparison_figures import KINDS

    figures = [
        out / _FIGURES / f"{name}_{kind}{suffix}"
        for name in UNITS
        for kind in KINDS
        for suffix in (".svg", ".png")
    ]
    # Spheres that were found before may be the labels of this run.
    own = [] if labels else [out / f"{_SPHERES}.nii.gz", out / f"{_SPHERES}.json"]
    return [path for path in (*figures, *own) if path.exists()]
