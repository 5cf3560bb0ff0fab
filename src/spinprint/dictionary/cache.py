"""Dictionaries that were built before, found again by what they hold."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from ..errors import DictionaryError, OutputError
from ..parallel import Progress
from ..sequence import Sequence
from ..tissue import ParameterGrid
from .dictionary import Dictionary


def cache_folder() -> Path:
    """Where dictionaries are kept: `$SPINPRINT_CACHE`, or the user's cache folder."""
    if folder := os.environ.get("SPINPRINT_CACHE"):
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("spinprint")


def build_cached(
    sequence: Sequence, grid: ParameterGrid, progress: Progress | None = None
) -> Dictionary:
    """The dictionary of a sequence on a grid, from the cache if it is there.

    The name of the file is a hash of sequence, grid and code; a damaged file is built anew, and
    a cache that cannot be written is done without.
    """
    content = [sequence.digest, grid.to_dict(), _code_digest()]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / f"dictionary-{key[:32]}.h5"
    with suppress(DictionaryError):
        return Dictionary.load(path, sequence)
    dictionary = Dictionary.build(sequence, grid, progress=progress)
    with suppress(OutputError):
        dictionary.save(path)
    return dictionary


def _code_digest() -> str:
    """SHA-256 of what computes atoms: a version number would not tell an edited checkout."""
    package = Path(__file__).parents[1]
    hasher = hashlib.sha256()
    for folder in ("physics", "dictionary"):
        for path in sorted((package / folder).rglob("*.py")):
            hasher.update(path.read_bytes())
    return hasher.hexdigest()
