"""Random streams: what is drawn for one purpose never depends on what is drawn for another."""

from __future__ import annotations

import numpy as np

from ...errors import TissueError

_PURPOSES = ("person", "anatomy", "levels", "tissue", "fields", "pose", "noise")


def stream(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """The generator for one purpose, one of person, anatomy, levels, tissue, fields, pose, noise.

    Raises
    ------
    TissueError
        The seed is negative.
    """
    if seed < 0:
        raise TissueError(f"seed = {seed} must be at least 0")
    sequence = np.random.SeedSequence(seed, spawn_key=(_PURPOSES.index(purpose), *keys))
    return np.random.default_rng(sequence)
