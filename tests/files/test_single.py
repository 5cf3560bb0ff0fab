"""A file holds its old content or all of the new one."""

import itertools
import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from spinprint.errors import OutputError
from spinprint.files import replacing


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def write(path: Path, text: str = "new") -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_replacing_writes_and_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.nii.gz"
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith("a.nii.gz")
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert listing(tmp_path) == {"new", "new/deep", "new/deep/a.nii.gz"}


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 124 + ".nii.gz")
    with replacing(path) as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("content")
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_gives_the_usual_permissions(tmp_path: Path) -> None:
    write(tmp_path / "a")
    (tmp_path / "b").write_text("content")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"}
    assert len(modes) == 1


def write_half(place: AbstractContextManager[Path], failure: type[BaseException]) -> None:
    with place as temporary:
        temporary.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_replacing_keeps_the_old_file_when_writing_fails(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    old, new = tmp_path / "old", tmp_path / "made" / "new"
    old.write_text("old")
    for path in (old, new):
        with pytest.raises(failure):
            write_half(replacing(path), failure)
    assert old.read_text() == "old"
    assert listing(tmp_path) == {"old"}


def test_replacing_says_in_one_line_what_the_system_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match=r"file.a: cannot be written \(.+\)"),
        replacing(tmp_path / "file" / "a"),
    ):
        pytest.fail("the block must not run")
    with pytest.raises(OutputError, match="No space left on device"), replacing(tmp_path / "b"):
        raise OSError(28, "No space left on device")
    assert listing(tmp_path) == {"file"}


def test_a_link_to_a_file_stays_and_the_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_text("old")
    (tmp_path / "link").symlink_to("far/file")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "file").read_text() == "new"
    assert listing(tmp_path) == {"far", "far/file", "link"}


def test_after_a_kill_the_file_is_old_or_new_and_the_next_writer_clears_up(
    tmp_path: Path, killed_at: Callable[..., bool]
) -> None:
    path = tmp_path / "file"
    states = []
    for n in itertools.count():
        path.write_text("old")
        killed = killed_at(n, lambda: write(path))
        states.append(path.read_text())
        write(path, "next")
        assert listing(tmp_path) == {"file"}
        assert path.read_text() == "next"
        if not killed:
            break
    assert {*states} == {"old", "new"}
    assert states == sorted(states, reverse=True)


def test_a_full_disk_shows_before_the_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems tell of it no sooner than when the content has to be on disk."""
    path = tmp_path / "file"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"file: cannot be written \(No space left on device\)"):
        write(path)
    assert path.read_text() == "old"
    assert listing(tmp_path) == {"file"}
