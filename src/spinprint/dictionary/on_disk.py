"""Dictionaries of any size, built on disk: stopped at any moment, they go on where they were.

Atoms are written to a folder beside the file that is wanted; when all are there they become
the file, and the folder goes. Memory stays at the parameters of the atoms and one chunk.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import check_output_file, claim, destination, output_errors, short
from ..parallel import Progress
from ..sequence import Sequence, format_sequence
from ..text import read_json
from ..tissue import ParameterGrid, Tissue
from .compression import compress_atoms, find_basis
from .dictionary import SOURCE, Dictionary

_STATE, _BASIS, _VALUES, _ATOMS = "state.json", "basis.npy", "singular_values.npy", "atoms.npy"
_SPACE = "space"  # reserved for the file that all of it becomes
_MORE = 1 << 14  # bytes of that file beside its arrays and the sequence


def build_file(
    sequence: Sequence,
    grid: ParameterGrid,
    path: str | Path,
    rank: int | None = None,
    *,
    energy: float | None = None,
    n_states: int | None = None,
    magnitude: bool = False,
    progress: Progress | None = None,
) -> Dictionary:
    """Build a dictionary file; arguments as for `Dictionary.build`.

    A build that was stopped, kill -9 included, is taken up again by the same call; what was left
    by a build of other content is thrown away.

    Returns
    -------
    The dictionary, read from the file.

    Raises
    ------
    OutputError
        The file cannot be written, or another process is building it.
    TissueError
        The atoms lack a parameter the sequence needs.
    DictionaryError
        The rank or the energy is impossible.
    """
    check_output_file(path)
    with claim(path):
        return _build(
            sequence, grid, destination(Path(path)), rank, energy, n_states, magnitude, progress
        )


def _build(
    sequence: Sequence,
    grid: ParameterGrid,
    path: Path,
    rank: int | None,
    energy: float | None,
    n_states: int | None,
    magnitude: bool,
    progress: Progress | None,
) -> Dictionary:
    """Build a file that no other process is writing."""
    tissue = grid.tissue()
    code = SOURCE or version("spinprint")
    content = [sequence.digest, grid.to_dict(), rank, energy, n_states, magnitude, code]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    workplace = path.with_name(f".{short(path.name)}.building")
    with output_errors(path):
        state = _read_state(workplace)
        if state.get("key") != key:
            state = {}
            _drop(workplace)
            try:
                _begin(workplace, sequence, tissue, rank, energy, n_states, magnitude)
                _write_state(workplace, key, 0)
            except BaseException:
                _drop(workplace)
                raise
        basis = np.load(workplace / _BASIS)

        def written(done: int, total: int) -> None:
            rows.sync()
            _write_state(workplace, key, done)
            if progress:
                progress(done, total)

        with _FileRows(workplace / _ATOMS) as rows:
            compress_atoms(
                sequence, tissue, basis, rows,
                n_states=n_states, magnitude=magnitude, first=state.get("done", 0),
                progress=written,
            )  # fmt: skip
        (workplace / _SPACE).unlink(missing_ok=True)
        Dictionary(
            sequence=sequence,
            tissue=tissue,
            basis=basis,
            coefficients=np.load(workplace / _ATOMS, mmap_mode="r"),
            singular_values=np.load(workplace / _VALUES),
            grid=grid,
            magnitude=magnitude,
        ).save(path)
        _drop(workplace)
    return Dictionary.load(path)


def _begin(
    workplace: Path,
    sequence: Sequence,
    tissue: Tissue,
    rank: int | None,
    energy: float | None,
    n_states: int | None,
    magnitude: bool,
) -> None:
    """Find the basis, and reserve the space of the atoms and of the file they become."""
    basis, singular_values = find_basis(
        sequence, tissue, rank=rank, energy=energy, n_states=n_states, magnitude=magnitude
    )
    workplace.mkdir()
    _save(workplace / _BASIS, basis)
    _save(workplace / _VALUES, singular_values)
    shape = (tissue.size, basis.shape[1])
    header = {"descr": np.lib.format.dtype_to_descr(basis.dtype), "fortran_order": False}
    with (workplace / _ATOMS).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "shape": shape})
        size = math.prod(shape) * basis.itemsize
        file.truncate(file.tell() + size)
        _reserve(file.fileno(), file.tell() + size)
    size += sum(array.nbytes for array in (basis, singular_values, *tissue.given().values()))
    with (workplace / _SPACE).open("wb") as file:
        _reserve(file.fileno(), size + len(format_sequence(sequence)) + _MORE)


def _reserve(descriptor: int, size: int) -> None:
    """Let a disk that is too small show now, and not after hours; not every system can."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise


class _FileRows:
    """Rows of a `.npy` file, written as any file is: a full disk is an error.

    Written through a memory map, it would end the process.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        np.lib.format.read_magic(self._file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(self._file)
        self._start, self._row = self._file.tell(), dtype.itemsize * math.prod(shape[1:])

    def __setitem__(self, rows: slice, values: NDArray[Any]) -> None:
        self._file.seek(self._start + rows.start * self._row)
        self._file.write(np.ascontiguousarray(values).data)

    def sync(self) -> None:
        """Have on disk what was written."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> _FileRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _drop(workplace: Path) -> None:
    """Remove a workplace; the state goes first, as it vouches for the rest."""
    (workplace / _STATE).unlink(missing_ok=True)
    shutil.rmtree(workplace, ignore_errors=True)


def _read_state(workplace: Path) -> dict[str, Any]:
    """How far a build has come; empty where none was begun, or a part of it is missing."""
    if not all((workplace / name).is_file() for name in (_STATE, _BASIS, _VALUES, _ATOMS)):
        return {}
    try:
        return read_json(workplace / _STATE)
    except InputError:
        return {}


def _write_state(workplace: Path, key: str, done: int) -> None:
    new = workplace / f"{_STATE}.new"
    new.write_text(json.dumps({"key": key, "done": done}))
    os.replace(new, workplace / _STATE)


def _save(path: Path, array: NDArray[Any]) -> None:
    content = io.BytesIO()  # of a disk that is full, numpy does not say what is wrong
    np.save(content, array)
    path.write_bytes(content.getvalue())
