"""What a search asks of that which is tuned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .space import Chosen, Space

Hear = Callable[[float, int], None]
"""Told (error, steps done) while a trial runs; raises to end it."""


@dataclass(frozen=True)
class Found:
    """What a trial found."""

    objectives: tuple[float, ...]
    """What is to be small, in the order of `Task.objectives`."""
    measures: dict[str, float] = field(default_factory=dict)
    """What else was measured, by name with its unit."""


class Task(Protocol):
    """Something that can be tried with settings; can be sent to another process."""

    @property
    def space(self) -> Space:
        """What may be chosen."""
        ...

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is to be small; the first is the error, the mean logarithm of the squared errors."""
        ...

    @property
    def identity(self) -> dict[str, Any]:
        """All that decides what a trial finds, but for its choices, as plain values."""
        ...

    @property
    def steps(self) -> int:
        """Steps of a trial; 1 where it is not heard of before its end."""
        ...

    def run(self, chosen: Chosen, hear: Hear) -> Found:
        """Try settings.

        Raises
        ------
        InputError
            They are impossible together.
        """
        ...

    def best(self, chosen: Chosen) -> str:
        """The settings as the text of a file that a command takes."""
        ...
