"""Text on consoles that are not UTF-8: what they lack is written in plain characters."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

_HANDLER = "spinprint-plain"

_PLAIN = {
    "°": "deg", "²": "2", "³": "3", "·": ".", "×": "x", "±": "+-", "−": "-", "–": "-", "—": "-",
    "…": "...", "√": "sqrt ", "≤": "<=", "≥": ">=", "≈": "~", "→": "->", "ρ": "rho", "σ": "sigma",
    "µ": "u", "μ": "u", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*", "✓": "+", "┤": "|",
}  # fmt: skip

_BRAILLE = 0x2800
_UPPER, _LOWER = 0b0001_1011, 0b1110_0100
"""Bits of the dots in the upper and in the lower half of a braille character."""


def speak_plainly() -> None:
    """Let no character stop what is printed: each is written as well as the console can.

    Names of files that are no text in the encoding of the system keep their bytes.
    """
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def plain(character: str) -> str:
    """A character in ASCII, as like it as can be."""
    if character in _PLAIN:
        return _PLAIN[character]
    if unicodedata.name(character, "").startswith("BRAILLE PATTERN"):
        dots = ord(character) - _BRAILLE
        upper, lower = bool(dots & _UPPER), bool(dots & _LOWER)
        return {(True, True): ":", (True, False): "'", (False, True): ".", (False, False): " "}[
            upper, lower
        ]
    if unicodedata.name(character, "").startswith("BOX DRAWINGS"):
        return {"HORIZONTAL": "-", "VERTICAL": "|"}.get(
            unicodedata.name(character).split()[-1], "+"
        )
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letters or "?"


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """The error handler of the encoders: see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":  # a byte of a file name, as `os.fsdecode` keeps it
        return bytes([ord(character) - 0xDC00]), error.start + 1
    return plain(character), error.start + 1
