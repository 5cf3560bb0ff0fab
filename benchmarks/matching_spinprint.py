"""spinprint as a worker of `matching.py`; the argument is the file of atoms and voxels."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from common import serve
from spinprint.dictionary.matching_cpu import CpuMatcher

with np.load(sys.argv[1]) as file:
    atoms, voxels = file["atoms"], file["voxels"]


@cache
def matcher() -> CpuMatcher:
    """The atoms laid out for matching."""
    return CpuMatcher(atoms)


def lay_out() -> dict[str, Any]:
    """What is done once for a dictionary."""
    matcher()
    return {}


def match() -> dict[str, Any]:
    """The best atom of every voxel."""
    index, score = matcher().best(voxels)
    return {"index": index, "score": score}


serve({"lay_out": lay_out, "match": match}, ("spinprint", "numba", "numpy"))
