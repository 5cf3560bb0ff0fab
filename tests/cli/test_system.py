"""What the system refuses in the middle of a command, and names that are no text."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint import room

from .conftest import Run

MAP = "spinprint.workflows.mapping.find_mask"


def raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def map_scan(run: Run, scan: Path, out: Path) -> Any:
    return run("map", scan / "series.nii.gz", "--sequence", scan / "sequence.toml", "--out", out)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("Unable to allocate 7.28 TiB"), "not enough memory (Unable to allocate 7.28"),
        (MemoryError(), "there is not enough memory ("),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "not enough memory (D"),
        (OSError(5, "Input/output error", "series.nii.gz"), "series.nii.gz: cannot be used (Input"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    run: Run, scan: Path, tmp_path: Path, monkeypatch: Any, error: Exception, words: str
) -> None:
    monkeypatch.setattr(MAP, raising(error))
    outcome = map_scan(run, scan, tmp_path / "maps")
    assert outcome.status == 2
    *_, message = outcome.err
    assert message.startswith("spinprint: ")
    assert words in message
    assert isinstance(error, OSError) or "are free" in message
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize("error", [RuntimeError("ours"), OSError("without a place")])
def test_a_defect_of_ours_is_none_of_the_system(
    run: Run, scan: Path, tmp_path: Path, monkeypatch: Any, error: Exception
) -> None:
    monkeypatch.setattr(MAP, raising(error))
    with pytest.raises(type(error), match=str(error)):
        map_scan(run, scan, tmp_path / "maps")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "--matrix", "5000"], "a series of 80 images needs 96 GB of memory"),
        (["simulate", "--matrix", "64", "--sampling", "spiral", "--coils", "100000"],
         "interleaves and 100000 coils needs"),
        (["dictionary", "--grid", "grid.toml"], "a grid of 90019001 combinations needs 2.88 GB"),
        (["tune", "--workers", "100"], "--workers = 100 needs 10.5 GB of memory"),
    ],
)  # fmt: skip
def test_sizes_are_held_against_the_memory_that_is_free(
    run: Run, scan: Path, tmp_path: Path, monkeypatch: Any, arguments: list[str], words: str
) -> None:
    if "spiral" in arguments:
        pytest.importorskip("finufft")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(room, "free_memory", lambda: 10**9)
    axes = "t1_ms = { start = 100, stop = 3000, step = 0.29 }\n"
    axes += "t2_ms = { start = 10, stop = 1000, step = 0.11 }\n"
    Path("grid.toml").write_text(f'format = "spinprint-grid/1"\n{axes}')
    command, *options = arguments
    outcome = run(command, scan / "sequence.toml", "--out", "made", *options)
    assert outcome.status == 2
    assert words in outcome.err[-1]
    assert "1 GB are free" in outcome.err[-1]


def test_a_dictionary_larger_than_memory_is_refused(short: Any, monkeypatch: Any) -> None:
    from spinprint import Dictionary, DictionaryError, Tissue

    tissue = Tissue(t1=np.linspace(1, 2, 1000), t2=np.array(0.1))
    monkeypatch.setattr(room, "free_memory", lambda: 3 * 8 * 80**2)
    Dictionary.build(short, tissue, rank=5)
    with pytest.raises(DictionaryError, match=r"a dictionary of 1000 atoms, rank 80, needs 320 kB"):
        Dictionary.build(short, tissue, rank=80)
    monkeypatch.setattr(room, "free_memory", lambda: 3 * 8 * 80**2 - 1)
    with pytest.raises(DictionaryError, match="the basis of 80 samples needs"):
        Dictionary.build(short, tissue, rank=5)


def test_names_that_are_no_text(scan: Path, tmp_path: Path) -> None:
    """Their bytes are printed as they are; in a sidecar they stand in letters."""
    try:
        shutil.copy(scan / "series.nii.gz", tmp_path / os.fsdecode(b"s\xff\xe9.nii.gz"))
    except OSError:
        pytest.skip("this file system takes text alone")

    def spinprint(*arguments: Any) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "spinprint", *arguments], cwd=tmp_path, capture_output=True,
            check=True, env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        )  # fmt: skip
        return done.stdout

    sequence = scan / "sequence.toml"
    out = spinprint("map", b"s\xff\xe9.nii.gz", "--sequence", sequence, "--out", b"m\xff")
    assert out == b"m\xff\n"
    maps = tmp_path / os.fsdecode(b"m\xff")
    sidecar = json.loads(next(maps.glob("*/anat/*_T1map.json")).read_text(encoding="utf-8"))
    assert sidecar["Sources"] == [r"../s\xff\xe9.nii.gz"]
    assert sidecar["SourceHashes"].keys() == {r"../s\xff\xe9.nii.gz"}


@pytest.mark.parametrize("option", ["series", "mask", "sequence", "dictionary"])
def test_a_missing_file_whose_name_is_no_text(scan: Path, tmp_path: Path, option: str) -> None:
    given = {"series": scan / "series.nii.gz", "sequence": scan / "sequence.toml"}
    given[option] = Path(os.fsdecode(b"s\xff.x"))
    series = given.pop("series")
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "spinprint", "map", series, *options, "--out", "made"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(b"spinprint: s\xff.x: no such ")
    assert b"Traceback" not in done.stderr


def test_letters_that_a_console_lacks_are_shown_by_number(scan: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spinprint", "sequence", "convert", scan / "sequence.toml",
         "--out", "é.toml"],
        cwd=tmp_path, capture_output=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
    )  # fmt: skip
    assert done.stdout == b"e.toml\n"
