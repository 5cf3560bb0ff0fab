"""An undersampled scan from the command line, mapped with the noise it was told."""

from pathlib import Path

import numpy as np

import spinprint

from .conftest import Run


def test_an_undersampled_scan_is_mapped(run: Run, scan: Path, tmp_path: Path) -> None:
    sequence, simulated = scan / "sequence.toml", tmp_path / "simulated"
    made = run(
        "simulate", sequence, "--matrix", 20, "--slices", 1, "--sigma", 0.001, "--out", simulated,
        "--sampling", "spiral", "--interleaves", 6, "--coils", 4, "--reconstruction", "subspace",
    )  # fmt: skip
    assert made.status == 0
    assert made.err[-1] == (
        "undersampled 4 times: the ratio is that of full sampling, and map needs --sigma 0.002"
    )
    mapped = run(
        "map", made.out[0], "--sequence", sequence, "--sigma", 0.002, "--out", tmp_path / "maps"
    )
    assert mapped.status == 0
    truth, maps = (spinprint.read_maps(f) for f in (simulated / "truth", tmp_path / "maps"))
    inside = maps.status == spinprint.Status.OK
    assert np.nanmedian(np.abs(maps["t1"] / truth["t1"] - 1)[inside]) < 0.05
