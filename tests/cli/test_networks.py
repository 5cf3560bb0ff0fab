"""Networks on the command line: training, mapping, export, errors."""

import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import spinprint as sp
from spinprint.networks import model
from spinprint.training import validation
from spinprint.workflows.training import train_network

from .conftest import Outcome, Run

CONFIG = """
format = "spinprint-train/1"
[network]
core = { kind = "mlp", width = 48, blocks = 1 }
[data]
block = 4096
[validation]
voxels = 256
every = 300
[[stage]]
name = "noisy"
snr_db = [15, 45]
steps = 600
batch = 256
learning_rate = 0.02
warm_up = 50
"""
KNOWN = """
known = ["b1"]
[prior]
constraints = [["t2", "t1"]]
[prior.laws]
t1 = { law = "uniform", low = 0.1, high = 4.0, log = true }
t2 = { law = "uniform", low = 0.01, high = 1.0, log = true }
b1 = { law = "uniform", low = 0.7, high = 1.3, log = false }
[data]"""


@pytest.fixture(scope="module")
def folder(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contains training files, a trained network, a barely trained one, and one with known B1."""
    folder = tmp_path_factory.mktemp("networks")
    sequence = sp.load_sequence(scan / "sequence.toml")
    (folder / "train.toml").write_text(CONFIG)
    few = CONFIG.replace("steps = 600", "steps = 2").replace("\n[data]", KNOWN)
    (folder / "known.toml").write_text(few)
    (folder / "few.toml").write_text(CONFIG.replace("steps = 600", "steps = 2"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "_CALIBRATION", 2048)
        patch.setattr(validation, "_CALIBRATION", 4096)
        train_network(sequence, folder / "network0", folder / "train.toml")
        train_network(sequence, folder / "network1", folder / "few.toml", 1)
        train_network(sequence, folder / "known", folder / "known.toml")
    return folder


def test_train_prints_its_folder_and_errors(
    run: Run, scan: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "network"
    arguments = ("--config", folder / "known.toml", "--seed", 5, "--out", out)
    outcome = run("train", scan / "sequence.toml", *arguments)
    assert (outcome.status, outcome.out) == (0, [str(out)])
    stage, heading, *errors = outcome.err
    assert stage.startswith("Training: ")
    assert heading.startswith("Mean squared error of parameters scaled to 0..1")
    assert [line.split(":")[0] for line in errors] == ["10 dB", "20 dB", "30 dB", "40 dB", "clean"]
    assert all(re.fullmatch(r".+: t1 [\d.e-]+, t2 [\d.e-]+", line) for line in errors)
    assert sp.Model.load(out).training["seed"] == 5
    again = run("train", scan / "sequence.toml", *arguments)
    assert (again.status, again.err[1:]) == (0, outcome.err[1:])


def mapped(run: Run, scan: Path, out: Path, *extra: Any) -> tuple[Outcome, sp.Maps]:
    arguments = ("--sequence", scan / "sequence.toml", "--estimator", "network", "--out", out)
    outcome = run("map", scan / "series.nii.gz", *arguments, *extra)
    assert outcome.status == 0, outcome.err
    return outcome, sp.read_maps(out)


def test_map_with_a_network(run: Run, scan: Path, folder: Path, tmp_path: Path) -> None:
    outcome, maps = mapped(run, scan, tmp_path / "maps", "--model", folder / "network0")
    stages = [line.split(":")[0] for line in outcome.err[:4]]
    assert stages == ["Reading the series", "Reading the network", "Mapping", "Writing the maps"]
    truth = sp.read_maps(scan / "truth")
    inside = maps.status == sp.Status.OK
    # The mask is estimated in the basis of the network, as in that of a dictionary.
    assert inside.sum() == (truth.status == sp.Status.OK).sum()
    for name in ("t1", "t2"):
        off = np.abs(maps[name] - truth[name])[inside]
        assert np.median(off / truth[name][inside]) < 0.05
        assert 0.3 < np.median(off / maps.sd[name][inside]) < 1.2  # 0.67 of a normal
    sidecar = json.loads((tmp_path / "maps/sub-01/anat/sub-01_T1map.json").read_text())
    digest = sp.Model.load(folder / "network0").digest
    assert digest in json.dumps(sidecar)


def test_several_networks_are_averaged(run: Run, scan: Path, folder: Path, tmp_path: Path) -> None:
    models = [folder / f"network{seed}" for seed in (0, 1)]
    first, second = (("--model", model) for model in models)
    noise = ("--sigma", 1e-3)  # otherwise each estimates it outside its own basis
    singles = [
        mapped(run, scan, tmp_path / given[1].name, *given, *noise)[1] for given in (first, second)
    ]
    _, both = mapped(run, scan, tmp_path / "both", *first, *second, *noise)
    inside = both.has_value()
    logs = [np.log(maps["t2"][inside]) for maps in singles]
    np.testing.assert_allclose(np.log(both["t2"][inside]), np.mean(logs, axis=0), atol=1e-5)
    relative = [maps.sd["t2"][inside] / maps["t2"][inside] for maps in singles]
    expected = np.sqrt(np.mean(np.square(relative), axis=0) + np.var(logs, axis=0))
    np.testing.assert_allclose((both.sd["t2"] / both["t2"])[inside], expected, rtol=1e-3)
    assert both.provenance["estimator"] == "mean of 2 neural networks"
    np.testing.assert_allclose(
        both.m0[inside], np.mean([maps.m0[inside] for maps in singles], axis=0), rtol=1e-4
    )


def test_known_field_outside_the_prior_is_marked(
    run: Run, scan: Path, folder: Path, tmp_path: Path
) -> None:
    image = nib.Nifti1Image.from_filename(scan / "series.nii.gz")
    b1 = np.ones((24, 24, 1), np.float32)
    b1[12, 12] = 1.5
    nib.Nifti1Image(b1, image.affine).to_filename(tmp_path / "b1.nii")
    options = ("--model", folder / "known", "--b1-map", tmp_path / "b1.nii")
    _, maps = mapped(run, scan, tmp_path / "maps", *options)
    assert maps.status[12, 12, 0] == sp.Status.AT_EDGE


def test_export_writes_a_file(run: Run, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    out = tmp_path / "network.onnx"
    outcome = run("export", folder / "known", "--out", out)
    assert (outcome.status, outcome.out) == (0, [str(out)])
    assert out.stat().st_size > 1000


NETWORK = ["--estimator", "network"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (NETWORK, "--estimator network needs --model, a folder that `spinprint train` has written"),
        (["--model", "{}/known"], "--model has no use with --estimator match: a model serves"),
        (
            [*NETWORK, "--model", "{}/network0", "--dictionary", "d.h5"],
            "--dictionary has no use with --estimator network: give --model",
        ),
        (
            [*NETWORK, "--model", "{}/network0", "--magnitude"],
            "--magnitude has no use with --estimator network, which is trained on complex signals:",
        ),
        ([*NETWORK, "--model", "{}"], "{}: holds no model.json: give a folder that"),
        ([*NETWORK, "--model", "{}/known"], "a b1 map must be given: the network was trained with"),
        (
            [*NETWORK, "--model", "{}/network0", "--b1-map", "b1.nii"],
            "a b1 map was given, but the network was not trained to know b1: leave it out, or",
        ),
        (
            [*NETWORK, "--model", "{}/network0", "--model", "{}/known"],
            "the networks differ in their priors, known fields or linear axes",
        ),
        (
            [*NETWORK, "--model", "{}/network0", "--sequence", "spi_500"],
            "{}/network0: the network was trained for another sequence",
        ),
    ],
)
def test_invalid_options_of_map_are_refused(
    run: Run,
    scan: Path,
    folder: Path,
    tmp_path: Path,
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    image = nib.Nifti1Image.from_filename(scan / "series.nii.gz")
    nib.Nifti1Image(np.ones((24, 24, 1), np.float32), image.affine).to_filename("b1.nii")
    given = [option.format(folder) for option in options]
    series = scan / "series.nii.gz"
    if "--sequence" not in options:
        given += ["--sequence", str(scan / "sequence.toml")]
    else:
        np.save("series.npy", np.ones((4, 4, 1, 500), np.complex64))
        series = Path("series.npy")
    outcome = run("map", series, "--out", "maps", *given)
    assert (outcome.status, outcome.out) == (2, [])
    assert outcome.err[-1].startswith(f"spinprint: {message.format(folder)}")
    assert not Path("maps").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "no.toml", "--out", "n"], "no.toml: no such training file"),
        (["--config", "bad.toml", "--out", "n"], "bad.toml: stage.0.steps: input should be greate"),
        (["--seed", "-1", "--out", "n"], "seed: input should be greater than or equal to 0"),
        (["--seed", "1.5", "--out", "n"], "Invalid value for --seed: '1.5' must be a whole number"),
        (["--out", "bad.toml/n"], "bad.toml/n: bad.toml is no folder: choose another"),
        ([], "--out needs a value"),
        (["--config", "{}/known.toml", "--out", "{}/network0"], "{}/network0: holds a model of an"),
    ],
)
def test_invalid_options_of_train_are_refused(
    run: Run,
    scan: Path,
    folder: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(CONFIG.replace("steps = 600", "steps = 0"))
    given = [argument.format(folder) for argument in arguments]
    outcome = run("train", scan / "sequence.toml", *given)
    assert (outcome.status, outcome.out) == (2, [])
    assert outcome.err[-1].startswith(f"spinprint: {message.format(folder)}")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


def test_export_of_an_empty_folder_is_refused(run: Run, tmp_path: Path) -> None:
    outcome = run("export", tmp_path, "--out", tmp_path / "n.onnx")
    assert outcome.status == 2
    assert outcome.err[-1].startswith(f"spinprint: {tmp_path}: holds no model.json")
