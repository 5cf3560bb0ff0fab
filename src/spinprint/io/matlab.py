"""MATLAB v5 and v7 files: the arrays they hold, once their structure is known to be sound.

scipy reads them, and goes by the types and sizes that the tags of a file state: an unknown type
makes it read outside of its tables, which ends the process. So the tags that scipy will meet are
walked through first. Structures, cells, text and objects are passed over, here and by scipy.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from .stored import MOST_DEFLATED, Array, Stored, exactly

_HEADER = 128  # bytes before the first variable
_NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
"""The types of the numbers in an element."""
_TEXT = (1, 16)  # the types of a name
_INTEGERS = (5, 6)  # those of flags and dimensions
_MATRIX, _COMPRESSED = 14, 15  # the types of a variable
_OPAQUE = 17  # a class of objects that have no dimensions
_ARRAYS = range(6, 16)  # the classes of arrays of numbers: double, single, int8 ... uint64
_COMPLEX = 1 << 11  # the flag of an array with an imaginary part
_MOST_AXES = 32  # that scipy has place for
_PIECE = 1 << 16

Read = Callable[[int], bytes]


@contextmanager
def matlab_arrays(path: Path) -> Iterator[dict[str, Stored]]:
    """The arrays of numbers of a file by name.

    Raises
    ------
    ValueError
        Its structure is damaged.
    """
    with path.open("rb") as file:
        found: dict[str, Stored] = {}
        for name, shape, dtype, held in _variables(file):
            # Of two with one name scipy would read the first.
            found.setdefault(name, _stored(file, name, shape, dtype, held))
        yield found


def _stored(
    file: BufferedReader, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], held: int
) -> Stored:
    def load() -> Array:
        from scipy.io import loadmat

        file.seek(0)
        return np.asarray(loadmat(file, variable_names=[name])[name])

    # Both parts of complex numbers are there before they are joined.
    work = math.prod(shape) * dtype.itemsize if dtype.kind == "c" else 0
    return Stored(shape=shape, dtype=dtype, load=load, held=held, work=work)


def _variables(
    file: BufferedReader,
) -> Iterator[tuple[str, tuple[int, ...], np.dtype[Any], int]]:
    """Name, shape and dtype of the arrays of numbers, and the most bytes that each can have."""
    header = file.read(_HEADER)
    order = {b"IM": "<", b"MI": ">"}.get(header[126:])
    if order is None:
        raise ValueError("its header states no order of bytes")
    end = file.seek(0, os.SEEK_END)
    place = _HEADER
    while place < end:
        file.seek(place)
        kind, size = np.frombuffer(exactly(file.read, 8), f"{order}u4").tolist()
        place += 8 + size
        if place > end or not size:
            raise EOFError("a variable reaches beyond the end of the file")
        read: Read = file.read
        held = size
        if kind == _COMPRESSED:
            read, held = _inflated(file, size), MOST_DEFLATED * size
            kind, size = np.frombuffer(exactly(read, 8), f"{order}u4").tolist()
        if kind != _MATRIX:
            raise ValueError(f"an element of type {kind} stands where a variable belongs")
        array = _Variable(read, order, size).array()
        if array:
            yield *array, held


class _Variable:
    """The elements of one variable, read one after the other."""

    def __init__(self, read: Read, order: str, size: int) -> None:
        self._read = read
        self._order = order
        self._left = size  # bytes of the variable that are not read yet

    def array(self) -> tuple[str, tuple[int, ...], np.dtype[Any]] | None:
        """Name, shape and dtype, if it is an array of numbers."""
        flags = self._integers(2)
        if len(flags) != 2:
            raise ValueError("a variable without flags")
        kind = flags[0] & 0xFF
        shape = () if kind == _OPAQUE else tuple(self._integers(_MOST_AXES))
        name = self._element(_TEXT, self._left)
        # Without a name it holds what functions of the file work on.
        if kind not in _ARRAYS or not name:
            return None
        if any(length < 0 for length in shape):
            raise ValueError(f"a variable of shape {shape}")
        dtype, size = self._values(shape)
        if flags[0] & _COMPLEX:
            self._pass(size + -size % 8)
            self._values(shape)
            dtype = np.dtype(np.complex64 if dtype.itemsize == 4 else np.complex128)
        return name.decode("latin1"), shape, dtype

    def _values(self, shape: tuple[int, ...]) -> tuple[np.dtype[Any], int]:
        """The type of the element of numbers that begins here, and the bytes that follow."""
        kind, size, small = self._tag()
        if kind not in _NUMBERS:
            raise ValueError(f"numbers of the unknown type {kind}")
        dtype = np.dtype(_NUMBERS[kind])
        if size != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{size} bytes of {dtype} for an array of shape {shape}")
        if small is None and size > self._left:
            raise EOFError(f"{size} bytes of an array, of which {self._left} are there")
        return dtype, size if small is None else 0

    def _integers(self, most: int) -> list[int]:
        content = self._element(_INTEGERS, 4 * most)
        if len(content) % 4:
            raise ValueError(f"integers in {len(content)} bytes")
        numbers: list[int] = np.frombuffer(content, f"{self._order}i4").tolist()
        return numbers

    def _element(self, kinds: tuple[int, ...], most: int) -> bytes:
        """The content of a short element."""
        kind, size, small = self._tag()
        if kind not in kinds or size > most:
            raise ValueError(f"an element of type {kind} and {size} bytes heads a variable")
        if small is not None:
            return small
        content = self._take(size)
        self._pass(-size % 8)
        return content

    def _tag(self) -> tuple[int, int, bytes | None]:
        """Type and size of the next element, and its content where that stands in the tag."""
        head = self._take(8)
        kind, size = np.frombuffer(head, f"{self._order}u4").tolist()
        if kind < 1 << 16:
            return kind, size, None
        size = kind >> 16
        if size > 4:
            raise ValueError(f"{size} bytes in a tag, where 4 have place")
        return kind & 0xFFFF, size, head[4 : 4 + size]

    def _take(self, size: int) -> bytes:
        if size > self._left:
            raise EOFError("a variable ends within an element")
        self._left -= size
        return exactly(self._read, size)

    def _pass(self, size: int) -> None:
        """Go on to the next element, where the variable has one; the last need not be padded."""
        while size and self._left:
            size -= len(self._take(min(size, self._left, _PIECE)))


def _inflated(file: BufferedReader, size: int) -> Read:
    """Reads what some bytes of a file become, never more of it than is asked for."""
    inflater = zlib.decompressobj()
    left, waiting = size, b""

    def read(wanted: int) -> bytes:
        nonlocal left, waiting
        pieces = bytearray()
        while len(pieces) < wanted and not inflater.eof:
            if not waiting:
                waiting = file.read(min(left, _PIECE))
                left -= len(waiting)
            if not waiting:
                break
            pieces += inflater.decompress(waiting, wanted - len(pieces))
            waiting = inflater.unconsumed_tail
        return bytes(pieces)

    return read
