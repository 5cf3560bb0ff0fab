"""A training that was stopped: all it takes to go on to the same weights."""

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

_FILE = "state.safetensors"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a training has come."""

    digest: str
    """Of all that decides what it gives."""
    stage: int = 0
    """The stage at work."""
    step: int = 0
    """Steps of that stage that are done."""
    best: float | None = None
    """The best figure of the stage so far."""
    since_best: int = 0
    """Measurements since then."""
    seconds: float = 0.0
    """Time spent."""
    validation: dict[str, Any] = field(default_factory=dict)
    """What was measured when the stage was at its best."""

    def moved(self, **changes: Any) -> Position:
        """A copy with some fields changed."""
        return replace(self, **changes)


def write_state(folder: Path, position: Position, tensors: dict[str, Tensor]) -> None:
    """Write position and tensors as one file, whole or not at all."""
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    told = {"position": json.dumps(asdict(position))}
    with replacing(folder / _FILE) as temporary:
        temporary.write_bytes(safetensors.torch.save(held, told))


def read_state(folder: Path) -> tuple[Position, dict[str, Tensor]] | None:
    """What `write_state` wrote last; None if there is nothing.

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
            position = Position(**json.loads(file.metadata()["position"]))
            return position, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # whatever a damaged file makes the reader raise
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: damaged ({text}): delete {folder} to begin anew") from None


def drop_state(folder: Path) -> None:
    """Forget a training that is done."""
    (folder / _FILE).unlink(missing_ok=True)


def optimiser_tensors(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """What an optimiser remembers, by name."""
    return {
        f"{prefix}.{index}.{key}": torch.as_tensor(value)
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], prefix: str
) -> None:
    """Give an optimiser back what it remembered."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}."):
            _, index, key = name.rsplit(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
