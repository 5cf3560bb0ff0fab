"""Where caches lie, how large they grow, and what goes first.

Compiled code, dictionaries and matplotlib's fonts are made anew where they are missing. A machine
that offers no folder for them, or takes it away meanwhile, costs time and is no error.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from .errors import OutputError

VARIABLE = "SPINPRINT_CACHE"

_TEMPORARY = ("/tmp", "/var/tmp")
_PRIVATE = f"spinprint-{os.geteuid()}"


def cache_folder() -> Path | None:
    """The folder of all caches, made if it was missing; None where there is none to be had.

    `$SPINPRINT_CACHE` where it is set, which may be a folder that can only be read; else the
    user's cache folder; else a folder that is this user's alone, below the temporary folder.
    """
    if chosen := os.environ.get(VARIABLE):
        return made(Path(chosen))
    return _users_folder() or _private_folder()


def made(folder: Path) -> Path | None:
    """A folder, made if it was missing, with `~` resolved; None where the system refuses."""
    try:
        folder = folder.expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: there is no home directory
        return None
    return folder


def writable(folder: Path) -> bool:
    """Whether files can be made and removed in a folder."""
    return os.access(folder, os.W_OK | os.X_OK)


def is_temporary(folder: Path) -> bool:
    """Whether a folder of a cache lies below the temporary folder, for want of a better place."""
    return _PRIVATE in folder.parts


def _users_folder() -> Path | None:
    from platformdirs import user_cache_path

    with suppress(RuntimeError):  # there is no home directory
        return _own(user_cache_path("spinprint"))
    return None


def _own(folder: Path) -> Path | None:
    """A folder that can be written; None for others, and for a `~` that nobody could resolve."""
    there = made(folder) if folder.is_absolute() else None
    return there if there and writable(there) else None


def _private_folder() -> Path | None:
    """A folder below a temporary one; `tempfile` would fall back on the working directory."""
    places = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    for place in filter(None, (*places, *_TEMPORARY)):
        folder = Path(place) / _PRIVATE
        if folder.is_absolute() and _is_private(folder):
            return folder
    return None


def _is_private(folder: Path) -> bool:
    """Whether a folder, made if it was missing, is open to this user alone.

    Compiled code is run as it is found: whoever could put a file or a link there could run theirs.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    open_to_others = status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not open_to_others
    return own and writable(folder)


def mark_used(path: Path) -> None:
    """Note that a file of a cache was used, so that others go before it."""
    with suppress(OSError):
        os.utime(path)


def files_by_use(folder: Path, belongs: Callable[[str], object]) -> list[tuple[Path, int]]:
    """The files of a cache and their sizes [bytes], those used last first.

    Parameters
    ----------
    folder
        Where they lie; other files may lie there too.
    belongs
        Whether a name is one of the cache.
    """
    found = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # removed meanwhile by another process
                if belongs(entry.name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime_ns, Path(entry), status.st_size))
    return [(path, size) for _, path, size in sorted(found, reverse=True)]


def trim(files: Iterable[tuple[Path, int]], limit: int) -> None:
    """Remove files used least recently until the others fit; the one used last always stays.

    A process that has one of them open keeps it: its content goes with the last use.

    Parameters
    ----------
    files
        As `files_by_use` gives them.
    limit
        Bytes of all files together.
    """
    total = 0
    for index, (path, size) in enumerate(files):
        total += size
        if index and total > limit:
            with suppress(OSError):
                path.unlink()


def place_fonts() -> None:
    """Give matplotlib a folder where it has no writable one of its own; called before its import.

    Raises
    ------
    OutputError
        No folder can be written, not even a temporary one: matplotlib would refuse to start.
    """
    if "matplotlib" in sys.modules or os.environ.get("MPLCONFIGDIR") or _matplotlibs_folder():
        return
    folder = fonts_folder()
    if folder is None:
        try:
            folder = Path(mkdtemp(prefix="spinprint-"))
        except OSError:
            raise OutputError(
                "matplotlib needs a folder for its fonts, and none can be written:"
                " set MPLCONFIGDIR to one that can"
            ) from None
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["MPLCONFIGDIR"] = str(folder)


def fonts_folder() -> Path | None:
    """Where matplotlib keeps its fonts; None where it makes them anew each time."""
    if chosen := os.environ.get("MPLCONFIGDIR"):
        return _own(Path(chosen).absolute())
    if own := _matplotlibs_folder():
        return own
    folder = cache_folder()
    return _own(folder / "matplotlib") if folder else None


def _matplotlibs_folder() -> Path | None:
    """The folder of fonts that matplotlib finds by itself, if it can write all of its folders."""
    if not sys.platform.startswith(("linux", "freebsd")):
        return _below_home(".matplotlib")
    folders = [
        _own(Path(chosen) / "matplotlib") if chosen else _below_home(f"{usual}/matplotlib")
        for chosen, usual in (
            (os.environ.get("XDG_CONFIG_HOME"), ".config"),
            (os.environ.get("XDG_CACHE_HOME"), ".cache"),
        )
    ]
    return folders[-1] if all(folders) else None


def _below_home(name: str) -> Path | None:
    with suppress(RuntimeError):  # there is no home directory
        return _own(Path.home() / name)
    return None
