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

_DAMAGE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError)
"""What reading a damaged file raises, by where the damage is."""


def save(dictionary: Dictionary, path: str | Path) -> None:
    """Write a dictionary with all it needs to be used again: sequence, grid, basis, checksum.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    """
    texts = {
        "format": FORMAT,
        "version": version("spinprint"),
        "sequence": format_sequence(dictionary.sequence),
        "digest": dictionary.digest,
    }
    if dictionary.grid is not None:
        texts["grid"] = dictionary.grid.to_json()
    # HDF5 holds checksums of its own over all but texts of variable length and old layouts,
    # where a flipped bit can make it search for ever.
    with replacing(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        for name, text in texts.items():
            file.attrs[name] = np.bytes_(text.encode())
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
    except _DAMAGE as error:
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

    texts = {n: text.decode() for n, text in file.attrs.items() if isinstance(text, bytes)}
    if texts.get("format") != FORMAT:
        raise DictionaryError(f"its format is {texts.get('format')!r}, not {FORMAT!r}")
    grid = texts.get("grid")
    arrays: dict[str, Any] = {name: np.asarray(file[name]) for name in _ARRAYS}
    dictionary = Dictionary(
        sequence=parse_sequence(texts["sequence"], source="its sequence"),
        tissue=Tissue(**{name: np.asarray(values) for name, values in file["tissue"].items()}),
        grid=None if grid is None else ParameterGrid.from_dict(json.loads(grid)),
        **arrays,
    )
    return dictionary, texts["digest"]


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
