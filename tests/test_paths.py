"""Paths of users: whatever lies there, or cannot, is told in one way."""

import os
from pathlib import Path

import pytest

from spinprint.errors import DictionaryError, SeriesError
from spinprint.paths import entries, exists, is_folder, kind_of, require_file


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("file", "file"), ("link", "file"), (".", "folder"), ("pipe", "other")):
        assert kind_of(tmp_path / name, SeriesError) == kind
        assert exists(tmp_path / name, SeriesError)
        assert is_folder(tmp_path / name, SeriesError) == (kind == "folder")


@pytest.mark.parametrize(
    "name", ["missing", "x" * 300, "x/" * 3000, "file/below", "a\0b", "\ud800", "dangling"]
)
def test_nothing_lies_where_nothing_can(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert kind_of(tmp_path / name, SeriesError) is None
    with pytest.raises(DictionaryError, match="no such dictionary file"):
        require_file(tmp_path / name, "dictionary", DictionaryError)


def test_a_place_the_system_does_not_look_at(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(SeriesError, match=r"circle: cannot be reached \(Too many levels"):
        kind_of(tmp_path / "circle", SeriesError)
    with pytest.raises(SeriesError, match=r"missing: cannot be reached \(No such file"):
        entries(tmp_path / "missing", SeriesError)


def test_only_a_regular_file_will_do(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DictionaryError, match="pipe: is a device or a pipe: give a dictionary"):
        require_file(tmp_path / "pipe", "dictionary", DictionaryError)
    with pytest.raises(DictionaryError, match="is a folder: give a dictionary file"):
        require_file(tmp_path, "dictionary", DictionaryError)
    (tmp_path / "file").touch()
    require_file(tmp_path / "file", "dictionary", DictionaryError)
