"""Magnitudes through the whole command: simulated, a dictionary built, mapped and judged."""

import json
from pathlib import Path

import numpy as np

import spinprint as sp
from spinprint.sequence import format_sequence

from .conftest import Run


def test_magnitudes_from_the_scan_to_the_evaluation(
    run: Run, short: sp.Sequence, tmp_path: Path
) -> None:
    sequence, scan, maps = tmp_path / "s.toml", tmp_path / "scan", tmp_path / "maps"
    sequence.write_text(format_sequence(short))
    options = ("--matrix", 24, "--slices", 1, "--snr-db", 20, "--noise", "rician")
    assert run("simulate", sequence, *options, "--no-partial-volume", "--out", scan).status == 0
    assert run("dictionary", sequence, "--magnitude", "--out", tmp_path / "d.h5").status == 0
    outcome = run(
        "map", scan / "series.nii.gz", "--sequence", sequence, "--magnitude",
        "--dictionary", tmp_path / "d.h5", "--estimator", "least-squares", "--out", maps,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert sum("Magnitudes were mapped" in line for line in outcome.err) == 1
    found, truth = sp.read_maps(maps), sp.read_maps(scan / "truth")
    inside = found.status == sp.Status.OK
    for name in ("t1", "t2"):
        score = np.abs(found[name] - truth[name])[inside] / found.sd[name][inside]
        assert 0.6 < np.median(score) < 0.78
    arguments = ("--truth", scan / "truth", "--sequence", sequence, "--resamples", 20)
    assert run("evaluate", maps, *arguments, "--out", tmp_path / "judged").status == 0
    assert "magnitude" in json.loads(
        (maps / "sub-01/anat/sub-01_T1map.json").read_text()
    )["Provenance"]  # fmt: skip
