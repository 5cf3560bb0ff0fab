"""Architectures of networks as data."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from ..errors import ModelError
from ..parameters import PARAMETERS
from ..settings import Strict, first_problem

PARTS = ("input", "core", "head")
"""Parts of a network, from the features to the output; each can be frozen."""

Activation = Literal["silu", "relu", "gelu", "tanh"]


class Mlp(Strict):
    """A residual MLP on SVD coefficients: input layer, residual blocks of two layers, output layer.

    Residual blocks begin as the identity (He et al., Lect Notes Comput Sci 2016;9908:630).
    """

    kind: Literal["mlp"] = "mlp"
    width: int = Field(default=128, ge=1, le=8192)
    """Units per layer."""
    blocks: int = Field(default=4, ge=0, le=100)
    """Number of residual blocks."""
    activation: Activation = "silu"
    """Activation between the layers."""
    rank: int | None = Field(default=None, ge=1)
    """Number of SVD coefficients; None chooses it by `energy`."""
    energy: float = Field(default=1 - 1e-6, gt=0, lt=1)
    """Fraction of the signals' energy that the coefficients keep if no rank is given."""


class Recurrent(Strict):
    """A recurrent network on the signal evolution, several samples per step."""

    kind: Literal["recurrent"] = "recurrent"
    cell: Literal["rnn", "gru", "lstm"] = "gru"
    """Type of cell: plain (tanh), gated recurrent unit, or long short-term memory."""
    width: int = Field(default=96, ge=1, le=4096)
    """Units of the hidden state, in each direction."""
    layers: int = Field(default=1, ge=1, le=20)
    """Number of stacked recurrent layers."""
    bidirectional: bool = False
    """Whether a second set of states runs backwards in time."""
    samples_per_step: int = Field(default=16, ge=1)
    """Samples of the evolution per step."""
    readout: Literal["last", "all"] = "last"
    """What the head reads: the last states, or the states of all steps."""


class NetworkConfig(Strict):
    """Inputs, architecture and outputs of a network.

    Raises
    ------
    pydantic.ValidationError
        A setting is unknown or invalid; `parse_network` reports it in one line.
    """

    core: Annotated[Mlp | Recurrent, Field(discriminator="kind")] = Mlp()
    """The architecture."""
    sigma_input: bool = True
    """Whether the noise relative to the signal is an input."""
    output: Literal["gaussian", "mean"] = "gaussian"
    """Whether it outputs mean and variance of each parameter, or the mean only."""
    known: tuple[Literal["b1", "b0"], ...] = ()
    """Fields that are inputs instead of estimated."""
    linear: tuple[str, ...] = ()
    """Relaxation times estimated on a linear axis; all others on a logarithmic one."""

    def model_post_init(self, context: Any) -> None:  # noqa: ARG002
        """Check the names in `linear`."""
        for name in self.linear:
            if name not in PARAMETERS:
                raise ValueError(f"linear: {name!r} must be one of {', '.join(PARAMETERS)}")


def parse_network(data: Any) -> NetworkConfig:
    """Parse settings from plain values, as read from TOML or JSON.

    Raises
    ------
    ModelError
        A setting is unknown or invalid.
    """
    try:
        return NetworkConfig.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ModelError(f"network: {first_problem(error)}") from None
