"""An image series: what the scanner measured, voxel by voxel over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import OutputError, SeriesError
from ..files import replacing
from ..room import require_room
from ..sequence import Sequence
from .geometry import Geometry
from .halves import given_half, half_beside, is_magnitude, joined, unused_phase
from .images import read_images

_SMALL = 2.0**-100
"""Values below lose bits in single precision, or all of them."""

NIFTI_SUFFIXES = (".nii", ".nii.gz")


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """An image series with its place in space: complex, or its magnitudes where these are wanted.

    Raises
    ------
    SeriesError
        The data are not complex, have not four axes, or hold nothing but zeros, NaN and Inf.
    """

    data: NDArray[Any]
    """The images, complex64 of shape `(x, y, z, time)` [arbitrary], or float32 and their moduli;
    may hold NaN and Inf. In double precision where single holds none of them well."""
    geometry: Geometry | None = None
    """Where the voxels lie; None where the file format does not say."""
    sources: tuple[Path, ...] = ()
    """The files it was read from: one, or its two halves."""
    magnitude: bool = False
    """Whether the moduli of the images are kept, and nothing else of them."""
    remarks: tuple[str, ...] = ()
    """How the files were understood, a sentence each."""

    def __post_init__(self) -> None:
        if self.data.ndim != 4 or not (self.magnitude or np.iscomplexobj(self.data)):
            raise SeriesError(
                f"{self.name}: {self.data.dtype} data of shape {self.data.shape} must be complex"
                " with the axes (x, y, z, time)"
            )
        # A NaN of a damaged file may be a signalling one, which numpy remarks on.
        with np.errstate(invalid="ignore"):
            useful = np.isfinite(self.data) & (self.data != 0)
        if not useful.any():
            raise SeriesError(
                f"{self.name}: no value is finite and other than 0:"
                " there is nothing to map, check how the file was exported"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            data = np.abs(self.data) if self.magnitude else self.data
        single = _cast(data, np.float32 if self.magnitude else np.complex64)
        object.__setattr__(self, "data", single if _holds(single) else data)

    @property
    def source(self) -> Path | None:
        """The file it was read from, or the first of two; None if it was made in memory."""
        return self.sources[0] if self.sources else None

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.source or "series")

    @property
    def affine(self) -> NDArray[np.float64] | None:
        """Voxel to world transform, shape (4, 4) [mm]; None if the file states none."""
        return self.geometry.affine if self.geometry else None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels, `(x, y, z)`."""
        x, y, z, _ = self.data.shape
        return x, y, z

    @property
    def length(self) -> int:
        """Number of time points."""
        return self.data.shape[3]

    def require_length(self, sequence: Sequence) -> None:
        """Make sure that the sequence can have made this series.

        Raises
        ------
        SeriesError
            The number of time points is not the sequence's number of samples.
        """
        if self.length != sequence.n_samples:
            turned = sequence.n_samples in self.shape
            raise SeriesError(
                f"{self.name}: {self.length} time points, but sequence {sequence.name!r} has"
                f" {sequence.n_samples} samples: "
                + (
                    "time must be the last axis"
                    if turned
                    else "give the sequence this series was measured with"
                )
            )


def read_series(
    path: str | Path,
    imaginary: str | Path | None = None,
    *,
    phase: str | Path | None = None,
    phase_unit: str | None = None,
    magnitude: bool = False,
    conjugate: bool = False,
) -> Series:
    """Read an image series: complex, or in two halves.

    The format is told by the content: NIfTI-1 or -2, NumPy, MATLAB (v5, v7, v7.3) or HDF5. A
    NIfTI has the axes `(x, y, z, time)`; in the other formats an array may have two to four, of
    which the last is `time`, and missing spatial axes get length 1. More axes are read where all
    but four have length 1. A file that holds several arrays must hold one complex one.

    Parameters
    ----------
    path
        The complex series, or one half of it. The other half is found by its name: BIDS
        (`…_part-real_…` and `…_part-imag_…`, `…_part-mag_…` and `…_part-phase_…`) or dcm2niix
        (`…_real` and `…_imaginary`, `…` and `…_ph`).
    imaginary
        The imaginary part, if `path` is a real part.
    phase
        The phase, if `path` is a magnitude.
    phase_unit
        What the phase is in where its sidecar does not state it, see `phase.phase_turn`.
    magnitude
        True reads magnitudes to be mapped as such: real images, or the moduli of complex ones.
    conjugate
        True turns the sense of the phase, for scanners that count it against the model.

    Raises
    ------
    SeriesError
        A file is missing, damaged, of another format, not complex, or has other axes; the halves
        do not belong together, or the unit of a phase is not known.
    """
    path = Path(path)
    if imaginary is not None and phase is not None:
        raise SeriesError("give an imaginary part or a phase, not both: the other half is one")
    if magnitude and (phase is not None or phase_unit is not None or conjugate):
        raise SeriesError(
            "magnitudes have no phase: leave --phase, --phase-unit and --conjugate out, or"
            " --magnitude"
        )
    images = read_images(path, want_complex=True)
    data = images.values
    sources: tuple[Path, ...] = (path,)
    remarks: tuple[str, ...] = ()
    if images.is_complex:
        if imaginary is not None or phase is not None:
            part = "phase" if imaginary is None else "imaginary part"
            raise SeriesError(f"{path}: is complex already: leave the {part} out")
    else:
        given = given_half(path, imaginary, phase)
        if magnitude and given is None and is_magnitude(images):
            remarks = unused_phase(path)
        else:
            data, sources, remarks = joined(images, given or half_beside(path), phase_unit)
            if imaginary is not None and remarks:
                named = Path(imaginary).name
                remarks = (f"{named} is no imaginary part: it is joined as a phase.", *remarks)
    if phase_unit is not None and not remarks:
        raise SeriesError("--phase-unit was given, but no phase is read: leave it out")
    return Series(
        data=data.conj() if conjugate else data,
        geometry=images.geometry, sources=sources, magnitude=magnitude, remarks=remarks,
    )  # fmt: skip


def write_series(path: str | Path, data: ArrayLike, affine: ArrayLike | None = None) -> Path:
    """Write a complex image series as NIfTI, complex64.

    Parameters
    ----------
    path
        Ends in .nii or .nii.gz.
    data
        The images, shape `(x, y, z, time)`.
    affine
        Voxel to world transform, shape (4, 4) [mm].

    Returns
    -------
    path
        The file, for printing.

    Raises
    ------
    OutputError
        The name has another suffix or the file cannot be written.
    SeriesError
        The data have not four axes, or the affine is none.
    """
    path = Path(path)
    if not path.name.endswith(NIFTI_SUFFIXES):
        raise OutputError(f"{path}: a series is written as NIfTI: end the name in .nii or .nii.gz")
    array = _cast(np.asarray(data), np.complex64)
    if array.ndim != 4:
        raise SeriesError(f"a series of shape {array.shape} must have the axes (x, y, z, time)")
    image = Geometry.from_affine(affine).image(array)
    with replacing(path) as temporary:
        image.to_filename(temporary)
    return path


def _cast(array: NDArray[Any], kind: type[Any]) -> NDArray[Any]:
    """The array in a type of single precision."""
    if array.dtype != kind or not array.flags.c_contiguous:  # then both are there
        need = array.size * np.dtype(kind).itemsize
        what = f"a series of shape {array.shape}"
        require_room(need, what, SeriesError, "give a part of it")
    # What is too large becomes Inf, and Inf is the estimators' to mark.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=kind)


def _holds(single: NDArray[Any]) -> bool:
    """Whether the range of single precision is the right one for what was cast to it."""
    with np.errstate(invalid="ignore", over="ignore"):
        return bool((np.isfinite(single) & (np.abs(single) > _SMALL)).any())
