"""`spinprint tune` from files to files."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tomlkit

import spinprint as sp
from spinprint.sequence import format_sequence
from spinprint.tuning.results import best_of
from spinprint.tuning.space import identity
from spinprint.workflows.dictionary import build_dictionary
from spinprint.workflows.training import train_network
from spinprint.workflows.tuning import TuneResult, tune

FILES = {"best.toml", "importances.json", "report.html", "trials.csv", "trials.json"}

TUNING = {
    "format": "spinprint-tune/1",
    "trials": 5,
    "steps": 30,
    "measurements": 3,
    "pruner": "none",
    "base": {
        "network": {"core": {"kind": "mlp", "width": 16, "blocks": 1}},
        "data": {"block": 512},
        "validation": {"voxels": 128, "snr_db": [20, 30]},
        "stage": [{"steps": 60, "batch": 64}],
    },
    "space": {
        "network.core.width": {"choices": [4, 8, 16]},
        "stage.learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    },
    "matching": {
        "space": {
            "grid.t1_ms.factor": {"choices": [1.1, 1.3]},
            "grid.t2_ms.factor": {"choices": [1.1, 1.3]},
            "rank": {"choices": [4, 8]},
            "refine": {"choices": [True, False]},
        }
    },
}


@pytest.fixture
def files(short: sp.Sequence, tmp_path: Path) -> tuple[Path, Path]:
    """A sequence file and a tuning file."""
    sequence, tuning = tmp_path / "short.toml", tmp_path / "tune.toml"
    sequence.write_text(format_sequence(short))
    tuning.write_text(tomlkit.dumps(TUNING))
    return sequence, tuning


@pytest.fixture(scope="module")
def whole(short: sp.Sequence, tmp_path_factory: pytest.TempPathFactory) -> TuneResult:
    """A search for a network in one run."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "tune.toml").write_text(tomlkit.dumps(TUNING))
    return tune(short, folder, folder / "tune.toml")


def chosen(result: TuneResult) -> list[dict[str, Any]]:
    return [trial.chosen for trial in result.trials]


def test_a_network_is_tuned_and_the_best_one_trains(
    short: sp.Sequence, whole: TuneResult, tmp_path: Path
) -> None:
    out = whole.best.parent
    assert {path.name for path in out.iterdir()} >= FILES
    rows = list(csv.DictReader((out / "trials.csv").read_text().splitlines()))
    assert len(rows) == 5
    least = min(rows, key=lambda row: float(row["error"]))
    assert [row["front"] for row in rows].count("True") == 1
    summary = json.loads((out / "trials.json").read_text())
    assert summary["Best"] == int(least["trial"])
    assert len(summary["Curves"]["1"]) == 3
    shares = json.loads((out / "importances.json").read_text())["Importances"]["error"]
    assert sum(shares.values()) == pytest.approx(1)
    page = (out / "report.html").read_text()
    assert f"Best: trial {least['trial']}" in page
    assert "network.core.width" in page
    trained = train_network(short, tmp_path / "model", whole.best).model
    assert trained.config.core.width == int(least["network.core.width"])


def test_matching_is_tuned_by_two_workers_that_share_the_trials(
    short: sp.Sequence, files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = tune(short, out, files[1], 16, what="matching", workers=2)
    assert len(result.trials) == len({identity(one) for one in chosen(result)}) == 16
    best = best_of(result.trials)
    assert best is not None
    assert best.chosen["refine"] is True
    journal = [json.loads(line) for line in (out / "trials.journal").read_text().splitlines()]
    names = {one["user_attr"]["worker"] for one in journal if "worker" in one.get("user_attr", {})}
    assert len(names) == 2, "both have worked"
    dictionary = sp.Dictionary.load(build_dictionary(short, tmp_path / "d.h5", result.best))
    assert dictionary.n_atoms == best.measures["atoms"]
    page = (out / "report.html").read_text()
    assert "Error against cost" in page


def test_after_kill_9_the_same_command_gives_what_one_run_gives(
    short: sp.Sequence, whole: TuneResult, files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "cut"
    program = "import sys; from spinprint.cli import main; main(sys.argv[1:])"
    arguments = ["tune", files[0], "--config", files[1], "--out", out]
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith("Trial 1 of 5"):
            assert line, "it ended before"
        process.kill()
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert not (out / "best.toml").exists()
    again = tune(short, out, files[1])
    assert chosen(again) == chosen(whole)
    # Another process adds numbers in another order.
    errors = [[trial.error for trial in one.trials] for one in (again, whole)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)
    assert (out / "best.toml").read_text() == whole.best.read_text()


PROGRAM = """
import sys
from spinprint.cli import main
if __name__ == "__main__":
    main(sys.argv[1:])
"""


def test_workers_end_when_whoever_started_them_is_killed(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    endless = {"grid.t1_ms.factor": {"low": 1.2, "high": 1.4}}
    files[1].write_text(tomlkit.dumps({**TUNING, "matching": {"space": endless}}))
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    arguments = ["tune", files[0], "--config", files[1], "--trials", 4000, "--workers", 2]
    arguments += ["--what", "matching", "--out", tmp_path / "out"]
    command = [sys.executable, script, *arguments]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith("Trial 1 of"):
            assert line, "it ended before"
        workers = children(process.pid)
        assert len(workers) >= 2
        process.kill()
        until = time.monotonic() + 20
        while any(map(is_alive, workers)) and time.monotonic() < until:
            time.sleep(0.05)
    assert not any(map(is_alive, workers))


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in text.split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_bad_input_is_refused_in_one_line(
    short: sp.Sequence, files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def refused(text: str, message: str, **options: Any) -> None:
        files[1].write_text(text)
        with pytest.raises(sp.InputError, match=message) as caught:
            tune(short, out, files[1], **options)
        assert "\n" not in str(caught.value)
        assert not out.exists()

    head = 'format = "spinprint-tune/1"\n'
    refused('format = "spinprint-train/1"', r"tune.toml: format: .*spinprint-tune/1")
    refused(head + "trails = 3", r"tune.toml: trails: unknown key")
    refused(head + "trials = 0", r"tune.toml: trials: .*greater than")
    refused(head + "[space]", r"tune.toml: space: the space is empty")
    refused(head + '[space]\n"network.core.width" = {low = 9, high = 8}', r"low 9 must be below")
    refused(head + "[space]\nwidht = {choices = [8]}", r"tune.toml: space: widht: must begin with")
    refused(head + 'base = "nowhere.toml"', r"tune.toml: .*nowhere.toml: no such training file")
    refused(head + "base = { sead = 3 }", r"tune.toml: base: sead: unknown key")
    refused(head + "[matching.space]\nrank = {choices = [0]}", r"rank = 0", what="matching")
    refused(head, r"--trials = 0 must be from 1 to 1000000", trials=0)
    refused(head, r"--workers = 0 must be at least 1", workers=0)
    refused("x = ", r"tune.toml: not valid TOML")


def test_where_nothing_could_be_finished_the_reason_is_told(
    short: sp.Sequence, tmp_path: Path
) -> None:
    tuning = tmp_path / "tune.toml"
    tuning.write_text(tomlkit.dumps({**TUNING, "matching": {"most_atoms": 1}}))
    with pytest.raises(sp.InputError, match=r"none of 2 trials was finished: \d+ atoms are more"):
        tune(short, tmp_path / "out", tuning, 2, what="matching")
