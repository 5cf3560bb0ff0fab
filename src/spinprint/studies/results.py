"""The numbers of a study on disk: every step whole or not at all, none done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import replacing
from ..records import plain
from ..text import read_json

FORMAT = "spinprint-study/1"

FILE = "results.json"
"""Its name."""


@dataclass(frozen=True, slots=True)
class Results:
    """The file `results.json` of a study: what decides its numbers, and the numbers by step."""

    path: Path
    """The file."""
    held: dict[str, Any]
    """What it holds, as plain values."""

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, Any]) -> Results:
        """The results of a new study, or those of the same study where it was stopped.

        Parameters
        ----------
        folder
            Where the file is.
        settings
            All that decides the numbers, as plain values.

        Raises
        ------
        InputError
            The folder holds results of other settings, or a damaged file.
        OutputError
            The file cannot be written.
        """
        path, told = folder / FILE, plain(settings)
        if not path.exists():
            stated = {"format": FORMAT, "settings": told, "digest": digest_of(told)}
            software = f"spinprint {version('spinprint')}"
            results = cls(path, {**stated, "software": software, "steps": {}})
            results._write()
            return results
        held = _read(path)
        if held["digest"] != digest_of(told):
            others = held["settings"]
            keys = [k for k in sorted({*told, *others}) if told.get(k) != others.get(k)]
            raise InputError(
                f"{folder}: holds another study, which differs in {', '.join(keys)}:"
                " give another folder, or delete it"
            )
        return cls(path, held)

    @property
    def digest(self) -> str:
        """SHA-256 of the settings."""
        return str(self.held["digest"])

    @property
    def steps(self) -> dict[str, Any]:
        """What each finished step found, by its name."""
        return {name: step["found"] for name, step in self.held["steps"].items()}

    @property
    def seconds(self) -> dict[str, float]:
        """What each finished step took, by its name [s]."""
        return {name: step["seconds"] for name, step in self.held["steps"].items()}

    def keep(self, name: str, found: Mapping[str, Any], seconds: float) -> None:
        """Write what a step found.

        Raises
        ------
        OutputError
            The file cannot be written; the old one is whole.
        """
        self.held["steps"][name] = {"seconds": round(seconds, 1), "found": plain(found)}
        self._write()

    def _write(self) -> None:
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps(self.held, indent=1, allow_nan=False), "utf-8")


def digest_of(settings: Any) -> str:
    """SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        held = read_json(path)
    except InputError as error:
        raise InputError(f"{error}: give another folder") from None
    if not {"format", "settings", "digest", "steps"} <= {*held} or held["format"] != FORMAT:
        raise InputError(f"{path}: holds no results of a study ({FORMAT}): give another folder")
    return held
