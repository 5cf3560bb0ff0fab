"""Sequences from the literature, as data with their citations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .blocks import Inversion, ReadoutTrain
from .sequence import Sequence


def fisp_cao500() -> Sequence:
    """500-pulse inversion-prepared FISP with a constant TR of 12 ms."""
    first, second = np.arange(1, 201), np.arange(1, 201)
    flip = np.concatenate(
        [
            10 + 20 * np.sin(np.pi * first / 200),
            90 * np.sin(np.pi * second / 200),
            np.full(100, 10.0),
        ]
    )
    return Sequence(
        name="fisp_cao500",
        field_strength=3.0,
        blocks=(
            Inversion(delay=0.020),
            ReadoutTrain(flip=np.deg2rad(flip), tr=0.012, te=0.002, spoiler_cycles=1),
        ),
    )


PRESETS: dict[str, Callable[[], Sequence]] = {"fisp_cao500": fisp_cao500}
