"""What the validator of BIDS says of every derivative that the commands write."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import spinprint as sp
from spinprint.networks import model
from spinprint.workflows import demo
from spinprint.workflows.mapping import map_series
from spinprint.workflows.simulation import run_simulation

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bids_validator_deno") is None, reason="needs bids-validator-deno"
)

NOBODY = {"TOO_FEW_AUTHORS": 1}
"""The only complaint about a new derivative: no program knows who measured and mapped."""


def complaints(dataset: Path) -> dict[str, int]:
    """How often each error and warning of the validator is given; it works offline."""
    command = "from bids_validator_deno import cli; cli()"
    done = subprocess.run(
        [sys.executable, "-c", command, dataset, "--format", "json"],
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["summary"]["dataProcessed"], done.stderr
    assert found["summary"]["totalFiles"] > 3
    return Counter(issue["code"] for issue in found["issues"]["issues"])


@pytest.fixture(scope="module")
def scans(
    short: sp.Sequence,
    short_knee: sp.Sequence,
    short_diffusion: sp.Sequence,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Folders of `simulate` by the name of the sequence; that of `short` has a space in it."""
    folder = tmp_path_factory.mktemp("scans of today")
    for sequence in (short, short_knee, short_diffusion):
        fields: Any = {"b1_range": (0.9, 1.1), "b0_range": (-9, 9)} if sequence is short else {}
        run_simulation(sequence, folder / sequence.name, matrix=12, slices=1, seed=1, **fields)
    return {path.name: path for path in folder.iterdir()}


def atoms(sequence: sp.Sequence, path: Path, *fields: str) -> Path:
    """A dictionary file of a few atoms."""
    axes = {
        "t1": sp.Axis.geometric(0.3, 3, factor=1.4),
        "t2": sp.Axis.geometric(0.02, 0.2, factor=1.5),
        "t1rho": sp.Axis.geometric(0.02, 0.2, factor=1.5),
        "adc": sp.Axis.linear(0, 3e-3, 1e-3),
        "b1": sp.Axis.linear(0.8, 1.2, 0.2),
        "b0": sp.Axis.linear(-10, 10, 10),
    }
    wanted = (*sequence.unknowns, *fields)
    grid = sp.ParameterGrid({name: axes[name] for name in wanted})
    sp.Dictionary.build(sequence, grid, rank=8).save(path)
    return path


@pytest.fixture(scope="module")
def mapped(
    scans: dict[str, Path],
    short: sp.Sequence,
    short_knee: sp.Sequence,
    short_diffusion: sp.Sequence,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A dataset with a subject of every estimator and of every kind of map."""
    folder = tmp_path_factory.mktemp("mapped")
    maps = folder / "maps"

    def add(sequence: sp.Sequence, subject: str, **options: Any) -> None:
        series = scans[sequence.name] / "series.nii.gz"
        map_series(series, sequence, maps, subject=subject, **options)

    plain = atoms(short, folder / "plain.h5")
    add(short, "match", dictionary_path=plain)
    add(short, "fit", dictionary_path=plain, estimator="least-squares")
    add(short, "bayes", dictionary_path=plain, estimator="posterior")
    with_fields = atoms(short, folder / "fields.h5", "b1", "b0")
    add(short, "fields", dictionary_path=with_fields)
    add(short, "known", dictionary_path=with_fields, b1_path=scans["short"] / "b1.nii.gz")
    add(short_knee, "knee", dictionary_path=atoms(short_knee, folder / "knee.h5"))
    add(short_diffusion, "adc", dictionary_path=atoms(short_diffusion, folder / "adc.h5"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "_CALIBRATION", 1024)
        network = sp.Model.create(short, config=sp.NetworkConfig(core=sp.Mlp(width=8, blocks=0)))
        network.save(folder / "network")
    add(short, "network", estimator="network", model_paths=[folder / "network"])
    return maps


def test_every_estimator_and_every_map(mapped: Path) -> None:
    names = {path.name.partition("_")[2] for path in mapped.rglob("*.nii.gz")}
    suffixes = ["M0map", "T1map", "T2map", "T1rho", "ADC", "TB1map", "fieldmap", "desc-score_map"]
    assert names >= {f"{suffix}.nii.gz" for suffix in suffixes}
    assert names >= {f"desc-sd_{suffix}.nii.gz" for suffix in suffixes[1:-1]}
    assert complaints(mapped) == NOBODY


def test_nothing_is_ignored_that_a_rule_covers(mapped: Path) -> None:
    lines = (mapped / ".bidsignore").read_text().splitlines()
    reasons, patterns = lines[::2], lines[1::2]
    assert all(reason.startswith("# ") for reason in reasons)
    assert not any(pattern.startswith("#") for pattern in patterns)
    (mapped / ".bidsignore").rename(mapped.parent / "aside")
    try:
        found = complaints(mapped)
    finally:
        (mapped.parent / "aside").rename(mapped / ".bidsignore")
    ignored = {path for pattern in patterns for path in mapped.rglob(pattern)}
    assert found == NOBODY | {"NOT_INCLUDED": len(ignored)}


def test_authors_are_kept_and_leave_nothing_to_say(
    mapped: Path, scans: dict[str, Path], short: sp.Sequence
) -> None:
    path = mapped / "dataset_description.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps({**description, "Authors": ["Félix Bloch", "E. M. Purcell"]}))
    series, atoms = scans["short"] / "series.nii.gz", mapped.parent / "plain.h5"
    map_series(series, short, mapped, subject="again", dictionary_path=atoms)
    assert complaints(mapped) == {}
    path.write_text(json.dumps(description))


@pytest.mark.parametrize("name", ["short", "short_knee", "short_diffusion"])
def test_the_truth_of_a_simulation(scans: dict[str, Path], name: str) -> None:
    truth = scans[name] / "truth"
    assert complaints(truth) == NOBODY
    assert json.loads((truth / "dataset_description.json").read_text())["Name"].startswith("True")


def test_a_series_that_lies_nowhere(
    scans: dict[str, Path], short: sp.Sequence, mapped: Path, tmp_path: Path
) -> None:
    """Its maps lie nowhere too; a place that is made up would be worse than the warning."""
    series: Any = nib.load(scans["short"] / "series.nii.gz")
    np.save(tmp_path / "series.npy", np.asarray(series.dataobj))
    atoms = mapped.parent / "plain.h5"
    map_series(tmp_path / "series.npy", short, tmp_path / "maps", dictionary_path=atoms)
    n_images = len([*tmp_path.rglob("*.nii.gz")]) - len([*tmp_path.rglob("*_map.nii.gz")])
    nowhere = {"SFORM_AND_QFORM_IN_IMAGE_HEADER_ARE_ZERO": n_images}
    assert complaints(tmp_path / "maps") == NOBODY | nowhere


def test_the_demo(short: sp.Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = demo.simulate_phantom
    monkeypatch.setattr(demo, "knee_t1_t2_t1rho", lambda: short)
    monkeypatch.setattr(
        demo,
        "simulate_phantom",
        lambda *given, **options: simulate(*given, **{**options, "matrix": 12}),
    )
    demo.run_demo(tmp_path)
    assert complaints(tmp_path / "maps") == complaints(tmp_path / "simulated/truth") == NOBODY
