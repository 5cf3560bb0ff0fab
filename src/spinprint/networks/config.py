"""Networks as data."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from ..errors import ModelError
from ..parameters import PARAMETERS
from ..settings import Strict, first_problem

PARTS = ("input", "core", "head")
"""What a network is made of, from the signal to the answer; each can be frozen."""

Activation = Literal["silu", "relu", "gelu", "tanh"]


class Mlp(Strict):
    """A network on SVD coefficients: a layer in, residual blocks of two layers, a layer out.

    Residual blocks begin as the identity (He et al., Lect Notes Comput Sci 2016;9908:630).
    """

    kind: Literal["mlp"] = "mlp"
    width: int = Field(default=128, ge=1, le=8192)
    """Units of a layer."""
    blocks: int = Field(default=4, ge=0, le=100)
    """Residual blocks."""
    activation: Activation = "silu"
    """Between the layers."""
    rank: int | None = Field(default=None, ge=1)
    """SVD coefficients the network sees; None decides by the energy."""
    energy: float = Field(default=1 - 1e-6, gt=0, lt=1)
    """Part of the signals' energy the coefficients keep where no rank is given."""


class Recurrent(Strict):
    """A recurrent network on the signal evolution, some samples at a step."""

    kind: Literal["recurrent"] = "recurrent"
    cell: Literal["rnn", "gru", "lstm"] = "gru"
    """Plain (tanh), gated recurrent unit, or long short-term memory."""
    width: int = Field(default=96, ge=1, le=4096)
    """Units of a state, in each direction."""
    layers: int = Field(default=1, ge=1, le=20)
    """Recurrent layers on top of each other."""
    bidirectional: bool = False
    """Whether a second set of states runs from the end to the start."""
    samples_per_step: int = Field(default=16, ge=1)
    """Samples of the evolution that enter at a step."""
    readout: Literal["last", "all"] = "last"
    """What the answer is made from: the last states, or the states of all steps."""


class NetworkConfig(Strict):
    """What a network sees, is made of, and answers.

    Raises
    ------
    pydantic.ValidationError
        A setting is unknown or impossible; `parse_network` says so in one line.
    """

    core: Annotated[Mlp | Recurrent, Field(discriminator="kind")] = Mlp()
    """What it is made of."""
    sigma_input: bool = True
    """Whether it is told the noise, relative to the signal."""
    output: Literal["gaussian", "mean"] = "gaussian"
    """Whether it answers mean and variance of each parameter, or the mean alone."""
    known: tuple[Literal["b1", "b0"], ...] = ()
    """Fields it is told rather than asked."""
    linear: tuple[str, ...] = ()
    """Relaxation times learned as they are; all others are learned as logarithms."""

    def model_post_init(self, context: Any) -> None:  # noqa: ARG002
        """Check names that the types do not hold."""
        for name in self.linear:
            if name not in PARAMETERS:
                raise ValueError(f"linear: {name!r} must be one of {', '.join(PARAMETERS)}")


def parse_network(data: Any) -> NetworkConfig:
    """Settings from plain values, as TOML and JSON hold them.

    Raises
    ------
    ModelError
        A setting is unknown or impossible.
    """
    try:
        return NetworkConfig.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ModelError(f"network: {first_problem(error)}") from None
