"""A series and a sequence in, maps with error bars out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dictionary import Dictionary
from ..dictionary.cache import build_cached
from ..dictionary.defaults import default_grid
from ..errors import SeriesError
from ..estimators import DictionaryMatching, Estimator, LeastSquares
from ..estimators.mask import DESCRIPTION, find_mask
from ..io import Series, check_derivative, read_field, read_mask, read_series, write_maps
from ..maps import Maps, Status
from ..sequence import Sequence
from .stages import Stage, silent

ESTIMATORS: dict[str, Callable[[Dictionary], Estimator]] = {
    "match": DictionaryMatching,
    "least-squares": LeastSquares,
}
"""The estimators of the command line by name, each made from a dictionary."""

Fields = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False, kw_only=True)
class MapResult:
    """What a mapping made."""

    maps: Maps
    """The maps, `(x, y, z)`."""
    dictionary: Dictionary
    """The dictionary that was used."""
    files: list[Path]
    """All files written."""
    remarks: tuple[str, ...]
    """What the user should know, a sentence each."""


def map_series(
    series_path: Path,
    sequence: Sequence,
    out: Path,
    *,
    estimator: str = "match",
    imaginary: Path | None = None,
    dictionary_path: Path | None = None,
    mask_path: Path | None = None,
    b1_path: Path | None = None,
    b0_path: Path | None = None,
    sigma: float | None = None,
    subject: str = "01",
    stage: Stage = silent,
) -> MapResult:
    """Map a series file and write a BIDS derivative.

    Everything is checked before long work begins, and nothing is written before all of it is
    done. Arguments as on the command line (`spinprint map --help`).

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    check_derivative(out, subject)
    if sigma is not None and not (np.isfinite(sigma) and sigma > 0):
        raise SeriesError(f"--sigma = {sigma:g} must be positive: it is the noise per channel")
    with stage("Reading the series"):
        series = read_series(series_path, imaginary)
        series.require_length(sequence)
        paths = {"b1": b1_path, "b0": b0_path}
        fields = {name: read_field(path, series, name) for name, path in paths.items() if path}  # type: ignore[arg-type]
        mask = read_mask(mask_path, series) if mask_path else None
    with stage("Preparing the dictionary") as progress:
        if dictionary_path:
            dictionary = Dictionary.load(dictionary_path, sequence)
        else:
            grid = default_grid(sequence, _ranges(fields, mask))
            dictionary = build_cached(sequence, grid, progress)
    with stage("Mapping") as progress:
        found = mask is None
        inside = find_mask(series.data, dictionary) if mask is None else mask
        maps = ESTIMATORS[estimator](dictionary).predict(
            series.data,
            inside,
            b1=fields.get("b1"),
            b0=fields.get("b0"),
            sigma=sigma,
            progress=progress,
        )
    if not maps.has_value().any():
        raise SeriesError(
            f"{series_path}: no voxel holds a signal of {sequence.name!r} above the noise:"
            " check that series, sequence and mask belong together"
        )
    made = {"mask": DESCRIPTION if found else str(mask_path)}
    maps = maps.replace(provenance={**maps.provenance, **made}, affine=series.affine)
    optional = (mask_path, b1_path, b0_path)
    sources = [*series.sources, *(path for path in optional if path)]
    with stage("Writing the maps"):
        files = write_maps(
            maps, out, sequence=sequence, subject=subject, reference=series, sources=sources
        )
    remarks = _remarks(maps, series, mask_found=found)
    return MapResult(maps=maps, dictionary=dictionary, files=files, remarks=remarks)


def _ranges(fields: Fields, mask: NDArray[np.bool_] | None) -> dict[str, tuple[float, float]]:
    """Lowest and highest finite value of each field, inside the mask."""
    ranges = {}
    for name, values in fields.items():
        inside = values[np.isfinite(values) & (True if mask is None else mask)]
        if not inside.size:
            raise SeriesError(f"the {name} map holds no finite value inside the mask")
        ranges[name] = (float(inside.min()), float(inside.max()))
    return ranges


def _remarks(maps: Maps, series: Series, *, mask_found: bool) -> tuple[str, ...]:
    """What is unusual about a run."""
    counts: dict[Any, int] = maps.counts()
    asked = maps.status.size - counts.get(Status.OUTSIDE, 0)
    remarks = []
    if mask_found:
        remarks.append(f"No mask was given: {asked} of {maps.status.size} voxels hold signal.")
    if series.affine is None:
        remarks.append("The series states no place in space: the maps have none either.")
    for status, count in counts.items():
        if status not in (Status.OUTSIDE, Status.OK):
            remarks.append(f"{count} voxels ({count / asked:.1%}): {status.meaning}.")
    return tuple(remarks)
