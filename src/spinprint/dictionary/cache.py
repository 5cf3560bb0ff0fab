"""Dictionaries that were built before, found again by what they hold."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path

from pydantic import ByteSize, TypeAdapter, ValidationError

from ..cache import cache_folder, files_by_use, mark_used, trim
from ..errors import DictionaryError, InputError, OutputError
from ..parallel import Progress
from ..sequence import Sequence
from ..tissue import ParameterGrid
from .dictionary import SOURCE, Dictionary

LIMIT_VARIABLE = "SPINPRINT_CACHE_SIZE"
_LIMIT = "2GB"

_NAME = re.compile(r"(\.part-[0-9a-f]{8}-)?dictionary-[0-9a-f]{32}\.h5")
"""A dictionary, or what was left of one that was being written: the folder may hold other files."""

_SIZE = re.compile(r"[0-9]*\.?[0-9]+ *[A-Za-z]*")


def build_cached(
    sequence: Sequence,
    grid: ParameterGrid,
    progress: Progress | None = None,
    *,
    magnitude: bool = False,
) -> Dictionary:
    """The dictionary of a sequence on a grid, from the cache if it is there.

    The name of the file is a hash of sequence, grid and code; a damaged file is built anew, and
    a cache that cannot be written is done without. Dictionaries that were used least recently go
    where the cache is larger than `cache_limit`.

    Raises
    ------
    InputError
        The limit is set to what is no size.
    """
    limit = cache_limit()
    folder = cache_folder()
    if folder is None or SOURCE is None:
        return Dictionary.build(sequence, grid, magnitude=magnitude, progress=progress)
    content = [sequence.digest, grid.to_dict(), magnitude, SOURCE]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path = folder / f"dictionary-{key[:32]}.h5"
    with suppress(DictionaryError):
        dictionary = Dictionary.load(path, sequence)
        mark_used(path)
        return dictionary
    dictionary = Dictionary.build(sequence, grid, magnitude=magnitude, progress=progress)
    with suppress(OutputError):
        dictionary.save(path)
        trim(cached_files(folder), limit)
    return dictionary


def cached_files(folder: Path) -> list[tuple[Path, int]]:
    """The dictionaries in a cache and their sizes [bytes], those used last first."""
    return files_by_use(folder, _NAME.fullmatch)


def cache_limit() -> int:
    """How large the dictionaries of a cache may be together [bytes]: `$SPINPRINT_CACHE_SIZE`.

    Raises
    ------
    InputError
        The variable holds no size.
    """
    chosen = os.environ.get(LIMIT_VARIABLE) or _LIMIT
    try:
        if _SIZE.fullmatch(chosen):  # pydantic would take 2,5GB for 2 bytes
            return TypeAdapter(ByteSize).validate_python(chosen)
    except (ValidationError, OverflowError):
        pass
    raise InputError(f"{LIMIT_VARIABLE} = {chosen!r} must be a size such as 500MB or 2GB")
