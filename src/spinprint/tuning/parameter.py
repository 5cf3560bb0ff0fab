"""One thing that a search may choose, as it stands in a tuning file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from ..errors import ModelError
from ..settings import Strict, first_problem

Value = str | int | float | bool
"""What names a choice: a plain value itself, of any other its name."""

_MOST_VALUES = 10_000
"""Values of a range that are counted one by one."""


class Parameter(Strict):
    """One of some choices, or a number from a range.

    `choices` is a list of values, or a table of values by name; `sets` is a table of choices by
    name that each set several keys; `low` and `high` end a range, of whole numbers if both are.
    """

    choices: list[Any] | dict[str, Any] | None = None
    """What the key may be."""
    sets: dict[str, dict[str, Any]] | None = None
    """What several keys may be together: choice, then key."""
    low: int | float | None = None
    """Least value."""
    high: int | float | None = None
    """Greatest value."""
    log: bool = False
    """Whether the logarithm is spread evenly, not the value."""
    step: int | float | None = None
    """Distance of the values."""
    when: dict[str, Any] = Field(default_factory=dict)
    """Parameters and the choice, or list of choices, of each under which this one matters."""

    @model_validator(mode="after")
    def _one_kind(self) -> Parameter:
        ends = self.low is not None and self.high is not None
        if (self.choices is not None) + (self.sets is not None) + ends != 1:
            raise ValueError("give choices; sets; or low and high")
        if not ends:
            if any(one is not None for one in (self.low, self.high, self.step)) or self.log:
                raise ValueError("low, high, log and step are of ranges, not of choices")
            if not self.labels:
                raise ValueError("there is no choice")
            if len(set(self.labels)) < len(self.labels):  # 1, 1.0 and true are equal
                raise ValueError("a choice is given twice")
        else:
            self._check_range()
        return self

    def _check_range(self) -> None:
        assert self.low is not None
        assert self.high is not None
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low {self.low} must be below high {self.high}, both finite")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low} must be positive where log is true")
        if self.step is not None:
            if not 0 < self.step <= self.high - self.low:
                raise ValueError(f"step {self.step} must be positive and fit into the range")
            if self.log:
                raise ValueError("log and step do not go together")
            if self.whole and not isinstance(self.step, int):
                raise ValueError(f"step {self.step} must be whole as low and high are")

    @property
    def whole(self) -> bool:
        """Whether the range is of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def _top(self) -> int | float:
        """The last value of a range: where the steps do not fit, it lies below `high`."""
        assert self.low is not None
        assert self.high is not None
        if self.step is None:
            return self.high
        return self.low + math.floor((self.high - self.low) / self.step + 1e-9) * self.step

    @property
    def labels(self) -> list[Value]:
        """The names of the choices; of a range there is none."""
        if self.sets is not None:
            return list(self.sets)
        if isinstance(self.choices, dict):
            return list(self.choices)
        return [one if isinstance(one, Value) else json.dumps(one) for one in self.choices or []]

    def values(self) -> list[Value] | None:
        """All it can be, if that can be counted."""
        if self.low is None or self.high is None:
            return self.labels
        step = self.step or (1 if self.whole else None)
        if step is None or (self.high - self.low) / step > _MOST_VALUES:
            return None
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        return [self.low + i * step for i in range(count)]

    def ends(self) -> list[Value]:
        """All choices, or both ends of the range: where it may be impossible."""
        return self.labels if self.low is None or self.high is None else [self.low, self._top]

    def sets_of(self, key: str, value: Value) -> dict[str, Any]:
        """What a choice sets: values by key."""
        if self.sets is not None:
            return self.sets[str(value)]
        if isinstance(self.choices, dict):
            return {key: self.choices[str(value)]}
        if self.choices is not None:
            return {key: self.choices[self.labels.index(value)]}
        return {key: value}

    def suggest(self, name: str, trial: Any) -> Value:
        """Let a trial of optuna choose."""
        chosen: Value
        if self.low is None or self.high is None:
            chosen = trial.suggest_categorical(name, self.labels)
        elif self.whole:
            chosen = trial.suggest_int(name, self.low, self._top, step=self.step or 1, log=self.log)
        else:
            low, high = float(self.low), float(self._top)
            chosen = trial.suggest_float(name, low, high, step=self.step, log=self.log)
        return chosen


def parse_parameters(data: Mapping[str, Any]) -> dict[str, Parameter]:
    """Parameters from plain values: by dotted key, or by tables within tables.

    Raises
    ------
    ModelError
        One is impossible; the message names it and the rule.
    """
    found = {}
    for name, table in _flat(data).items():
        if not isinstance(table, dict):
            raise ModelError(f"{name}: must be a table like {{ choices = [1, 2] }}")
        try:
            found[name] = Parameter.model_validate(table)
        except ValidationError as error:
            problem = first_problem(error).removeprefix("the whole: ")
            raise ModelError(f"{name}: {problem}") from None
    return found


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Tables by dotted key: `a.b = {...}` means `{a = {b = {...}}}` in TOML."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        inner = isinstance(value, dict) and value and not set(value) & set(Parameter.model_fields)
        found |= _flat(value, f"{name}.") if inner else {name: value}
    return found
