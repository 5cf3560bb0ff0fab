"""Where output may go: checks before long work, hidden names, and what reaches the disk."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile

from ..errors import OutputError

TEMPORARY = re.compile(r"\.part-[0-9a-f]{8}-(.+)", re.DOTALL)
"""Names of what is being written; the group names what it becomes."""

LOCK = re.compile(r"\.spinprint-(.+)\.lock", re.DOTALL)
"""Names of locks; the group names what is locked."""

_LONGEST = 200  # bytes of a name that leave room for what hidden names add; systems take 255
_MARK, _MARKED = b"spinprint", 1 << 20  # every file we write holds it in its first or last MiB

_KINDS = {
    stat.S_ISLNK: "a symbolic link",
    stat.S_ISDIR: "a folder",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
}


def check_output_folder(folder: str | Path) -> None:
    """Find out before long work whether files can be written in a folder that may not exist yet.

    Raises
    ------
    OutputError
        It cannot be made, or nothing can be written in it.
    """
    folder = Path(folder)
    # Of a missing folder, the nearest ancestor that exists decides; nothing is made yet.
    with output_errors(folder), suppress(FileNotFoundError, NotADirectoryError):
        folder.stat()  # refuses names that are too long, and folders that are out of reach
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise OutputError(f"{folder}: {existing} is no folder: choose another place")
    with output_errors(folder), TemporaryFile(dir=existing):
        pass  # it has no name, so that even a kill leaves nothing


def check_output_file(path: str | Path) -> None:
    """Find out before long work whether a file can be written.

    Raises
    ------
    OutputError
        It is a folder, a device, a pipe or a dangling link, or a file of another program, or its
        folder cannot be written.
    """
    path = Path(path)
    target = destination(path)
    with output_errors(path):
        if target.exists() and not _is_ours(target):
            raise OutputError(
                f"{path}: is a file that spinprint did not write: delete it or choose another name"
            )
    check_output_folder(target.parent)


def destination(path: Path) -> Path:
    """The regular file that a path stands for, there already or not: links are followed.

    Raises
    ------
    OutputError
        The path or what it links to is no regular file.
    """
    with output_errors(path):
        target = path
        if path.is_symlink():
            try:
                target = path.resolve(strict=True)
            except (FileNotFoundError, RuntimeError):
                raise OutputError(
                    f"{path}: is a symbolic link that leads nowhere: choose another name"
                ) from None
        if (kind := irregular(target)) is not None:
            raise OutputError(f"{path}: is {kind}: give the name of a file")
    return target


def irregular(path: Path) -> str | None:
    """What stands in the place of a regular file, in words; None where nothing does."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(mode):
        return None
    return next((kind for is_kind, kind in _KINDS.items() if is_kind(mode)), "no regular file")


def _is_ours(path: Path) -> bool:
    """Whether a file bears our name, as all that we write do, or holds nothing."""
    with path.open("rb") as file:
        head = file.read(_MARKED)
        file.seek(max(0, path.stat().st_size - _MARKED))
        return not head or _MARK in head or _MARK in file.read()


def temporary_name(name: str) -> str:
    """A hidden name; it ends as `name` does because writers choose a format by the suffix."""
    return f".part-{token_hex(4)}-{short(name)}"


def lock_name(name: str) -> str:
    """The name of the lock of a name."""
    return f".spinprint-{short(name)}.lock"


def short(name: str) -> str:
    """The name itself, or, where it is long, a shorter one that ends alike."""
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST:
        return name
    suffix = "".join(one for one in Path(name).suffixes[-2:] if len(os.fsencode(one)) < 9)
    return hashlib.sha256(encoded).hexdigest()[:32] + suffix


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Say in one line what the operating system refuses."""
    try:
        yield
    except OSError as error:
        reason = " ".join((error.strerror or str(error)).split())
        raise OutputError(f"{path}: cannot be written ({reason}): choose another place") from error


@contextmanager
def new_folders(folder: Path) -> Iterator[None]:
    """Make a folder and its parents; those that are new go again if they stay empty."""
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        remove_empty(new)


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of some folders that are empty, the deepest first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def sync(path: Path) -> None:
    """Have the content on disk before the name points to it."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have a rename on disk; some systems cannot sync folders, and lose no content by that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
