"""What commands leave behind when they are killed, run at the same time, or find no space.

A reader sees the files of one run or is refused; the same command again gives what an unbroken
one gives, and nothing else.
"""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinprint as sp
from spinprint.dictionary import on_disk
from spinprint.files import settle, staging
from spinprint.maps import Maps
from spinprint.workflows.evaluation import evaluate_maps
from spinprint.workflows.simulation import Simulation, simulate_phantom, write_simulation

Killed = Callable[[int, Callable[[], object]], bool]
Contents = dict[str, bytes]


def contents(folder: Path) -> Contents:
    """All files, hidden ones included."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def kills(
    work: Callable[[Path], object], old: Path, place: Path, killed: Killed, step: int = 1
) -> Iterator[Path]:
    """Copies of a folder in which some work was killed, before one change of the disk each."""
    for n in itertools.count(step=step):
        folder = place / str(n)
        shutil.copytree(old, folder)
        was_killed = killed(n, partial(work, folder))
        yield folder
        shutil.rmtree(folder)
        if not was_killed:
            return


def check_kills(
    work: Callable[[Path], object], old: Path, tmp_path: Path, killed: Killed
) -> list[bool]:
    """Do the work everywhere and again after a kill; whether readers then saw the new files.

    Some kills are enough: all of them are tried where folders are tested on their own.
    """
    new = tmp_path / "new"
    shutil.copytree(old, new)
    work(new)
    before, after = contents(old), contents(new)
    states = []
    for folder in kills(work, old, tmp_path / "killed", killed, step=4):
        again = folder.with_name("again")
        shutil.copytree(folder, again)
        settle(folder)
        seen = {name: data for name, data in contents(folder).items() if ".part-" not in name}
        seen = {name: data for name, data in seen.items() if not name.startswith(".spinprint-")}
        assert seen in (before, after), "a mixture"
        states.append(seen == after)
        work(again)
        assert contents(again) == after
        assert {path.name for path in again.iterdir()} == {path.name for path in new.iterdir()}
        shutil.rmtree(again)
    assert states == sorted(states)
    assert {*states} == {False, True}
    return states


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def plain(short: sp.Sequence) -> Simulation:
    return simulate_phantom(short, matrix=8, slices=1, seed=2, partial_volume=False)


@pytest.fixture
def mixed(short: sp.Sequence, tmp_path: Path) -> Path:
    """The folder of a simulation with mixed voxels and fields, which need files of their own."""
    fields: dict[str, Any] = {"b1_range": (0.8, 1.2), "b0_range": (-40, 40)}
    made = simulate_phantom(short, matrix=8, slices=1, seed=1, **fields)
    write_simulation(made, short, tmp_path / "old")
    return tmp_path / "old"


def test_a_simulation_leaves_nothing_of_the_one_before(
    mixed: Path, plain: Simulation, short: sp.Sequence, tmp_path: Path
) -> None:
    assert {"purity.nii.gz", "b1.nii.gz", "b0.nii.gz"} <= {*contents(mixed)}
    (mixed / "notes.txt").write_text("mine")
    write_simulation(plain, short, mixed)
    write_simulation(plain, short, tmp_path / "fresh")
    assert contents(mixed) == {**contents(tmp_path / "fresh"), "notes.txt": b"mine"}


def test_a_killed_simulation(
    mixed: Path, plain: Simulation, short: sp.Sequence, tmp_path: Path, killed_at: Killed
) -> None:
    states = check_kills(
        lambda out: write_simulation(plain, short, out), mixed, tmp_path, killed_at
    )
    assert sum(states) > 4, "kills among the moves"


def test_a_simulation_keeps_the_files_of_others(
    plain: Simulation, short: sp.Sequence, tmp_path: Path
) -> None:
    sequence = sp.sequence.format_sequence(short)
    (tmp_path / "sequence.toml").write_text(f"# by hand\n{sequence}")
    write_simulation(plain, short, tmp_path)
    assert (tmp_path / "sequence.toml").read_text().startswith("# by hand")
    other = tmp_path / "other"
    other.mkdir()
    (other / "labels.nii.gz").write_bytes(b"drawn by hand")
    with pytest.raises(sp.OutputError, match=r"labels.nii.gz: is a file that spinprint did not"):
        write_simulation(plain, short, other)
    (other / "labels.nii.gz").unlink()
    (other / "sequence.toml").write_text("# another one")
    with pytest.raises(sp.OutputError, match=r"sequence.toml: is a file that spinprint did not"):
        write_simulation(plain, short, other)
    assert contents(other) == {"sequence.toml": b"# another one"}


def make_maps(value: float, *extras: str) -> Maps:
    values = np.linspace(value, 1, 16, dtype=np.float32).reshape(4, 4, 1)
    return Maps(
        values={"t1": values, "t2": values},
        sd={"t1": values, "t2": values},
        m0=values.astype(np.complex64),
        status=np.ones(values.shape, np.uint8),
        sigma=values,
        extra=dict.fromkeys(extras, values),
        provenance={"estimator": f"of {value}"},
    )


def test_killed_maps(short: sp.Sequence, tmp_path: Path, killed_at: Killed) -> None:
    old = tmp_path / "old"
    sp.write_maps(make_maps(0.5, "score", "ambiguity"), old, sequence=short)
    sp.write_maps(make_maps(0.3), old, sequence=short, subject="other")
    (old / "sub-01" / "anat" / "notes.txt").write_text("mine")

    def work(out: Path) -> None:
        sp.write_maps(make_maps(0.9, "misfit"), out, sequence=short)

    states = check_kills(work, old, tmp_path, killed_at)
    assert sum(states) > 4, "kills among the moves"


def test_maps_that_an_older_version_mixed_are_refused(short: sp.Sequence, tmp_path: Path) -> None:
    for name, value in (("one", 0.5), ("two", 0.9)):
        sp.write_maps(make_maps(value), tmp_path / name, sequence=short)
    for path in (tmp_path / "two" / "sub-01" / "anat").glob("*T2map*"):
        shutil.copy(path, tmp_path / "one" / "sub-01" / "anat")
    with pytest.raises(sp.SeriesError, match=r"of different runs .*: map again") as caught:
        sp.read_maps(tmp_path / "one")
    assert "\n" not in str(caught.value)
    sp.write_maps(make_maps(0.7), tmp_path / "one", sequence=short)
    assert sp.read_maps(tmp_path / "one")["t2"].min() == np.float32(0.7)


def test_maps_of_another_program_are_not_replaced(short: sp.Sequence, tmp_path: Path) -> None:
    path = tmp_path / "sub-01" / "anat" / "sub-01_T1map.nii.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of another program")
    with pytest.raises(sp.OutputError, match=r"T1map.nii.gz: is a file that spinprint did not"):
        sp.write_maps(make_maps(0.5), tmp_path, sequence=short)
    assert contents(tmp_path) == {"sub-01/anat/sub-01_T1map.nii.gz": b"of another program"}


def test_an_evaluation_leaves_nothing_of_the_one_before(short: sp.Sequence, tmp_path: Path) -> None:
    """The first one compares T1 and T2, the second T1 alone."""
    sp.write_maps(make_maps(0.5), tmp_path / "maps", sequence=short)
    sp.write_maps(make_maps(0.6), tmp_path / "truth", sequence=short)
    out = tmp_path / "out"
    options: dict[str, Any] = {"truth": tmp_path / "truth", "resamples": 2}
    evaluate_maps(tmp_path / "maps", out, **options)
    assert any("t2" in name for name in contents(out))
    (out / "figures" / "mine.png").write_bytes(b"mine")
    for folder in ("maps", "truth"):
        t1 = make_maps(0.5)
        alone = t1.replace(values={"t1": t1["t1"]}, sd={"t1": t1.sd["t1"]})
        sp.write_maps(alone, tmp_path / folder, sequence=short)
    evaluate_maps(tmp_path / "maps", out, **options)
    names = {*contents(out)}
    assert {"metrics.csv", "report.html", "figures/mine.png"} <= names
    assert not any("t2" in name for name in names)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "report.html").write_text("mine")
    with pytest.raises(sp.OutputError, match=r"report.html: is a file that spinprint did not"):
        evaluate_maps(tmp_path / "maps", foreign, **options)


def grid(n: int) -> sp.ParameterGrid:
    return sp.ParameterGrid({"t1": np.geomspace(0.3, 2, n), "t2": np.geomspace(0.02, 0.2, 4)})


def test_a_killed_dictionary(short: sp.Sequence, tmp_path: Path, killed_at: Killed) -> None:
    old = tmp_path / "old"
    on_disk.build_file(short, grid(3), old / "d.h5", rank=3)
    digests = [sp.Dictionary.build(short, grid(n), rank=3).digest for n in (3, 5)]
    seen = []

    def work(out: Path) -> None:
        on_disk.build_file(short, grid(5), out / "d.h5", rank=3)

    for folder in kills(work, old, tmp_path / "killed", killed_at):
        seen.append(digests.index(sp.Dictionary.load(folder / "d.h5").digest))
        work(folder)
        assert sp.Dictionary.load(folder / "d.h5").digest == digests[1]
        assert [path.name for path in folder.iterdir()] == ["d.h5"]
    assert seen == sorted(seen)
    assert {*seen} == {0, 1}


@pytest.fixture(scope="module")
def small_file(short: sp.Sequence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "d.h5"
    on_disk.build_file(short, grid(3), path, rank=3)
    return path


@pytest.mark.parametrize("size", [16, 24, 28, 32, 36, 44, 60, 72, 96])
def test_a_dictionary_on_a_disk_that_is_too_small(
    size: int, small_file: Path, short: sp.Sequence, tmp_path: Path, mounted: Callable[..., Any]
) -> None:
    """Neither a damaged file nor SIGBUS, and the old one stays."""
    with mounted(tmp_path, size):
        path = shutil.copy(small_file, tmp_path / "d.h5")
        old = sp.Dictionary.load(path).digest
        larger = grid(150)
        try:
            built = on_disk.build_file(short, larger, path, rank=3)
        except sp.OutputError as error:
            assert str(error).startswith(f"{path}: cannot be written (No space left")  # noqa: PT017
            assert sp.Dictionary.load(path).digest == old
            with pytest.raises(sp.OutputError, match=r"d.h5: cannot be written \(No space left"):
                sp.Dictionary.build(short, grid(2000), rank=3).save(path)
            assert sp.Dictionary.load(path).digest == old
        else:
            assert sp.Dictionary.load(path).digest == built.digest
            assert size > 40
        assert [one.name for one in tmp_path.iterdir()] == ["d.h5"]


def test_a_write_that_fails_is_seen_before_the_dictionary_is_replaced(
    short: sp.Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk, without one; HDF5 itself would fall over it."""
    from spinprint.dictionary import store

    class Full(store._Checked):
        """Takes so many bytes, and no more."""

        left = 4000

        def write(self, content: Any) -> int:
            Full.left -= len(content)
            if Full.left < 0:
                self._error = self._error or OSError(28, "No space left on device")
                return len(content)
            return super().write(content)

    path = tmp_path / "d.h5"
    old = on_disk.build_file(short, grid(3), path, rank=3).digest
    monkeypatch.setattr(store, "_Checked", Full)
    with pytest.raises(sp.OutputError, match=r"d.h5: cannot be written \(No space left"):
        sp.Dictionary.build(short, grid(100), rank=3).save(path)
    assert sp.Dictionary.load(path).digest == old
    assert [one.name for one in tmp_path.iterdir()] == ["d.h5"]


@pytest.mark.parametrize("size", [60, 100, 140, 180])
def test_maps_on_a_disk_that_is_too_small(
    size: int, short: sp.Sequence, tmp_path: Path, mounted: Callable[..., Any]
) -> None:
    with mounted(tmp_path, size):
        for subject in ("01", "02"):
            before = contents(tmp_path)
            try:
                sp.write_maps(make_maps(0.5), tmp_path, sequence=short, subject=subject)
            except sp.OutputError as error:
                assert f"{tmp_path}: cannot be written (No space left" in str(error)  # noqa: PT017
                assert contents(tmp_path) == before
            else:
                assert sp.read_maps(tmp_path, subject)["t1"].min() == np.float32(0.5)
    assert size > 0


def test_what_a_writer_says_names_the_place_that_was_asked_for(tmp_path: Path) -> None:
    with (
        pytest.raises(sp.OutputError, match=f"^{tmp_path}/series.nii: a series is written"),
        staging(tmp_path, "run") as stage,
    ):
        raise sp.OutputError(f"{stage}/series.nii: a series is written as NIfTI")
    assert os.listdir(tmp_path) == []
