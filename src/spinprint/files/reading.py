"""What readers of folders need: that a folder is whole, and stays so while it is read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ..errors import InputError, OutputError
from .locks import BusyError
from .switch import complete, is_pending, switching

_TRIES, _PAUSE = 20, 0.05  # how often to read, and seconds in between

Result = TypeVar("Result")


def settle(path: str | Path) -> None:
    """Complete what a killed process left half-moved in the folders that hold a file or folder.

    Raises
    ------
    InputError
        One of them is half-written, and cannot be completed from here.
    """
    for folder in _with_parents(Path(path)):
        if not is_pending(folder):
            continue
        with suppress(OSError, BusyError, OutputError), switching(folder):
            complete(folder)
        if is_pending(folder):
            raise InputError(
                f"{folder}: a command that wrote here was killed and left it half old, half new:"
                " run it again, or make the folder writable so that it can be completed"
            )


def read_whole(folder: str | Path, read: Callable[[], Result]) -> Result:
    """Read from a folder that is not written to in the meantime; otherwise, read again.

    Raises
    ------
    InputError
        The folder is half-written, or changes all the time; or what `read` raises.
    """
    folder = Path(folder)
    for _ in range(_TRIES):
        settle(folder)
        before = _states(folder)
        try:
            found = read()
        except (InputError, OSError):
            if _is_still(folder, before):
                raise
        else:
            if _is_still(folder, before):
                return found
        time.sleep(_PAUSE)
    raise InputError(f"{folder}: changes while it is read: wait for whoever writes there")


def _with_parents(path: Path) -> Iterator[Path]:
    path = path.absolute()
    yield path
    yield from path.parents


def _is_still(folder: Path, before: list[tuple[str, int, int]]) -> bool:
    """Whether no switch goes on, and none was made since."""
    return not any(map(is_pending, _with_parents(folder))) and _states(folder) == before


def _states(folder: Path) -> list[tuple[str, int, int]]:
    """What tells the files in a folder from others under the same names; hidden ones are left out.

    A switch to the files of another run moves all of them.
    """
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            with suppress(OSError):
                state = os.stat(os.path.join(place, name))
                found.append((os.path.join(place, name), state.st_ino, state.st_mtime_ns))
    return sorted(found)
