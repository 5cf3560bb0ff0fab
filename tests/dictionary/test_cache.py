"""Dictionaries are built once, and again only when something that made them changed."""

from pathlib import Path

import numpy as np
import pytest

import spinprint as sp
from spinprint.dictionary import cache as module
from spinprint.dictionary.cache import build_cached, cache_folder


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
    monkeypatch.setattr(module, "_code_digest", lambda: "edited")
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


def test_without_the_variable_it_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPINPRINT_CACHE")
    assert cache_folder().name == "spinprint"
