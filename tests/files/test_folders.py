"""The files of a folder arrive all together, whatever fails or is killed."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spinprint.errors import InputError, OutputError
from spinprint.files import check_replaceable, read_whole, settle, staging
from spinprint.files.switch import SWITCH

OLD = {"a/old": "before", "obsolete": "before", "gone/obsolete": "before", "mine": "mine"}
NEW = {"a/old": "after", "a/new": "after", "z/deep/new": "after", "mine": "mine"}


def contents(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def write(folder: Path) -> None:
    """A run in the place of that which wrote `OLD`."""
    earlier = [folder / name for name in (*OLD, *NEW) if name != "mine"]
    with staging(folder, "run", lambda: earlier) as stage:
        fill(stage, {name: text for name, text in NEW.items() if name != "mine"})


def fail_after(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let renames work some times, then fail once as a full disk does, then work again."""
    left = [calls]

    def failing(real: Callable[..., None]) -> Callable[..., None]:
        def rename(*args: Any) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(28, "No space left on device")
            real(*args)

        return rename

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))


def test_everything_arrives_and_the_obsolete_goes(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    write(tmp_path)
    assert contents(tmp_path) == NEW
    assert listing(tmp_path) == {*NEW, "a", "z", "z/deep"}


def test_what_a_run_has_read_stays(tmp_path: Path) -> None:
    fill(tmp_path, {"labels": "", "figure": ""})
    files = [tmp_path / name for name in ("labels", "figure")]
    with staging(tmp_path, "run", earlier=lambda: files, keep=[tmp_path / "labels"]) as stage:
        fill(stage, {"report": ""})
    assert listing(tmp_path) == {"labels", "report"}


@pytest.mark.parametrize("calls", range(2 + 3 + 3))  # decide and end; 3 step aside, 3 arrive
def test_a_move_that_fails_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    fill(tmp_path, OLD)
    before = listing(tmp_path)
    with monkeypatch.context() as patch:
        fail_after(calls, patch)
        with pytest.raises(OutputError, match="No space left"):
            write(tmp_path)
    assert contents(tmp_path) == OLD
    assert listing(tmp_path) == before
    write(tmp_path)
    assert contents(tmp_path) == NEW


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def interrupt() -> None:
        with staging(tmp_path / "made" / "here", "run") as stage:
            (stage / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert listing(tmp_path) == set()


def test_after_a_kill_readers_see_one_run_and_writers_clear_up(
    tmp_path: Path, killed_at: Callable[..., bool]
) -> None:
    states = []
    for n in itertools.count():
        folder = tmp_path / str(n)
        fill(folder, OLD)
        killed = killed_at(n, lambda folder=folder: write(folder))
        again = shutil.copytree(folder, tmp_path / f"{n} again")
        settle(folder / "a" / "old")
        seen = {name: text for name, text in contents(folder).items() if not name.startswith(".")}
        assert seen in (OLD, NEW)
        states.append(seen == NEW)
        write(again)
        assert contents(again) == NEW
        assert listing(again) == {*NEW, "a", "z", "z/deep"}
        if not killed:
            break
    assert len(states) > 20
    assert states == sorted(states)
    assert 5 < sum(states) < len(states) - 5, "kills before and after the switch is decided"


def test_a_kill_while_a_reader_completes_is_completed_too(
    tmp_path: Path, killed_at: Callable[..., bool]
) -> None:
    fill(tmp_path / "half", OLD)
    n = next(n for n in itertools.count() if interrupted(tmp_path / "half", n, killed_at))
    assert n > 5
    for m in itertools.count():
        folder = shutil.copytree(tmp_path / "half", tmp_path / str(m), symlinks=True)
        killed = killed_at(m, lambda folder=folder: settle(folder))
        settle(folder)
        assert {n: text for n, text in contents(folder).items() if n[0] != "."} == NEW
        if not killed:
            break
    assert m > 5


def interrupted(folder: Path, n: int, killed_at: Callable[..., bool]) -> bool:
    assert killed_at(n, lambda: write(folder))
    return (folder / SWITCH).exists()


def half_switched(folder: Path, killed_at: Callable[..., bool]) -> None:
    fill(folder, OLD)
    next(n for n in itertools.count() if interrupted(folder, n, killed_at))


def test_a_reader_that_cannot_write_refuses_what_is_half_switched(
    tmp_path: Path, killed_at: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    half_switched(tmp_path, killed_at)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(InputError, match=r"left it half old, half new: run it again") as caught:
            settle(tmp_path / "a" / "old")
    assert "\n" not in str(caught.value)
    settle(tmp_path / "a" / "old")
    assert (tmp_path / "a" / "old").read_text() == "after"


def test_nothing_outside_of_the_folder_is_touched(
    tmp_path: Path, killed_at: Callable[..., bool]
) -> None:
    """A folder from somebody else may hold a switch that was made to do harm."""
    precious, folder = tmp_path / "precious", tmp_path / "folder"
    fill(precious, {"thesis": "text"})
    for name in ("../precious/thesis", str(precious / "thesis"), "link/thesis"):
        half_switched(folder, killed_at)
        (folder / "link").symlink_to(precious)
        (folder / SWITCH / ".control" / "removed.json").write_text(f'["{name}"]')
        with pytest.raises(InputError, match="half old, half new"):
            settle(folder)
        with pytest.raises(OutputError, match=rf"{SWITCH}: .* was changed since: delete it"):
            write(folder)
        assert contents(precious) == {"thesis": "text"}
        shutil.rmtree(folder)
    fill(folder, {})
    folder.mkdir()
    (folder / SWITCH).symlink_to(precious)
    with pytest.raises(InputError, match="half old, half new"):
        settle(folder)
    assert contents(precious) == {"thesis": "text"}


def irregular(path: Path, kind: str) -> None:
    if kind == "a symbolic link":
        path.symlink_to("mine")
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()


@pytest.mark.parametrize("kind", ["a symbolic link", "a pipe", "a folder"])
def test_what_is_no_file_is_not_replaced(kind: str, tmp_path: Path) -> None:
    fill(tmp_path, {"mine": "mine", "a/old": "before"})
    irregular(tmp_path / "a" / "new", kind)
    before = listing(tmp_path)
    with pytest.raises(OutputError, match=f"a/new: is {kind}: delete it or choose"):
        write(tmp_path)
    with pytest.raises(OutputError, match=f"a/new: is {kind}: delete it or choose"):
        check_replaceable(tmp_path, ["a/new"])
    assert listing(tmp_path) == before
    assert (tmp_path / "a/old").read_text() == "before"


def test_a_file_of_another_origin_is_not_replaced(tmp_path: Path) -> None:
    fill(tmp_path, {"series": "scanner", "legend": "same"})
    with (
        pytest.raises(OutputError, match=r"series: is a file that spinprint did not write"),
        staging(tmp_path, "run") as stage,
    ):
        fill(stage, {"series": "simulated"})
    with pytest.raises(OutputError, match=r"series: is a file that spinprint did not write"):
        check_replaceable(tmp_path, ["series"])
    check_replaceable(tmp_path, ["series", "new"], earlier=lambda: [tmp_path / "series"])
    with staging(tmp_path, "run") as stage:
        fill(stage, {"legend": "same"})
    assert contents(tmp_path) == {"series": "scanner", "legend": "same"}


def test_reading_waits_for_a_switch_that_goes_on(tmp_path: Path) -> None:
    fill(tmp_path, {"one": "1", "two": "1"})
    files = [tmp_path / name for name in ("one", "two")]
    turns = iter([True, False])

    def read() -> tuple[str, str]:
        one = files[0].read_text()
        if next(turns):  # another process writes between the two
            with staging(tmp_path, "run", lambda: files) as stage:
                fill(stage, {"one": "2", "two": "2"})
        return one, files[1].read_text()

    assert read_whole(tmp_path, read) == ("2", "2")


PROGRAM = """
import sys, time
from pathlib import Path
from spinprint.files import staging
folder, name = Path(sys.argv[1]), sys.argv[2]
for _ in range(20):
    with staging(folder, "run", lambda: [folder / "one", folder / "two"]) as stage:
        (stage / "one").write_text(name)
        (stage / "two").write_text(name)
"""


def test_writers_at_the_same_time_never_mix(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    team = [subprocess.Popen([*command, name]) for name in ("a", "b", "c")]
    while any(process.poll() is None for process in team):
        if (tmp_path / "two").exists() or (tmp_path / SWITCH).exists():
            one, two = read_whole(
                tmp_path, lambda: [(tmp_path / n).read_text() for n in ("one", "two")]
            )
            assert one == two
    assert [process.wait() for process in team] == [0, 0, 0]
    assert listing(tmp_path) == {"one", "two"}
