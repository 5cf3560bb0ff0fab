"""Locks that the system lets go of when a process ends, even by kill -9."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PATIENCE = 10.0
"""How long one waits for what takes another process a moment [s]."""

_NONE = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}  # a file system without locks
_POLL = 0.02  # seconds between two tries


class BusyError(Exception):
    """Another process, or another thread, holds the lock."""


@contextmanager
def locked(path: Path, wait: float) -> Iterator[bool]:
    """Hold a lock; the file goes when the lock is given back.

    Yields whether the lock was free before: False where this thread holds it already, and where
    the file system has no locks, so that nothing is known of other processes.

    Parameters
    ----------
    path
        The file of the lock.
    wait
        How long to try [s].

    Raises
    ------
    BusyError
        It is held by somebody else.
    OSError
        The file cannot be made.
    """
    lock = FileLock(path, mode=0o666, is_singleton=True, fallback_to_soft=False)
    nested = lock.is_locked
    try:
        lock.acquire(timeout=wait, poll_interval=_POLL)
    except Timeout:
        raise BusyError from None
    except OSError as error:
        if error.errno not in _NONE:
            raise
        path.unlink(missing_ok=True)
        yield False
        return
    try:
        yield not nested
    finally:
        if not nested:
            # While it is held: whoever waits for the file that is gone makes a new one.
            with suppress(OSError):
                path.unlink(missing_ok=True)
        lock.release()
