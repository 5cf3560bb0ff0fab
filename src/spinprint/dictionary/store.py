"""Dictionaries on disk: HDF5 in the format `spinprint-dictionary/1`."""

from __future__ import annotations

import io
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import DictionaryError, SpinprintError
from ..files import replacing
from ..paths import require_file
from ..room import require_room
from ..sequence import Sequence, format_sequence, parse_sequence
from ..text import parse_json
from ..tissue import ParameterGrid, Tissue

FORMAT = "spinprint-dictionary/1"

_MAGNITUDE = "magnitude"  # what the attribute `signal` of a file of moduli holds

ARRAYS = ("basis", "coefficients", "singular_values")

IN_MEMORY = 1 << 29
"""Largest array that is read into memory [bytes]."""

_TISSUE = (np.dtype(np.float64), np.dtype(np.complex128))  # M0 alone is complex

_DAMAGE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError)
"""What reading a damaged file raises, by where the damage is."""


class Stored(NamedTuple):
    """What a dictionary file holds."""

    sequence: Sequence
    tissue: Tissue
    grid: ParameterGrid | None
    arrays: dict[str, NDArray[Any]]
    """`basis`, `coefficients` and `singular_values`."""
    digest: str
    """SHA-256 of the dictionary that was written."""
    magnitude: bool = False
    """Whether its atoms are moduli; files of signals do not mention it."""


def write(path: str | Path, stored: Stored) -> None:
    """Write a dictionary file: whole, or not at all.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    """
    texts = {
        "format": FORMAT,
        "version": version("spinprint"),
        "sequence": format_sequence(stored.sequence),
        "digest": stored.digest,
    }
    if stored.grid is not None:
        texts["grid"] = stored.grid.to_json()
    if stored.magnitude:
        texts["signal"] = _MAGNITUDE
    # HDF5 holds checksums of its own over all but texts of variable length and old layouts,
    # where a flipped bit can make it search for ever.
    with (
        replacing(path) as temporary,
        _Checked(temporary, "w+") as raw,
        h5py.File(raw, "w", libver="latest") as file,
    ):
        for name, text in texts.items():
            file.attrs[name] = np.bytes_(text.encode())
        for name, array in stored.arrays.items():
            file[name] = array
        for name, values in stored.tissue.given().items():
            file[f"tissue/{name}"] = values


class _Checked(io.FileIO):
    """A file that raises its first error when it is closed, and only then.

    On a disk that is full, HDF5 leaves a file behind that looks whole, or brings the process down
    when it tries to close the file again; so it never learns of the error.
    """

    _error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write all of it."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        try:
            while rest and self._error is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the size."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size or 0

    def __exit__(self, *arguments: Any) -> None:
        """Close it, and say what went wrong."""
        super().__exit__(*arguments)
        if self._error is not None:
            raise self._error


def read(path: str | Path) -> Stored:
    """Read a dictionary file; types and shapes are checked before anything is allocated.

    Raises
    ------
    DictionaryError
        The file is missing, damaged, of another kind, or larger than the memory that is free.
    """
    require_file(path, "dictionary", DictionaryError)
    try:
        with h5py.File(path, "r") as file:
            return _read(file)
    except _DAMAGE as error:
        if isinstance(error, SpinprintError):
            raise DictionaryError(f"{path}: {error}") from None
        raise DictionaryError(
            f"{path}: not a whole dictionary file ({_first_line(error)}); build it anew"
        ) from None


def _read(file: h5py.File) -> Stored:
    texts = {n: text.decode() for n, text in file.attrs.items() if isinstance(text, bytes)}
    if texts.get("format") != FORMAT:
        raise DictionaryError(f"its format is {texts.get('format')!r}, not {FORMAT!r}")
    sequence = parse_sequence(texts["sequence"], source="its sequence")
    stated = texts.get("grid")
    grid = None if stated is None else ParameterGrid.from_dict(parse_json(stated, "its grid"))
    _check(file, sequence, grid)
    return Stored(
        sequence=sequence,
        tissue=Tissue(**{name: np.asarray(values) for name, values in file["tissue"].items()}),
        grid=grid,
        arrays={name: _array(file[name]) for name in ARRAYS},
        digest=texts["digest"],
        magnitude=texts.get("signal") == _MAGNITUDE,
    )


def _check(file: h5py.File, sequence: Sequence, grid: ParameterGrid | None) -> None:
    """Refuse arrays that do not go together, by what the file declares of them."""
    time = sequence.n_samples
    atoms, rank = _shape(file["coefficients"], 2)
    kind = file["coefficients"].dtype
    wanted = {
        "coefficients": ((atoms, rank), (np.dtype(np.float32), np.dtype(np.complex64))),
        "basis": ((time, rank), (kind,)),
        "singular_values": ((time,), (np.dtype(np.float64),)),
    }
    wanted |= {f"tissue/{name}": ((atoms,), _TISSUE) for name in file["tissue"]}
    for name, (shape, kinds) in wanted.items():
        found = file[name]
        if _shape(found, len(shape)) != shape or found.dtype not in kinds:
            raise DictionaryError(
                f"{name} has shape {found.shape} and type {found.dtype}, which belong to no"
                f" dictionary of {atoms} atoms, rank {rank} and {time} samples; build it anew"
            )
    if not 1 <= rank <= time or atoms < 1 or (grid is not None and grid.size != atoms):
        raise DictionaryError(
            f"{atoms} atoms of rank {rank} are no dictionary of its grid and of {time} samples;"
            " build it anew"
        )
    need = sum(file[name].nbytes for name in wanted if not _on_disk(file[name]))
    require_room(need, "it", DictionaryError, "build a smaller one")


def _shape(dataset: Any, axes: int) -> tuple[int, ...]:
    """The shape of an array that is stored as `write` does it."""
    # One put together from other datasets can be made of itself, which HDF5 follows for ever.
    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.ndim != axes:
        raise DictionaryError("one of its parts is no array as it should be; build it anew")
    return dataset.shape


def _array(dataset: h5py.Dataset) -> NDArray[Any]:
    """The content; one too large for comfort stays on disk and is read where it is used."""
    if not _on_disk(dataset):
        return np.asarray(dataset)
    return np.memmap(
        dataset.file.filename, dataset.dtype, "r", dataset.id.get_offset(), dataset.shape
    )


def _on_disk(dataset: h5py.Dataset) -> bool:
    return dataset.nbytes > IN_MEMORY and dataset.id.get_offset() is not None


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
