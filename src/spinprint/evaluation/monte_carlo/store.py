"""The blocks of a study on disk: each whole or not at all, none computed twice."""

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
        """A new folder for a study, or the one where it was stopped.

        Parameters
        ----------
        folder
            Where the blocks are; made if it is missing.
        settings
            All that decides the results, as plain values.

        Raises
        ------
        InputError
            The folder holds another study.
        OutputError
            The folder cannot be written.
        """
        path = Path(folder) / _SETTINGS
        wanted = json.loads(json.dumps(settings, default=str))
        if path.exists():
            held = read_json(path)
            keys = sorted({*wanted, *held})
            differs = [key for key in keys if wanted.get(key) != held.get(key)]
            if differs:
                raise InputError(
                    f"{folder}: holds another study, which differs in {', '.join(differs)}:"
                    " choose another folder or the same settings"
                )
        else:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
        return cls(Path(folder))

    def read(self, block: Block) -> Arrays | None:
        """The arrays of a block, or None if it is not there or damaged."""
        try:
            # Opened here: numpy leaves a damaged file open.
            with self._path(block).open("rb") as stream, np.load(stream) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, block: Block, arrays: Arrays) -> None:
        """Keep the arrays of a block.

        Raises
        ------
        OutputError
            The file cannot be written; nothing is left behind.
        """
        with replacing(self._path(block)) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]

    def _path(self, block: Block) -> Path:
        return self.folder / f"block-{block.snr:02d}-{block.number:05d}.npz"
