"""The log of a training: JSON lines, and TensorBoard if it is installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, ModelError
from ..files import output_errors, replacing
from ..text import parse_json, read_text
from ._state import Position
from .config import Stage

if TYPE_CHECKING:
    from ._data import Source
    from .validation import Score

LOG = "log.jsonl"


class Journal:
    """Appends one line per validation; without a folder, writes nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / LOG
        self._board = None if folder is None else _board(folder)

    @classmethod
    def open(cls, folder: Path, position: Position) -> Journal:
        """Open the log of a training and remove lines of a killed run beyond a position."""
        path = folder / LOG
        with output_errors(path):
            lines = read_text(path, ModelError).splitlines() if path.exists() else []
        kept = [line for line in lines if _is_before(line, position)]
        with replacing(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        return cls(folder)

    def record(
        self,
        stage: Stage,
        position: Position,
        rate: float,
        loss: float,
        source: Source,
        scores: dict[str, Score],
    ) -> None:
        """Append the results of a validation."""
        if self._path is None:
            return
        mse = {name: float(np.mean(score.mse)) for name, score in scores.items()}
        line: dict[str, Any] = {
            "stage": stage.name,
            "number": position.stage,
            "step": position.step,
            "loss": loss,
            "learning_rate": rate,
            "seconds": round(position.seconds, 2),
            "waited_for_signals": round(source.waited, 2),
            "mse": mse,
        }
        with output_errors(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None:
            for name, value in mse.items():
                self._board.add_scalar(f"{stage.name}/mse at {name}", value, position.step)
            self._board.add_scalar(f"{stage.name}/loss", loss, position.step)
            self._board.flush()


def _board(folder: Path) -> Any:
    """Create a writer for TensorBoard (extra `tensorboard`); None if it is not installed."""
    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"))


def _is_before(line: str, position: Position) -> bool:
    """Whether a line is complete and not beyond a position."""
    try:
        entry = parse_json(line, LOG)
        return bool((entry["number"], entry["step"]) <= (position.stage, position.step))
    except (InputError, LookupError, TypeError):
        return False
