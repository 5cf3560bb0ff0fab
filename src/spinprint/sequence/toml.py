"""Sequence files: TOML in the format `spinprint-sequence/1`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import SequenceError
from .blocks import BLOCK_TYPES, Block, Quantity, number, quantities
from .sequence import FORMAT, Sequence

_HEAD = ("format", "name", "field_strength_t", "spoiler_rad_per_mm", "citation", "block")
_OPTIONAL = ("spoiler_rad_per_mm", "citation")


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
    if not path.exists() and str(path) in PRESETS:
        return PRESETS[str(path)]()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        presets = ", ".join(PRESETS)
        raise SequenceError(f"{path}: no such file, nor a preset ({presets})") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SequenceError(f"{path}: cannot be read as text ({error})") from None
    return parse_sequence(text, source=str(path))


def parse_sequence(text: str, source: str = "sequence") -> Sequence:
    """Build a sequence from the text of a file; `source` names it in messages.

    Raises
    ------
    SequenceError
        The text is no TOML or breaks a rule of the format.
    """
    try:
        return sequence_from_dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SequenceError(f"{source}: not valid TOML ({error})") from None
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
    _check_keys(data, required=[key for key in _HEAD if key not in _OPTIONAL], known=_HEAD)
    tables = data["block"]
    if not isinstance(tables, list):
        raise SequenceError("block must be a list of tables: begin each block with [[block]]")
    return Sequence(
        name=data["name"],
        blocks=tuple(_block_at(index, table) for index, table in enumerate(tables, start=1)),
        field_strength=data["field_strength_t"],
        spoiler=data.get("spoiler_rad_per_mm", 0.0),
        citation=data.get("citation", ""),
    )


def format_sequence(sequence: Sequence) -> str:
    """The text of a sequence file that reads back as an equal sequence."""
    import tomlkit

    return tomlkit.dumps(sequence.to_dict())


def _block_at(index: int, table: Any) -> Block:
    """The block that stands at a place in the file, counted from 1."""
    kind = table.get("type") if isinstance(table, dict) else None
    block_type = BLOCK_TYPES.get(kind) if isinstance(kind, str) else None
    place = f"block {index} ({kind})" if block_type else f"block {index}"
    try:
        if block_type is None:
            raise SequenceError(f"type = {kind!r} must be one of {', '.join(BLOCK_TYPES)}")
        return _block(block_type, table)
    except SequenceError as error:
        raise SequenceError(f"{place}: {error}") from None


def _block(block_type: type[Block], table: dict[str, Any]) -> Block:
    fields = quantities(block_type)
    keys = [field.key for field in fields.values()]
    _check_keys(table, required=keys, known=["type", *keys])
    return block_type(**{name: _to_si(field, table[field.key]) for name, field in fields.items()})


def _to_si(field: Quantity, value: Any) -> Any:
    """A number or a list of numbers in SI units."""
    if isinstance(value, list) and field.per_pulse:
        return [field.to_si(number(f"{field.key}[{i}]", one)) for i, one in enumerate(value)]
    return field.to_si(number(field.key, value))


def _check_keys(table: dict[str, Any], *, required: Iterable[str], known: Iterable[str]) -> None:
    for key in table:
        if key not in known:
            raise SequenceError(f"unknown key {key!r}; the keys are {', '.join(known)}")
    for key in required:
        if key not in table:
            raise SequenceError(f"key {key!r} is missing")
