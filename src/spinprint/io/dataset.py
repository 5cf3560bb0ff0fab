"""What a dataset says of itself as a whole: description, README and `.bidsignore`.

What somebody else has written there stays: names of authors, a README, patterns to ignore.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import SeriesError
from ..records import plain
from ..text import read_json
from . import bids
from .sidecar import generated_by, is_ours, write_json

_MAPS = "Quantitative maps from MR fingerprinting"
_TRUTH = "True maps of a simulated phantom"

_ANY_NAME = {"encoding": "utf-8", "errors": "surrogateescape"}  # file names need not be UTF-8
_READMES = ("README", "README.md", "README.rst", "README.txt")  # BIDS allows one of them

_README = """\
{title}
{underline}

Each image holds one quantity, NaN where a voxel has no value. The JSON file beside it states the
quantity and its unit, the source files with their SHA-256, the pulse sequence with its hash, and
how the values were found: the estimator and its settings. `desc-sd` in a name stands for a
standard deviation; the codes of `*_desc-status_dseg.nii.gz`, what happened in each voxel, are
listed in the TSV file beside it. `.bidsignore` names the files that BIDS has no rule for.

Written by spinprint, a derivative as the Brain Imaging Data Structure defines it. The program
cannot know whose work this is: those who measured and mapped add their names to
`dataset_description.json` as "Authors". What is added there and what is changed here stays when
further maps are written.
"""


def write_dataset(stage: Path, out: Path, *, truth: bool) -> list[str]:
    """Write into `stage` the files that the dataset `out` needs at its root.

    Parameters
    ----------
    stage
        A folder.
    out
        The dataset as it is, or nothing yet.
    truth
        Whether it holds the truth of a simulation, and no estimates.

    Returns
    -------
    names
        Of the files written. A README that somebody else wrote has no successor.

    Raises
    ------
    SeriesError
        The description of the dataset cannot be read.
    """
    title = _TRUTH if truth else _MAPS
    write_json(stage / bids.DESCRIPTION, _description(out / bids.DESCRIPTION, title))
    (stage / bids.IGNORE).write_text(_ignored(out / bids.IGNORE), **_ANY_NAME)
    if not _is_ours_to_write(out):
        return [bids.DESCRIPTION, bids.IGNORE]
    (stage / bids.README).write_bytes(_readme(title))
    return [bids.DESCRIPTION, bids.IGNORE, bids.README]


def earlier_dataset(out: Path) -> list[Path]:
    """The files that `write_dataset` may replace: ours, and the one whose other lines it keeps."""
    files = [out / bids.IGNORE]
    if is_ours(out / bids.DESCRIPTION):
        files.append(out / bids.DESCRIPTION)
    if (out / bids.README).exists() and _is_ours_to_write(out):
        files.append(out / bids.README)
    return files


def _description(path: Path, title: str) -> dict[str, Any]:
    """Our fields, and those that somebody may have added to the file."""
    there = read_json(path, SeriesError) if path.exists() else {}
    ours = {
        "Name": title,
        "BIDSVersion": bids.VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [*generated_by(), *there.get("GeneratedBy", [])[1:]],
    }
    theirs = {key: value for key, value in there.items() if key not in ours}
    if there.get("Name") not in (None, _MAPS, _TRUTH):
        theirs["Name"] = there["Name"]
    described: dict[str, Any] = plain({**ours, **theirs}, as_text=True)
    return described


def _is_ours_to_write(out: Path) -> bool:
    """Whether the README is ours to write: there is none, or ours, as we left it."""
    there = [name for name in _READMES if os.path.lexists(out / name)]
    path = out / bids.README
    ours = [_readme(title) for title in (_MAPS, _TRUTH)]
    return not there or (there == [path.name] and path.is_file() and path.read_bytes() in ours)


def _readme(title: str) -> bytes:
    return _README.format(title=title, underline="=" * len(title)).encode()


def _ignored(path: Path) -> str:
    """Our lines, behind those that somebody may have added to the file."""
    lines = path.read_text(**_ANY_NAME).splitlines() if path.exists() else []
    theirs = [line for line in lines if line not in bids.IGNORED + bids.IGNORED_BEFORE]
    return "\n".join([*theirs, *bids.IGNORED]) + "\n"
