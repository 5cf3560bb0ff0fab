"""An image series: what the scanner measured, voxel by voxel over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import OutputError, SeriesError
from ..files import replacing
from ..sequence import Sequence
from .arrays import read_array
from .geometry import Geometry, require_place

NIFTI_SUFFIXES = (".nii", ".nii.gz")
_REAL, _IMAGINARY = "_part-real", "_part-imag"  # the BIDS entities of the two halves


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """A complex image series with its place in space.

    Raises
    ------
    SeriesError
        The data are not complex, have not four axes, or hold nothing but zeros, NaN and Inf.
    """

    data: NDArray[np.complex64]
    """The images, shape `(x, y, z, time)` [arbitrary]; may hold NaN and Inf."""
    geometry: Geometry | None = None
    """Where the voxels lie; None where the file format does not say."""
    sources: tuple[Path, ...] = ()
    """The files it was read from: one, or the real and the imaginary part."""

    def __post_init__(self) -> None:
        if self.data.ndim != 4 or not np.iscomplexobj(self.data):
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
        object.__setattr__(self, "data", _complex64(self.data))

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


def read_series(path: str | Path, imaginary: str | Path | None = None) -> Series:
    """Read a complex image series.

    The format is told by the content: NIfTI-1 or -2, NumPy, MATLAB (v5, v7, v7.3) or HDF5. A
    NIfTI has the axes `(x, y, z, time)`; in the other formats an array may have two to four, of
    which the last is `time`, and missing spatial axes get length 1. A file that holds several
    arrays must hold one complex one.

    Parameters
    ----------
    path
        The complex series, or its real part.
    imaginary
        The imaginary part, if `path` is a real part. The other half of a BIDS pair
        (`…_part-real_…`, `…_part-imag_…`) is found without it.

    Raises
    ------
    SeriesError
        A file is missing, damaged, of another format, not complex, or has other axes.
    """
    path = Path(path)
    array, geometry = read_array(path, want_complex=True)
    second = Path(imaginary) if imaginary is not None else None
    if np.iscomplexobj(array):
        if second is not None:
            raise SeriesError(f"{path}: is complex already: leave the imaginary part out")
        return Series(data=_with_axes(array, path, geometry), geometry=geometry, sources=(path,))
    data = _with_axes(array, path, geometry)
    second = second or _other_half(path)
    return Series(
        data=_join(data, path, geometry, second), geometry=geometry, sources=(path, second)
    )


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
    array = _complex64(np.asarray(data))
    if array.ndim != 4:
        raise SeriesError(f"a series of shape {array.shape} must have the axes (x, y, z, time)")
    image = Geometry.from_affine(affine).image(array)
    with replacing(path) as temporary:
        image.to_filename(temporary)
    return path


def _with_axes(array: NDArray[Any], path: Path, geometry: Geometry | None) -> NDArray[Any]:
    """The array with the axes `(x, y, z, time)`."""
    shape = array.shape
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    # Outside NIfTI nothing fixes the number of axes; there, time is the last.
    fewest = 4 if geometry else 2
    if not fewest <= len(shape) <= 4:
        raise SeriesError(
            f"{path}: has {array.ndim} axes, shape {array.shape}: a series has four,"
            " (x, y, z, time), where x, y and z may be 1"
        )
    *space, time = shape
    return array.reshape(*space, *(1,) * (4 - len(shape)), time)


def _other_half(path: Path) -> Path:
    """The imaginary part that lies beside a BIDS real part."""
    if _REAL not in path.name:
        raise SeriesError(
            f"{path}: values are real, a series is complex: give the imaginary part as well, or"
            f" name the two …{_REAL}_… and …{_IMAGINARY}_…; magnitudes cannot be mapped, as the"
            " phase carries the sign of the signal"
        )
    other = path.with_name(path.name.replace(_REAL, _IMAGINARY))
    if not other.exists():
        raise SeriesError(
            f"{path}: is a real part, and its imaginary part {other.name} is not beside it:"
            " put it there or name it"
        )
    return other


def _join(
    real: NDArray[Any], path: Path, geometry: Geometry | None, second: Path
) -> NDArray[np.complex64]:
    """Real and imaginary part as one complex array, shape `(x, y, z, time)`."""
    array, place = read_array(second)
    if np.iscomplexobj(array):
        raise SeriesError(f"{second}: is complex, an imaginary part is real: give the right file")
    imaginary = _with_axes(array, second, place)
    if imaginary.shape != real.shape:
        raise SeriesError(
            f"{second}: shape {imaginary.shape} is not that of the real part {path.name},"
            f" {real.shape}: give the two parts of one series"
        )
    require_place(place, geometry, real.shape[:3], f"{second}: the imaginary part", "the real part")
    joined = np.empty(real.shape, dtype=np.complex64)
    with np.errstate(over="ignore", invalid="ignore"):
        joined.real, joined.imag = real, imaginary
    return joined


def _complex64(array: NDArray[Any]) -> NDArray[np.complex64]:
    # What is too large becomes Inf, and Inf is the estimators' to mark.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.complex64)
