"""What a search found, trial by trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..records import plain
from .space import Chosen

WITHIN = 0.05
"""Squared error above the least, relative, that a faster dictionary may have to be the best."""


class State(Enum):
    """How a trial ended."""

    FINISHED = "finished"
    GIVEN_UP = "given up"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Settings that were tried."""

    number: int
    """Its place in the order in which they were begun, from 1."""
    state: State
    """How it ended."""
    chosen: Chosen
    """The settings by parameter."""
    objectives: tuple[float, ...] = ()
    """What was to be small, the error first; empty unless it is finished."""
    measures: dict[str, float]
    """What else was measured."""
    curve: tuple[tuple[int, float], ...] = ()
    """Steps done and the error then."""
    seconds: float
    """Time it took."""
    remark: str = ""
    """Why it was refused."""

    @property
    def error(self) -> float:
        """Geometric mean over unknowns and ratios of the scaled mean squared error [-].

        Of a trial that was given up, when it was.
        """
        logs = self.objectives[:1] or tuple(value for _, value in self.curve[-1:])
        return math.exp(logs[0]) if logs else math.nan


def front(trials: Sequence[Trial]) -> list[Trial]:
    """Those that no other is as good as in every objective and better than in one."""
    ended = [trial for trial in trials if trial.objectives]
    return [one for one in ended if not any(_beats(other, one) for other in ended)]


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The one of least error; with a time among the objectives, the fastest that is near it."""
    ended = [trial for trial in trials if trial.objectives]
    if not ended:
        return None
    least = min(ended, key=lambda trial: trial.objectives[0])
    if len(least.objectives) == 1:
        return least
    limit = least.objectives[0] + math.log1p(WITHIN)
    near = [trial for trial in ended if trial.objectives[0] <= limit]
    return min(near, key=lambda trial: trial.objectives[1])


def trial_table(trials: Sequence[Trial], objectives: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of plain values, for CSV and JSON."""
    on_front = {trial.number for trial in front(trials)}
    rows = []
    for trial in trials:
        # The error is told as such, not as its logarithm.
        values = (trial.error, *trial.objectives[1:])
        found = dict(zip(objectives, values, strict=False))
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.value,
                **{name: plain(found.get(name)) for name in objectives},
                "front": trial.number in on_front,
                "seconds": round(trial.seconds, 3),
                **trial.chosen,
                **{name: plain(value) for name, value in trial.measures.items()},
                "remark": trial.remark,
            }
        )
    return rows


def _beats(one: Trial, other: Trial) -> bool:
    pairs = list(zip(one.objectives, other.objectives, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
