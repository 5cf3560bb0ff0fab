"""Parameter maps: values, uncertainty and status per voxel, and where they came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SeriesError
from .parameters import PARAMETERS

UNITS = {name: parameter.unit for name, parameter in PARAMETERS.items()}
"""Unit of each parameter as BIDS writes it."""


class Status(IntEnum):
    """What happened in a voxel."""

    OUTSIDE = 0
    OK = 1
    NO_SIGNAL = 2
    AT_EDGE = 3
    NOT_CONVERGED = 4
    NOT_FINITE = 5

    @property
    def label(self) -> str:
        """A word or two for people."""
        return self.name.replace("_", " ").lower()

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _MEANING[self]


_MEANING = {
    Status.OUTSIDE: "outside the mask",
    Status.OK: "mapped",
    Status.NO_SIGNAL: "no signal above the noise",
    Status.AT_EDGE: "at the edge of the range: the true value may lie beyond it",
    Status.NOT_CONVERGED: "the fit did not converge: the value is the best found",
    Status.NOT_FINITE: "the series holds NaN or Inf here, or a field map no value",
}

HAS_VALUE = (Status.OK, Status.AT_EDGE, Status.NOT_CONVERGED)
"""The codes of voxels that hold values; elsewhere values are NaN."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Maps:
    """Maps of shape `(...)`, in practice `(x, y, z)`; values are NaN where there is none.

    Raises
    ------
    SeriesError
        A map has another shape than the status, a deviation belongs to no value, or the affine is
        not 4 by 4.
    """

    values: Mapping[str, NDArray[np.float32]]
    """Estimates by parameter name [unit as in `UNITS`]."""
    sd: Mapping[str, NDArray[np.float32]]
    """Standard deviation of each estimate, same names and units."""
    m0: NDArray[np.complex64]
    """Equilibrium magnetisation times receive sensitivity [unit of the series]."""
    status: NDArray[np.uint8]
    """A `Status` per voxel."""
    sigma: NDArray[np.float32]
    """Noise per real and imaginary channel [unit of the series]."""
    extra: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """What else an estimator says, as `score` in [0, 1] or `ambiguity`."""
    affine: NDArray[np.float64] | None = None
    """Voxel to world transform [mm], shape (4, 4)."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """How the maps were made: estimator, sequence, version, seed, settings."""

    def __post_init__(self) -> None:
        maps = {**self.values, **{f"sd of {name}": sd for name, sd in self.sd.items()}}
        for name, array in {**maps, "m0": self.m0, "sigma": self.sigma}.items():
            if array.shape != self.shape:
                raise SeriesError(
                    f"the map {name} has shape {array.shape} where the status has {self.shape}"
                )
        for name in self.sd:
            if name not in self.values:
                raise SeriesError(f"sd of {name!r} belongs to no map; there are {list(self)}")
        if self.affine is not None and self.affine.shape != (4, 4):
            raise SeriesError(f"the affine has shape {self.affine.shape}; it must be (4, 4)")

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self.values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every map."""
        return self.status.shape

    def counts(self) -> dict[Status, int]:
        """Number of voxels of each status that occurs."""
        codes, counts = np.unique(self.status, return_counts=True)
        return {Status(code): int(count) for code, count in zip(codes, counts, strict=True)}

    def has_value(self) -> NDArray[np.bool_]:
        """True where the voxel holds an estimate, shape `(...)`."""
        return np.isin(self.status, HAS_VALUE)

    def replace(self, **changes: Any) -> Maps:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)
