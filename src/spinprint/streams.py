"""Random streams: what is drawn for one purpose never depends on what is drawn for another.

Two families of keys, whose numbers files and results rest on: phantoms and their scans begin
from a seed and a purpose, trainings from a list of whole numbers.
"""

from __future__ import annotations

import numpy as np

from .errors import TissueError

_PURPOSES = ("person", "anatomy", "levels", "tissue", "fields", "pose", "noise")

TISSUE, ORDER, NOISE, VALIDATION, DEVIATIONS = range(5)
"""What a stream of a training is for: streams of one seed must differ."""


def phantom_stream(seed: int, purpose: str, *keys: int) -> np.random.Generator:
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


def stream(*key: int) -> np.random.Generator:
    """Random numbers of their own for every key, whatever else is drawn."""
    return np.random.default_rng(seeds(*key))


def seeds(*key: int) -> np.random.SeedSequence:
    """What a stream begins from; by itself numpy takes (1,) and (1, 0) for the same."""
    return np.random.SeedSequence((len(key), *key))
