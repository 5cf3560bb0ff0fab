"""All that a search may choose."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError
from .parameter import Parameter, Value, parse_parameters

Chosen = dict[str, Value]
"""What was chosen, by the name of the parameter; those that do not matter are absent."""

_MOST_COMBINATIONS = 100_000
"""Combinations that are listed."""


@dataclass(frozen=True)
class Space:
    """Parameters by name: the key they set, or any name for those that set several.

    Raises
    ------
    ModelError
        There is no parameter, or one depends on something that is none.
    """

    parameters: Mapping[str, Parameter]
    """The parameters; those that others depend on come first."""

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ModelError("the space is empty: name at least one thing to choose")
        for name, one in self.parameters.items():
            for other, wanted in one.when.items():
                if other not in self.parameters or other == name:
                    known = ", ".join(key for key in self.parameters if key != name)
                    raise ModelError(f"{name}: when: {other!r} must be one of {known}")
                labels = self.parameters[other].labels
                for value in _listed(wanted):
                    if value not in labels:
                        shown = ", ".join(map(str, labels)) or "a choice, not a range"
                        raise ModelError(f"{name}: when: {other} = {value!r} must be {shown}")
        object.__setattr__(self, "parameters", _parents_first(self.parameters))

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Space:
        """A space from plain values, as a tuning file holds them.

        Raises
        ------
        ModelError
            It is impossible; the message names the parameter and the rule.
        """
        return cls(parse_parameters(data))

    def suggest(self, trial: Any) -> Chosen:
        """Let a trial of optuna choose all that matters."""
        chosen: Chosen = {}
        for name, one in self.parameters.items():
            if self._matters(one, chosen):
                chosen[name] = one.suggest(name, trial)
        return chosen

    def settings(self, chosen: Mapping[str, Value]) -> dict[str, Any]:
        """What choices set: values by dotted key, short keys first."""
        found: dict[str, Any] = {}
        for name, value in chosen.items():
            found |= self.parameters[name].sets_of(name, value)
        return dict(sorted(found.items(), key=lambda pair: pair[0].count(".")))

    def keys(self) -> set[str]:
        """All keys that some choice sets."""
        return {
            key
            for name, one in self.parameters.items()
            for value in one.ends()
            for key in one.sets_of(name, value)
        }

    def probes(self) -> Iterator[tuple[str, Value, Chosen]]:
        """Every choice and every end of a range, with no more else chosen than it needs."""
        for name, one in self.parameters.items():
            needed: Chosen = {}
            self._need(one, needed)
            for value in one.ends():
                yield name, value, {**needed, name: value}

    def combinations(self) -> list[Chosen] | None:
        """All that can be chosen, each once, if it can be listed."""
        values = {name: one.values() for name, one in self.parameters.items()}
        counted = [one for one in values.values() if one is not None]
        if len(counted) < len(values) or math.prod(map(len, counted)) > _MOST_COMBINATIONS:
            return None
        found: dict[tuple[Any, ...], Chosen] = {}
        for row in itertools.product(*counted):
            chosen: Chosen = {}
            for (name, one), value in zip(self.parameters.items(), row, strict=True):
                if self._matters(one, chosen):
                    chosen[name] = value
            found.setdefault(identity(chosen), chosen)
        return list(found.values())

    def _matters(self, one: Parameter, chosen: Mapping[str, Value]) -> bool:
        return all(
            other in chosen and chosen[other] in _listed(wanted)
            for other, wanted in one.when.items()
        )

    def _need(self, one: Parameter, needed: Chosen) -> None:
        """Choose what a parameter depends on, in the order of the space."""
        for other, wanted in one.when.items():
            self._need(self.parameters[other], needed)
            needed[other] = _listed(wanted)[0]


def identity(chosen: Mapping[str, Value]) -> tuple[Any, ...]:
    """Equal for equal choices, whatever their order and rounding."""
    rounded = {
        name: float(f"{value:.12g}") if isinstance(value, float) else value
        for name, value in chosen.items()
    }
    return tuple(sorted(rounded.items()))


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _parents_first(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """The same parameters, each after those it depends on."""
    placed: dict[str, Parameter] = {}
    while len(placed) < len(parameters):
        ready = {
            name: one
            for name, one in parameters.items()
            if name not in placed and all(other in placed for other in one.when)
        }
        if not ready:
            stuck = ", ".join(name for name in parameters if name not in placed)
            raise ModelError(f"{stuck}: when: these depend on each other in a circle")
        placed |= ready
    return placed
