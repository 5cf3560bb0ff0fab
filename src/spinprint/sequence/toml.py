"""Sequence files: TOML in the format `spinprint-sequence/1`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import SequenceError
from ..files import settle
from ..paths import exists
from ..text import parse_toml, read_text
from .blocks import BLOCK_TYPES
from .fields import Record, quantities
from .sequence import FORMAT, Sequence
from .slice_profile import PROFILE_TYPES

_REQUIRED = ("format", "name", "field_strength_t", "block")
_OPTIONAL = (
    "spoiler_rad_per_mm",
    "citation",
    *(field.key for field in quantities(Sequence).values()),
    "slice_profile",
)

_Record = TypeVar("_Record", bound=Record)


def load_sequence(path: str | Path) -> Sequence:
    """Read a sequence file, or take a preset by its name.

    Parameters
    ----------
    path
        A TOML file in the format `spinprint-sequence/1`, or the name of a preset.

    Raises
    ------
    SequenceError
        The file cannot be read or breaks a rule; the message names the file, block and key.
    """
    from .presets import PRESETS

    path = Path(path)
    if not exists(path, SequenceError) and str(path) in PRESETS:
        return PRESETS[str(path)]()
    settle(path)
    missing = f"no such file, nor a preset ({', '.join(PRESETS)})"
    return parse_sequence(read_text(path, SequenceError, missing), source=str(path))


def parse_sequence(text: str, source: str = "sequence") -> Sequence:
    """Build a sequence from the text of a file; `source` names it in messages.

    Raises
    ------
    SequenceError
        The text is no TOML or breaks a rule of the format.
    """
    tables = parse_toml(text, source, SequenceError, any_integer=True)
    try:
        return sequence_from_dict(tables)
    except SequenceError as error:
        raise SequenceError(f"{source}: {error}") from None


def sequence_from_dict(data: dict[str, Any]) -> Sequence:
    """Build a sequence from the tables of a file.

    Raises
    ------
    SequenceError
        A key is unknown, missing or of the wrong kind, or a value is impossible.
    """
    if "format" in data and data["format"] != FORMAT:
        raise SequenceError(f'format = {data["format"]!r} must be "{FORMAT}"')
    _check_keys(data, required=_REQUIRED, known=_REQUIRED + _OPTIONAL)
    tables = data["block"]
    if not isinstance(tables, list):
        raise SequenceError("block must be a list of tables: begin each block with [[block]]")
    return Sequence(
        name=data["name"],
        blocks=tuple(
            _record(BLOCK_TYPES, table, f"block {index}")
            for index, table in enumerate(tables, start=1)
        ),
        field_strength=data["field_strength_t"],
        spoiler=data.get("spoiler_rad_per_mm", 0.0),
        citation=data.get("citation", ""),
        slice_profile=_record(PROFILE_TYPES, data["slice_profile"], "slice_profile")
        if "slice_profile" in data
        else None,
        **_values(Sequence, data),
    )


def format_sequence(sequence: Sequence) -> str:
    """The text of a sequence file that reads back as an equal sequence."""
    import tomlkit

    return tomlkit.dumps(sequence.to_dict())


def _record(types: dict[str, type[_Record]], table: Any, place: str) -> _Record:
    """The record of one of these types that stands in a table at a place in the file."""
    kind = table.get("type") if isinstance(table, dict) else None
    record_type = types.get(kind) if isinstance(kind, str) else None
    try:
        if record_type is None:
            raise SequenceError(f"type = {kind!r} must be one of {', '.join(types)}")
        place = f"{place} ({kind})"
        fields = quantities(record_type).values()
        required = [field.key for field in fields if not field.optional]
        _check_keys(table, required=required, known=["type", *(field.key for field in fields)])
        return record_type(**_values(record_type, table))
    except SequenceError as error:
        raise SequenceError(f"{place}: {error}") from None


def _values(record_type: type, table: dict[str, Any]) -> dict[str, Any]:
    """The declared fields that a table states, in SI units."""
    return {
        name: field.read(table[field.key])
        for name, field in quantities(record_type).items()
        if field.key in table
    }


def _check_keys(table: dict[str, Any], *, required: Iterable[str], known: Iterable[str]) -> None:
    for key in table:
        if key not in known:
            raise SequenceError(f"unknown key {key!r}; the keys are {', '.join(known)}")
    for key in required:
        if key not in table:
            raise SequenceError(f"key {key!r} is missing")
