"""State of a stopped training: everything needed to continue to the same weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from ..errors import ModelError
from ..files import replacing
from ..text import parse_json

_FILE = "state.safetensors"


@dataclass(frozen=True, slots=True)
class Position:
    """Progress of a training."""

    digest: str
    """Digest of all that determines its result."""
    stage: int = 0
    """Number of the current stage."""
    step: int = 0
    """Completed steps of that stage."""
    best: float | None = None
    """Lowest validation error of the stage so far."""
    since_best: int = 0
    """Validations since then."""
    seconds: float = 0.0
    """Duration of the stage so far [s]."""
    validation: dict[str, Any] = field(default_factory=dict)
    """Scores at the lowest validation error."""

    def moved(self, **changes: Any) -> Position:
        """Copy with some fields changed."""
        return replace(self, **changes)


def write_state(folder: Path, position: Position, tensors: dict[str, Tensor]) -> None:
    """Write position and tensors to one file, completely or not at all."""
    arrays = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"position": json.dumps(asdict(position))}
    with replacing(folder / _FILE) as temporary:
        temporary.write_bytes(safetensors.torch.save(arrays, metadata))


def read_state(folder: Path) -> tuple[Position, dict[str, Tensor]] | None:
    """Read the state that `write_state` wrote last; None if there is none.

    Raises
    ------
    ModelError
        The file is damaged.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            position = Position(**parse_json(file.metadata()["position"], "its position"))
            return position, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # a damaged file can raise anything
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: damaged ({text}): delete {folder} to start again") from None


def drop_state(folder: Path) -> None:
    """Delete the state of a completed training."""
    (folder / _FILE).unlink(missing_ok=True)


def optimiser_tensors(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """State of an optimiser, by name."""
    return {
        f"{prefix}.{index}.{key}": torch.as_tensor(value)
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], prefix: str
) -> None:
    """Restore the state of an optimiser."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}."):
            _, index, key = name.rsplit(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
