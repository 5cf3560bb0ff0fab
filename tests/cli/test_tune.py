"""`spinprint tune` from the command line."""

from pathlib import Path

from .conftest import Run


def test_tune_prints_the_file_of_the_best(run: Run, scan: Path, tmp_path: Path) -> None:
    out, tuning = tmp_path / "out", tmp_path / "tune.toml"
    tuning.write_text(
        "base = { validation = { voxels = 64, snr_db = [30] } }\n"
        "[matching.space]\nrank = { choices = [4, 8] }"
    )
    arguments = ("--what", "matching", "--config", tuning, "--out", out)
    outcome = run("tune", scan / "sequence.toml", *arguments, "--trials", 3)
    assert outcome.status == 0
    assert outcome.out == [str(out / "best.toml")]
    assert outcome.err[0].startswith("Trial 1 of 3: error ")
    assert outcome.err[-1].startswith("2 of 3 trials are done")  # there are but two choices


def test_what_cannot_be_tuned_is_refused_in_one_line(run: Run, scan: Path, tmp_path: Path) -> None:
    tuning = tmp_path / "tune.toml"
    tuning.write_text("[space]\nnetwork.core.widht = { choices = [8] }")
    outcome = run("tune", scan / "sequence.toml", "--config", tuning, "--out", tmp_path / "out")
    assert outcome.status == 2
    assert outcome.err == [
        f"spinprint: {tuning}: space: network.core.widht = 8: network.core.mlp.widht: unknown key"
    ]
    assert not (tmp_path / "out").exists()
