"""From a sequence and a training file to a model folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import check_output_folder
from ..networks.model import Model
from ..sequence import Sequence
from ..training.config import TrainConfig, load_config, with_seed
from ..training.loop import train
from .stages import StageDisplay, silent


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainResult:
    """Result of a training."""

    model: Model
    """The network of the last stage at its best validation."""
    remarks: tuple[str, ...]
    """Validation errors, one sentence each."""


def train_network(
    sequence: Sequence,
    out: Path,
    config_path: Path | None = None,
    seed: int | None = None,
    *,
    stage: StageDisplay = silent,
) -> TrainResult:
    """Train a network and write its folder; arguments as on the command line.

    The same call resumes a stopped training.

    Raises
    ------
    InputError
        An argument is invalid.
    """
    check_output_folder(out)
    config = load_config(config_path) if config_path else TrainConfig()
    if seed is not None:
        config = with_seed(config, seed)
    with stage("Training") as progress:
        model = train(sequence, config, out, progress=progress)
    return TrainResult(model=model, remarks=_remarks(model.training["validation"]))


def _remarks(validation: dict[str, Any]) -> tuple[str, ...]:
    """Errors by SNR."""
    errors = (
        f"{name if name == 'clean' else f'{name} dB'}: "
        + ", ".join(f"{parameter} {mse:.3g}" for parameter, mse in score["mse_of"].items())
        for name, score in validation.items()
    )
    return ("Mean squared error of parameters scaled to 0..1, by signal-to-noise ratio:", *errors)
