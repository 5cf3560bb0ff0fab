"""Trainings as trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit

from ..errors import InputError, ModelError
from ..prior import Prior
from ..sequence import Sequence
from ..training.config import TrainConfig, parse_config
from .config import TuneConfig
from .defaults import network_space
from .space import Chosen, Space
from .task import Found, Hear

_ROOTS = ("network", "data", "stage", "prior")
"""What trials may differ in; seed and validation are what they are judged by."""


@dataclass(frozen=True, eq=False)
class NetworkTask:
    """Short trainings, all judged on tissue of the base's prior with the same noise.

    Raises
    ------
    ModelError
        A key of the space is none of a training, or a value is impossible; the message names it.
    TissueError
        A prior is impossible.
    """

    sequence: Sequence
    """What is played."""
    config: TuneConfig
    """The base, and how long a trial is."""
    space: Space
    """What may be chosen."""
    objectives: tuple[str, ...] = ("error",)

    @classmethod
    def of(cls, sequence: Sequence, config: TuneConfig) -> NetworkTask:
        """The search that a tuning file asks for."""
        try:
            law = config.base.stated_prior() or Prior.default(sequence)
            if config.space is None:
                return cls(sequence, config, network_space(sequence, law, config.base))
            return cls(sequence, config, Space.parse(config.space))
        except InputError as error:
            raise type(error)(f"space: {error}") from None

    def __post_init__(self) -> None:
        for key in self.space.keys():  # noqa: SIM118 (not a mapping)
            self._check_key(key)
        for name, value, chosen in self.space.probes():
            try:
                config = self.training(chosen)
                config.stated_prior()
            except InputError as error:
                raise type(error)(f"{name} = {value}: {error}") from None
            rank = getattr(config.network.core, "rank", None)
            if rank is not None and rank > self.sequence.n_samples:
                raise ModelError(
                    f"{name} = {value}: {self.sequence.name!r} has {self.sequence.n_samples}"
                    " samples, the rank cannot be above"
                )

    def _check_key(self, key: str) -> None:
        parts = key.split(".")
        if parts[0] not in _ROOTS:
            raise ModelError(f"{key}: must begin with one of {', '.join(_ROOTS)}")
        if parts[:2] == ["network", "known"]:
            raise ModelError(f"{key}: changes what is estimated: set it in the base")
        names = [stage.name for stage in self.config.base.stage]
        if parts[0] == "stage" and (len(parts) > 3 or (len(parts) == 3 and parts[1] not in names)):
            raise ModelError(f"{key}: the stages are {', '.join(names)}")
        if parts[-1] == "steps" and "steps" in self.config.model_fields_set and self.config.steps:
            raise ModelError(f"{key}: steps are searched: leave out steps = {self.config.steps}")

    @property
    def identity(self) -> dict[str, Any]:
        """All that decides what a trial finds, but for its choices, as plain values."""
        return {
            "what": "network",
            "sequence": self.sequence.digest,
            "base": self.config.base.model_dump(mode="json"),
            "steps": self._budget,
            "measurements": self.config.measurements,
        }

    @property
    def _budget(self) -> int | None:
        searched = any(key.endswith(".steps") for key in self.space.keys())  # noqa: SIM118
        return None if searched else self.config.steps

    @property
    def steps(self) -> int:
        """Steps of a training; the most where they are searched."""
        if self._budget:
            return self._budget
        return max(
            sum(stage.steps for stage in self.training(chosen).stage)
            for _, _, chosen in self.space.probes()
        )

    def run(self, chosen: Chosen, hear: Hear) -> Found:
        """Train, and hear of every measurement of the last stage."""
        from ..training.loop import train
        from ..training.validation import mean_log_error

        config = self.training(chosen)
        before = sum(stage.steps for stage in config.stage[:-1])
        best: tuple[float, dict[str, Any]] = (math.inf, {})

        def listen(stage: Any, done: int, scores: Any) -> None:
            nonlocal best
            if stage.name != config.stage[-1].name:
                return
            error = mean_log_error(scores, clean=False)
            best = min(best, (error, scores), key=lambda pair: pair[0])
            hear(error, before + done)

        model = train(self.sequence, config, listener=listen)
        measures = {f"scaled MSE at {snr} dB": float(score.mse.mean())
                    for snr, score in best[1].items() if snr != "clean"}  # fmt: skip
        weights = sum(weight.numel() for weight in model.network.parameters())
        return Found((best[0],), {"weights": float(weights), **measures})

    def training(self, chosen: Chosen, *, full: bool = False) -> TrainConfig:
        """The training that choices mean: as long as a trial, or as the base.

        Raises
        ------
        ModelError
            The choices are impossible together.
        """
        base = self.config.base
        values = base.model_dump(mode="json")
        for key, value in self.space.settings(chosen).items():
            _set(values, key, value)
        budget = self._budget
        if budget and not full:
            whole = sum(stage.steps for stage in base.stage)
            for stage in values["stage"]:
                # The same course in short: its warm-up too.
                for key, least in (("steps", 1), ("warm_up", 0)):
                    stage[key] = max(least, round(budget * stage[key] / whole))
        if not full:
            steps = budget or sum(stage["steps"] for stage in values["stage"])
            values["validation"]["every"] = math.ceil(steps / self.config.measurements)
            values["validation"]["patience"] = None
        law = base.stated_prior() or Prior.default(self.sequence)
        if values["validation"]["prior"] is None:
            values["validation"]["prior"] = law.to_dict()
        return parse_config(values)

    def best(self, chosen: Chosen) -> str:
        """A training file."""
        values = self.training(chosen, full=True).model_dump(mode="json", exclude_none=True)
        return tomlkit.dumps(values)


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    """Set what a key stands for; of stages, in all or in the one that is named."""
    first, *rest = key.split(".")
    if first != "stage":
        _set_in(values, [first, *rest], value, key)
        return
    names = [stage["name"] for stage in values["stage"]]
    chosen = rest[:-1] or names
    for stage in values["stage"]:
        clean = rest == ["snr_db"] and stage["snr_db"] == "clean"  # stays what it is named for
        if stage["name"] in chosen and not clean:
            _set_in(stage, rest[-1:], value, key)


def _set_in(values: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    for part in path[:-1]:
        inner = values.get(part)
        if inner is None:
            inner = values[part] = {}
        if not isinstance(inner, Mapping):
            raise ModelError(f"{key}: {part} holds no keys")
        values = inner  # type: ignore[assignment]
    values[path[-1]] = value
