"""Signals in units of their own: the squares of single precision end at 1e38 and at 1e-38."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ONE_FACTOR = 100
"""Powers of two that a factor of single precision holds, either way."""


def own_unit(signals: NDArray[Any]) -> tuple[NDArray[np.complex64], NDArray[np.int32]]:
    """Each signal over the power of two just above its largest real or imaginary part.

    That is exact: a signal times a power of two gives the same bits, and signals of double
    precision are rounded to single precision only.

    Parameters
    ----------
    signals
        Finite numbers, `(..., time)`.

    Returns
    -------
    signals
        `(..., time)`: parts of at most 1, the largest of each signal at least 1/2, or all 0.
    exponent
        The powers of two they were divided by, `(...)`.
    """
    if signals.dtype != np.complex64:
        signals = signals.astype(np.complex128)
    parts = np.ascontiguousarray(signals).view(signals.real.dtype)
    largest = np.maximum(parts.max(axis=-1, initial=0), -parts.min(axis=-1, initial=0))
    exponent = np.frexp(largest)[1]
    steps = [exponent]
    if np.abs(exponent).max(initial=0) > _ONE_FACTOR:
        steps = [exponent // 2, exponent - exponent // 2]
    for step in steps:
        parts = parts * np.exp2(-step.astype(parts.dtype))[..., None]
    return parts.astype(np.float32, copy=False).view(np.complex64), exponent
