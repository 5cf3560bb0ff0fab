"""Dictionaries on disk: HDF5 in the format `spinprint-dictionary/1`."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..errors import DictionaryError, SpinprintError
from ..files import replacing
from ..sequence import Sequence, format_sequence, parse_sequence
from ..tissue import ParameterGrid, Tissue

if TYPE_CHECKING:
    from .dictionary import Dictionary

FORMAT = "spinprint-dictionary/1"

_ARRAYS = ("basis", "coefficients", "singular_values")


def save(dictionary: Dictionary, path: str | Path) -> None:
    """Write a dictionary with all it needs to be used again: sequence, grid, basis, checksum.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    """
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = version("spinprint")
        file.attrs["sequence"] = format_sequence(dictionary.sequence)
        file.attrs["digest"] = dictionary.digest
        if dictionary.grid is not None:
            file.attrs["grid"] = json.dumps(dictionary.grid.to_dict())
        for name in _ARRAYS:
            file[name] = getattr(dictionary, name)
        for name, values in dictionary.tissue.given().items():
            file[f"tissue/{name}"] = values


def load(path: str | Path, sequence: Sequence | None = None) -> Dictionary:
    """Read a dictionary file and check that it is whole.

    Parameters
    ----------
    path
        A file that `save` wrote.
    sequence
        What the dictionary is wanted for; None takes whatever it holds.

    Raises
    ------
    DictionaryError
        The file is missing, damaged, of another kind, or of another sequence.
    """
    try:
        with h5py.File(path, "r") as file:
            dictionary, digest = _read(file)
    except FileNotFoundError:
        raise DictionaryError(f"{path}: no such dictionary file") from None
    except (OSError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, SpinprintError):
            raise DictionaryError(f"{path}: {error}") from None
        raise DictionaryError(
            f"{path}: not a whole dictionary file ({_first_line(error)}); build it anew"
        ) from None
    if digest != dictionary.digest:
        raise DictionaryError(f"{path}: the content does not fit its checksum; build it anew")
    if sequence is not None:
        try:
            dictionary.require(sequence)
        except DictionaryError as error:
            raise DictionaryError(f"{path}: {error}") from None
    return dictionary


def _read(file: h5py.File) -> tuple[Dictionary, str]:
    from .dictionary import Dictionary

    if file.attrs.get("format") != FORMAT:
        raise DictionaryError(f"its format is {file.attrs.get('format')!r}, not {FORMAT!r}")
    grid = file.attrs.get("grid")
    arrays: dict[str, Any] = {name: np.asarray(file[name]) for name in _ARRAYS}
    dictionary = Dictionary(
        sequence=parse_sequence(file.attrs["sequence"], source="its sequence"),
        tissue=Tissue(**{name: np.asarray(values) for name, values in file["tissue"].items()}),
        grid=None if grid is None else ParameterGrid.from_dict(json.loads(grid)),
        **arrays,
    )
    return dictionary, str(file.attrs["digest"])


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
