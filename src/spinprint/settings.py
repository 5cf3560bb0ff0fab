"""Settings as people write them: TOML files, read whole, checked once, no key unknown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InputError
from .text import parse_toml, read_text

Parsed = TypeVar("Parsed")


class Strict(BaseModel):
    """Settings as they stand in a file: frozen, checked once, no key unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def load_toml(
    path: str | Path,
    kind: str,
    parse: Callable[[dict[str, Any]], Parsed],
    error: type[InputError],
) -> Parsed:
    """Read a TOML file and make something of it; every error names the file.

    Parameters
    ----------
    path
        The file.
    kind
        What people call such a file, as "training".
    parse
        Makes something of what it holds, or raises an `InputError`.
    error
        What is raised where the file cannot be read.
    """
    data = parse_toml(read_text(path, error, f"no such {kind} file"), path, error)
    try:
        return parse(data)
    except InputError as problem:
        raise type(problem)(f"{path}: {problem}") from None


def first_problem(error: ValidationError) -> str:
    """Where the first rule is broken, and the rule."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    rules = {"missing": "the key is missing", "extra_forbidden": "unknown key"}
    rule = rules.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{place}: {rule[0].lower()}{rule[1:]}"
