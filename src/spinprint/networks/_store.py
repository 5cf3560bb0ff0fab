"""Models on disk: `model.json` beside `model.safetensors`, in the format `spinprint-model/1`.

Neither file can contain code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.numpy
from numpy.typing import NDArray

from ..errors import ModelError, SpinprintError
from ..files import read_whole, staging
from ..paths import kind_of
from ..sequence import Sequence, format_sequence, parse_sequence
from ..text import parse_json, read_text

FORMAT = "spinprint-model/1"
DESCRIPTION, WEIGHTS = "model.json", "model.safetensors"

_SEAL = "sha256"  # the key that holds the hash of all others and of the weights


class Stored(NamedTuple):
    """Contents of a model folder."""

    sequence: Sequence
    described: dict[str, Any]
    """Prior, configuration and training, as plain values."""
    arrays: dict[str, NDArray[Any]]
    """Weights, scales and basis by name."""


def write(folder: str | Path, stored: Stored) -> None:
    """Write a model: both files, or neither.

    Raises
    ------
    OutputError
        The folder cannot be written; its earlier contents are unchanged.
    """
    weights = safetensors.numpy.save(stored.arrays)
    description = {
        "format": FORMAT,
        "version": version("spinprint"),
        "sequence": format_sequence(stored.sequence),
        **stored.described,
    }
    description[_SEAL] = _seal(description, weights)
    with staging(folder, run="model", earlier=lambda: _earlier(Path(folder))) as stage:
        text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False)
        (stage / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        (stage / WEIGHTS).write_bytes(weights)


def read(folder: str | Path) -> Stored:
    """Read a model folder.

    Raises
    ------
    ModelError
        A file is missing, damaged or of another kind, or the two do not belong together.
    """
    return read_whole(folder, lambda: _read(Path(folder)))


def _read(folder: Path) -> Stored:
    if kind_of(folder / DESCRIPTION, ModelError) != "file":
        raise ModelError(
            f"{folder}: holds no {DESCRIPTION}: give a folder that `spinprint train` has written"
        )
    with refusing(folder):
        described = parse_json(read_text(folder / DESCRIPTION), DESCRIPTION)
        if described.get("format") != FORMAT:
            raise ModelError(
                f"{DESCRIPTION}: its format is {described.get('format')!r}, not {FORMAT!r}"
            )
        weights = (folder / WEIGHTS).read_bytes()
        if described.pop(_SEAL, None) != _seal(described, weights):
            raise ModelError(
                f"{DESCRIPTION} and {WEIGHTS} do not belong together or have changed: copy both"
                " again, or train a new model"
            )
        sequence = parse_sequence(described["sequence"], source="its sequence")
        return Stored(sequence, described, safetensors.numpy.load(weights))


def _earlier(folder: Path) -> list[Path]:
    """Files of an earlier model in the folder, if its description has our format."""
    try:
        ours = FORMAT in (folder / DESCRIPTION).read_text(encoding="utf-8", errors="replace")
    except OSError:
        ours = False
    return [folder / DESCRIPTION, folder / WEIGHTS] if ours else []


def _seal(description: dict[str, Any], weights: bytes) -> str:
    hasher = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    hasher.update(weights)
    return hasher.hexdigest()


@contextmanager
def refusing(folder: str | Path) -> Iterator[None]:
    """Report any error in a model folder in one line."""
    try:
        yield
    except SpinprintError as error:
        text = str(error).removeprefix(f"{folder}/")
        raise ModelError(f"{folder}: {text}") from None
    except Exception as error:  # a damaged file can raise anything
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        text = text.replace(f"{folder}/", "")
        raise ModelError(f"{folder}: not a complete model ({text}); train a new one") from None
