"""Maps and a reference in; tables, figures and a report out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..evaluation import Row, table
from ..evaluation.agreement import FORMULAS, agreement_table
from ..evaluation.comparison import Comparison, Role, compare_maps
from ..evaluation.map_risk import MapRisk
from ..files import check_output_folder, check_replaceable, claim, staging
from ..io import write_csv, write_labels
from ..io.sidecar import has_keys, sidecar_path, write_json
from ..maps import UNITS
from .evaluation_input import CORE, EvaluationInput, read_input
from .evaluation_limits import Tell, find_bound, find_risk
from .stages import StageDisplay, silent

if TYPE_CHECKING:
    from ..report import Picture

PHANTOM_NAMES = ("nist",)
"""Phantoms whose spheres can be found and whose truth stands in tables."""

_METRICS, _AGREEMENT, _RISK = "metrics", "agreement", "bayes_risk"
_TABLES = tuple(
    f"{name}.{kind}" for name in (_METRICS, _AGREEMENT, _RISK) for kind in ("csv", "json")
)
_RUN = "evaluation"  # what its files are known as in their folder
_FIGURES, _SPHERES, _REPORT = "figures", "spheres", "report.html"


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
    purity: Path | None = None,
    b1_map: Path | None = None,
    b0_map: Path | None = None,
    b1_unit: str | None = None,
    b1_nominal_deg: float | None = None,
    b0_unit: str | None = None,
    sequence: str | None = None,
    bayes_risk: bool = False,
    prior: Path | None = None,
    subject: str | None = None,
    resamples: int = 500,
    seed: int = 0,
    stage: StageDisplay = silent,
    tell: Tell = print,
) -> EvaluationResult:
    """Compare maps with the truth, with other maps, or with the tables of a phantom.

    Writes `metrics.csv` and `agreement.csv`, the same as JSON, `figures/` as PNG and SVG,
    `report.html`, the spheres it found as `spheres.nii.gz`, and where it is wanted the Bayes risk
    as `bayes_risk.csv` and JSON: all, or nothing. Arguments as on the command line (`spinprint
    evaluate --help`).

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    if phantom is not None and phantom not in PHANTOM_NAMES:
        raise InputError(f"phantom {phantom!r} must be one of {', '.join(PHANTOM_NAMES)}")
    if resamples < 1:
        raise InputError(f"--resamples = {resamples} must be at least 1: intervals come from them")
    if prior is not None and not bayes_risk:
        raise InputError("--prior needs --bayes-risk: it says which tissue the risk is of")
    check_output_folder(out)
    check_replaceable(out, (*_TABLES[:-2], _REPORT), lambda: _earlier(out))
    with claim(out, _RUN):
        with stage("Reading the maps"):
            given = read_input(
                maps_dir, truth=truth, phantom=phantom, batch=batch, labels=labels, erode=erode,
                purity=purity, b1_map=b1_map, b0_map=b0_map, b1_unit=b1_unit,
                b1_nominal_deg=b1_nominal_deg, b0_unit=b0_unit, sequence=sequence, subject=subject,
            )  # fmt: skip
        with stage("Computing the bounds"):
            bound, said = find_bound(given)
        risk, of = find_risk(given, prior, seed, stage, tell) if bayes_risk else (None, "")
        least = {}
        if risk is not None and given.reference.role is Role.TRUTH:
            least = risk.squared_error(given.reference.values)
        with stage("Comparing"):
            comparison = compare_maps(
                given.maps, given.reference, given.labels, given.names, bound=bound,
                bayes_risk=least, purity=given.purity, n_bootstrap=resamples, seed=seed,
            )  # fmt: skip
        provenance = _provenance(maps_dir, given, labels, erode)
        provenance |= {"resamples": resamples, "seed of the resampling": seed}
        read = [path for path in (labels, purity, b1_map, b0_map) if path]
        keep = [*read, *map(sidecar_path, read)]
        with (
            stage("Writing tables, figures and report"),
            staging(out, run=_RUN, earlier=lambda: _earlier(out), keep=keep) as folder,
        ):
            files = _write(comparison, given, folder, said, provenance, risk, of)
        return EvaluationResult(
            comparison=comparison,
            report=out / _REPORT,
            files=[out / name for name in files],
            remarks=given.remarks,
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
    risk: MapRisk | None,
    prior: str,
) -> list[Path]:
    """Write everything into a folder; the names of the files in it."""
    from ..report import write_page
    from ..report.comparison import comparison_page, draw_comparison

    (folder / _FIGURES).mkdir(parents=True)
    _write_tables(comparison, folder, bound, provenance)
    if risk is not None:
        _write_risk(risk, prior, comparison.rows, folder, provenance)
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
        risk=risk,
        prior=prior,
    )
    write_page(page, folder / _REPORT)
    return sorted(path.relative_to(folder) for path in _files(folder))


def _write_tables(
    comparison: Comparison, folder: Path, bound: str, provenance: Mapping[str, Any]
) -> None:
    metrics = _metrics(comparison)
    agreement = agreement_table(comparison.agreements, UNITS)
    shared = {
        "Provenance": dict(provenance),
        "ComparedWith": comparison.reference.role.value,
        "Bound": bound,
    }
    for name, rows, more in (
        (_METRICS, metrics, {}),
        (_AGREEMENT, agreement, {"Formulas": FORMULAS}),
    ):
        write_csv(folder / f"{name}.csv", rows)
        write_json(folder / f"{name}.json", {**shared, **more, "Rows": rows})


def _metrics(comparison: Comparison) -> list[dict[str, Any]]:
    """All rows, each with a word on the voxels it is over: pure ones, or all."""
    counted = "pure" if comparison.rows_with_mixed else "all"
    rows = [{"voxels": counted, **row} for row in table(comparison.rows)]
    return rows + [{"voxels": "all", **row} for row in table(comparison.rows_with_mixed)]


def _write_risk(
    risk: MapRisk, prior: str, rows: tuple[Row, ...], folder: Path, provenance: Mapping[str, Any]
) -> None:
    found, (low, middle, high) = risk.found, risk.snr_db
    lines = risk.table(rows)
    write_csv(folder / f"{_RISK}.csv", lines)
    write_json(
        folder / f"{_RISK}.json",
        {
            "Provenance": dict(provenance),
            "AverageOver": prior,
            "Prior": risk.prior.to_dict(),
            "SnrConvention": found.convention,
            "SnrDb": middle,
            "SnrDbOfVoxels": {"5%": low, "50%": middle, "95%": high},
            "Draws": found.n,
            "Atoms": found.n_atoms,
            "Rank": found.rank,
            "NotConverged": found.not_converged,
            "Disagreement": found.disagreement,
            "Rows": lines,
        },
    )


def _write_figure(picture: Picture, stem: Path) -> None:
    from ..report.image import encoded

    stem.with_suffix(".svg").write_bytes(encoded(picture.figure, "svg"))
    stem.with_suffix(".png").write_bytes(encoded(picture.figure, "png"))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _earlier(out: Path) -> list[Path]:
    """What an earlier evaluation wrote, where one of its tables says that there was one."""
    from ..report.comparison_figures import KINDS

    keys = ("Provenance", "ComparedWith", "Bound", "Rows")
    if not any(has_keys(out / f"{name}.json", keys) for name in (_METRICS, _AGREEMENT)):
        return []
    spheres = [f"{_SPHERES}.nii.gz", f"{_SPHERES}.json"]
    figures = [
        f"{_FIGURES}/{name}_{kind}{suffix}"
        for name in UNITS
        for kind in KINDS
        for suffix in (".svg", ".png")
    ]
    return [out / name for name in (*_TABLES, *spheres, *figures, _REPORT)]
