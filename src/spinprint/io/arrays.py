"""One array from a file of any known format, told by its first bytes and not by its name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ..errors import InputError, SeriesError
from ..files import settle
from ..paths import kind_of
from ..room import free_memory, in_words
from .geometry import Geometry
from .hdf5 import MATLAB_PREAMBLE, SIGNATURE, hdf5_arrays
from .matlab import matlab_arrays
from .nifti import GZIP, is_nifti, read_nifti
from .numpy_files import npy_arrays, npz_arrays
from .stored import Array, Stored, choose

_HEAD = MATLAB_PREAMBLE + 32  # bytes that hold any NIfTI header, or that preamble and a signature
_FORMATS = "NIfTI (.nii, .nii.gz), NumPy (.npy, .npz), MATLAB (.mat) or HDF5 (.h5)"

Arrays = Callable[[Path], AbstractContextManager[dict[str, Stored]]]
"""Opens a file and gives the arrays that it declares, by name."""


def read_array(path: Path, *, want_complex: bool = False) -> tuple[Array, Geometry | None]:
    """Read the one array of numbers in a file, and its geometry where the format has one.

    Types, shapes and sizes are checked before anything is allocated.

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
        The file is missing, damaged, of another format, too large for the memory that is free, or
        does not hold exactly one array.
    """
    settle(path)
    head = _read_head(path)
    with _reading(path):
        if is_nifti(head):
            return read_nifti(path)
        with _format(path, head)(path) as arrays:
            return choose(arrays, path, want_complex).read(path), None


def _format(path: Path, head: bytes) -> Arrays:
    """The reader of a format other than NIfTI."""
    if head.startswith(b"\x93NUMPY"):
        return npy_arrays
    if head.startswith(b"PK\x03\x04"):
        return npz_arrays
    if head.startswith((b"MATLAB 7.3", SIGNATURE)) or head[MATLAB_PREAMBLE:].startswith(SIGNATURE):
        return hdf5_arrays
    if head.startswith(b"MATLAB 5.0"):
        return matlab_arrays
    if head[128:132] == b"DICM":
        raise SeriesError(f"{path}: is DICOM: convert the series to NIfTI first")
    if head[344:348] == b"ni1\0":
        raise SeriesError(f"{path}: is half of a NIfTI pair: save it as one file, .nii or .nii.gz")
    raise SeriesError(f"{path}: is no {_FORMATS} file: convert it to one of these")


def _read_head(path: Path) -> bytes:
    """The first bytes of a file, unpacked if it is gzip."""
    kind = kind_of(path, SeriesError)
    if kind is None:
        raise SeriesError(f"{path}: no such file")
    if kind != "file":
        what = "folder" if kind == "folder" else "device or a pipe"
        raise SeriesError(f"{path}: is a {what}: give one {_FORMATS} file")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise SeriesError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise SeriesError(f"{path}: is empty: copy or export it again")
    if head.startswith(GZIP):
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
    except MemoryError as error:
        free = free_memory()
        left = f"; {in_words(free)} are free" if free is not None else ""
        raise SeriesError(
            f"{path}: does not fit in memory ({_line(error) or 'no more is given'}{left}): give a"
            " part of it"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SeriesError(
            f"{path}: cut short or damaged ({_line(error)}): copy or export it again"
        ) from None
    except Exception as error:
        raise SeriesError(
            f"{path}: cannot be read, it may be cut short or damaged ({_line(error)}):"
            " copy or export it again"
        ) from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]
