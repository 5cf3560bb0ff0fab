"""Files that are there whole or not at all: write beside the place, then rename."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from .errors import OutputError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file so that `path` holds the old content or all of the new one.

    Yields a temporary name in the same folder and with the same suffix, to be written and closed
    by the caller. When the block ends it is synced to disk and renamed; when the block fails or
    is interrupted it is removed, with the folders made for it.

    Raises
    ------
    OutputError
        The file cannot be written or renamed.
    """
    path = Path(path)
    temporary = path.with_name(_temporary_name(path.name))
    with _output_errors(path), _new_folders(path.parent):
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)


@contextmanager
def staging(folder: str | Path, remove: Iterable[Path] = ()) -> Iterator[Path]:
    """Write several files into `folder`: all of them, or none.

    Yields a temporary folder. When the block ends, every file in it is moved to the same relative
    place in `folder`, replacing what is there, and the files of `remove` go; when the block or a
    move fails or is interrupted, `folder` is as it was.

    Parameters
    ----------
    folder
        Where the files go; made if it is missing.
    remove
        Files in `folder` that the new ones make obsolete.

    Raises
    ------
    OutputError
        A file cannot be written or moved.
    """
    folder = Path(folder)
    stage = folder / _temporary_name("stage")
    with _output_errors(folder), _new_folders(stage):
        try:
            yield stage
            _move_all(stage, folder, remove)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def check_output_folder(folder: str | Path) -> None:
    """Find out before long work whether files can be written in a folder that may not exist yet.

    Raises
    ------
    OutputError
        It cannot be made, or nothing can be written in it.
    """
    folder = Path(folder)
    # Of a missing folder, the nearest ancestor that exists decides; nothing is made yet.
    with _output_errors(folder), suppress(FileNotFoundError, NotADirectoryError):
        folder.stat()  # refuses names that are too long, and folders that are out of reach
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise OutputError(f"{folder}: {existing} is no folder: choose another place")
    probe = existing / _temporary_name("probe")
    with _output_errors(folder):
        try:
            probe.touch(exist_ok=False)
        finally:
            probe.unlink(missing_ok=True)


def check_output_file(path: str | Path) -> None:
    """Find out before long work whether a file can be written.

    Raises
    ------
    OutputError
        It is a folder, or its folder cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder: give the name of a file")
    check_output_folder(path.parent)


def _temporary_name(name: str) -> str:
    """A hidden name; it ends as `name` does because writers choose a format by the suffix."""
    return f".part-{token_hex(4)}-{name}"


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """Say in one line what the operating system refuses."""
    try:
        yield
    except OSError as error:
        reason = " ".join((error.strerror or str(error)).split())
        raise OutputError(f"{path}: cannot be written ({reason}): choose another place") from error


@contextmanager
def _new_folders(folder: Path) -> Iterator[None]:
    """Make a folder and its parents; those that are new go again, if empty, after a failure."""
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        _remove_empty(new)
        raise


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _move_all(stage: Path, folder: Path, remove: Iterable[Path]) -> None:
    """Move what is in `stage` into `folder` and `remove` away, or leave all as it was."""
    sources = sorted(path for path in stage.rglob("*") if path.is_file())
    targets = {folder / source.relative_to(stage): source for source in sources}
    old = sorted({path for path in (*targets, *remove) if os.path.lexists(path)})
    kept = {path: stage / _temporary_name(f"old-{index}") for index, path in enumerate(old)}
    parents = {parent for path in targets for parent in path.relative_to(folder).parents}
    new = [folder / parent for parent in sorted(parents, reverse=True)]
    new = [path for path in new if not path.exists()]
    for source in sources:
        _sync(source)
    try:
        for path, backup in kept.items():
            os.replace(path, backup)
        for path, source in targets.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, path)
    except BaseException:
        for path, source in targets.items():
            # A target whose source is gone has arrived; one whose source is still there has not.
            if not source.exists():
                path.unlink(missing_ok=True)
        for path, backup in kept.items():
            if os.path.lexists(backup):
                os.replace(backup, path)
        _remove_empty(new)
        raise
    for path in {path.parent for path in targets}:
        _sync_folder(path)


def _sync(path: Path) -> None:
    """Have the content on disk before the name points to it."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Have a rename on disk; some systems cannot sync folders, and lose no content by that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
