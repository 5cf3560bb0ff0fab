"""What the workers of a search lock; the system lets go of it when one ends, even by kill -9."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

_POLL = 0.005  # seconds between two tries; the journal is held for a moment only


def is_held(path: Path) -> bool:
    """Whether any process holds a lock now."""
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


class JournalLock:
    """Guards a file of lines; a last line that a killed process left unfinished is cut off."""

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(journal.with_name(f"{journal.name}.lock"), poll_interval=_POLL)
        self._journal = journal

    def acquire(self) -> bool:
        """Wait for the lock, take it, and mend the file."""
        self._lock.acquire()
        with self._journal.open("r+b") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                file.truncate(whole)
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()
