"""One array from a file of any known format, told by its first bytes and not by its name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from logging import CRITICAL, Logger
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SeriesError
from ..files import settle
from .geometry import Geometry

Array = NDArray[Any]

_GZIP = b"\x1f\x8b"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_MATLAB_PREAMBLE = 512  # bytes of text before the HDF5 part of a MATLAB v7.3 file
_HEAD = 544  # bytes that hold any NIfTI header, or that preamble and the HDF5 signature
_FORMATS = "NIfTI (.nii, .nii.gz), NumPy (.npy, .npz), MATLAB (.mat) or HDF5 (.h5)"
_COMPLEX_PAIRS = (("r", "i"), ("real", "imag"))  # as h5py and MATLAB name them
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_MATLAB_NUMBERS = ("double", "single", "logical", *_INTEGERS)  # classes; others are no numbers


def read_array(path: Path, *, want_complex: bool = False) -> tuple[Array, Geometry | None]:
    """Read the one array of numbers in a file, and its geometry where the format has one.

    Parameters
    ----------
    path
        NIfTI-1 or -2, NumPy, MATLAB (v5, v7, v7.3) or HDF5.
    want_complex
        Which kind is meant where the file holds both complex and real arrays.

    Returns
    -------
    array
        Numbers of any dtype and shape, axes as they are indexed in the program that wrote them.
    geometry
        None unless the file is NIfTI.

    Raises
    ------
    SeriesError
        The file is missing, damaged, of another format, or does not hold exactly one array.
    """
    settle(path)
    head = _read_head(path)
    if _is_nifti(head):
        with _reading(path):
            return _read_nifti(path, head)
    with _reading(path):
        return _reader(path, head)(path, want_complex), None


def _reader(path: Path, head: bytes) -> Callable[[Path, bool], Array]:
    """The reader of a format other than NIfTI."""
    if head.startswith(b"\x93NUMPY"):
        return _read_npy
    if head.startswith(b"PK\x03\x04"):
        return _read_npz
    if head.startswith((b"MATLAB 7.3", _HDF5)) or head[_MATLAB_PREAMBLE:].startswith(_HDF5):
        return _read_hdf5
    if head.startswith(b"MATLAB 5.0"):
        return _read_matlab
    if head[128:132] == b"DICM":
        raise SeriesError(f"{path}: is DICOM: convert the series to NIfTI first")
    if head[344:348] == b"ni1\0":
        raise SeriesError(f"{path}: is half of a NIfTI pair: save it as one file, .nii or .nii.gz")
    raise SeriesError(f"{path}: is no {_FORMATS} file: convert it to one of these")


def _read_head(path: Path) -> bytes:
    """The first bytes of a file, unpacked if it is gzip."""
    if path.is_dir():
        raise SeriesError(f"{path}: is a folder: give one {_FORMATS} file")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise SeriesError(f"{path}: no such file") from None
    except OSError as error:
        raise SeriesError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise SeriesError(f"{path}: is empty: copy or export it again")
    if head.startswith(_GZIP):
        with _reading(path), gzip.open(path) as file:
            return file.read(_HEAD)
    return head


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say in one line what a file library says in many ways.

    The libraries raise some twenty types on damaged files, so anything that is not ours counts.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise SeriesError(f"{path}: does not fit in memory: give a part of it") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SeriesError(
            f"{path}: cut short or damaged ({_line(error)}): copy or export it again"
        ) from None
    except Exception as error:
        if "allow_pickle" in str(error):
            raise SeriesError(f"{path}: holds Python objects: save an array of numbers") from None
        raise SeriesError(
            f"{path}: cannot be read, it may be cut short or damaged ({_line(error)}):"
            " copy or export it again"
        ) from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _is_nifti(head: bytes) -> bool:
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def _read_nifti(path: Path, head: bytes) -> tuple[Array, Geometry]:
    """The scaled values of a NIfTI file in one piece, and its geometry."""
    import nibabel as nib

    kind = nib.Nifti1Image if head[344:348] == b"n+1\0" else nib.Nifti2Image
    with _open(path) as stream, _silent(nib.imageglobals.logger):
        image = kind.from_file_map(kind.make_file_map({"image": stream}), mmap=False)
        array = np.asarray(image.dataobj)
        # gzip checks its sum only at the end of the file, beyond the last voxel.
        while stream.read(1 << 20):
            pass
    if array.dtype.kind not in "biufc":
        raise SeriesError(f"{path}: holds {array.dtype}, e.g. colours: values must be numbers")
    return array, Geometry.from_header(image.header)


@contextmanager
def _silent(logger: Logger) -> Iterator[None]:
    """Keep nibabel's remarks on a header from the screen; what matters also comes as an exception.

    Its own suppressor takes the handlers away, after which Python prints the remarks as they are.
    """
    level = logger.level
    logger.setLevel(CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _open(path: Path) -> BufferedIOBase:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else path.open("rb")


def _read_npy(path: Path, want_complex: bool) -> Array:
    arrays = {"the array": np.load(path, allow_pickle=False)}
    return arrays[_choose(arrays, path, want_complex)]


def _read_npz(path: Path, want_complex: bool) -> Array:
    # Given a name, numpy would not close the file if it is damaged.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return arrays[_choose(arrays, path, want_complex)]


def _read_matlab(path: Path, want_complex: bool) -> Array:
    """The array of a MATLAB v5 or v7 file."""
    from scipy.io import loadmat, whosmat

    names = [name for name, _, kind in whosmat(path) if kind in _MATLAB_NUMBERS]
    arrays = loadmat(path, variable_names=names) if names else {}
    arrays = {name: arrays[name] for name in names}
    return arrays[_choose(arrays, path, want_complex)]


def _read_hdf5(path: Path, want_complex: bool) -> Array:
    """The dataset of an HDF5 or MATLAB v7.3 file."""
    import h5py

    with h5py.File(path, "r") as file:
        datasets: dict[str, Any] = {}

        def collect(name: str, item: Any) -> None:
            # MATLAB keeps the cells of cell arrays, which are no variables, below #refs#.
            if isinstance(item, h5py.Dataset) and not name.startswith("#"):
                datasets[name] = item

        file.visititems(collect)
        dataset = datasets[_choose(datasets, path, want_complex)]
        array = np.asarray(dataset[()])
        # MATLAB stores the first index fastest, so that HDF5 sees its axes the other way round.
        from_matlab = "MATLAB_class" in dataset.attrs or file.userblock_size == _MATLAB_PREAMBLE
    if array.dtype.names in _COMPLEX_PAIRS:
        real, imaginary = (array[name] for name in array.dtype.names)
        array = real + 1j * imaginary
    return array.T if from_matlab else array


def _choose(arrays: Mapping[str, Any], path: Path, want_complex: bool) -> str:
    """The name of the one array of numbers with at least two axes."""
    able = {
        name: array
        for name, array in arrays.items()
        if len(array.shape or ()) >= 2 and (_is_complex(array.dtype) or array.dtype.kind in "biuf")
    }
    meant = [name for name, array in able.items() if _is_complex(array.dtype) == want_complex]
    candidates = meant or list(able)
    if len(candidates) == 1:
        return candidates[0]
    listed = ", ".join(f"{name} {able[name].shape} {able[name].dtype}" for name in candidates)
    if candidates:
        raise SeriesError(f"{path}: holds several arrays ({listed}): save the one that is meant")
    raise SeriesError(f"{path}: holds no array of numbers with two axes or more")


def _is_complex(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "c" or dtype.names in _COMPLEX_PAIRS
