"""What is told of the voxels of maps from outside: structures, purity, B1 and B0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from ..evaluation.erosion import PURE, erode_labels, pure_labels
from ..io import FieldFiles, MapPlace, read_labels, read_purity
from ..maps import Maps, Status

PURITY = "purity.nii.gz"
"""What the purity of voxels is called where it lies beside the labels."""

Labels = NDArray[np.int64]
"""Structures, 0 for none, `(x, y, z)`."""


def read_structures(
    path: Path | None, erode: int, maps: Maps
) -> tuple[Labels | None, dict[int, str], list[str]]:
    """The structures of a file without their borders, their names, and remarks.

    Raises
    ------
    SeriesError
        The file cannot be used, or nothing is left of the structures.
    """
    if erode < 0 or (erode and path is None):
        raise SeriesError(
            f"--erode = {erode} must be 0 or more layers of voxels, and needs --labels to erode"
        )
    if path is None:
        return None, {}, []
    remarks: list[str] = []
    labels, names = read_labels(path, maps.shape, maps.affine, remarks.append)
    if not erode:
        return labels, names, remarks
    eroded = erode_labels(labels, erode, maps.affine)
    lost = sorted({int(one) for one in np.unique(labels)} - {int(one) for one in np.unique(eroded)})
    if not eroded.any():
        raise SeriesError(f"--erode = {erode} leaves no voxel of {path}: erode less")
    remarks.append(f"Structures were eroded by {erode} {'voxel' if erode == 1 else 'voxels'}.")
    if lost:
        remarks.append(
            f"Nothing is left of: {'; '.join(names.get(one, str(one)) for one in lost)}."
        )
    return eroded, names, remarks


def read_purities(
    path: Path | None,
    labels_path: Path | None,
    labels: Labels | None,
    names: Mapping[int, str],
    maps: Maps,
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """How pure the voxels are, by the file or the one beside the labels, and remarks.

    Raises
    ------
    SeriesError
        The file cannot be used, no labels are given with it, or no voxel is pure by it.
    """
    if labels_path is None or labels is None:
        if path is not None:
            raise SeriesError(
                "--purity needs --labels: it tells how much of a voxel its label fills"
            )
        return None, []
    beside = labels_path.with_name(PURITY)
    if path is None and not beside.exists():
        return None, []
    remarks: list[str] = []
    purity = read_purity(path or beside, MapPlace(maps.shape, maps.affine), remarks.append)
    inside = (labels != 0) & (maps.status != Status.OUTSIDE)
    counted = pure_labels(labels, purity)
    if not counted[inside].any():
        raise SeriesError(f"{path or beside}: no labelled voxel that was mapped is pure by it")
    mixed = np.count_nonzero(inside & (counted == 0))
    if not mixed:
        return purity, remarks
    lost = sorted({int(one) for one in labels[inside]} - {int(one) for one in counted[inside]})
    remarks.append(
        f"{mixed} of {np.count_nonzero(inside)} labelled voxels hold more than one tissue (purity"
        f" below {PURE:g} by {path or beside}): they count only in the tables with mixed voxels."
    )
    if lost:
        listed = "; ".join(names.get(one, str(one)) for one in lost)
        remarks.append(f"No voxel is pure in: {listed}.")
    return purity, remarks


def read_fields(
    maps: Maps, given: FieldFiles, field_strength: float | None
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """The fields that the estimator knew, `(x, y, z)` [relative, Hz], and remarks.

    Raises
    ------
    SeriesError
        A file cannot be used, or the maps estimate the field themselves.
    """
    for name in given.paths:
        if name in maps:
            raise SeriesError(f"--{name}-map: the maps estimate {name} themselves: leave it out")
    remarks: list[str] = []
    asked = maps.status != Status.OUTSIDE
    place = MapPlace(maps.shape, maps.affine)
    return given.read(place, asked, field_strength, remarks.append), remarks


def missing_fields(maps: Maps, fields: Mapping[str, Any]) -> list[str]:
    """That a field was known to the estimator and is not to this evaluation, in sentences."""
    return [
        f"The maps were made with a map of {name.upper()} ({maps.provenance[key]}): give it with"
        f" --{name}-map, or bounds are those of a nominal field."
        for name in ("b1", "b0")
        if (key := f"{name}_map") in maps.provenance and name not in fields
    ]
