"""The blocks of a study on disk: each complete or absent, none computed twice."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...files import replacing
from ...text import read_json
from .plan import Block

Arrays = Mapping[str, NDArray[Any]]

_SETTINGS = "settings.json"


@dataclass(frozen=True, slots=True)
class Store:
    """A folder that holds the blocks of one study."""

    folder: Path

    @classmethod
    def open(cls, folder: str | Path, settings: Mapping[str, Any]) -> Store:
        """Open the folder of a new study, or of one that was stopped.

        Parameters
        ----------
        folder
            Where the blocks are; created if it is missing.
        settings
            All settings that determine the results, as plain values.

        Raises
        ------
        InputError
            The folder holds another study.
        OutputError
            The folder cannot be written.
        """
        path = Path(folder) / _SETTINGS
        settings = json.loads(json.dumps(settings, default=str))
        if path.exists():
            stored = read_json(path)
            keys = sorted({*settings, *stored})
            differs = [key for key in keys if settings.get(key) != stored.get(key)]
            if differs:
                raise InputError(
                    f"{folder}: holds another study, which differs in {', '.join(differs)}:"
                    " choose another folder or the same settings"
                )
        else:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        return cls(Path(folder))

    def read(self, block: Block) -> Arrays | None:
        """The arrays of a block, or None if it is missing or damaged."""
        try:
            # Opened here: numpy leaves a damaged file open.
            with self._path(block).open("rb") as stream, np.load(stream) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, block: Block, arrays: Arrays) -> None:
        """Store the arrays of a block.

        Raises
        ------
        OutputError
            The file cannot be written; nothing is left behind.
        """
        with replacing(self._path(block)) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]

    def _path(self, block: Block) -> Path:
        return self.folder / f"block-{block.snr:02d}-{block.number:05d}.npz"
