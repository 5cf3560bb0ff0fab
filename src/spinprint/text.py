"""Text files of people and of other programs: decoded, parsed and bounded in one place.

Every reader of TOML, JSON or Pulseq text comes here, so that a file which is no text, nested
without end or full of digits is refused in one line wherever it turns up.
"""

from __future__ import annotations

import codecs
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

from .errors import InputError

_LARGEST = 1 << 29
"""Size of the largest file [bytes]; a device without end is one as well."""

_DEEPEST = 64
"""Lists and tables within each other."""

_LONGEST = 1023
"""Bits of the largest integer: as a floating-point number it is finite."""

_PYTHONS = 14_284
"""Bits of the largest integer that Python writes in decimal, of 4300 digits."""

_DIGITS = "an integer has more digits than any number that is meant"

_NESTED = "lists or tables are nested too deep"

_OTHER_ENCODINGS = {
    # UTF-32 first: its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character in JSON's escapes."""

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_DEEPEST}}}")
"""A key of so many parts that parsing it takes the square of their number."""


def read_text(
    path: str | Path, error: type[InputError] = InputError, missing: str = "no such file"
) -> str:
    r"""The text of a UTF-8 file without its byte-order mark, lines ended by `\n` alone.

    Parameters
    ----------
    path
        The file.
    error
        What is raised where it cannot be read; the message names the file.
    missing
        What the message says of a file that is not there.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise error(f"{path}: {missing}") from None
    except (OSError, ValueError) as problem:  # a name with a NUL byte is a ValueError
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{path}: cannot be read as text ({reason})") from None
    if obstacle := _not_text(content):
        raise error(f"{path}: cannot be read as text ({obstacle})")
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def parse_toml(
    text: str,
    source: str | Path,
    error: type[InputError] = InputError,
    *,
    any_integer: bool = False,
) -> dict[str, Any]:
    """The tables of a TOML text; messages begin with its source.

    With `any_integer` the caller refuses integers beyond the largest float, and names their place.
    """
    if _DOTTED.search(text):
        raise error(f"{source}: not valid TOML (a key has more than {_DEEPEST} parts)")
    bits = _PYTHONS if any_integer else _LONGEST
    return _parse(tomllib.loads, text, f"{source}: not valid TOML", error, bits)


def parse_json(
    text: str, source: str | Path, error: type[InputError] = InputError
) -> dict[str, Any]:
    """The object of a JSON text; messages begin with its source."""
    found = _parse(json.loads, text, f"{source}: cannot be read as JSON", error)
    if _SURROGATE.search(text):
        # Halves of pairs, as they stand for bytes of file names, could not be written again.
        whole = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
        found = json.loads(whole)
    if not isinstance(found, dict):
        raise error(f"{source}: holds no JSON object: it must be one, {{…}}")
    return found


def read_json(
    path: str | Path, error: type[InputError] = InputError, missing: str = "no such file"
) -> dict[str, Any]:
    """The object of a JSON file; arguments as for `read_text`."""
    return parse_json(read_text(path, error, missing), path, error)


def _not_text(content: bytes) -> str | None:
    """Why the bytes are not text as it is read here."""
    if len(content) > _LARGEST:
        return f"it is larger than {_LARGEST >> 20} MiB"
    for mark, name in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            return f"it is {name}: save it as UTF-8"
    if b"\0" in content:
        return "it holds bytes of 0: it is binary, or UTF-16; save it as UTF-8"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as problem:
        byte = content[problem.start]
        return f"byte {byte:#04x} at position {problem.start} is not UTF-8: save it as UTF-8"
    return None


def _parse(
    loads: Callable[[str], Any],
    text: str,
    failure: str,
    error: type[InputError],
    bits: int = _LONGEST,
) -> Any:
    try:
        found = loads(text)
    except RecursionError:
        raise error(f"{failure} ({_NESTED})") from None
    except ValueError as problem:
        # The decoders' own errors say where; a plain ValueError is Python's limit on digits.
        reason = _DIGITS if type(problem) is ValueError else problem
        raise error(f"{failure} ({reason})") from None
    if violation := next(_problems(found, bits), None):
        raise error(f"{failure} ({violation})")
    return found


def _problems(value: Any, bits: int) -> Iterator[str]:
    """What is wrong with parsed values, each of a kind that breaks code far from here."""
    for depth, level in enumerate(_levels(value)):
        for one in level:
            if isinstance(one, date | time):  # TOML has them
                yield "a date or a time is what no key takes: put text in quotes"
            elif isinstance(one, int) and one.bit_length() > bits:
                yield _DIGITS
        if depth == _DEEPEST:
            yield _NESTED
            return


def _levels(value: Any) -> Iterator[list[Any]]:
    """Parsed values: the outermost, those in it, those in these and so on."""
    level = [value]
    while level:
        yield level
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        level = below
