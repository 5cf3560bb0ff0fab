"""Dictionaries larger than memory: built on disk, resumed, and matched slab by slab."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from spinprint import Dictionary, DictionaryMatching, ParameterGrid, Sequence
from spinprint.dictionary import compression, layout, on_disk, store
from spinprint.physics.simulate import simulate


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "CHUNK", 64)


def test_a_build_on_disk_gives_the_dictionary_a_build_in_memory_gives(
    tmp_path: Path, sequence: Sequence, grid: ParameterGrid
) -> None:
    path = tmp_path / "dictionary.h5"
    built = on_disk.build_file(sequence, grid, path, rank=7)
    assert built.digest == Dictionary.build(sequence, grid, rank=7).digest
    assert [one.name for one in tmp_path.iterdir()] == ["dictionary.h5"]


def test_a_stopped_build_goes_on_where_it_was(
    tmp_path: Path, sequence: Sequence, grid: ParameterGrid
) -> None:
    path = tmp_path / "dictionary.h5"
    begun: list[int] = []

    def stop_half_way(done: int, total: int) -> None:
        begun.append(done)
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_disk.build_file(sequence, grid, path, progress=stop_half_way)
    assert not path.exists()
    resumed: list[int] = []
    built = on_disk.build_file(sequence, grid, path, progress=lambda done, _: resumed.append(done))
    assert min(resumed) > max(begun)
    assert built.digest == Dictionary.build(sequence, grid).digest


def test_what_a_build_of_other_content_left_is_not_taken_up(
    tmp_path: Path, sequence: Sequence, with_phases: Sequence, grid: ParameterGrid
) -> None:
    path = tmp_path / "dictionary.h5"

    def stop(done: int, total: int) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_disk.build_file(with_phases, grid, path, progress=stop)
    assert on_disk.build_file(sequence, grid, path).digest == (
        Dictionary.build(sequence, grid).digest
    )


def test_what_a_build_by_other_code_left_is_not_taken_up(
    tmp_path: Path, sequence: Sequence, grid: ParameterGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def stop(done: int, total: int) -> None:  # noqa: ARG001
        begun.append(done)
        raise KeyboardInterrupt

    for code in ("before", "edited"):
        monkeypatch.setattr(on_disk, "SOURCE", code)
        with pytest.raises(KeyboardInterrupt):
            on_disk.build_file(sequence, grid, tmp_path / "dictionary.h5", progress=stop)
    assert begun[0] == begun[1]


def test_a_killed_build_leaves_no_file_and_is_taken_up(tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text(
        'format = "spinprint-grid/1"\n'
        "t1_ms = { start = 200, stop = 4000, factor = 1.03 }\n"
        "t2_ms = { start = 10, stop = 2000, factor = 1.03 }\n"
    )
    command = [sys.executable, "-m", "spinprint", "dictionary", "fisp_cao500", "--rank", "5"]
    command += ["--grid", str(grid), "--out", str(tmp_path / "cao.h5")]
    state = tmp_path / ".cao.h5.building" / "state.json"
    build = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    while not state.exists() and build.poll() is None:
        time.sleep(0.02)
    build.send_signal(signal.SIGKILL)
    build.communicate()
    assert build.returncode == -signal.SIGKILL
    assert not (tmp_path / "cao.h5").exists()
    assert state.exists()
    subprocess.run(command, check=True, capture_output=True)
    assert Dictionary.load(tmp_path / "cao.h5").rank == 5
    assert not state.parent.exists()


def test_slabs_from_disk_match_as_one_in_memory(
    tmp_path: Path, sequence: Sequence, grid: ParameterGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Dictionary.build(sequence, grid, rank=6)
    whole.save(tmp_path / "dictionary.h5")
    rng = np.random.default_rng(0)
    series = simulate(sequence, grid.tissue())[rng.integers(0, grid.size, 37)]
    series = series + 0.01 * (rng.standard_normal((*series.shape, 2)) @ [1, 1j])
    expected = whole.match(series), whole.match(series, top=5)
    maps = DictionaryMatching(whole).predict(series)

    monkeypatch.setattr(store, "IN_MEMORY", 0)
    monkeypatch.setattr(layout, "SLAB", 100)
    lazy = Dictionary.load(tmp_path / "dictionary.h5")
    assert isinstance(lazy.coefficients, np.memmap)
    for found, wanted in zip(
        (lazy.match(series), lazy.match(series, top=5)), expected, strict=True
    ):
        np.testing.assert_array_equal(found[0], wanted[0])
        np.testing.assert_array_equal(found[1], wanted[1])
    again = DictionaryMatching(lazy).predict(series)
    for name in maps.extra:
        np.testing.assert_array_equal(again.extra[name], maps.extra[name])
    np.testing.assert_array_equal(again["t1"], maps["t1"])


def test_moduli_are_built_on_disk_too(
    sequence: Sequence, grid: ParameterGrid, tmp_path: Path
) -> None:
    built = on_disk.build_file(sequence, grid, tmp_path / "d.h5", magnitude=True)
    whole = Dictionary.build(sequence, grid, magnitude=True)
    assert built.magnitude
    np.testing.assert_allclose(built.coefficients, whole.coefficients, atol=1e-5)
