"""Single files: written beside their place, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .claims import claim
from .locks import PATIENCE
from .places import destination, output_errors, sync, sync_folder, temporary_name


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file so that `path` holds the old content or all of the new one.

    Yields a temporary name in the same folder and with the same suffix, to be written and closed
    by the caller. When the block ends it is synced to disk and renamed; when the block fails or
    is interrupted it is removed, with the folders made for it. A symbolic link stays: the file it
    leads to is replaced.

    Raises
    ------
    OutputError
        The file cannot be written or renamed, the path is no regular file, or another process
        is writing it.
    """
    path = Path(path)
    target = destination(path)
    with claim(path, wait=PATIENCE), output_errors(path):
        temporary = target.with_name(temporary_name(target.name))
        try:
            yield temporary
            sync(temporary)
            destination(target)  # what has come there in the meantime may be no file
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)
