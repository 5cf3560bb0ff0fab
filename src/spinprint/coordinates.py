"""The coordinates tissue is estimated in: logarithms of times, all else as it is.

Scaled to run from 0 to 1 over a range, they put errors of all parameters on one footing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import TissueError
from .parameters import PARAMETERS, PHYSICAL
from .prior import Prior
from .tissue import Tissue

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """A point theta `(voxel, parameter)` for the unknowns, within a range."""

    names: tuple[str, ...]
    """The unknown parameters, in the order of the axis `parameter`."""
    low: Array
    """Lowest theta, `(parameter,)`."""
    high: Array
    """Highest theta, `(parameter,)`."""

    @classmethod
    def of(cls, names: tuple[str, ...], tissue: Tissue) -> Coordinates:
        """Coordinates that span the range of some tissues."""
        columns = [PARAMETERS[name].to_axis(tissue.get(name)) for name in names]
        low = np.array([column.min() for column in columns])
        return cls(names, low, np.array([column.max() for column in columns]))

    @classmethod
    def over(cls, prior: Prior) -> Coordinates:
        """Coordinates of the unknowns of a prior, that span its range.

        Raises
        ------
        TissueError
            Every law of the prior is fixed.
        """
        if not prior.unknowns:
            raise TissueError("every law of the prior is fixed: nothing is left to estimate")
        ends = {name: np.array([law.low, law.high]) for name, law in prior.laws.items()}
        return cls.of(prior.unknowns, Tissue(**ends))

    def theta(self, tissue: Tissue) -> Array:
        """Where flat tissues lie."""
        return self.theta_of({name: tissue.get(name) for name in self.names})

    def theta_of(self, values: Mapping[str, Array]) -> Array:
        """Where values by name, `(voxel,)` each, lie; NaN where one is NaN [SI units]."""
        return np.stack([PARAMETERS[name].to_axis(values[name]) for name in self.names], axis=1)

    def tissue(self, theta: Array, known: Mapping[str, Array]) -> Tissue:
        """The flat tissues at theta, with what is known besides."""
        return Tissue(**self.values(theta), **known)

    def values(self, theta: Array) -> dict[str, Array]:
        """The parameters at theta by name [SI units]."""
        columns = zip(self.names, theta.T, strict=True)
        return {name: PARAMETERS[name].from_axis(column) for name, column in columns}

    def scaled(self, theta: Array) -> Array:
        """Theta `(..., parameter)` as a part of the way from `low` to `high`; both must differ."""
        return (theta - self.low) / (self.high - self.low)

    def unscaled(self, scaled: Array) -> Array:
        """Theta where `scaled` gives these values, `(..., parameter)`."""
        return self.low + scaled * (self.high - self.low)

    def slopes(self, theta: Array) -> Array:
        """Change of each parameter with its coordinate, `(voxel, parameter)`."""
        return np.where([PARAMETERS[name].log for name in self.names], np.exp(theta), 1.0)

    def confine(self, theta: Array) -> Array:
        """The nearest point below it where T2 <= T1rho <= T1 holds."""
        theta = theta.copy()
        for low, high in reversed(PHYSICAL):
            if low in self.names and high in self.names:
                i, j = self.names.index(low), self.names.index(high)
                theta[:, i] = np.minimum(theta[:, i], theta[:, j])
        return theta

    def at_limit(self, theta: Array) -> NDArray[np.bool_]:
        """True where a parameter is at an end of its range or a relation only just holds."""
        ends = ((theta <= self.low) | (theta >= self.high)) & (self.low < self.high)
        limit: NDArray[np.bool_] = np.any(ends, axis=1)
        for low, high in PHYSICAL:
            if low in self.names and high in self.names:
                i, j = self.names.index(low), self.names.index(high)
                limit = limit | (theta[:, i] >= theta[:, j])
        return limit
