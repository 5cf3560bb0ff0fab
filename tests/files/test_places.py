"""Where output may go is found out before long work."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from spinprint.errors import OutputError
from spinprint.files import check_output_file, check_output_folder, places, replacing


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


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

    monkeypatch.setattr(places, "TemporaryFile", refuse)
    with pytest.raises(OutputError, match=r"out: cannot be written \(Permission denied\)"):
        check_output_folder(tmp_path / "out")


def make(path: Path, kind: str) -> None:
    if kind == "a device":
        path.symlink_to("/dev/null")
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a symbolic link that leads nowhere":
        path.symlink_to(path.parent / "missing")
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))


@pytest.mark.parametrize(
    "kind", ["a device", "a pipe", "a symbolic link that leads nowhere", "a socket"]
)
def test_what_is_no_file_is_refused_by_name_and_stays(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    path = Path("out")
    make(path, kind)
    before = path.lstat()
    for attempt in (lambda: check_output_file(path), lambda: replacing(path).__enter__()):
        with pytest.raises(OutputError, match=f"^out: is {kind}: ") as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert (before.st_ino, before.st_mode) == (path.lstat().st_ino, path.lstat().st_mode)
    assert listing(tmp_path) == {"out"}


def test_a_device_itself_is_refused() -> None:
    with pytest.raises(OutputError, match="/dev/null: is a device"):
        check_output_file("/dev/null")
    with pytest.raises(OutputError, match="/dev/null is no folder"):
        check_output_folder("/dev/null")


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OutputError, match=r"one: "):
        check_output_file(tmp_path / "one")


@pytest.mark.parametrize(
    ("content", "ours"),
    [
        (b"", True),
        (b'format = "spinprint-sequence/1"', True),
        (b"\x89HDF" + bytes(3 << 20) + b"spinprint" + bytes(100), True),
        (b"my thesis", False),
        (bytes(4 << 20), False),
    ],
)
def test_a_file_of_another_program_is_not_written_over(
    content: bytes, ours: bool, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    if ours:
        check_output_file(path)
    else:
        with pytest.raises(OutputError, match="did not write: delete it or choose another name"):
            check_output_file(path)
    assert path.read_bytes() == content
