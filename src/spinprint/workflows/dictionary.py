"""A sequence and a grid in, a dictionary file out."""

from __future__ import annotations

from pathlib import Path

from ..dictionary import Dictionary
from ..dictionary.defaults import default_grid
from ..dictionary.grid_file import load_grid
from ..errors import DictionaryError
from ..files import check_output_file
from ..sequence import Sequence
from .stages import Stage, silent


def build_dictionary(
    sequence: Sequence,
    out: Path,
    grid_path: Path | None = None,
    rank: int | None = None,
    energy: float | None = None,
    *,
    stage: Stage = silent,
) -> Path:
    """Build a dictionary and write it; arguments as on the command line.

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    if rank is not None and energy is not None:
        raise DictionaryError("give --rank or --energy, not both: one follows from the other")
    check_output_file(out)
    grid = load_grid(grid_path) if grid_path else default_grid(sequence)
    with stage(f"Building {grid.size} atoms") as progress:
        dictionary = Dictionary.build(sequence, grid, rank, energy=energy, progress=progress)
    with stage("Writing the dictionary"):
        dictionary.save(out)
    return out
