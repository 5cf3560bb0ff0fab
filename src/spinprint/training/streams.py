"""Streams of random numbers, one for each thing that is drawn."""

from __future__ import annotations

import numpy as np

TISSUE, ORDER, NOISE, VALIDATION, DEVIATIONS = range(5)
"""What a stream is for: streams of one seed must differ."""


def stream(*key: int) -> np.random.Generator:
    """Random numbers of their own for every key, whatever else is drawn."""
    return np.random.default_rng(seeds(*key))


def seeds(*key: int) -> np.random.SeedSequence:
    """What a stream begins from; by itself numpy takes (1,) and (1, 0) for the same."""
    return np.random.SeedSequence((len(key), *key))
