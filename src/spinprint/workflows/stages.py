"""How a workflow tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ..parallel import Progress

Stage = Callable[[str], AbstractContextManager[Progress]]
"""Opens a named stage of the work; the progress it gives is called with (done, total)."""


@contextmanager
def silent(name: str) -> Iterator[Progress]:  # noqa: ARG001
    """A stage nobody hears of."""
    yield lambda done, total: None  # noqa: ARG005
