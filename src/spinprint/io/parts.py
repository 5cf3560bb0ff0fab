"""Series in two files: what each half is and what the other is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import SeriesError
from .sidecar import read_sidecar

Role = Literal["real part", "imaginary part", "magnitude", "phase"]

CARTESIAN: tuple[Role, Role] = ("real part", "imaginary part")
POLAR: tuple[Role, Role] = ("magnitude", "phase")

PAIRS: tuple[tuple[tuple[str, str], tuple[Role, Role]], ...] = (
    (("_part-real", "_part-imag"), CARTESIAN),  # BIDS
    (("_part-mag", "_part-phase"), POLAR),
    (("_real", "_imaginary"), CARTESIAN),  # dcm2niix
    (("_real", "_imag"), CARTESIAN),
    (("_magnitude", "_phase"), POLAR),
    (("_mag", "_phase"), POLAR),
    (("", "_ph"), POLAR),  # dcm2niix leaves magnitudes unnamed
    (("", "_phase"), POLAR),
)
"""How the halves of a series are named, and what they are: a BIDS entity stands anywhere in the
name, all else at its end."""

_NIFTI = (".nii.gz", ".nii")
_PHASES = {"P", "PHASE", "PHASE MAP"}  # among the image types of DICOM


@dataclass(frozen=True, slots=True)
class Half:
    """The other half of a series."""

    path: Path
    role: Role
    """What it is."""
    own: Role
    """What the file is that it belongs to."""


def role_of(path: Path) -> Role | None:
    """What a file is by its name, or by the image type in its sidecar; None if neither says."""
    named = next((half.own for half in _halves(path, unnamed=False)), None)
    if named:
        return named
    try:
        types = read_sidecar(path).get("ImageType")
    except SeriesError:  # a sidecar that says nothing
        return None
    stated = {str(one).upper() for one in types} if isinstance(types, list) else set()
    return "phase" if stated & _PHASES else None


def other_half(path: Path) -> Half | None:
    """The other half of a file; of several that it may be called, the one that is there.

    None where its name does not say that it is a half, and no phase lies beside it.
    """
    there = (half for half in _halves(path, unnamed=True) if half.path.exists())
    return next(there, None) or next(_halves(path, unnamed=False), None)


def _halves(path: Path, *, unnamed: bool) -> Iterator[Half]:
    """What the other half may be; `unnamed` also where the name of the file says nothing."""
    suffix = next((end for end in _NIFTI if path.name.endswith(end)), path.suffix)
    stem = path.name.removesuffix(suffix)
    suffixes = (suffix, *(end for end in _NIFTI if end != suffix and suffix in _NIFTI))
    for names, roles in PAIRS:
        for own, other in ((0, 1), (1, 0)):
            if not names[own] and not unnamed:
                continue
            end = "(?=_|$)" if names[own].startswith("_part-") else "$"
            renamed, count = re.subn(names[own] + end, names[other], stem, count=1)
            for suffix in suffixes if count else ():
                yield Half(path.with_name(renamed + suffix), roles[other], roles[own])
