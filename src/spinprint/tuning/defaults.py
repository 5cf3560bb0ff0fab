"""What is searched when nothing is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..parameters import PARAMETERS
from ..prior import Law, Mixture, Prior, Uniform
from ..sequence import Sequence
from ..training.config import TrainConfig
from .space import Space

_RANKS = (4, 6, 8, 12, 16, 24)
_FACTORS = {2: (1.02, 1.05, 1.1, 1.2, 1.4), 3: (1.1, 1.15, 1.2, 1.3, 1.5)}
_MANY = (1.15, 1.2, 1.3, 1.5, 2.0)  # with four axes


def network_space(sequence: Sequence, prior: Prior, base: TrainConfig) -> Space:
    """Architecture, its size, rank, learning, noise and sampling of tissue."""
    ranks = [rank for rank in _RANKS if rank <= sequence.n_samples]
    recurrent = {"kind": "recurrent", "cell": "gru"}
    mlp, gru = {"architecture": "mlp"}, {"architecture": "gru"}
    space: dict[str, Any] = {
        "architecture": {
            "sets": {
                "mlp": {"network.core": {"kind": "mlp"}},
                "gru": {"network.core": recurrent},
            }
        },
        "network.core.width": {"choices": [64, 96, 128, 192, 256], "when": mlp},
        "network.core.blocks": {"low": 1, "high": 6, "when": mlp},
        "network.core.rank": {"choices": ranks, "when": mlp},
        "network.core.activation": {"choices": ["silu", "gelu", "relu", "tanh"], "when": mlp},
        # A step of a recurrent network takes far longer than one of a wide MLP.
        "recurrent width": {
            "sets": {str(width): {"network.core.width": width} for width in (32, 48, 64)},
            "when": gru,
        },
        "network.core.samples_per_step": {"choices": [16, 32], "when": gru},
        "stage.learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
        "stage.batch": {"choices": [256, 512, 1024]},
        "stage.weight_decay": {"choices": [0.0, 0.001, 0.01, 0.1]},
        "prior": {"choices": sampling_laws(prior)},
    }
    if any(stage.snr_db != "clean" for stage in base.stage):
        space["stage.snr_db"] = {"choices": [[5.0, 45.0], [0.0, 60.0], [10.0, 40.0], [10.0, 60.0]]}
    if base.network.output == "gaussian":
        space["stage.beta"] = {"choices": [0.0, 0.5, 1.0]}
    return Space.parse(space)


def sampling_laws(prior: Prior) -> dict[str, Any]:
    """The same ranges sampled otherwise, by name, as `Prior.to_dict` writes them."""
    even = {name: _linear(name, law) for name, law in prior.laws.items()}
    both = {
        name: law if even[name] == law else Mixture((law, even[name]), (1.0, 1.0))
        for name, law in prior.laws.items()
    }
    return {
        "as given": prior.to_dict(),
        "even times": replace(prior, laws=even).to_dict(),
        "half of each": replace(prior, laws=both).to_dict(),
    }


def _linear(name: str, law: Law) -> Law:
    spread = PARAMETERS[name].log and law.low < law.high
    return Uniform(law.low, law.high) if spread else law


def matching_space(sequence: Sequence, grid: dict[str, Any]) -> Space:
    """Density of every axis, rank and refinement."""
    moved = [key for key, axis in grid.items() if {"factor", "step"} & set(axis)]
    factors = _FACTORS.get(max(2, len(moved)), _MANY)
    space: dict[str, Any] = {}
    for key in moved:
        if "factor" in grid[key]:
            space[f"grid.{key}.factor"] = {"choices": list(factors)}
        else:
            step = grid[key]["step"]
            space[f"grid.{key}.step"] = {"choices": [step / 2, step, 2 * step, 4 * step]}
    space["rank"] = {"choices": [rank for rank in _RANKS if rank <= sequence.n_samples]}
    space["refine"] = {"choices": [True, False]}
    return Space.parse(space)
