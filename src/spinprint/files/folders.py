"""Folders: the files of a run arrive all together, and those of the run before it go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, OutputError
from .claims import claim
from .locks import PATIENCE, BusyError
from .places import irregular, output_errors, sync, temporary_name
from .reading import settle
from .switch import Switch, complete, files_of, switching

Earlier = Callable[[], Iterable[Path]]
"""Gives files of an earlier run; asked when the folder is whole."""


@contextmanager
def staging(
    folder: str | Path, run: str, earlier: Earlier = tuple, keep: Iterable[Path] = ()
) -> Iterator[Path]:
    """Write the files of a run into `folder`: all of them, or none.

    Yields a temporary folder. When the block ends, every file in it is moved to the same relative
    place in `folder`, and what is left of an earlier run goes; when the block or a move fails or
    is interrupted, `folder` is as it was. After a kill it is as it was, or its next reader or
    writer completes the move.

    Parameters
    ----------
    folder
        Where the files go; made if it is missing.
    run
        What is written; one process at a time may write it.
    earlier
        Gives the files of an earlier run, there or not: these alone are replaced or removed.
    keep
        Files that are not removed even so: this run read them.

    Raises
    ------
    OutputError
        A file cannot be written or moved, one of another origin is in its place, or another
        process writes the same.
    """
    folder = Path(folder)
    with claim(folder, run, wait=PATIENCE), output_errors(folder):
        stage = folder / temporary_name(run)
        try:
            stage.mkdir()
            yield stage
            _switch(folder, stage, earlier, _names(folder, keep))
        except BusyError:
            raise OutputError(f"{folder}: another process does not stop writing there") from None
        except InputError as error:  # of a writer that knows the stage alone
            raise type(error)(str(error).replace(str(stage), str(folder))) from error
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def check_replaceable(folder: str | Path, names: Iterable[str], earlier: Earlier = tuple) -> None:
    """Find out before long work whether `staging` will be able to write files of these names.

    Raises
    ------
    OutputError
        In the place of one is a file of another origin, or no file.
    InputError
        The folder is half-written, and cannot be completed.
    """
    folder = Path(folder)
    settle(folder)
    ours = _names(folder, earlier())
    for name in names:
        with output_errors(folder / name):
            _require_ours(folder / name, known=name in ours)


def _switch(folder: Path, stage: Path, earlier: Earlier, kept: set[str]) -> None:
    new = files_of(stage)
    for name in new:
        sync(stage / name)
    with switching(folder):
        complete(folder)
        ours = _names(folder, earlier())
        for name in new:
            alike = _are_alike(stage / name, folder / name)
            _require_ours(folder / name, known=name in ours or alike)
        removed = [
            name
            for name in sorted(ours - kept - {*new})
            if os.path.lexists(folder / name) and irregular(folder / name) is None
        ]
        Switch.prepare(folder, stage, removed).make()


def _names(folder: Path, paths: Iterable[Path]) -> set[str]:
    """Paths in a folder relative to it; others are left out."""
    root = folder.resolve()
    places = (path.parent.resolve() / path.name for path in paths)
    return {path.relative_to(root).as_posix() for path in places if path.is_relative_to(root)}


def _are_alike(one: Path, other: Path) -> bool:
    """Whether two files hold the same, so that one may replace the other."""
    if irregular(other) is not None or not other.exists():
        return False
    if one.stat().st_size != other.stat().st_size:
        return False
    return one.read_bytes() == other.read_bytes()


def _require_ours(target: Path, *, known: bool) -> None:
    """Refuse to replace what is no file, or one that is not ours."""
    if (kind := irregular(target)) is not None:
        raise OutputError(f"{target}: is {kind}: delete it or choose another folder")
    if target.exists() and not known:
        raise OutputError(
            f"{target}: is a file that spinprint did not write: delete it or choose another folder"
        )
