"""From folders of maps to tables, figures and a page: truth, other maps, and the NIST phantom."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import spinprint as sp
from spinprint.evaluation.comparison import Role
from spinprint.evaluation.phantoms import nist
from spinprint.evaluation.phantoms.nist import SPHERES, sphere_values
from spinprint.io import read_labels
from spinprint.workflows.evaluation import EvaluationResult, evaluate_maps
from spinprint.workflows.evaluation_input import EvaluationInput, read_input
from spinprint.workflows.mapping import map_series

Evaluated = tuple[EvaluationResult, Path]


@pytest.fixture(scope="module")
def mapped(short: sp.Sequence, scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps of the scan, and of a second series of the same knee."""
    folder = tmp_path_factory.mktemp("mapped")
    labels = scan / "labels.nii.gz"
    map_series(scan / "series.nii.gz", short, folder / "maps", mask_path=labels)
    map_series(
        scan / "series.nii.gz", short, folder / "least",
        estimator="least-squares", mask_path=labels,
    )  # fmt: skip
    data = sp.read_series(scan / "series.nii.gz")
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(*data.data.shape, 2)) @ [1, 1j]
    sigma = np.nanmedian(sp.read_maps(folder / "maps").sigma)
    sp.write_series(folder / "again.nii.gz", data.data + sigma * noise, data.affine)
    map_series(folder / "again.nii.gz", short, folder / "repeat", mask_path=labels)
    return folder


@pytest.fixture(scope="module")
def evaluated(mapped: Path, scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    out = tmp_path_factory.mktemp("evaluated") / "out"
    labels = scan / "labels.nii.gz"
    return evaluate_maps(mapped / "maps", out, truth=scan / "truth", labels=labels), out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_against_the_truth(evaluated: Evaluated, scan: Path) -> None:
    result, out = evaluated
    assert result.comparison.reference.role is Role.TRUTH
    maps, truth = result.comparison.maps, sp.read_maps(scan / "truth")
    labels, names = read_labels(scan / "labels.nii.gz", maps.shape, maps.affine)
    metrics = rows(out / "metrics.csv")
    keys = [(row["parameter"], row["name"]) for row in metrics]
    assert len(set(keys)) == len(keys) > 2 * 3
    assert {name for _, name in keys} <= {*names.values(), "all"}
    (marrow,) = [row for row in metrics if (row["parameter"], row["name"]) == ("t1", "marrow")]
    inside = (labels == int(marrow["label"])) & maps.has_value()
    error = (maps["t1"] - truth["t1"])[inside].astype(float)
    assert float(marrow["bias_in_unit"]) == pytest.approx(error.mean(), rel=1e-4)
    assert float(marrow["rmse_in_unit"]) == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    assert float(marrow["bias_in_unit_low"]) < float(marrow["bias_in_unit_high"])
    assert marrow["unit"] == "s"
    # The sequence lies beside the truth, and an efficient estimator reaches its bound.
    assert float(marrow["median_error_over_bound"]) == pytest.approx(0.7, abs=0.25)


def test_tables_figures_and_page_are_all_there(evaluated: Evaluated, mapped: Path) -> None:
    result, out = evaluated
    assert result.report == out / "report.html"
    assert all(path.is_file() for path in result.files)
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(out)) for path in result.files}
    kinds = ("bland_altman", "scatter", "regions", "error_map", "calibration")
    figures = {f"figures/{p}_{kind}.{end}" for p in ("t1", "t2") for kind in kinds
               for end in ("svg", "png")}  # fmt: skip
    tables = {f"{name}.{end}" for name in ("metrics", "agreement") for end in ("csv", "json")}
    assert names == {"report.html", *figures, *tables}
    for name in ("metrics", "agreement"):
        content = json.loads((out / f"{name}.json").read_text())
        assert content["ComparedWith"] == "the truth"
        assert "short" in content["Bound"]
        assert len(content["Rows"]) == len(rows(out / f"{name}.csv"))
    assert (out / "figures/t1_scatter.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    headings = re.findall(r"<h2[^>]*>([^<]+)<", page)
    assert headings[:4] == ["Summary", "Maps", "Errors", "Agreement"]
    assert "Cramér-Rao SD" in page
    assert str(mapped / "maps") in page


def test_the_same_evaluation_gives_the_same_bytes(
    evaluated: Evaluated, mapped: Path, scan: Path, tmp_path: Path
) -> None:
    labels = scan / "labels.nii.gz"
    again = evaluate_maps(mapped / "maps", tmp_path, truth=scan / "truth", labels=labels)
    for one, other in zip(evaluated[0].files, again.files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_a_repeat_is_judged_by_its_own_terms(mapped: Path, tmp_path: Path) -> None:
    repeat = evaluate_maps(mapped / "maps", tmp_path, truth=mapped / "repeat")
    assert repeat.comparison.reference.role is Role.REPEAT
    (row,) = [row for row in rows(tmp_path / "agreement.csv") if row["parameter"] == "t1"]
    assert float(row["within_cv_percent"]) > 0
    assert float(row["repeatability_coefficient_percent"]) == pytest.approx(
        2.7718 * float(row["within_cv_percent"]), rel=1e-3
    )
    assert "No labels were given" in repeat.remarks[0]
    page = (tmp_path / "report.html").read_text()
    assert "maps of another series of the same object" in page
    assert "against the truth" not in page


def test_another_estimate_of_the_same_series_replaces_an_earlier_run(
    evaluated: Evaluated, mapped: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(evaluated[1], out)
    (out / "notes.txt").write_text("mine")
    result = evaluate_maps(mapped / "maps", out, truth=mapped / "least")
    assert result.comparison.reference.role is Role.ESTIMATE
    assert result.comparison.bound == {}
    assert np.isnan([row.coverage for row in result.comparison.rows]).all()
    # The same noise: the estimates differ by less than either errs.
    assert abs(result.comparison.rows[0].median_bias_percent) < 0.2
    found = {path for path in out.rglob("*") if path.is_file()}
    assert found == {*result.files, out / "notes.txt"}
    assert not (out / "figures" / "t1_regions.png").exists()


def inputs(maps: Path, **options: Any) -> EvaluationInput:
    """What is compared, without comparing it."""
    nothing = {"truth": None, "phantom": None, "labels": None, "sequence": None, "subject": None}
    return read_input(maps, **{**nothing, "batch": "K3290", "erode": 0, **options})


def test_erosion_leaves_the_middle_of_structures(mapped: Path, scan: Path) -> None:
    labels = scan / "labels.nii.gz"
    whole = inputs(mapped / "maps", truth=scan / "truth", labels=labels)
    given = inputs(mapped / "maps", truth=scan / "truth", labels=labels, erode=1)
    assert given.remarks[0] == "Structures were eroded by 1 voxel."
    assert whole.labels is not None
    assert given.labels is not None
    kept = given.labels != 0
    assert 0 < np.count_nonzero(kept) < np.count_nonzero(whole.labels)
    assert (given.labels[kept] == whole.labels[kept]).all()


@pytest.fixture(scope="module")
def system_phantom(
    short: sp.Sequence, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Maps as of a perfect estimator of the NIST phantom, lying a little askew."""

    def make(**changes: Any) -> Path:
        folder = tmp_path_factory.mktemp("nist")
        phantom = nist((72, 72, 3), seed=4, rescan=True)
        truth = phantom.truth(("t1", "t2"))
        rng = np.random.default_rng(0)
        values = {
            name: (array * (1 + 0.02 * rng.normal(size=array.shape))).astype(np.float32)
            for name, array in truth.items()
        }
        maps = sp.Maps(
            values=values,
            sd={},
            m0=np.where(phantom.mask, 1, np.nan).astype(np.complex64),
            status=np.where(phantom.mask, 1, 0).astype(np.uint8),
            sigma=np.full(phantom.shape, 0.01, np.float32),
            affine=phantom.affine,
            provenance={"estimator": "drawn"},
        )
        sp.write_maps(maps.replace(**changes), folder / "maps", sequence=short)
        return folder

    return make


def test_the_nist_phantom_needs_no_truth_and_no_labels(
    system_phantom: Callable[..., Path], tmp_path: Path
) -> None:
    folder = system_phantom()
    result = evaluate_maps(folder / "maps", tmp_path / "out", phantom="nist", resamples=20)
    table = sphere_values("K3290", 3.0)
    by_name = {(row.parameter, row.name): row for row in result.comparison.rows}
    assert len(by_name) == 2 * (28 + 1)
    for label, values in table.items():
        row = by_name["t2", SPHERES[label].name]
        assert row.mean_truth == pytest.approx(values.t2)
        assert abs(row.median_bias_percent) < 2.5
    # What it found can be looked at, corrected, and given.
    found = result.comparison.labels
    given = inputs(folder / "maps", phantom="nist", labels=tmp_path / "out" / "spheres.nii.gz")
    assert given.labels is not None
    assert found is not None
    assert (given.labels == found).all()
    assert not given.found


def test_evaluations_that_cannot_be_made(
    mapped: Path, scan: Path, system_phantom: Callable[..., Path], tmp_path: Path
) -> None:
    maps, truth = mapped / "maps", scan / "truth"
    moved = sp.read_maps(truth)
    affine = np.array(moved.affine)
    affine[0, 3] += 30
    sequence = sp.load_sequence(scan / "sequence.toml")
    sp.write_maps(moved.replace(affine=affine), tmp_path / "moved", sequence=sequence)
    nib.Nifti1Image(np.zeros(moved.shape, np.uint8), moved.affine).to_filename(tmp_path / "0.nii")
    placeless = system_phantom(affine=None)
    cases: list[tuple[Path, dict[str, Any], str]] = [
        (maps, {}, "give either --truth or --phantom"),
        (maps, {"truth": truth, "phantom": "nist"}, "give either --truth or --phantom"),
        (maps, {"truth": truth, "resamples": 0}, "--resamples = 0 must be at least 1"),
        (maps, {"phantom": "acr"}, "phantom 'acr' must be one of nist"),
        (tmp_path / "no", {"truth": truth}, "no such folder"),
        (maps, {"truth": tmp_path / "no"}, "no such folder"),
        (maps, {"truth": tmp_path / "moved"}, "moved: lies up to .* voxels off the maps"),
        (maps, {"truth": placeless / "maps"}, r"maps of shape \(72, 72, 3\), the maps to evaluate"),
        (maps, {"truth": truth, "labels": tmp_path / "0.nii"}, "labels no voxel"),
        (maps, {"truth": truth, "erode": 1}, "needs --labels to erode"),
        (maps, {"truth": truth, "labels": scan / "labels.nii.gz", "erode": 50}, "leaves no voxel"),
        (maps, {"truth": truth, "sequence": "spi_500"}, "is not the sequence 'short'"),
        (maps, {"phantom": "nist"}, "spheres were found in the maps"),
        (placeless / "maps", {"phantom": "nist"}, "state no place in space"),
    ]
    for folder, options, match in cases:
        with pytest.raises(sp.InputError, match=match) as caught:
            evaluate_maps(folder, tmp_path / "out", **options)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()


def test_parameters_without_a_truth_are_left_out_and_said(
    mapped: Path, scan: Path, short: sp.Sequence, tmp_path: Path
) -> None:
    truth = sp.read_maps(scan / "truth")
    for name, other in (("t1", "t2"), ("t2", "t1")):
        half = truth.replace(values={name: truth[name]}, sd={})
        sp.write_maps(half, tmp_path / name, sequence=short)
        given = inputs(mapped / "maps", truth=tmp_path / name)
        assert list(given.reference.values) == [name]
        assert any(f"holds no {other}: it is left out" in one for one in given.remarks)
    mapped_t2 = sp.read_maps(mapped / "maps").replace(values={"t2": truth["t2"]}, sd={})
    sp.write_maps(mapped_t2, tmp_path / "only_t2", sequence=short)
    with pytest.raises(sp.SeriesError, match="they share no parameter"):
        inputs(tmp_path / "only_t2", truth=tmp_path / "t1")
