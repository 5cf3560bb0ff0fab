"""A training as data: TOML in the format `spinprint-train/1`.

::

    format = "spinprint-train/1"
    seed = 0

    [network]
    core = { kind = "mlp", width = 128, blocks = 4 }

    [[stage]]
    name = "clean"
    snr_db = "clean"
    steps = 2000

    [[stage]]                      # Finkelstein 2022: from the clean weights, last layer frozen
    name = "noisy"
    snr_db = [10, 60]
    steps = 2000
    start = "clean"
    frozen = ["head"]

A `[prior]` holds what `Prior.to_dict` gives; without it all tissue is expected (`Prior.default`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from ..errors import ModelError
from ..networks.config import NetworkConfig
from ..prior import Prior
from ..settings import Strict, first_problem, load_toml

SCRATCH, PREVIOUS, POSTERIOR = "scratch", "previous", "posterior"
_RESERVED = (SCRATCH, PREVIOUS, POSTERIOR, "")

Decibels = tuple[float, float]


def _possible(prior: dict[str, Any]) -> dict[str, Any]:
    Prior.from_dict(prior)
    return prior


PriorData = Annotated[dict[str, Any], AfterValidator(_possible)]
"""A prior as `Prior.to_dict` writes it."""


class Stage(Strict):
    """A stretch of training: what noise, how long, from where, what is frozen, what is learned."""

    name: str = Field(default="noisy", pattern=r"^[A-Za-z0-9_-]+$")
    """Names its folder, and lets later stages refer to it."""
    snr_db: Decibels | Literal["clean"] = (5.0, 45.0)
    """Each signal's ratio is drawn evenly from this range, "rms" convention [dB]; or no noise."""
    snr_db_end: Decibels | None = None
    """Where the range has moved to, evenly, by the end: a curriculum."""
    steps: int = Field(default=12_000, ge=1)
    """Steps of the optimiser."""
    batch: int = Field(default=1024, ge=1)
    """Signals of a step."""
    optimiser: Literal["muon", "adamw"] = "muon"
    """Muon turns the core's matrices, AdamW all else; or AdamW alone."""
    learning_rate: float = Field(default=0.02, gt=0)
    """At its height."""
    warm_up: int = Field(default=200, ge=0)
    """Steps in which it rises to its height."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """How it falls from there."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Part of the weights that a step takes away, times the learning rate."""
    clip: float = Field(default=1.0, gt=0)
    """Norm that gradients are shortened to."""
    start: str = PREVIOUS
    """Whose weights it starts from: "previous" stage, an earlier stage by name, or "scratch"."""
    frozen: tuple[Literal["input", "core", "head"], ...] = ()
    """Parts of the network that stay as they are."""
    loss: Literal["gaussian", "mse"] = "gaussian"
    """Likelihood of a normal with the answered mean and variance, or squared error."""
    beta: float = Field(default=0.3, ge=0, le=1)
    """Power of the variance that weighs the likelihood (Seitzer et al., ICLR 2022)."""
    teacher: str | None = None
    """Learn not the tissue itself but what is said of it by the "posterior" of the noisy signal,
    or by an earlier stage that sees the signal without noise."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Part that the running mean of the weights keeps at each step; 0 takes the weights."""
    precision: Literal["float32", "mixed"] = "float32"
    """Mixed runs the core's matrix products in bfloat16."""

    @model_validator(mode="after")
    def _ranges(self) -> Stage:
        for name in ("snr_db", "snr_db_end"):
            limits = getattr(self, name)
            if isinstance(limits, tuple) and not -60 <= limits[0] <= limits[1] <= 200:
                raise ValueError(f"{name}: must ascend, from -60 to 200 dB")
        if self.name in _RESERVED:
            raise ValueError(f"name: {self.name!r} has a meaning of its own, choose another")
        if self.snr_db == "clean" and self.snr_db_end is not None:
            raise ValueError("snr_db_end: a clean stage has no noise to move")
        if len(set(self.frozen)) == 3:
            raise ValueError("frozen: with all parts frozen there is nothing to train")
        return self


class Data(Strict):
    """Where signals come from."""

    tissues: int | None = Field(default=None, ge=1)
    """A fixed set of so many; None simulates new tissue while the network trains."""
    block: int = Field(default=32_768, ge=1)
    """Tissues simulated at a time."""
    passes: int = Field(default=4, ge=1)
    """How often a block serves, each time in a new order and with new noise."""


class Validation(Strict):
    """How the network is watched, on tissue and noise that stay the same."""

    snr_db: tuple[float, ...] = Field(default=(10.0, 20.0, 30.0, 40.0), min_length=1)
    """Ratios it is measured at, "rms" convention [dB]."""
    voxels: int = Field(default=2048, ge=2)
    """Signals at each ratio."""
    every: int = Field(default=1000, ge=1)
    """Steps between two measurements; the state is saved as often."""
    patience: int | None = Field(default=None, ge=1)
    """Measurements without a better one after which a stage ends; None never ends it early."""
    prior: PriorData | None = None
    """What the tissue is drawn from, and errors are scaled over, as `Prior.to_dict` writes it;
    None is the prior of the training. Stated, it makes trainings on other priors comparable."""

    def law(self) -> Prior | None:
        """The prior, where one is stated."""
        return None if self.prior is None else Prior.from_dict(self.prior)


class TrainConfig(Strict):
    """All that decides what a training gives, but for the sequence.

    Raises
    ------
    pydantic.ValidationError
        A setting is unknown or impossible, or settings contradict each other; `load_config` says
        so in one line.
    """

    format: Literal["spinprint-train/1"] = "spinprint-train/1"
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    """Of weights, tissue and noise."""
    prior: PriorData | None = None
    """A prior as `Prior.to_dict` writes it; None is `Prior.default` of the sequence."""
    network: NetworkConfig = NetworkConfig()
    data: Data = Data()
    validation: Validation = Validation()
    stage: tuple[Stage, ...] = Field(default=(Stage(),), min_length=1)
    """One after the other; the last one's network is the result."""

    @model_validator(mode="after")
    def _agree(self) -> TrainConfig:
        before: list[str] = []
        for stage in self.stage:
            if stage.name in before:
                raise ValueError(f"stage: two are named {stage.name!r}")
            for key, allowed in (
                ("start", (SCRATCH, PREVIOUS, *before)),
                ("teacher", (None, POSTERIOR, *before)),
            ):
                value = getattr(stage, key)
                if value not in allowed:
                    names = ", ".join(str(name) for name in allowed if name)
                    raise ValueError(f"stage {stage.name!r}: {key}: {value!r} is none of {names}")
            if stage.loss == "gaussian" and self.network.output == "mean":
                raise ValueError(
                    f"stage {stage.name!r}: loss: a network that answers means alone learns by mse"
                )
            if stage.teacher == POSTERIOR and stage.snr_db == "clean":
                raise ValueError(f"stage {stage.name!r}: teacher: a posterior needs noise")
            if stage.teacher == POSTERIOR and self.network.known:
                raise ValueError(
                    f"stage {stage.name!r}: teacher: the posterior of drawn tissue cannot be told"
                    " fields: leave network.known empty"
                )
            if stage.teacher == POSTERIOR and self.network.linear:
                raise ValueError(
                    f"stage {stage.name!r}: teacher: the posterior tells means of logarithms,"
                    " linear axes need others: leave network.linear empty"
                )
            before.append(stage.name)
        if self.network.output == "gaussian" and self.stage[-1].loss != "gaussian":
            raise ValueError(
                f"stage {self.stage[-1].name!r}: loss: the last stage of a network that answers"
                ' variances must be gaussian; or set network.output = "mean"'
            )
        return self

    def law(self) -> Prior | None:
        """The prior, where one is stated."""
        return None if self.prior is None else Prior.from_dict(self.prior)


def load_config(path: str | Path) -> TrainConfig:
    """Read a training file.

    Raises
    ------
    ModelError
        The file cannot be read or breaks a rule; the message names the file, key and rule.
    """
    return load_toml(path, "training", parse_config, ModelError)


def parse_config(data: dict[str, Any]) -> TrainConfig:
    """A training from plain values, as TOML and JSON hold them.

    Raises
    ------
    ModelError
        A setting is unknown or impossible.
    """
    try:
        return TrainConfig.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ModelError(first_problem(error)) from None


def with_seed(config: TrainConfig, seed: int) -> TrainConfig:
    """The same training with another seed.

    Raises
    ------
    ModelError
        The seed is impossible.
    """
    return parse_config({**config.model_dump(mode="json"), "seed": seed})
