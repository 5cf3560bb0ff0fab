"""Sequence files: TOML in the format `spinprint-sequence/1`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..errors import SequenceError
from .blocks import BLOCK_TYPES, Block, quantities
from .sequence import FORMAT, Sequence

_HEAD = {
    "format": (str, True),
    "name": (str, True),
    "field_strength_t": ((int, float), True),
    "spoiler_rad_per_mm": ((int, float), False),
    "citation": (str, False),
    "block": (list, True),
}


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
        text = path.read_bytes().decode()
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
    if data.get("format") != FORMAT:
        raise SequenceError(f'format = {data.get("format")!r} must be "{FORMAT}"')
    required = [key for key, (_, needed) in _HEAD.items() if needed]
    _check_keys(data, required=required, known=list(_HEAD))
    for key, (kind, _) in _HEAD.items():
        if key in data and (not isinstance(data[key], kind) or isinstance(data[key], bool)):
            raise SequenceError(f"{key} = {data[key]!r} is of the wrong kind")
    blocks = []
    for index, table in enumerate(data["block"], start=1):
        kind = table.get("type") if isinstance(table, dict) else None
        try:
            blocks.append(_block(kind, table))
        except SequenceError as error:
            name = f" ({kind})" if kind in BLOCK_TYPES else ""
            raise SequenceError(f"block {index}{name}: {error}") from None
    return Sequence(
        name=data["name"],
        blocks=tuple(blocks),
        field_strength=float(data["field_strength_t"]),
        spoiler=float(data.get("spoiler_rad_per_mm", 0.0)),
        citation=data.get("citation", ""),
    )


def format_sequence(sequence: Sequence) -> str:
    """The text of a sequence file that reads back as an equal sequence."""
    import tomlkit

    return tomlkit.dumps(sequence.to_dict())


def _block(kind: Any, table: Any) -> Block:
    if kind not in BLOCK_TYPES:
        raise SequenceError(f"type = {kind!r} must be one of {', '.join(BLOCK_TYPES)}")
    fields = quantities(BLOCK_TYPES[kind])
    keys = [field.key for field in fields.values()]
    _check_keys(table, required=keys, known=["type", *keys])
    given = {name: _to_si(field.si, table[field.key]) for name, field in fields.items()}
    return BLOCK_TYPES[kind](**given)


def _to_si(factor: float, value: Any) -> Any:
    if isinstance(value, list):
        return [_to_si(factor, one) for one in value]
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value * factor if plain else value


def _check_keys(table: dict[str, Any], *, required: list[str], known: list[str]) -> None:
    for key in table:
        if key not in known:
            raise SequenceError(f"unknown key {key!r}; the keys are {', '.join(known)}")
    for key in required:
        if key not in table:
            raise SequenceError(f"key {key!r} is missing")
