"""How much memory there is, so that what cannot fit is refused before it is allocated.

Systems promise more memory than they have and end the process that takes them at their word, so
that waiting for a MemoryError does not do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .errors import InputError

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60  # what control groups without a limit state, or more


def require_room(need: int, what: str, error: type[InputError], way_out: str) -> None:
    """Refuse what cannot fit in memory.

    Parameters
    ----------
    need
        Memory it takes at least [bytes].
    what
        What takes it, for the message: "s.nii: its array of shape (2, 3)".
    error
        What is raised.
    way_out
        What can be done instead, an imperative.

    Raises
    ------
    InputError
        Of the type `error`: less memory than that is free.
    """
    free = free_memory()
    if free is not None and need > free:
        raise error(
            f"{what} needs {in_words(need)} of memory and {in_words(free)} are free: {way_out}"
        )


def free_memory() -> int | None:
    """The memory this process can still take, swap included [bytes]; None where none can tell.

    The least of what the system has, its control groups (containers) allow and `ulimit -v` leaves.
    """
    return min(_limits(), default=None)


def in_words(size: int) -> str:
    """A number of bytes as people read it."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if size >= 1000**power:
            return f"{size / 1000**power:.3g} {unit}"
    return f"{size} bytes"


def _limits() -> Iterator[int]:
    swap = 0
    try:
        stated = _numbers(Path("/proc/meminfo"))
        swap = 1024 * stated["SwapFree"]
        yield 1024 * stated["MemAvailable"] + swap
    except (OSError, KeyError):  # no Linux: what is free cannot be told, but what there is
        with suppress(AttributeError, ValueError, OSError):
            yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield from _groups(swap)
    yield from _address_space()


def _groups(swap: int) -> Iterator[int]:
    """What each control group of this process leaves, version 2 and 1; `swap` is the system's."""
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            root, limit, used = _GROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        elif controllers == "":
            root, limit, used = _GROUPS, "memory.max", "memory.current"
        else:
            continue
        group = root / path.lstrip("/")
        # Seen from a container its own group is the root, whatever path is stated.
        for folder in {root, *(one for one in (group, *group.parents) if root in one.parents)}:
            with suppress(OSError, ValueError):  # no limit: no such file, or the word "max"
                most = int((folder / limit).read_text())
                if most < _UNLIMITED:
                    kept = _numbers(folder / "memory.stat")  # of files, given back when needed
                    cached = kept.get("active_file", 0) + kept.get("inactive_file", 0)
                    yield max(0, most - int((folder / used).read_text()) + cached) + swap


def _address_space() -> Iterator[int]:
    with suppress(ImportError, OSError):
        import resource  # which Windows has not

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            yield max(0, most - pages * resource.getpagesize())


def _numbers(path: Path) -> dict[str, int]:
    """The whole numbers of a file of lines as `Name: 12 kB`."""
    found = re.findall(r"^(\w+):?\s+(\d+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: int(number) for name, number in found}
