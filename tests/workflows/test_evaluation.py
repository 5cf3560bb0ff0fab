"""From folders of maps to tables, figures and a page: truth, other maps, and the NIST phantom."""

import csv
import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import spinprint as sp
from spinprint.evaluation import Role, error_bound, map_risk
from spinprint.io import FieldFiles, read_labels
from spinprint.io.arrays import read_array
from spinprint.prior import Prior, Uniform
from spinprint.simulation.phantoms import nist
from spinprint.simulation.phantoms.nist import SPHERES, sphere_values
from spinprint.workflows import evaluation as workflow
from spinprint.workflows.evaluation import EvaluationResult, evaluate_maps
from spinprint.workflows.evaluation_input import EvaluationInput, read_fields, read_input
from spinprint.workflows.mapping import map_series
from spinprint.workflows.simulation import run_simulation as simulate

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
    # Nothing is said of errors over deviations that nobody stated.
    assert "Covered is the share" not in (out / "report.html").read_text()
    # The same noise: the estimates differ by less than either errs.
    assert abs(result.comparison.rows[0].median_bias_percent) < 0.2
    found = {path for path in out.rglob("*") if path.is_file()}
    assert found == {*result.files, out / "notes.txt"}
    assert not (out / "figures" / "t1_regions.png").exists()


def inputs(maps: Path, **options: Any) -> EvaluationInput:
    """What is compared, without comparing it."""
    names = (
        "truth", "phantom", "labels", "sequence", "subject", "purity", "b1_map", "b0_map"
    )  # fmt: skip
    return read_input(maps, **{**dict.fromkeys(names), "batch": "K3290", "erode": 0, **options})


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


@pytest.fixture(scope="module")
def mixed(short: sp.Sequence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan with partial volume and B1, and maps that knew B1."""
    folder = tmp_path_factory.mktemp("mixed")
    simulate(
        short, folder, matrix=32, slices=1, snr_db=40, seed=2, b1_range=(0.7, 0.9)
    )  # fmt: skip
    map_series(
        folder / "series.nii.gz", short, folder / "maps", b1_path=folder / "b1.nii.gz",
        mask_path=folder / "labels.nii.gz",
    )  # fmt: skip
    return folder


def test_mixed_voxels_do_not_count_in_the_headline(mixed: Path, tmp_path: Path) -> None:
    labels = mixed / "labels.nii.gz"
    result = evaluate_maps(
        mixed / "maps", tmp_path / "out", truth=mixed / "truth", labels=labels,
        b1_map=mixed / "b1.nii.gz", resamples=20,
    )  # fmt: skip
    purity = np.nan_to_num(read_array(mixed / "purity.nii.gz")[0])
    n_pure, n = int((purity > 0.999).sum()), int((purity > 0).sum())
    assert 0 < n_pure < n
    metrics = [row for row in rows(tmp_path / "out" / "metrics.csv") if row["name"] == "all"]
    counts = {row["voxels"]: int(row["n_voxels"]) for row in metrics}
    assert counts == {"pure": n_pure, "all": n}
    over = {row["voxels"]: float(row["rmse_over_bound"]) for row in metrics}
    # Borders have no single truth: errors there are many times what the noise allows.
    assert over["pure"] == pytest.approx(1, abs=0.2)
    assert over["all"] > 3
    assert f"{n - n_pure} of {n} labelled voxels" in result.remarks[0]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "all pure voxels" in page
    assert "all voxels, also mixed ones" in page
    assert "Half of all pure voxels lie within" in page


def test_purity_may_lie_elsewhere_and_say_that_all_is_pure(mixed: Path, tmp_path: Path) -> None:
    maps = sp.read_maps(mixed / "maps")
    image = nib.Nifti1Image(np.ones(maps.shape, np.float32), maps.affine)
    image.to_filename(tmp_path / "ones.nii.gz")
    given = inputs(
        mixed / "maps", truth=mixed / "truth", labels=mixed / "labels.nii.gz",
        purity=tmp_path / "ones.nii.gz",
    )  # fmt: skip
    assert given.purity is not None
    assert given.purity.min() == 1
    assert not any("more than one tissue" in one for one in given.remarks)


def test_bounds_take_the_fields_that_the_maps_were_given(mixed: Path) -> None:
    options = {"truth": mixed / "truth", "labels": mixed / "labels.nii.gz"}
    without = inputs(mixed / "maps", **options)
    given = inputs(mixed / "maps", **options, b1_map=mixed / "b1.nii.gz")
    assert any("made with a map of B1" in one for one in without.remarks)
    assert not any("made with a map of B1" in one for one in given.remarks)
    (nominal, said_nominal), (known, said) = (
        error_bound(one.maps, one.reference, one.sequence, one.labels != 0, one.fields)
        for one in (without, given)
    )
    assert "B1 and B0 nominal" in said_nominal
    assert "B1 as given, B0 nominal" in said
    # Four fifths of the flip angle give less signal of T2.
    assert np.nanmedian(known["t2"] / nominal["t2"]) > 1.02
    estimated = given.maps.replace(values={"b1": given.maps["t1"]}, sd={})
    with pytest.raises(sp.SeriesError, match="the maps estimate b1 themselves"):
        read_fields(estimated, FieldFiles(b1=mixed), None, print)


def test_the_bayes_risk_is_that_of_the_prior_at_the_ratio_of_the_maps(
    mapped: Path, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "map_risk", partial(map_risk, n=300, n_atoms=5000))
    law = {"law": "uniform", "log": True}
    (tmp_path / "prior.toml").write_text(
        "[prior]\nconstraints = []\n"
        '[prior.laws.t1]\nlaw = "uniform"\nlow = 0.3\nhigh = 2.0\nlog = true\n'
        '[prior.laws.t2]\nlaw = "uniform"\nlow = 0.02\nhigh = 0.2\nlog = true\n'
    )
    told: list[str] = []
    result = evaluate_maps(
        mapped / "maps", tmp_path / "out", truth=scan / "truth", labels=scan / "labels.nii.gz",
        bayes_risk=True, prior=tmp_path / "prior.toml", resamples=20, log=told.append,
    )  # fmt: skip
    assert "draws" in told[0]
    content = json.loads((tmp_path / "out" / "bayes_risk.json").read_text())
    assert content["SnrDb"] == pytest.approx(40, abs=0.5)
    assert content["Prior"]["laws"]["t1"] == {**law, "low": 0.3, "high": 2.0}
    for line in rows(tmp_path / "out" / "bayes_risk.csv"):
        rms, error = float(line["bayes_rms_error"]), float(line["standard_error"])
        assert 0 < error < 0.1 * rms
        (row,) = [
            row
            for row in result.comparison.rows
            if row.label is None and row.parameter == line["parameter"]
        ]
        assert row.mse_over_bayes_risk == pytest.approx(float(line["mse_over_bayes_risk"]))
        estimate, true = result.comparison.pair(row.parameter)
        relative = np.sqrt(np.mean((estimate / true - 1) ** 2))
        assert float(line["rms_error_of_maps"]) == pytest.approx(relative, rel=1e-3)
        assert row.mse_over_bayes_risk == pytest.approx((relative / rms) ** 2, rel=1e-3)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "average over the prior stated in" in page
    assert "not over the tissue and the noise of this object" in page
    # A run without it leaves none behind.
    evaluate_maps(mapped / "maps", tmp_path / "out", truth=scan / "truth", resamples=5)
    assert not list((tmp_path / "out").glob("bayes_risk*"))


def test_the_prior_is_that_of_the_maps_where_they_state_one(mapped: Path, scan: Path) -> None:
    given = inputs(mapped / "maps", truth=scan / "truth")
    prior, said, sequence = workflow.choose_prior(given, None)
    assert "all tissue" in said
    assert prior.to_dict() == Prior.default(sequence).to_dict()
    narrow = Prior({"t1": Uniform(0.5, 1.5), "t2": Uniform(0.03, 0.1)})
    stating = given.maps.replace(provenance={"prior": narrow.to_dict()})
    prior, said, _ = workflow.choose_prior(dataclasses.replace(given, maps=stating), None)
    assert said == "that the maps were made with"
    assert prior.to_dict() == narrow.to_dict()
    with pytest.raises(sp.SequenceError, match="give --sequence"):
        workflow.choose_prior(dataclasses.replace(given, sequence=None), None)


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
    nib.Nifti1Image(np.ones((3, 3, 1)), moved.affine).to_filename(tmp_path / "small.nii")
    (tmp_path / "none.toml").write_text("seed = 1\n")
    labels, unsaid = scan / "labels.nii.gz", tmp_path / "unsaid"
    nothing = np.full(moved.shape, np.nan, np.float32)
    sp.write_maps(moved.replace(sigma=nothing), unsaid, sequence=sp.load_sequence("spi_500"))
    placeless = system_phantom(affine=None)
    cases: list[tuple[Path, dict[str, Any], str]] = [
        (maps, {}, "give either --truth or --phantom"),
        (maps, {"truth": truth, "phantom": "nist"}, "give either --truth or --phantom"),
        (maps, {"truth": truth, "resamples": 0}, "--resamples = 0 must be from 1 to 1000000"),
        (maps, {"phantom": "acr"}, "phantom 'acr' must be one of nist"),
        (tmp_path / "no", {"truth": truth}, "no such folder"),
        (maps, {"truth": tmp_path / "no"}, "no such folder"),
        (maps, {"truth": tmp_path / "moved"}, "moved: lies up to .* voxels off the maps"),
        (maps, {"truth": placeless / "maps"}, r"maps of shape \(72, 72, 3\), the maps to evaluate"),
        (maps, {"truth": truth, "labels": tmp_path / "0.nii"}, "labels no voxel"),
        (maps, {"truth": truth, "erode": 1}, "needs --labels to erode"),
        (maps, {"truth": truth, "labels": scan / "labels.nii.gz", "erode": 50}, "leaves no voxel"),
        (maps, {"truth": truth, "purity": tmp_path / "1.nii"}, "--purity needs --labels"),
        (maps, {"truth": truth, "labels": labels, "purity": tmp_path / "0.nii"}, "is pure by it"),
        (maps, {"truth": truth, "labels": labels, "purity": labels}, "from 0 to 1"),
        (maps, {"truth": truth, "b1_map": tmp_path / "0.nii"}, "B1 map is 0 everywhere"),
        (maps, {"truth": truth, "b1_map": tmp_path / "small.nii"}, "the maps .*: resample it onto"),
        (maps, {"truth": truth, "prior": tmp_path / "p.toml"}, "--prior needs --bayes-risk"),
        (maps, {"truth": truth, "bayes_risk": True, "prior": tmp_path / "p.toml"}, "no such"),
        (maps, {"truth": truth, "bayes_risk": True, "prior": tmp_path / "none.toml"}, "no .prior"),
        (unsaid, {"truth": truth, "bayes_risk": True, "sequence": "spi_500"}, "state their noise"),
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


# Impossible values --------------------------------------------------------------------------


def edited(folder: Path, out: Path, suffix: str, change: Callable[[Any], Any]) -> Path:
    """A copy of a folder of maps with one map changed."""
    shutil.copytree(folder, out)
    (path,) = out.rglob(f"sub-01_{suffix}.nii.gz")
    image = nib.Nifti1Image.from_filename(path)
    values = change(np.asarray(image.dataobj).astype(np.float32))
    nib.Nifti1Image(values, image.affine).to_filename(path)
    return out


def first_as(value: float) -> Callable[[Any], Any]:
    """One voxel, the first above 0, gets a value."""

    def change(values: Any) -> Any:
        values.flat[np.flatnonzero(values > 0)[0]] = value
        return values

    return change


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-45, 1e-30, 1e30, 3e38])
@pytest.mark.parametrize("suffix", ["T1map", "T2map"])
def test_one_impossible_truth_is_counted_and_stops_nothing(
    mapped: Path, scan: Path, tmp_path: Path, suffix: str, value: float
) -> None:
    truth = edited(scan / "truth", tmp_path / "truth", suffix, first_as(value))
    (tmp_path / "sequence.toml").write_bytes((scan / "sequence.toml").read_bytes())
    labels = scan / "labels.nii.gz"
    result = evaluate_maps(
        mapped / "maps", tmp_path / "out", truth=truth, labels=labels, resamples=2
    )
    (said,) = [remark for remark in result.remarks if "no bound" in remark]
    assert re.match(r"1 of \d+ compared voxels have no bound", said)
    row = next(row for row in result.comparison.rows if row.name == "all")
    assert row.median_error_over_bound == pytest.approx(0.7, abs=0.2)


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30])
def test_a_truth_that_is_impossible_all_over_stops_nothing(
    mapped: Path, scan: Path, tmp_path: Path, value: float
) -> None:
    truth = edited(scan / "truth", tmp_path / "truth", "T1map", lambda t1: np.full_like(t1, value))
    labels = scan / "labels.nii.gz"
    result = evaluate_maps(
        mapped / "maps", tmp_path / "out", truth=truth, labels=labels, resamples=2
    )
    assert result.report.exists()


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        ("T1map", first_as(np.inf)),
        ("T1map", first_as(1e-30)),
        ("desc-sd_T1map", np.zeros_like),
        ("desc-sigma_map", np.zeros_like),
        ("M0map", partial(np.full_like, fill_value=np.inf)),
        ("M0map", partial(np.full_like, fill_value=1e-45)),
        ("M0map", partial(np.full_like, fill_value=3e38)),
    ],
)
def test_maps_with_impossible_values_are_evaluated(
    mapped: Path, scan: Path, tmp_path: Path, suffix: str, change: Callable[[Any], Any]
) -> None:
    maps = edited(mapped / "maps", tmp_path / "maps", suffix, change)
    labels = scan / "labels.nii.gz"
    result = evaluate_maps(maps, tmp_path / "out", truth=scan / "truth", labels=labels, resamples=2)
    row = next(row for row in result.comparison.rows if row.name == "all")
    assert row.median_ape < 1
