"""The command line: parse, one library call, print a path."""

from __future__ import annotations

import os
import signal

INTERRUPTED = "spinprint: interrupted, nothing half-written was left"
INTERRUPTED_STATUS = 130

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit status 0 done, 2 wrong input, 1 a defect of ours.

    An interrupt ends it with one line and status 130. While the modules of the commands are
    loaded, which takes a part of a second, it ends the process on the spot: as an exception it
    would come out of whichever module was being loaded, and nothing is written yet.
    """
    before = signal.getsignal(signal.SIGINT)
    raises = before is signal.default_int_handler  # and is not ignored, as in the background
    if raises:
        signal.signal(signal.SIGINT, _leave)
    from . import learning, looking, making, measuring  # noqa: F401, each lists its commands
    from .app import run
    from .progress import console

    try:
        if raises:
            signal.signal(signal.SIGINT, before)
        run(arguments)
    except KeyboardInterrupt:
        console.print(INTERRUPTED)
        raise SystemExit(INTERRUPTED_STATUS) from None


def _leave(*_: object) -> None:
    os.write(2, f"{INTERRUPTED}\n".encode())
    os._exit(INTERRUPTED_STATUS)
