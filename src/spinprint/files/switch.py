"""The switch of a folder to the files of a new run, in one rename.

The new files lie in a hidden folder, the stage, together with a list of those that go. Once the
stage is renamed to `SWITCH` the switch is decided. The files are moved after that; if this is cut
short, by kill -9 or a power cut, it is completed by whoever comes next.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import OutputError
from .locks import PATIENCE, locked
from .places import lock_name, remove_empty, sync_folder, temporary_name

SWITCH = ".spinprint-switch"
"""The name of a stage whose switch is decided; there is at most one in a folder."""

_CONTROL, _REMOVED, _MUTEX = ".control", "removed.json", "switch"


@contextmanager
def switching(folder: Path) -> Iterator[None]:
    """Be the only process that switches a folder.

    Raises
    ------
    BusyError
        Another process does not come to an end.
    OSError
        The folder cannot be written.
    """
    with locked(folder / lock_name(_MUTEX), PATIENCE):
        yield


def is_pending(folder: Path) -> bool:
    """Whether a switch of the folder was decided and is not over."""
    return os.path.lexists(folder / SWITCH)


def complete(folder: Path) -> None:
    """Complete the switch of a folder that was cut short, if there is one.

    Raises
    ------
    OutputError
        It was changed since.
    OSError
        A file cannot be moved.
    """
    if is_pending(folder):
        Switch._pending(folder)._complete()


def files_of(stage: Path) -> list[str]:
    """The files that come from a stage, by their places in the folder."""
    found = (path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] != _CONTROL)


@dataclass(frozen=True)
class Switch:
    """A step from one state of a folder to the next."""

    folder: Path
    stage: Path
    moved: tuple[str, ...]
    """Files that come from the stage."""
    removed: tuple[str, ...]
    """Files that go."""

    @classmethod
    def prepare(cls, folder: Path, stage: Path, removed: Iterable[str]) -> Switch:
        """Have all on disk that takes space, before anything is moved."""
        switch = cls(folder, stage, tuple(files_of(stage)), tuple(removed))
        (stage / _CONTROL).mkdir()
        (stage / _CONTROL / _REMOVED).write_text(json.dumps(switch.removed), encoding="utf-8")
        return switch

    @classmethod
    def _pending(cls, folder: Path) -> Switch:
        """The one that was decided and is not over."""
        stage = folder / SWITCH
        try:
            removed = json.loads((stage / _CONTROL / _REMOVED).read_bytes())
            switch = cls(folder, stage, tuple(files_of(stage)), tuple(removed))
            plain = all(map(_is_plain, switch.removed))
        except (OSError, ValueError, TypeError, RecursionError):
            raise _stuck(stage) from None
        # Folders come from other people too: nothing outside of them may be touched.
        paths = [folder / name for name in (*switch.moved, *switch.removed)]
        paths += [stage / name for name in switch.moved]
        if not plain or stage.is_symlink() or not all(_is_inside(folder, path) for path in paths):
            raise _stuck(stage)
        return switch

    def make(self) -> None:
        """Switch; if that fails, all is as it was."""
        made = self._make_parents()
        decided = Switch(self.folder, self.folder / SWITCH, self.moved, self.removed)
        try:
            os.rename(self.stage, decided.stage)
            sync_folder(self.folder)
            decided._set_aside()
            decided._move()
            decided._end(self.stage)
        except BaseException:
            if decided.stage.exists():
                decided._undo(self.stage)
            remove_empty(made)
            raise

    def _complete(self) -> None:
        """Do what is left of it."""
        for path in self._parents():
            path.mkdir(parents=True, exist_ok=True)
        self._move()
        for name in self.removed:
            (self.folder / name).unlink(missing_ok=True)
        done = self.folder / temporary_name("switch")
        self._end(done)
        shutil.rmtree(done, ignore_errors=True)

    def _set_aside(self) -> None:
        """Keep what is in the way until the switch is over."""
        for path, kept in self._kept():
            if os.path.lexists(path):
                os.replace(path, kept)

    def _move(self) -> None:
        for name in self.moved:
            os.replace(self.stage / name, self.folder / name)

    def _end(self, stage: Path) -> None:
        """Make the stage a thing of the past, once all moves are on disk."""
        left = {(self.folder / name).parent for name in self.removed} - {self.folder}
        remove_empty(sorted(left, reverse=True))
        for path in {(self.folder / name).parent for name in (*self.moved, *self.removed)}:
            sync_folder(path)
        os.rename(self.stage, stage)
        sync_folder(self.folder)

    def _undo(self, stage: Path) -> None:
        """Take all back; cut short, it leaves what can be completed."""
        for name in self.moved:
            # A file whose source is gone has arrived; one whose source is still there has not.
            if not (self.stage / name).exists():
                os.replace(self.folder / name, self.stage / name)
        for path, kept in self._kept():
            if os.path.lexists(kept):
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(kept, path)
        os.rename(self.stage, stage)

    def _kept(self) -> Iterator[tuple[Path, Path]]:
        for index, name in enumerate((*self.moved, *self.removed)):
            yield self.folder / name, self.stage / _CONTROL / str(index)

    def _parents(self) -> set[Path]:
        """The folders that files go to."""
        return {
            self.folder / parent for name in self.moved for parent in PurePosixPath(name).parents
        }

    def _make_parents(self) -> list[Path]:
        """Make them; those that are new, the deepest first."""
        new = [path for path in sorted(self._parents(), reverse=True) if not path.exists()]
        try:
            for path in reversed(new):
                path.mkdir(exist_ok=True)
        except BaseException:
            remove_empty(new)
            raise
        return new


def _stuck(stage: Path) -> OutputError:
    return OutputError(
        f"{stage}: is left of a command that was killed, and was changed since: delete it"
    )


def _is_plain(name: str) -> bool:
    """Whether a name leads to a place in the folder, by its letters."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and str(path) == name != "."


def _is_inside(folder: Path, path: Path) -> bool:
    """Whether a file lies in a folder, links followed."""
    return path.parent.resolve().is_relative_to(folder.resolve())
