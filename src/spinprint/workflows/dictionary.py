"""A sequence and a grid in, a dictionary file out."""

from __future__ import annotations

from pathlib import Path

from ..dictionary.defaults import default_grid
from ..dictionary.grid_file import load_grid
from ..dictionary.on_disk import build_file
from ..errors import DictionaryError, TissueError
from ..parameters import FIELDS
from ..sequence import Sequence
from ..tissue import ParameterGrid
from .stages import StageDisplay, silent


def build_dictionary(
    sequence: Sequence,
    out: Path,
    grid_path: Path | None = None,
    rank: int | None = None,
    energy: float | None = None,
    *,
    magnitude: bool = False,
    stage: StageDisplay = silent,
) -> Path:
    """Build a dictionary and write it; arguments as on the command line.

    A build that was stopped is taken up again by the same call.

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    if rank is not None and energy is not None:
        raise DictionaryError("give --rank or --energy, not both: one follows from the other")
    grid = _fitting_grid(grid_path, sequence) if grid_path else default_grid(sequence)
    with stage(f"Building {grid.size} atoms") as progress:
        build_file(sequence, grid, out, rank, energy=energy, magnitude=magnitude, progress=progress)
    return out


def _fitting_grid(path: Path, sequence: Sequence) -> ParameterGrid:
    """The grid of a file, if its axes are what the signal of the sequence depends on."""
    grid = load_grid(path)
    wanted, unknowns = {*sequence.unknowns}, ", ".join(sequence.unknowns)
    for name in sorted(wanted - {*grid.axes}):
        raise TissueError(
            f"{path}: has no axis {name}: {sequence.name!r} encodes {unknowns}; give one value"
            " where it is known"
        )
    for name in sorted({*grid.axes} - wanted - {*FIELDS}):
        raise TissueError(
            f"{path}: has an axis {name}, of which {sequence.name!r} tells nothing:"
            f" it encodes {unknowns}; leave the axis out"
        )
    return grid
