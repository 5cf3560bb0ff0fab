"""NIfTI-1 and -2 images in one file, packed or not."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from logging import CRITICAL, Logger
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SeriesError
from .geometry import Geometry
from .stored import MOST_DEFLATED, Array, Stored

GZIP = b"\x1f\x8b"
HEAD = 540
"""Bytes of the longer of the two headers."""


def is_nifti(head: bytes) -> bool:
    """Whether a file that begins so is an image."""
    return _is_first(head) or head[4:8] == b"n+2\0"


def read_nifti(path: Path) -> tuple[Array, Geometry]:
    """The scaled values of an image, and its geometry.

    Raises
    ------
    SeriesError
        Its values are no numbers, or more than the file holds or than memory has room for.
    Exception
        Whatever nibabel says of a damaged header.
    """
    import nibabel as nib

    packed = _is_packed(path)
    with _open(path, packed) as stream, _silent(nib.imageglobals.logger):
        head = stream.read(HEAD)
        kind = nib.Nifti1Header if _is_first(head) else nib.Nifti2Header
        # Of the header alone: extensions state sizes of their own, and are not wanted.
        header = kind(head[: kind.template_dtype.itemsize])
        array = _stored(path, stream, header, packed).read(path)
        # gzip checks its sum only at the end of the file, beyond the last voxel.
        while stream.read(1 << 20):
            pass
    return array, Geometry.from_header(header)


def _stored(path: Path, stream: BufferedIOBase, header: Any, packed: bool) -> Stored:
    """What the header says of the voxels."""
    from nibabel.arrayproxy import ArrayProxy

    proxy = ArrayProxy(stream, header, mmap=False)
    if proxy.dtype.kind not in "biufc":
        raise SeriesError(f"{path}: holds {proxy.dtype}, e.g. colours: values must be numbers")
    size = path.stat().st_size * (MOST_DEFLATED if packed else 1)
    return Stored(
        shape=proxy.shape,
        dtype=proxy.dtype,
        load=lambda: np.asarray(proxy),
        held=size - proxy.offset,
        work=0 if proxy.slope == 1 and proxy.inter == 0 else 8 * math.prod(proxy.shape),
    )


def _is_first(head: bytes) -> bool:
    return head[344:348] == b"n+1\0"


def _open(path: Path, packed: bool) -> BufferedIOBase:
    return gzip.open(path) if packed else path.open("rb")


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP


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
