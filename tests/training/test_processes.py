"""A killed training, a training on several processes, and the number of threads."""

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
from spinprint.training import _processes, loop
from spinprint.training._processes import Processes, limit_threads

from .conftest import quick, stage, tiny

PROGRAM = """
import json, sys, time
from pathlib import Path
import torch
from spinprint import load_sequence, train
from spinprint.networks import model
from spinprint.training import validation
from spinprint.training.config import parse_config
torch.set_num_threads(1)
model._CALIBRATION = validation._CALIBRATION = 1024
folder = Path(sys.argv[1])
config = parse_config(json.loads((folder / "config.json").read_text()))
def listener(stage, done, scores):
    if (stage.name, done) == (sys.argv[3], int(sys.argv[4])):
        print("there", flush=True)
        time.sleep(60)
train(load_sequence(folder / "sequence.toml"), config, folder / sys.argv[2], listener=listener)
"""
"""Trains; after a given validation it prints "there" and waits."""

CONFIG = quick(
    stage("first", steps=20, average=0.9),
    stage("second", steps=20, frozen=("input",), average=0.5),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Contains a program, a sequence and the settings of a training."""
    folder = tmp_path / "apart"
    folder.mkdir()
    (folder / "sequence.toml").write_text(format_sequence(tiny()))
    (folder / "train.py").write_text(PROGRAM)
    (folder / "config.json").write_text(json.dumps(CONFIG.model_dump(mode="json")))
    return folder


def command(folder: Path, out: str, *place: object) -> list[str]:
    return [str(folder / "train.py"), str(folder), out, *map(str, place or ("", 0))]


@pytest.fixture
def unbroken(sequence: Sequence, tmp_path: Path) -> Path:
    """The same training in this process without interruption."""
    train(sequence, CONFIG, tmp_path / "unbroken")
    return tmp_path / "unbroken"


def test_killed_training_resumes_to_identical_weights(
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
    weights = [(folder / "model.safetensors").read_bytes() for folder in (killed, unbroken)]
    assert weights[0] == weights[1]


def test_two_processes_give_the_result_of_one(folder: Path, unbroken: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, *command(folder, "two")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    single, double = (Model.load(path).network.state_dict() for path in (unbroken, folder / "two"))
    for name, weight in single.items():
        np.testing.assert_allclose(double[name], weight, atol=1e-3, err_msg=name)
    lines = (folder / "two" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 4  # one process writes


def test_shares_cover_the_batch() -> None:
    rows = torch.arange(10)
    shares = [Processes(rank, 2).share(rows) for rank in range(2)]
    assert sorted(torch.cat(shares).tolist()) == list(range(10))


def test_batch_that_cannot_be_shared_raises(
    sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def three() -> Iterator[Processes]:
        yield Processes(0, 3)

    monkeypatch.setattr(loop, "join_processes", contextmanager(three))
    message = "stage 'noisy': batch: 64 signals cannot be shared evenly by 3 processes"
    with pytest.raises(ModelError, match=message):
        train(sequence, quick())


@pytest.fixture
def four_threads() -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield 4
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("width", "batch", "used"),
    [(8, 1, 1), (128, 1024, 1), (256, 1024, 2), (384, _processes._WORK_PER_THREAD, 4)],
)
def test_threads_follow_the_largest_product(
    width: int, batch: int, used: int, four_threads: int
) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, width))
    with limit_threads(network, batch):
        assert torch.get_num_threads() == used
    assert torch.get_num_threads() == four_threads
