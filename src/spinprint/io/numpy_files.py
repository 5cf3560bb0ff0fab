"""NumPy files: the arrays of .npy and .npz, each by its own header."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import SeriesError
from .stored import Array, Stored

_NPY = ".npy"


@contextmanager
def npy_arrays(path: Path) -> Iterator[dict[str, Stored]]:
    """The array of a file."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield {"the array": _stored(path, file, size, lambda: _load(file))}


@contextmanager
def npz_arrays(path: Path) -> Iterator[dict[str, Stored]]:
    """The arrays of an archive by name; only the one that is wanted is unpacked."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        found = {}
        for entry in archive.infolist():
            if not entry.filename.endswith(_NPY):
                continue
            with archive.open(entry) as member:
                found[entry.filename.removesuffix(_NPY)] = _stored(
                    path, member, entry.file_size, lambda entry=entry: _unpack(archive, entry)
                )
        yield found


def _stored(path: Path, file: IO[bytes], size: int, load: Any) -> Stored:
    """What the header of an array says, of which `size` bytes are there in all."""
    version = np.lib.format.read_magic(file)
    # Version 3 differs in the names of fields, of which numbers have none.
    header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = header(file)
    if dtype.hasobject:
        raise SeriesError(f"{path}: holds Python objects: save an array of numbers")
    return Stored(shape=shape, dtype=dtype, load=load, held=size - file.tell())


def _load(file: IO[bytes]) -> Array:
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    with archive.open(entry) as member:
        return _load(member)
