"""A training that is killed, and one that several processes share."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from spinprint import Model, ModelError, Sequence, train
from spinprint.sequence import format_sequence
from spinprint.training import loop
from spinprint.training.processes import Processes

from .conftest import played, quick, stage

PROGRAM = """
import json, sys, time
from pathlib import Path
import torch
from spinprint import load_sequence, train
from spinprint.networks import model
from spinprint.training import deviations
from spinprint.training.config import parse_config
torch.set_num_threads(1)
model._CALIBRATION = deviations._VOXELS = 1024
folder = Path(sys.argv[1])
config = parse_config(json.loads((folder / "config.json").read_text()))
def told(stage, done, scores):
    if (stage.name, done) == (sys.argv[3], int(sys.argv[4])):
        print("there", flush=True)
        time.sleep(60)
train(load_sequence(folder / "sequence.toml"), config, folder / sys.argv[2], listener=told)
"""
"""Trains; at a measurement it says that it is there, and waits."""

CONFIG = quick(
    stage("first", steps=20, average=0.9),
    stage("second", steps=20, frozen=("input",), average=0.5),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds a program, a sequence and a training."""
    folder = tmp_path / "apart"
    folder.mkdir()
    (folder / "sequence.toml").write_text(format_sequence(played()))
    (folder / "train.py").write_text(PROGRAM)
    (folder / "config.json").write_text(json.dumps(CONFIG.model_dump(mode="json")))
    return folder


def command(folder: Path, out: str, *place: object) -> list[str]:
    return [str(folder / "train.py"), str(folder), out, *map(str, place or ("", 0))]


@pytest.fixture
def unbroken(sequence: Sequence, tmp_path: Path) -> Path:
    """The same training in this process, at one go."""
    train(sequence, CONFIG, tmp_path / "unbroken")
    return tmp_path / "unbroken"


def test_killed_it_ends_at_the_same_weights_bit_by_bit(
    sequence: Sequence, folder: Path, unbroken: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, *command(folder, "killed", "second", 20)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.kill()
    killed = folder / "killed"
    assert not (killed / "model.json").exists()
    train(sequence, CONFIG, killed)
    weights = [(one / "model.safetensors").read_bytes() for one in (killed, unbroken)]
    assert weights[0] == weights[1]


def test_two_processes_give_what_one_gives(folder: Path, unbroken: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, *command(folder, "two")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = (Model.load(one).network.state_dict() for one in (unbroken, folder / "two"))
    for name, weight in one.items():
        np.testing.assert_allclose(two[name], weight, atol=1e-3, err_msg=name)
    lines = (folder / "two" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 4  # one process writes


def test_shares_are_the_whole() -> None:
    rows = torch.arange(10)
    shares = [Processes(rank, 2).share(rows) for rank in range(2)]
    assert sorted(torch.cat(shares).tolist()) == list(range(10))


def test_a_batch_that_cannot_be_shared_is_refused(
    sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def three() -> Iterator[Processes]:
        yield Processes(0, 3)

    monkeypatch.setattr(loop, "processes", contextmanager(three))
    message = "stage 'noisy': batch: 64 signals cannot be shared evenly by 3 processes"
    with pytest.raises(ModelError, match=message):
        train(sequence, quick())
