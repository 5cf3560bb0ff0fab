"""The inputs of an evaluation, read and checked: maps, reference, structures, fields, sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SequenceError, SeriesError
from ..evaluation import PURE, Reference, Role, erode_labels, pure_labels
from ..evaluation.spheres import place_spheres, sphere_labels
from ..io import (
    FieldFiles,
    Geometry,
    MapPlace,
    Remark,
    read_labels,
    read_maps,
    read_origin,
    read_purity,
    require_place,
)
from ..maps import Maps, Status
from ..paths import exists, is_folder
from ..sequence import Sequence, load_sequence
from ..sequence.presets import PRESETS
from ..simulation.phantoms.nist import SPHERES, sphere_values

CORE = 0.75
"""Radius of the measured part of a sphere over that of the sphere [-]."""

PURITY = "purity.nii.gz"
"""Name of the purity of voxels where it lies beside the labels."""

Labels = NDArray[np.int64]
"""Structures, 0 for none, `(x, y, z)`."""

_COMPARED = ("t1", "t2")  # what the tables of the NIST phantom state
_TABULATED = 28  # spheres in these tables: those of the NiCl2 and the MnCl2 array
_SEEN = 0.5  # share of the spheres of an array that must be found for the array to count as imaged


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationInput:
    """All that is compared, on one grid of voxels."""

    maps: Maps
    """What was measured, `(x, y, z)`."""
    reference: Reference
    """What it is compared with."""
    labels: Labels | None
    """Structures, `(x, y, z)`."""
    names: Mapping[int, str]
    """Their names."""
    found: bool
    """Whether the structures were found in the maps, and not given."""
    purity: NDArray[np.float64] | None
    """Share of each voxel that its label fills, `(x, y, z)` [-]; None where it is not known."""
    fields: Mapping[str, NDArray[np.float32]]
    """B1 and B0 as the estimator knew them, `(x, y, z)` [relative, Hz]."""
    sequence: Sequence | None
    """What the maps were measured with, where it is known."""
    origin: Mapping[str, Any]
    """What the sidecars state of the maps."""
    remarks: tuple[str, ...]
    """What the user should know, a sentence each."""


def read_input(
    maps_dir: Path,
    *,
    truth: Path | None,
    phantom: str | None,
    batch: str,
    labels: Path | None,
    erode: int,
    purity: Path | None,
    b1_map: Path | None,
    b0_map: Path | None,
    sequence: str | None,
    subject: str | None,
    b1_unit: str | None = None,
    b1_nominal_deg: float | None = None,
    b0_unit: str | None = None,
) -> EvaluationInput:
    """Read what is to be compared; arguments as on the command line.

    Raises
    ------
    InputError
        Something is missing, damaged, or does not fit the maps.
    """
    if (truth is None) == (phantom is None):
        raise SeriesError("give either --truth or --phantom: what the maps are compared with")
    files = FieldFiles(
        b1=b1_map, b0=b0_map, b1_unit=b1_unit, b1_nominal_deg=b1_nominal_deg, b0_unit=b0_unit
    )
    remarks: list[str] = []
    maps, origin = read_maps(maps_dir, subject), read_origin(maps_dir, subject)
    known = _sequence(sequence, origin, maps_dir, truth)
    strength = _field_strength(origin, known)
    fields = read_fields(maps, files, strength, remarks.append)
    structures, names = _structures(labels, erode, maps, remarks.append)
    shares = _purity(purity, labels, structures, names, maps, remarks.append)
    remarks += [
        f"The maps were made with a map of {name.upper()} ({maps.provenance[key]}): give it with"
        f" --{name}-map, or bounds are those of a nominal field."
        for name in ("b1", "b0")
        if (key := f"{name}_map") in maps.provenance and name not in fields
    ]
    if truth is not None:
        reference = _maps_reference(truth, subject, maps, origin, remarks.append)
    else:
        reference, structures, names = _nist(maps, strength, batch, structures)
        if unseen := _TABULATED - len(names):
            remarks.append(
                f"{unseen} of {_TABULATED} spheres lie outside the maps or were not found."
            )
    absent = [name for name in maps if name not in reference.values]
    if len(absent) == len(list(maps)):
        raise SeriesError(
            f"{maps_dir} maps {', '.join(maps)} and {reference.name}"
            f" {', '.join(reference.values)}: they share no parameter"
        )
    remarks += [f"{reference.name} holds no {name}: it is left out." for name in absent]
    if structures is None:
        remarks.append("No labels were given: all numbers are over all voxels together.")
    return EvaluationInput(
        maps=maps, reference=reference, labels=structures, names=names, purity=shares,
        fields=fields, found=phantom is not None and labels is None, sequence=known, origin=origin,
        remarks=tuple(remarks),
    )  # fmt: skip


def read_fields(
    maps: Maps, given: FieldFiles, field_strength: float | None, remark: Remark
) -> dict[str, NDArray[np.float32]]:
    """The fields that the estimator knew, `(x, y, z)` [relative, Hz].

    Raises
    ------
    SeriesError
        A file cannot be used, or the maps estimate the field themselves.
    """
    for name in given.paths:
        if name in maps:
            raise SeriesError(f"--{name}-map: the maps estimate {name} themselves: leave it out")
    place, asked = MapPlace(maps.shape, maps.affine), maps.status != Status.OUTSIDE
    return given.read(place, asked, field_strength, remark)


def _sequence(
    given: str | None, origin: Mapping[str, Any], maps_dir: Path, truth: Path | None
) -> Sequence | None:
    """The sequence of the maps: given, or found by the hash in their sidecars."""
    wanted = origin.get("SequenceHash")
    if given is not None:
        sequence = load_sequence(given)
        if wanted not in (None, sequence.digest):
            raise SequenceError(
                f"{given}: is not the sequence {origin.get('SequenceName')!r} that the maps of"
                f" {maps_dir} were made with (hashes differ)"
            )
        return sequence
    folders = [folder for folder in (maps_dir, truth) if folder is not None]
    files = [place / "sequence.toml" for folder in folders for place in (folder, folder.parent)]
    for source in (*(str(path) for path in files if exists(path, SequenceError)), *PRESETS):
        if wanted is not None and (sequence := load_sequence(source)).digest == wanted:
            return sequence
    return None


def _structures(
    path: Path | None, erode: int, maps: Maps, remark: Remark
) -> tuple[Labels | None, dict[int, str]]:
    """The structures of a file without their borders, and their names."""
    if erode < 0 or (erode and path is None):
        raise SeriesError(
            f"--erode = {erode} must be 0 or more layers of voxels, and needs --labels to erode"
        )
    if path is None:
        return None, {}
    labels, names = read_labels(path, maps.shape, maps.affine, remark)
    if not erode:
        return labels, names
    eroded = erode_labels(labels, erode, maps.affine)
    if not eroded.any():
        raise SeriesError(f"--erode = {erode} leaves no voxel of {path}: erode less")
    remark(f"Structures were eroded by {erode} {'voxel' if erode == 1 else 'voxels'}.")
    if lost := _lost(labels, eroded, names):
        remark(f"Nothing is left of: {lost}.")
    return eroded, names


def _purity(
    path: Path | None,
    labels_path: Path | None,
    labels: Labels | None,
    names: Mapping[int, str],
    maps: Maps,
    remark: Remark,
) -> NDArray[np.float64] | None:
    """The purity of the voxels, by the file or the one beside the labels."""
    if labels_path is None or labels is None:
        if path is not None:
            raise SeriesError(
                "--purity needs --labels: it is the share of a voxel that its label fills"
            )
        return None
    beside = labels_path.with_name(PURITY)
    if path is None and not exists(beside, SeriesError):
        return None
    purity = read_purity(path or beside, MapPlace(maps.shape, maps.affine), remark)
    inside = (labels != 0) & (maps.status != Status.OUTSIDE)
    counted = pure_labels(labels, purity)
    if not counted[inside].any():
        raise SeriesError(f"{path or beside}: no labelled voxel that was mapped is pure by it")
    mixed = np.count_nonzero(inside & (counted == 0))
    if not mixed:
        return purity
    remark(
        f"{mixed} of {np.count_nonzero(inside)} labelled voxels hold more than one tissue (purity"
        f" below {PURE:g} by {path or beside}): they count only in the tables with mixed voxels."
    )
    if lost := _lost(labels[inside], counted[inside], names):
        remark(f"No voxel is pure in: {lost}.")
    return purity


def _lost(before: Labels, after: Labels, names: Mapping[int, str]) -> str:
    """The names of the structures without any remaining voxel."""
    lost = sorted(set(np.unique(before).tolist()) - set(np.unique(after).tolist()))
    return "; ".join(names.get(label, str(label)) for label in lost)


def _maps_reference(
    path: Path, subject: str | None, maps: Maps, origin: Mapping[str, Any], remark: Remark
) -> Reference:
    """Maps of a folder as the reference, on the same voxels.

    Maps that name no estimator are the truth; others are a repeat, unless their series is the same.
    """
    theirs = subject if subject and is_folder(path / f"sub-{subject}", SeriesError) else None
    other, other_origin = read_maps(path, theirs), read_origin(path, theirs)
    if other.shape != maps.shape:
        raise SeriesError(
            f"{path}: has maps of shape {other.shape}, the maps to evaluate {maps.shape}:"
            " resample them onto each other"
        )
    place, own_place = (Geometry.from_affine(side.affine) for side in (other, maps))
    require_place(place, own_place, maps.shape, f"{path}:", "the maps", remark)
    values = {name: other[name].astype(np.float64) for name in other}
    algorithm = str(other_origin.get("EstimationAlgorithm", "not stated"))
    if algorithm == "not stated" or algorithm.startswith("none"):
        return Reference(role=Role.TRUTH, name=str(path), values=values)
    first, second = (_series_hash(sidecar) for sidecar in (origin, other_origin))
    return Reference(
        role=Role.ESTIMATE if first is not None and first == second else Role.REPEAT,
        name=str(path),
        values=values,
        sd={name: sd.astype(np.float64) for name, sd in other.sd.items()},
        maps=other,
    )


def _series_hash(origin: Mapping[str, Any]) -> str | None:
    """Of the first source, which is the series."""
    hashes = origin.get("SourceHashes")
    return next(iter(hashes.values()), None) if isinstance(hashes, dict) else None


def _field_strength(origin: Mapping[str, Any], sequence: Sequence | None) -> float | None:
    """The main field [T] by the sidecars or the sequence; None where it is not known."""
    stated = origin.get("MagneticFieldStrength", sequence.field_strength if sequence else None)
    if stated is None:
        return None
    number = isinstance(stated, int | float) and not isinstance(stated, bool)
    if not (number and 0 < stated < np.inf):
        raise SeriesError(
            f"the sidecars state MagneticFieldStrength {stated!r:.40}: it must be a number [T]"
        )
    return float(stated)


def _nist(
    maps: Maps,
    field: float | None,
    batch: str,
    labels: Labels | None,
) -> tuple[Reference, Labels, dict[int, str]]:
    """The tables of the NIST phantom as a reference, and its spheres in the maps."""
    if field is None:
        raise SeriesError(
            "the field strength of the maps is not known, and the tables depend on it: give the"
            " sequence with --sequence"
        )
    values = sphere_values(batch, round(2 * field) / 2)
    table = {name: [getattr(sphere, name) for sphere in values.values()] for name in _COMPARED}
    if labels is None:
        labels = _find_spheres(maps, list(values), table)
    inside = [label for label in values if (labels == label).any()]
    if not inside:
        raise SeriesError(
            f"no voxel has a label of a sphere, 1 to {len(values)}: number the spheres of the"
            " NiCl2 array 1 to 14, those of the MnCl2 array 15 to 28"
        )
    truth = {name: np.full(maps.shape, np.nan) for name in _COMPARED}
    for label in inside:
        for name in _COMPARED:
            truth[name][labels == label] = getattr(values[label], name)
    reference = Reference(
        role=Role.TRUTH,
        name=f"NIST system phantom, batch {batch}, {field:g} T, 20 °C",
        values=truth,
    )
    return reference, labels, {label: SPHERES[label].name for label in inside}


def _find_spheres(maps: Maps, numbers: list[int], table: Mapping[str, list[float]]) -> Labels:
    """The cores of the spheres of every array that is imaged."""
    spheres = [SPHERES[number] for number in numbers]
    centres = np.array([sphere.centre for sphere in spheres])
    radius = spheres[0].radius
    placement = place_spheres(maps, centres, radius, table)
    assert maps.affine is not None  # or they would not have been placed
    cores = sphere_labels(maps.shape, maps.affine, placement.centres, CORE * radius)
    labels = np.zeros(maps.shape, np.int64)
    for array in dict.fromkeys(sphere.array for sphere in spheres):
        members = np.array([sphere.array == array for sphere in spheres])
        # A sphere with gross errors counts, if its neighbours show that it is imaged.
        if placement.found[members].mean() >= _SEEN:
            for place in np.flatnonzero(members):
                labels[cores == place + 1] = numbers[place]
    return labels
