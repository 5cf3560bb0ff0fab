"""Settings of a training: TOML in the format `spinprint-train/1`.

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

A `[prior]` has the format of `Prior.to_dict`; without it the prior is `Prior.default`.
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


def _valid_prior(prior: dict[str, Any]) -> dict[str, Any]:
    Prior.from_dict(prior)
    return prior


PriorData = Annotated[dict[str, Any], AfterValidator(_valid_prior)]
"""A prior in the format of `Prior.to_dict`."""


class Stage(Strict):
    """One stage of a training: noise, length, initial weights, frozen parts, loss, optimiser."""

    name: str = Field(default="noisy", pattern=r"^[A-Za-z0-9_-]+$")
    """Name of its folder, by which later stages refer to it."""
    snr_db: Decibels | Literal["clean"] = (5.0, 45.0)
    """Range of the SNR, uniform per signal, "rms" convention [dB]; or "clean" for no noise."""
    snr_db_end: Decibels | None = None
    """Range at the end, reached linearly from `snr_db` (a curriculum)."""
    steps: int = Field(default=12_000, ge=1)
    """Number of optimiser steps."""
    batch: int = Field(default=1024, ge=1)
    """Signals per step."""
    optimiser: Literal["muon", "adamw"] = "muon"
    """Muon for the matrices of the core and AdamW for the rest; or AdamW for all."""
    learning_rate: float = Field(default=0.02, gt=0)
    """Maximum learning rate."""
    warm_up: int = Field(default=200, ge=0)
    """Steps over which the learning rate rises linearly to its maximum."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Course of the learning rate after that."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Fraction by which a step shrinks the weights, per unit of learning rate."""
    clip: float = Field(default=1.0, gt=0)
    """Maximum norm of the gradient; longer gradients are scaled down."""
    start: str = PREVIOUS
    """Initial weights: of the "previous" stage, of an earlier stage by name, or "scratch"."""
    frozen: tuple[Literal["input", "core", "head"], ...] = ()
    """Parts of the network that are not trained."""
    loss: Literal["gaussian", "mse"] = "gaussian"
    """Negative log-likelihood of a normal with the output mean and variance, or squared error."""
    beta: float = Field(default=0.3, ge=0, le=1)
    """Power of the variance that weights the likelihood (Seitzer et al., ICLR 2022)."""
    teacher: str | None = None
    """Source of the labels instead of the true tissue: the "posterior" of the noisy signal, or the
    output of an earlier stage for the noise-free signal."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the moving average of the weights, which is the result; 0 takes the weights."""
    precision: Literal["float32", "mixed"] = "float32"
    """Mixed computes the matrix products of the layers in bfloat16."""

    @model_validator(mode="after")
    def _ranges(self) -> Stage:
        for name in ("snr_db", "snr_db_end"):
            limits = getattr(self, name)
            if isinstance(limits, tuple) and not -60 <= limits[0] <= limits[1] <= 200:
                raise ValueError(f"{name}: must ascend, from -60 to 200 dB")
        if self.name in _RESERVED:
            raise ValueError(f"name: {self.name!r} is reserved, choose another")
        if self.snr_db == "clean" and self.snr_db_end is not None:
            raise ValueError("snr_db_end: a clean stage has no noise to move")
        if len(set(self.frozen)) == 3:
            raise ValueError("frozen: with all parts frozen there is nothing to train")
        return self


class Data(Strict):
    """Tissue for the training."""

    tissues: int | None = Field(default=None, ge=1)
    """Size of a fixed set of tissues; None simulates new tissue during the training."""
    block: int = Field(default=32_768, ge=1)
    """Tissues per simulation."""
    passes: int = Field(default=4, ge=1)
    """Passes through a block, each in a new order and with new noise."""


class Validation(Strict):
    """Validation of the network, on fixed tissue and noise."""

    snr_db: tuple[float, ...] = Field(default=(10.0, 20.0, 30.0, 40.0), min_length=1)
    """SNRs of the validation signals, "rms" convention [dB]."""
    voxels: int = Field(default=2048, ge=2)
    """Signals per SNR."""
    every: int = Field(default=1000, ge=1)
    """Steps between two validations; the state is saved at each."""
    patience: int | None = Field(default=None, ge=1)
    """Validations without improvement after which a stage ends; None never ends it early."""
    prior: PriorData | None = None
    """Prior of the tissue, whose range scales the errors, in the format of `Prior.to_dict`; None is
    the prior of the training. If given, trainings on different priors can be compared."""

    def stated_prior(self) -> Prior | None:
        """The prior, if one is given."""
        return None if self.prior is None else Prior.from_dict(self.prior)


class TrainConfig(Strict):
    """All settings that determine the result of a training, except the sequence.

    Raises
    ------
    pydantic.ValidationError
        A setting is unknown or invalid, or settings contradict each other; `load_config` reports
        it in one line.
    """

    format: Literal["spinprint-train/1"] = "spinprint-train/1"
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    """Seed of weights, tissue and noise."""
    prior: PriorData | None = None
    """Prior in the format of `Prior.to_dict`; None is `Prior.default` of the sequence."""
    network: NetworkConfig = NetworkConfig()
    data: Data = Data()
    validation: Validation = Validation()
    stage: tuple[Stage, ...] = Field(default=(Stage(),), min_length=1)
    """The stages in order; the network of the last one is the result."""

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
                    f"stage {stage.name!r}: loss: a network that outputs only means needs mse"
                )
            if stage.teacher == POSTERIOR and stage.snr_db == "clean":
                raise ValueError(f"stage {stage.name!r}: teacher: a posterior needs noise")
            if stage.teacher == POSTERIOR and self.network.known:
                raise ValueError(
                    f"stage {stage.name!r}: teacher: the posterior of drawn tissue cannot use known"
                    " fields: leave network.known empty"
                )
            if stage.teacher == POSTERIOR and self.network.linear:
                raise ValueError(
                    f"stage {stage.name!r}: teacher: the posterior estimates means of logarithms,"
                    " which do not fit linear axes: leave network.linear empty"
                )
            before.append(stage.name)
        if self.network.output == "gaussian" and self.stage[-1].loss != "gaussian":
            raise ValueError(
                f"stage {self.stage[-1].name!r}: loss: the last stage of a network that outputs"
                ' variances must be gaussian; or set network.output = "mean"'
            )
        return self

    def stated_prior(self) -> Prior | None:
        """The prior, if one is given."""
        return None if self.prior is None else Prior.from_dict(self.prior)


def load_config(path: str | Path) -> TrainConfig:
    """Read a training file.

    Raises
    ------
    ModelError
        The file cannot be read or a setting is invalid; the message names file, key and rule.
    """
    return load_toml(path, "training", parse_config, ModelError)


def parse_config(data: dict[str, Any]) -> TrainConfig:
    """Parse settings from plain values, as read from TOML or JSON.

    Raises
    ------
    ModelError
        A setting is unknown or invalid.
    """
    try:
        return TrainConfig.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ModelError(first_problem(error)) from None


def with_seed(config: TrainConfig, seed: int) -> TrainConfig:
    """Replace the seed of a training.

    Raises
    ------
    ModelError
        The seed is invalid.
    """
    return parse_config({**config.model_dump(mode="json"), "seed": seed})
