"""How workflows report progress, independent of the display."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ..parallel import Progress

StageDisplay = Callable[[str], AbstractContextManager[Progress]]
"""Opens a named stage of the work; yields a function to call with (done, total)."""


@contextmanager
def silent(name: str) -> Iterator[Progress]:  # noqa: ARG001
    """Display nothing."""
    yield lambda done, total: None  # noqa: ARG005
