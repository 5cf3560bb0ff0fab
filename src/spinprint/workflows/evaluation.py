"""Maps and a reference in; tables, figures and a report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SequenceError, TissueError
from ..evaluation import (
    DRAWS,
    Comparison,
    MapRisk,
    Role,
    compare_maps,
    error_bound,
    map_risk,
    pure_labels,
    table,
)
from ..evaluation.agreement import FORMULAS, agreement_table
from ..files import check_output_folder, check_replaceable, claim, staging
from ..io import write_csv, write_labels
from ..io.sidecar import has_keys, sidecar_path, write_json
from ..maps import UNITS
from ..prior import Prior
from ..sequence import Sequence
from .evaluation_input import CORE, EvaluationInput, read_input
from .stages import StageDisplay, silent

PHANTOM_NAMES = ("nist",)
"""Phantoms with tables of true values, whose spheres can be found in maps."""

MOST_RESAMPLES = 10**6
"""More would tell nothing that the data hold."""

_METRICS, _AGREEMENT, _RISK = "metrics", "agreement", "bayes_risk"
_TABLES = tuple(
    f"{name}.{kind}" for name in (_METRICS, _AGREEMENT, _RISK) for kind in ("csv", "json")
)
_RUN = "evaluation"  # the name of its files in their folder
_FIGURES, _SPHERES, _REPORT = "figures", "spheres", "report.html"


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationResult:
    """The results of an evaluation, and the files it wrote."""

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
    log: Callable[[str], object] = print,
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
    if not 1 <= resamples <= MOST_RESAMPLES:
        raise InputError(
            f"--resamples = {resamples} must be from 1 to {MOST_RESAMPLES}, for intervals"
        )
    if seed < 0:
        raise InputError(f"--seed = {seed} must be at least 0")
    if prior is not None and not bayes_risk:
        raise InputError("--prior needs --bayes-risk: it is the prior of that risk")
    check_output_folder(out)
    check_replaceable(out, (*_TABLES[:-2], _REPORT), lambda: _earlier(out))
    with claim(out, _RUN):
        with stage("Reading the maps"):
            given = read_input(
                maps_dir, truth=truth, phantom=phantom, batch=batch, labels=labels, erode=erode,
                purity=purity, b1_map=b1_map, b0_map=b0_map, b1_unit=b1_unit,
                b1_nominal_deg=b1_nominal_deg, b0_unit=b0_unit, sequence=sequence, subject=subject,
            )  # fmt: skip
        maps, reference = given.maps, given.reference
        with stage("Computing the bounds"):
            where = True if given.labels is None else given.labels != 0
            bound, note = error_bound(maps, reference, given.sequence, where, given.fields)
            remarks = (*given.remarks, *_without_bound(given, bound))
            given = replace(given, remarks=remarks)
        risk, risk_prior = _risk(given, prior, seed, stage, log) if bayes_risk else (None, "")
        with stage("Comparing"):
            is_truth = reference.role is Role.TRUTH
            comparison = compare_maps(
                maps, reference, given.labels, given.names, bound=bound,
                bayes_risk=risk.squared_error(reference.values) if risk and is_truth else {},
                purity=given.purity, n_bootstrap=resamples, seed=seed,
            )  # fmt: skip
        provenance = _provenance(maps_dir, given, labels, erode)
        provenance |= {"resamples": resamples, "seed of the resampling": seed}
        inputs = [path for path in (labels, purity, b1_map, b0_map) if path]
        keep = [*inputs, *map(sidecar_path, inputs)]
        with (
            stage("Writing tables, figures and report"),
            staging(out, run=_RUN, earlier=lambda: _earlier(out), keep=keep) as folder,
        ):
            _write_tables(comparison, folder, note, provenance)
            if risk is not None:
                _write_risk(risk, risk_prior, comparison, folder, provenance)
            if given.found:
                assert comparison.labels is not None
                path, names = folder / f"{_SPHERES}.nii.gz", dict(comparison.names)
                write_labels(path, comparison.labels, names, maps.affine)
            _write_report(comparison, given, folder, note, provenance, risk, risk_prior)
            files = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
        return EvaluationResult(
            comparison=comparison,
            report=out / _REPORT,
            files=[out / name for name in files],
            remarks=given.remarks,
        )


def choose_prior(given: EvaluationInput, path: Path | None) -> tuple[Prior, str, Sequence]:
    """The prior of the Bayes risk, where it comes from in words, and the sequence.

    That of a training file if one is given, else the one the maps were made with, else all tissue.

    Raises
    ------
    InputError
        The sequence of the maps is not known, or the prior cannot be read.
    """
    if given.sequence is None:
        raise SequenceError(
            "the Bayes risk needs the sequence of the maps, which was not found: give --sequence"
        )
    if path is not None:
        from ..training.config import load_config  # with pydantic, which nothing else here needs

        law = load_config(path).stated_prior()
        if law is None:
            raise TissueError(f"{path}: states no [prior], which --prior is to give")
        return law, f"stated in {path}", given.sequence
    if "prior" in given.maps.provenance:
        stated = Prior.from_dict(given.maps.provenance["prior"])
        return stated, "that the maps were made with", given.sequence
    return Prior.default(given.sequence), "of all tissue, as the maps state none", given.sequence


def _risk(
    given: EvaluationInput,
    path: Path | None,
    seed: int,
    stage: StageDisplay,
    log: Callable[[str], object],
) -> tuple[MapRisk, str]:
    """The Bayes risk at the noise of the maps, and its prior in words."""
    prior, source, sequence = choose_prior(given, path)
    labels, reference = given.labels, given.reference
    if labels is not None and given.purity is not None:
        labels = pure_labels(labels, given.purity)
    log(
        f"The Bayes risk is computed from {DRAWS} draws of the prior {source}: about half a"
        " minute on two idle cores."
    )
    with stage("Computing the Bayes risk") as progress:
        risk = map_risk(
            given.maps, sequence, prior, reference.values if reference.role is Role.TRUTH else None,
            True if labels is None else labels != 0, given.fields, seed=seed, progress=progress,
        )  # fmt: skip
    return risk, f"the prior {source}"


def _without_bound(given: EvaluationInput, bound: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """A sentence on the compared voxels that have no bound, if there are any."""
    values = given.reference.values
    shared = [name for name in bound if name in values]
    if not shared:
        return []
    compared = given.maps.has_value() & np.all([np.isfinite(values[name]) for name in shared], 0)
    if given.labels is not None:
        compared &= given.labels != 0
    count = np.count_nonzero(compared & np.any([np.isnan(bound[name]) for name in shared], axis=0))
    if not count:
        return []
    return [
        f"{count} of {np.count_nonzero(compared)} compared voxels have no bound: their tissue, M0"
        " or noise is not known or impossible."
    ]


def _provenance(
    maps_dir: Path, given: EvaluationInput, labels: Path | None, erode: int
) -> dict[str, Any]:
    """How the comparison was made, in plain values."""
    sequence = given.sequence.name if given.sequence else given.origin.get("SequenceName")
    structures = f"spheres found in the maps, to {CORE:g} of their radius"
    return {
        "maps": str(maps_dir),
        "estimator": str(given.origin.get("EstimationAlgorithm", "not stated")),
        "compared with": f"{given.reference.name} ({given.reference.role.value})",
        "labels": str(labels) if labels else structures if given.found else "none",
        **({"layers of voxels eroded": erode} if erode else {}),
        "sequence": str(sequence or "not known"),
        "field strength [T]": given.origin.get("MagneticFieldStrength", "not known"),
        "matrix": " × ".join(str(length) for length in given.maps.shape) + " voxels",
    }


def _write_tables(
    comparison: Comparison, folder: Path, bound: str, provenance: Mapping[str, Any]
) -> None:
    """Errors and agreement, as CSV and JSON."""
    counted = "pure" if comparison.rows_with_mixed else "all"
    metrics = [{"voxels": counted, **row} for row in table(comparison.rows)]
    metrics += [{"voxels": "all", **row} for row in table(comparison.rows_with_mixed)]
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


def _write_risk(
    risk: MapRisk, prior: str, comparison: Comparison, folder: Path, provenance: Mapping[str, Any]
) -> None:
    """The Bayes risk, as CSV and JSON."""
    bayes, (low, middle, high) = risk.risk, risk.snr_db
    rows = risk.table(comparison.rows)
    write_csv(folder / f"{_RISK}.csv", rows)
    content = {
        "Provenance": dict(provenance),
        "AverageOver": prior,
        "Prior": risk.prior.to_dict(),
        "SnrConvention": bayes.convention,
        "SnrDb": middle,
        "SnrDbOfVoxels": {"5%": low, "50%": middle, "95%": high},
        "Draws": bayes.n,
        "Atoms": bayes.n_atoms,
        "Rank": bayes.rank,
        "NotConverged": bayes.not_converged,
        "Disagreement": bayes.disagreement,
        "Rows": rows,
    }
    write_json(folder / f"{_RISK}.json", content)


def _write_report(
    comparison: Comparison,
    given: EvaluationInput,
    folder: Path,
    bound: str,
    provenance: Mapping[str, Any],
    risk: MapRisk | None,
    prior: str,
) -> None:
    """The figures and the page."""
    from ..report import draw_comparison, encode_figure, evaluation_page, write_page

    (folder / _FIGURES).mkdir()
    pictures = draw_comparison(comparison)
    for name, kinds in pictures.items():
        for kind, picture in kinds.items():
            for suffix in ("svg", "png"):
                path = folder / _FIGURES / f"{name}_{kind}.{suffix}"
                path.write_bytes(encode_figure(picture.figure, suffix))
    page = evaluation_page(
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


def _earlier(out: Path) -> list[Path]:
    """What an earlier evaluation wrote, where one of its tables shows that there was one."""
    from ..report import KINDS

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
