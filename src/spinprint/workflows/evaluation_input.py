"""What an evaluation compares: maps, their reference, structures and sequence, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SequenceError, SeriesError
from ..evaluation.comparison import Reference, Role
from ..evaluation.spheres import place_spheres, sphere_labels
from ..io import FieldFiles, Geometry, read_maps, read_origin, require_place
from ..maps import Maps
from ..sequence import Sequence, load_sequence
from ..sequence.presets import PRESETS
from ..simulation.phantoms.nist import SPHERES, sphere_values
from .evaluation_voxels import Labels, missing_fields, read_fields, read_purities, read_structures

CORE = 0.75
"""Radius of the part of a sphere that is measured, of that of the sphere [-]."""

_COMPARED = ("t1", "t2")  # what the tables of the NIST phantom state
_SEEN = 0.5  # part of the spheres of an array that must be found for the array to count as imaged


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationInput:
    """All that is compared, on one grid of voxels."""

    maps: Maps
    """What was measured, `(x, y, z)`."""
    reference: Reference
    """What with."""
    other: Maps | None
    """The reference as maps, where it is some; None for a table."""
    labels: Labels | None
    """Structures, `(x, y, z)`."""
    names: Mapping[int, str]
    """Their names."""
    found: bool
    """Whether the structures were found in the maps, and not given."""
    purity: NDArray[np.float64] | None
    """Part of each voxel that its label fills, `(x, y, z)` [-]; None where it is not known."""
    fields: Mapping[str, NDArray[np.float32]]
    """B1 and B0 as the estimator knew them, `(x, y, z)` [relative, Hz]."""
    sequence: Sequence | None
    """What the maps were measured with, where it is known."""
    origin: Mapping[str, Any]
    """What the sidecars say of the maps."""
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
    maps, origin = read_maps(maps_dir, subject), read_origin(maps_dir, subject)
    known = _sequence(sequence, origin, maps_dir, truth)
    strength = _field_strength(origin, known)
    fields, remarks = read_fields(maps, files, strength)
    structures, names, said = read_structures(labels, erode, maps)
    remarks += said
    parts, said = read_purities(purity, labels, structures, names, maps)
    remarks += said + missing_fields(maps, fields)
    other = None
    if truth is not None:
        theirs = subject if subject and (truth / f"sub-{subject}").is_dir() else None
        other = read_maps(truth, theirs)
        role = _role(origin, read_origin(truth, theirs))
        reference = _reference(maps, other, truth, role, remarks.append)
    else:
        reference, structures, names = _nist(maps, strength, batch, structures)
        unseen = 28 - len(names)
        if unseen:
            remarks.append(f"{unseen} of 28 spheres lie outside the maps or were not found.")
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
        maps=maps, reference=reference, other=other, labels=structures, names=names,
        purity=parts, fields=fields, found=phantom is not None and labels is None, sequence=known,
        origin=origin,
        remarks=tuple(remarks),
    )  # fmt: skip


def _reference(
    maps: Maps, other: Maps, path: Path, role: Role, remark: Callable[[str], object]
) -> Reference:
    """Maps of a folder as the reference, on the same voxels."""
    if other.shape != maps.shape:
        raise SeriesError(
            f"{path}: has maps of shape {other.shape}, the maps to evaluate {maps.shape}:"
            " resample them onto each other"
        )
    theirs, ours = (Geometry.from_affine(one.affine) for one in (other, maps))
    require_place(theirs, ours, maps.shape, f"{path}:", "the maps", remark)
    return Reference(
        role=role,
        name=str(path),
        values={name: other[name].astype(np.float64) for name in other},
        sd={} if role is Role.TRUTH else {n: sd.astype(np.float64) for n, sd in other.sd.items()},
    )


def _role(origin: Mapping[str, Any], theirs: Mapping[str, Any]) -> Role:
    """Maps that name no estimator are the truth; others are told apart by their series."""
    algorithm = str(theirs.get("EstimationAlgorithm", "not stated"))
    if algorithm == "not stated" or algorithm.startswith("none"):
        return Role.TRUTH
    first, second = (_series_hash(one) for one in (origin, theirs))
    return Role.ESTIMATE if first is not None and first == second else Role.REPEAT


def _series_hash(origin: Mapping[str, Any]) -> str | None:
    """Of the first source, which is the series."""
    hashes = origin.get("SourceHashes")
    return next(iter(hashes.values()), None) if isinstance(hashes, dict) else None


def _sequence(
    given: str | None, origin: Mapping[str, Any], maps_dir: Path, truth: Path | None
) -> Sequence | None:
    """The sequence of the maps: given, or of the hash in their sidecars, as far as it is found."""
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
    for source in (*(str(path) for path in files if path.exists()), *PRESETS):
        if wanted is not None and (sequence := load_sequence(source)).digest == wanted:
            return sequence
    return None


def _field_strength(origin: Mapping[str, Any], sequence: Sequence | None) -> float | None:
    """Of the main field [T], as the sidecars state it or the sequence; None where it is not known.

    Raises
    ------
    SeriesError
        The sidecars state something else than a field strength.
    """
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
    table = {name: [getattr(one, name) for one in values.values()] for name in _COMPARED}
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
