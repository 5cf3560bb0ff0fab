import os
import stat
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from spinprint.errors import OutputError
from spinprint.files import check_output_file, check_output_folder, replacing, staging


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def fail_after(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let os.replace work some times, then fail once as a full disk does, then work again."""
    real, left = os.replace, [calls]

    def replace(*args: Any) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise OSError(28, "No space left on device")
        real(*args)

    monkeypatch.setattr(os, "replace", replace)


def test_replacing_writes_and_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.nii.gz"
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith("a.nii.gz")
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert listing(tmp_path) == {"new", "new/deep", "new/deep/a.nii.gz"}


def test_replacing_gives_the_usual_permissions(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("content")
    (tmp_path / "b").write_text("content")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"}
    assert len(modes) == 1


def write_half(place: AbstractContextManager[Path], failure: type[BaseException]) -> None:
    with place as temporary:
        (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
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


def test_staging_moves_everything_and_removes_the_obsolete(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("sub/old", "sub/obsolete", "kept"):
        (tmp_path / name).write_text("before")
    remove = [tmp_path / "sub/obsolete", tmp_path / "sub/old", tmp_path / "never-was"]
    with staging(tmp_path, remove) as stage:
        (stage / "sub").mkdir()
        (stage / "sub" / "old").write_text("after")
        (stage / "sub" / "new").write_text("after")
        assert (tmp_path / "sub" / "obsolete").exists()
    assert listing(tmp_path) == {"kept", "sub", "sub/old", "sub/new"}
    assert (tmp_path / "sub" / "old").read_text() == "after"


def stage_three(folder: Path) -> None:
    with staging(folder, remove=[folder / "obsolete"]) as stage:
        for name in ("a/old", "a/new", "z/deep/new"):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text("after")


@pytest.mark.parametrize("calls", range(2 + 3))  # two files step aside, three arrive
def test_staging_undoes_a_move_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/old", "obsolete"):
        (tmp_path / name).write_text("before")
    fail_after(calls, monkeypatch)
    with pytest.raises(OutputError, match="No space left"):
        stage_three(tmp_path)
    assert listing(tmp_path) == {"a", "a/old", "obsolete"}
    assert (tmp_path / "a/old").read_text() == "before"
    stage_three(tmp_path)
    assert listing(tmp_path) == {"a", "a/old", "a/new", "z", "z/deep", "z/deep/new"}
    assert (tmp_path / "a/old").read_text() == "after"


def test_staging_leaves_nothing_when_interrupted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_half(staging(tmp_path / "made" / "here"), KeyboardInterrupt)
    assert listing(tmp_path) == set()


def test_checks_make_nothing(tmp_path: Path) -> None:
    check_output_folder(tmp_path / "a" / "b")
    check_output_file(tmp_path / "a" / "b.h5")
    assert listing(tmp_path) == set()


def test_checks_refuse_what_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file is no folder"):
        check_output_folder(tmp_path / "file" / "out")
    with pytest.raises(OutputError, match="is a folder"):
        check_output_file(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OutputError, match=r"out: cannot be written \(Permission denied\)"):
        check_output_folder(tmp_path / "out")
