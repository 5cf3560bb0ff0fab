"""What range of values a colour map spans at first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_TAIL = 1.0  # percent of the values that may lie beyond an end


@dataclass(frozen=True, slots=True)
class Window:
    """The values at the ends of a colour bar.

    Raises
    ------
    InputError
        The first is not below the last.
    """

    low: float
    """Value of the first colour."""
    high: float
    """Value of the last colour, above `low`."""

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"a window from {self.low} to {self.high}: the first must be below")

    @classmethod
    def from_zero(cls, *arrays: NDArray[Any]) -> Window:
        """From 0 to the 99th percentile, rounded up."""
        values = _finite(arrays)
        high = float(np.percentile(values, 100 - _TAIL)) if values.size else 1.0
        return cls(0.0, _up(high))

    @classmethod
    def symmetric(cls, *arrays: NDArray[Any], centre: float = 0.0) -> Window:
        """As far to both sides of the centre as the 99th percentile of the distance to it."""
        values = _finite(arrays)
        distance = np.abs(values - centre)
        reach = _up(float(np.percentile(distance, 100 - _TAIL)) if values.size else 1.0)
        return cls(centre - reach, centre + reach)


def _finite(arrays: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
    joined = np.concatenate([np.asarray(one, dtype=float).ravel() for one in arrays])
    return joined[np.isfinite(joined)]


def _up(value: float) -> float:
    """The next number of two digits, the second one even; 1 where there is nothing to show."""
    if value <= 0:
        return 1.0
    step = 2 * 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step - 1e-9) * step
