"""Dictionaries of any size, built on disk: stopped at any moment, they go on where they were.

Atoms are written to a folder beside the file that is wanted; when all are there they become
the file, and the folder goes. Memory stays at the parameters of the atoms and one chunk.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import check_output_file, replacing
from ..parallel import Progress
from ..sequence import Sequence
from ..tissue import ParameterGrid
from .compression import compress_atoms, find_basis
from .dictionary import SOURCE, Dictionary


def build_file(
    sequence: Sequence,
    grid: ParameterGrid,
    path: str | Path,
    rank: int | None = None,
    *,
    energy: float | None = None,
    n_states: int | None = None,
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
        The file cannot be written.
    TissueError
        The atoms lack a parameter the sequence needs.
    DictionaryError
        The rank or the energy is impossible.
    """
    path = Path(path)
    check_output_file(path)
    tissue = grid.tissue()
    code = SOURCE or version("spinprint")
    content = [sequence.digest, grid.to_dict(), rank, energy, n_states, code]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    workplace = path.with_name(f".{path.name}.building")
    state = _read_state(workplace / "state.json")
    if state.get("key") != key:
        shutil.rmtree(workplace, ignore_errors=True)
        state = {}
        basis, singular_values = find_basis(
            sequence, tissue, rank=rank, energy=energy, n_states=n_states
        )
        _save(workplace / "basis.npy", basis)
        _save(workplace / "singular_values.npy", singular_values)
        shape = (tissue.size, basis.shape[1])
        np.lib.format.open_memmap(workplace / "atoms.npy", "w+", basis.dtype, shape).flush()
        _write_state(workplace / "state.json", key, 0)
    basis = np.load(workplace / "basis.npy")
    coefficients = np.lib.format.open_memmap(workplace / "atoms.npy", "r+")

    def written(done: int, total: int) -> None:
        coefficients.flush()
        _write_state(workplace / "state.json", key, done)
        if progress:
            progress(done, total)

    compress_atoms(
        sequence, tissue, basis, coefficients,
        n_states=n_states, first=state.get("done", 0), progress=written,
    )  # fmt: skip
    Dictionary(
        sequence=sequence,
        tissue=tissue,
        basis=basis,
        coefficients=coefficients,
        singular_values=np.load(workplace / "singular_values.npy"),
        grid=grid,
    ).save(path)
    shutil.rmtree(workplace)
    return Dictionary.load(path)


def _read_state(path: Path) -> dict[str, Any]:
    """How far a build has come; empty where none was begun."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def _write_state(path: Path, key: str, done: int) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"key": key, "done": done}))


def _save(path: Path, array: NDArray[Any]) -> None:
    with replacing(path) as temporary:
        np.save(temporary, array)
