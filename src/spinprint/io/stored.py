"""An array as its file declares it, before any of it is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SeriesError
from ..room import in_words, require_room

Array = NDArray[Any]

MOST_DEFLATED = 1032
"""Bytes that one byte of a gzip or zlib stream can become at most (zlib's technical details)."""

_COMPLEX_PAIRS = (("r", "i"), ("real", "imag"))  # as h5py and MATLAB name them
_LISTED = 6  # arrays that a message names


@dataclass(frozen=True, eq=False, kw_only=True)
class Stored:
    """What a file says of an array, and how to read it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], Array]
    """Reads it; called after `read` has seen that it can."""
    held: int | None = None
    """The most bytes of it that the file can hold; None where that is not known."""
    work: int = 0
    """Memory that reading takes besides the array itself [bytes]."""

    @property
    def is_complex(self) -> bool:
        """Whether its values are complex numbers, or pairs that stand for them."""
        return self.dtype.kind == "c" or self._is_pair

    @property
    def is_numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.dtype.kind in "biuf" or self.is_complex

    @property
    def _is_pair(self) -> bool:
        fields: Mapping[str, Any] = self.dtype.fields or {}
        return self.dtype.names in _COMPLEX_PAIRS and all(
            part.subdtype is None and part.kind in "biuf" for part, *_ in fields.values()
        )

    def read(self, path: Path) -> Array:
        """The values, complex pairs as complex numbers.

        Raises
        ------
        SeriesError
            It is larger than what the file holds, or than what memory is free.
        """
        if any(length < 0 for length in self.shape):
            raise SeriesError(f"{path}: states a shape of {self.shape}: it is damaged")
        size = math.prod(self.shape) * self.dtype.itemsize
        if self.held is not None and size > self.held:
            raise SeriesError(
                f"{path}: cut short or damaged: it states {in_words(size)} of values of shape"
                f" {self.shape} and holds {in_words(max(0, self.held))} at most: copy or export it"
                " again"
            )
        # A pair is there as such and as complex numbers for a while.
        work = size if self._is_pair else self.work
        require_room(
            size + work, f"{path}: its array of shape {self.shape}", SeriesError,
            "give a part of it",
        )  # fmt: skip
        array = self.load()
        if self._is_pair:
            real, imaginary = (array[name] for name in array.dtype.names or ())
            array = real + 1j * imaginary
        return array


def choose(arrays: Mapping[str, Stored], path: Path, want_complex: bool) -> Stored:
    """The one array of numbers with at least two axes.

    Raises
    ------
    SeriesError
        There is none, or several are as good.
    """
    able = {name: one for name, one in arrays.items() if len(one.shape) >= 2 and one.is_numeric}
    meant = {name: one for name, one in able.items() if one.is_complex == want_complex} or able
    if len(meant) == 1:
        return next(iter(meant.values()))
    if not meant:
        raise SeriesError(f"{path}: holds no array of numbers with two axes or more")
    listed = [f"{name} {one.shape} {one.dtype}" for name, one in meant.items()]
    more = f", and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    raise SeriesError(
        f"{path}: holds several arrays ({', '.join(listed[:_LISTED])}{more}): save the one that is"
        " meant"
    )


def exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """So many bytes of a stream.

    Raises
    ------
    EOFError
        It ends before.
    """
    content = read(size)
    if len(content) < size:
        raise EOFError(f"{size} bytes wanted, {len(content)} there")
    return content
