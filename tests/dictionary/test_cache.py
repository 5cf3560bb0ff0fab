"""Dictionaries are built once, and again only when something that made them changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spinprint as sp
from spinprint.dictionary import cache as module
from spinprint.dictionary.cache import build_cached, cache_limit
from spinprint.errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def grid() -> sp.ParameterGrid:
    return sp.ParameterGrid({"t1": sp.Axis((0.5, 1.0)), "t2": sp.Axis((0.04, 0.08))})


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of atoms of every dictionary that is built."""
    built: list[int] = []
    build = sp.Dictionary.build

    def counted(*given: object, **options: object) -> sp.Dictionary:
        dictionary = build(*given, **options)
        built.append(dictionary.n_atoms)
        return dictionary

    monkeypatch.setattr(sp.Dictionary, "build", counted)
    return built


def test_the_second_time_it_is_there(
    short: sp.Sequence, grid: sp.ParameterGrid, folder: Path, builds: list[int]
) -> None:
    first, second = build_cached(short, grid), build_cached(short, grid)
    assert builds == [4]
    assert first.digest == second.digest
    assert len(list(folder.iterdir())) == 1


def test_another_grid_sequence_or_code_has_another(
    short: sp.Sequence,
    grid: sp.ParameterGrid,
    builds: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build_cached(short, grid)
    build_cached(short, sp.ParameterGrid({"t1": sp.Axis((0.5,)), "t2": sp.Axis((0.04,))}))
    shorter = sp.Sequence(name="short", field_strength=3.0, blocks=short.blocks[1:])
    assert build_cached(shorter, grid).sequence.digest == shorter.digest
    monkeypatch.setattr(module, "SOURCE", "edited")
    build_cached(short, grid)
    assert builds == [4, 1, 4, 4]


@pytest.mark.parametrize("damage", [b"", b"hello", "half"])
def test_a_damaged_file_is_built_anew(
    short: sp.Sequence,
    grid: sp.ParameterGrid,
    folder: Path,
    builds: list[int],
    damage: bytes | str,
) -> None:
    whole = build_cached(short, grid)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    path.write_bytes(damage if isinstance(damage, bytes) else content[: len(content) // 2])
    again = build_cached(short, grid)
    assert builds == [4, 4]
    assert np.array_equal(again.coefficients, whole.coefficients)
    assert sp.Dictionary.load(path).digest == whole.digest


def test_a_cache_that_cannot_be_written_is_done_without(
    short: sp.Sequence,
    grid: sp.ParameterGrid,
    tmp_path: Path,
    builds: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "file" / "below"))
    build_cached(short, grid)
    build_cached(short, grid)
    assert builds == [4, 4]


def test_code_without_a_known_source_has_no_cache(
    short: sp.Sequence,
    grid: sp.ParameterGrid,
    folder: Path,
    builds: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SOURCE", None)
    build_cached(short, grid)
    build_cached(short, grid)
    assert builds == [4, 4]
    assert list(folder.iterdir()) == []


def grid_of(t1: float) -> sp.ParameterGrid:
    return sp.ParameterGrid({"t1": sp.Axis((t1,)), "t2": sp.Axis((0.04,))})


def age(folder: Path) -> None:
    """Let all that is in the cache be a day older."""
    for path in folder.iterdir():
        then = path.stat().st_mtime - 86400
        os.utime(path, (then, then))


def test_the_dictionaries_used_least_recently_go(
    short: sp.Sequence, folder: Path, builds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    build_cached(short, grid_of(0.5))
    (size,) = (path.stat().st_size for path in folder.iterdir())
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", str(int(2.5 * size)))
    for t1 in (0.6, 0.5, 0.7):  # 0.5 is used again before 0.7 needs room
        age(folder)
        build_cached(short, grid_of(t1))
    assert len(list(folder.iterdir())) == 2
    assert builds == [1, 1, 1]
    build_cached(short, grid_of(0.5))
    build_cached(short, grid_of(0.7))
    assert builds == [1, 1, 1]
    build_cached(short, grid_of(0.6))
    assert builds == [1, 1, 1, 1]


def test_what_other_programs_keep_there_stays(
    short: sp.Sequence, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", "1")
    folder.mkdir()
    left = folder / f".part-01234567-dictionary-{'0' * 32}.h5"
    theirs = [folder / name for name in ("dictionary-knee.h5", "notes.txt", ".part-1")]
    for path in (left, *theirs):
        path.write_bytes(bytes(10))
    age(folder)
    build_cached(short, grid_of(0.5))
    assert not left.exists(), "what a killed process left counts, and goes"
    assert all(path.exists() for path in theirs)
    assert len(list(folder.iterdir())) == len(theirs) + 1


def test_a_dictionary_in_use_stays_usable_when_it_goes(
    short: sp.Sequence, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One so large that it stays on disk; the process that uses it may be another."""
    monkeypatch.setattr("spinprint.dictionary.store.IN_MEMORY", 0)
    build_cached(short, grid_of(0.5))
    used = build_cached(short, grid_of(0.5))
    assert isinstance(used.coefficients, np.memmap)
    before = np.array(used.coefficients)
    age(folder)
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", "0")
    build_cached(short, grid_of(0.6))
    assert len(list(folder.iterdir())) == 1
    assert np.array_equal(used.coefficients, before)


@pytest.mark.parametrize(
    ("given", "size"),
    [("500MB", 500_000_000), ("1.5 GB", 1_500_000_000), ("0", 0), ("", 2 * 10**9)],
)
def test_the_limit_is_a_size(given: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", given)
    assert cache_limit() == size


@pytest.mark.parametrize("given", ["lots", "-1", "nan", "9" * 400 + "GB", "2 GB or so", "2,5GB"])
def test_a_limit_that_is_no_size_is_refused(
    given: str, short: sp.Sequence, builds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", given)
    with pytest.raises(InputError, match=r"SPINPRINT_CACHE_SIZE = .* such as 500MB or 2GB"):
        build_cached(short, grid_of(0.5))
    assert builds == []


EDITS = ("simd/functions.py", "tissue.py", "sequence/events.py", "report/page.py")

BUILDS = """
import numpy as np
import spinprint as sp
from spinprint.dictionary import cache
builds = []
def build(sequence, grid, **options):
    builds.append(grid.size)
    return sp.Dictionary(
        sequence=sequence, tissue=grid.tissue().flat(), grid=grid,
        basis=np.eye(sequence.n_samples, 1, dtype=np.float32),
        coefficients=np.ones((grid.size, 1), np.float32),
        singular_values=np.ones(sequence.n_samples),
    )
sp.Dictionary.build = build
grid = sp.ParameterGrid({"t1": sp.Axis((1.0,)), "t2": sp.Axis((0.1,))})
cache.build_cached(sp.load_sequence("spi_500"), grid)
print(len(builds))
"""


def test_atoms_of_edited_code_are_not_used_again(tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "spinprint"
    source = Path(sp.__file__).parent
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def builds_of_a_process() -> int:
        environment = {**os.environ, "PYTHONPATH": str(copy.parent)}
        command = [sys.executable, "-c", BUILDS]
        return int(subprocess.run(command, env=environment, stdout=-1, check=True).stdout)

    built = [builds_of_a_process(), builds_of_a_process()]
    for edited in EDITS:
        with (copy / edited).open("a", encoding="utf-8") as file:
            file.write("\nEDITED = True\n")
        built.append(builds_of_a_process())
    assert built == [1, 0, 1, 1, 1, 0]
