"""Coordinates for estimation: logarithms of relaxation times, other parameters as they are.

Scaled from 0 to 1 over a range, they make the errors of all parameters comparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .errors import TissueError
from .parameters import PARAMETERS, PHYSICAL, Parameter
from .prior import Prior
from .tissue import Tissue

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Coordinates theta `(voxel, parameter)` of the unknowns, within a range."""

    names: tuple[str, ...]
    """The unknown parameters, in the order of the axis `parameter`."""
    low: Array
    """Lowest theta, `(parameter,)`."""
    high: Array
    """Highest theta, `(parameter,)`."""
    linear: tuple[str, ...] = ()
    """Relaxation times on a linear axis; `confine` and `at_limit` are valid only without them."""

    @classmethod
    def spanning(
        cls, names: tuple[str, ...], tissue: Tissue, linear: tuple[str, ...] = ()
    ) -> Coordinates:
        """Coordinates over the range of some tissues."""
        columns = [_record(name, linear).to_axis(tissue.get(name)) for name in names]
        low = np.array([column.min() for column in columns])
        return cls(names, low, np.array([column.max() for column in columns]), linear)

    @classmethod
    def over(cls, prior: Prior) -> Coordinates:
        """Coordinates of the unknowns of a prior, over its range.

        Raises
        ------
        TissueError
            Every law of the prior is fixed.
        """
        if not prior.unknowns:
            raise TissueError("every law of the prior is fixed: nothing is left to estimate")
        ends = {name: np.array([law.low, law.high]) for name, law in prior.laws.items()}
        return cls.spanning(prior.unknowns, Tissue(**ends))

    def theta(self, tissue: Tissue) -> Array:
        """Theta of flat tissues."""
        return self.theta_of({name: tissue.get(name) for name in self.names})

    def theta_of(self, values: Mapping[str, Array]) -> Array:
        """Theta of values [SI units] by name, `(voxel,)` each; NaN stays NaN."""
        pairs = zip(self.names, self._records, strict=True)
        return np.stack([record.to_axis(values[name]) for name, record in pairs], axis=1)

    def tissue(self, theta: Array, known: Mapping[str, Array]) -> Tissue:
        """Flat tissues at theta, with known parameters besides."""
        return Tissue(**self.values(theta), **known)

    def values(self, theta: Array) -> dict[str, Array]:
        """Parameters at theta by name [SI units]."""
        columns = zip(self.names, self._records, theta.T, strict=True)
        return {name: record.from_axis(column) for name, record, column in columns}

    def scaled(self, theta: Array) -> Array:
        """Scale theta `(..., parameter)` to 0 at `low` and 1 at `high`, which must differ."""
        return (theta - self.low) / (self.high - self.low)

    def unscaled(self, scaled: Array) -> Array:
        """Invert `scaled`: theta, `(..., parameter)`."""
        return self.low + scaled * (self.high - self.low)

    def slopes(self, theta: Array) -> Array:
        """Derivative of each parameter with respect to its coordinate, `(voxel, parameter)`."""
        log = np.array([record.log for record in self._records])
        return np.where(log, np.exp(np.where(log, theta, 0.0)), 1.0)

    def confine(self, theta: Array) -> Array:
        """Reduce coordinates until T2 <= T1rho <= T1 holds."""
        theta = theta.copy()
        for i, j in reversed(self._ordered):
            theta[:, i] = np.minimum(theta[:, i], theta[:, j])
        return theta

    def at_limit(self, theta: Array) -> NDArray[np.bool_]:
        """True where a parameter is at an end of its range or equal to one that limits it."""
        ends = ((theta <= self.low) | (theta >= self.high)) & (self.low < self.high)
        limit: NDArray[np.bool_] = np.any(ends, axis=1)
        for i, j in self._ordered:
            limit = limit | (theta[:, i] >= theta[:, j])
        return limit

    @cached_property
    def _records(self) -> tuple[Parameter, ...]:
        return tuple(_record(name, self.linear) for name in self.names)

    @property
    def _ordered(self) -> list[tuple[int, int]]:
        """Positions (i, j) of unknowns with i <= j in tissue."""
        return [
            (self.names.index(low), self.names.index(high))
            for low, high in PHYSICAL
            if low in self.names and high in self.names
        ]


def _record(name: str, linear: tuple[str, ...]) -> Parameter:
    """The record of a parameter, with a linear axis where required."""
    record = PARAMETERS[name]
    return replace(record, log=False) if name in linear else record
