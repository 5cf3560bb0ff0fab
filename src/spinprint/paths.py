"""What lies at a path that a user gave, looked at in one way.

The system may refuse to look: a path can lead round in a circle or through a folder that is closed.
That is the user's to know in one line, like a file that is missing.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Literal

from .errors import InputError

Kind = Literal["file", "folder", "other"]

_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def kind_of(path: str | Path, error: type[InputError]) -> Kind | None:
    """What lies at a path: "other" is a device, a pipe or a socket; None is nothing.

    Nothing can lie where a name is too long, holds NUL or leads through a file.

    Raises
    ------
    InputError
        Of the type `error`: the system cannot look there.
    """
    try:
        mode = os.stat(path).st_mode
    except ValueError:
        return None
    except OSError as problem:
        if problem.errno in _NOWHERE:
            return None
        raise _unreachable(path, error, problem) from None
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def exists(path: str | Path, error: type[InputError]) -> bool:
    """Whether anything lies at a path; raises as `kind_of`."""
    return kind_of(path, error) is not None


def is_folder(path: str | Path, error: type[InputError]) -> bool:
    """Whether a folder lies at a path; raises as `kind_of`."""
    return kind_of(path, error) == "folder"


def require_file(path: str | Path, what: str, error: type[InputError]) -> None:
    """Make sure that a regular file lies at a path.

    A pipe is none: what is read more than once cannot come through it.

    Parameters
    ----------
    path
        The path.
    what
        The kind of file that was wanted, for the message, as "dictionary".
    error
        What is raised.

    Raises
    ------
    InputError
        Of the type `error`: nothing is there, or something else, or the system cannot look there.
    """
    kind = kind_of(path, error)
    if kind is None:
        raise error(f"{path}: no such {what} file")
    if kind != "file":
        found = "folder" if kind == "folder" else "device or a pipe"
        raise error(f"{path}: is a {found}: give a {what} file")


def entries(folder: Path, error: type[InputError]) -> list[Path]:
    """What a folder holds, sorted by name.

    Raises
    ------
    InputError
        Of the type `error`: it cannot be listed.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as problem:
        raise _unreachable(folder, error, problem) from None


def _unreachable(path: str | Path, error: type[InputError], problem: OSError) -> InputError:
    reason = problem.strerror or str(problem)
    return error(f"{path}: cannot be reached ({reason}): check its links and permissions")
