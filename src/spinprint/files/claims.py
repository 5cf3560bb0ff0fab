"""Claims: an output belongs to one process while it is made, and what dead ones left is cleared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from .locks import BusyError, locked
from .places import LOCK, TEMPORARY, destination, lock_name, new_folders, output_errors, short
from .switch import complete, is_pending, switching

_WAIT = 2.0  # seconds; others may hold a lock for a moment, to see whether it is held


@contextmanager
def claim(path: str | Path, run: str | None = None, *, wait: float = _WAIT) -> Iterator[None]:
    """Be the only process that writes an output; nested in itself, it holds on to the outer one.

    Beforehand, what killed processes left half-done in the folder is completed or removed. Where
    the file system has no locks, nobody is kept away.

    Parameters
    ----------
    path
        A file, or a folder together with `run`.
    run
        What is written into the folder; runs of other names may go on in it at the same time.
    wait
        How long to try [s].

    Raises
    ------
    OutputError
        Another process is writing it, or its folder cannot be written.
    """
    path = Path(path)
    target = destination(path) if run is None else path / run
    with ExitStack() as stack:
        try:
            with output_errors(path):
                free = stack.enter_context(_held(target.parent, target.name, wait))
                if free:
                    _tidy(target.parent, target.name)
        except BusyError:
            raise OutputError(
                f"{path}: is being written by another spinprint process: wait for it or choose"
                " another place"
            ) from None
        yield


@contextmanager
def _held(folder: Path, name: str, wait: float) -> Iterator[bool]:
    """The lock of a name in a folder, which is made if it is missing."""
    with ExitStack() as stack:
        for attempt in range(3):
            stack.enter_context(new_folders(folder))
            try:
                free = stack.enter_context(locked(folder / lock_name(name), wait))
                break
            except FileNotFoundError:  # another process has removed the folder it had made
                if attempt == 2:
                    raise
        yield free


def _tidy(folder: Path, own: str) -> None:
    """Complete and remove what processes left that are gone; `own` is locked by this one."""
    if is_pending(folder):
        with switching(folder):
            complete(folder)
    left = _left(folder)
    _remove(left.pop(short(own), []))
    for name, paths in left.items():
        with suppress(BusyError, OSError), locked(folder / lock_name(name), wait=0) as free:
            if free:
                _remove(paths)


def _left(folder: Path) -> dict[str, list[Path]]:
    """What is being written in a folder, or was, by the name of its lock."""
    left: dict[str, list[Path]] = {}
    with suppress(OSError):  # a folder may be writable that cannot be listed
        for entry in os.scandir(folder):
            if match := LOCK.fullmatch(entry.name):
                left.setdefault(match[1], [])
            elif match := TEMPORARY.fullmatch(entry.name):
                left.setdefault(match[1], []).append(Path(entry.path))
    return left


def _remove(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
