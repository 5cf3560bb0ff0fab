"""The JSON beside the maps: what they were made from, how, and by what."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import InputError, SeriesError
from ..maps import Maps
from ..paths import exists
from ..records import plain
from ..sequence import Sequence
from ..text import read_json

_TOOL = "spinprint"
_NO_TEXT = re.compile("[\ud800-\udfff]")  # what Python takes such a byte for

RUN = ("SourceHashes", "SequenceHash", "Provenance")
"""What the sidecars of all maps of a run say alike, and those of another run do not."""


def shared_sidecar(
    maps: Maps, sequence: Sequence, sources: Iterable[str | Path], out: Path
) -> dict[str, Any]:
    """What the sidecars of all maps of one run say alike; paths are relative to `out`."""
    paths = [Path(source) for source in sources]
    names = [_relative(path, out) for path in paths]
    provenance = plain(maps.provenance, as_text=True)
    return {
        "Sources": names,
        "SourceHashes": {name: _sha256(path) for name, path in zip(names, paths, strict=True)},
        "EstimationAlgorithm": provenance.get("estimator", "not stated"),
        "SequenceName": sequence.name,
        "SequenceHash": sequence.digest,
        "MagneticFieldStrength": sequence.field_strength,
        "Seed": provenance.get("seed"),
        # BIDS requires it. No skull is looked for here: a mask may hold any region of any body,
        # and the status, not this field, states where the values end.
        "SkullStripped": False,
        "GeneratedBy": generated_by(),
        "Provenance": provenance,
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    r"""Write a JSON object for people and programs.

    Bytes of file names that are no text stand in it as `\xff`, in letters.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    text = _NO_TEXT.sub(lambda found: rf"\\x{ord(found[0]) & 0xFF:02x}", text)
    path.write_text(text + "\n", encoding="utf-8")


def sidecar_path(image: Path) -> Path:
    """Where the sidecar of an image is, if it has one."""
    return image.with_name(image.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def read_sidecar(image: Path) -> dict[str, Any]:
    """The sidecar of an image; empty if there is none.

    Raises
    ------
    SeriesError
        It holds no JSON object.
    """
    path = sidecar_path(image)
    return read_json(path, SeriesError) if exists(path, SeriesError) else {}


def is_ours(path: Path) -> bool:
    """Whether a JSON file says that this package generated what it describes."""
    try:
        return bool(read_json(path)["GeneratedBy"][0]["Name"] == _TOOL)
    except (InputError, LookupError, TypeError):
        return False


def has_keys(path: Path, keys: Iterable[str]) -> bool:
    """Whether a file is a JSON object with these keys, by which a table of ours is known."""
    try:
        return {*keys} <= {*read_json(path)}
    except InputError:
        return False


def generated_by() -> list[dict[str, str]]:
    """Name and version of this package, as BIDS has them written."""
    return [{"Name": _TOOL, "Version": version(_TOOL)}]


def _relative(path: Path, out: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), out.resolve())).as_posix()
    except ValueError:  # on another drive there is no way from one to the other
        return path.resolve().as_posix()


def _sha256(path: Path) -> str | None:
    """The hash of a file; None if it is gone by the time the maps are finished."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
