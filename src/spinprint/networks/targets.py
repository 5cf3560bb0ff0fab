"""What a network is asked: tissue on scaled axes, and how large the signal of that tissue is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coordinates import Coordinates
from ..errors import ModelError
from ..parameters import PARAMETERS
from ..prior import Prior
from ..tissue import Tissue
from .config import NetworkConfig

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Targets:
    """The axes of a network's answers: the unknowns from 0 to 1, then the gain.

    The gain, which M0 follows from, is the logarithm of the norm of the signal per unit of M0;
    where the phase that `Inputs` takes out varies with the tissue, also its cosine and sine.

    Raises
    ------
    ModelError
        A field is to be known that the prior does not spread, nothing is left to estimate, or a
        parameter on a linear axis is no unknown.
    """

    prior: Prior
    """What is expected."""
    config: NetworkConfig
    """Says which fields are known and which axes are linear."""
    turns: bool
    """Whether the phase that is taken out varies with the tissue."""

    def __post_init__(self) -> None:
        for field in self.config.known:
            if field not in self.prior.unknowns:
                raise ModelError(
                    f"network: known: the prior holds no spread of {field}; give it a law from the"
                    " lowest to the highest value that maps of it will hold"
                )
        if not self.names:
            raise ModelError("the prior leaves nothing to estimate: every law is fixed or known")
        for name in self.config.linear:
            if name not in self.names:
                raise ModelError(
                    f"network: linear: {name!r} is not among the unknowns {', '.join(self.names)}"
                )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The unknowns."""
        return tuple(name for name in self.prior.unknowns if name not in self.config.known)

    @property
    def n_targets(self) -> int:
        """Columns of an answer."""
        return len(self.names) + (3 if self.turns else 1)

    def axes(self) -> list[dict[str, Any]]:
        """Of each unknown its name, what 0 and 1 stand for, and whether its logarithm is scaled."""
        return [
            {
                "name": name,
                "low": self.prior.laws[name].low,
                "high": self.prior.laws[name].high,
                "log": PARAMETERS[name].log and name not in self.config.linear,
            }
            for name in self.names
        ]

    def of(self, tissue: Tissue, norm: Array, turn: tuple[Array, Array]) -> NDArray[np.float32]:
        """What the right answer is, `(voxel, target)`.

        Parameters
        ----------
        tissue
            Flat, `(voxel,)`.
        norm
            Of the signal per unit of M0, as the network sees it, `(voxel,)`.
        turn
            Cosine and sine of the phase taken out, `(voxel,)` each.
        """
        scaled = self.scaled({name: tissue.get(name) for name in self.names})
        columns = [*scaled.T, np.log(norm)]
        return np.stack([*columns, *turn] if self.turns else columns, axis=1).astype(np.float32)

    def values(self, mean: Array) -> dict[str, Array]:
        """The unknowns that scaled answers `(voxel, unknown)` stand for [SI units], clipped."""
        mean = np.clip(mean, 0, 1)
        values = self._coordinates.values(self._coordinates.unscaled(mean))
        for i, name in enumerate(self.names):
            if name in self.config.linear:
                law = self.prior.laws[name]
                values[name] = law.low + mean[:, i] * (law.high - law.low)
        return values

    def scaled(self, values: Mapping[str, Array]) -> Array:
        """Where values [SI units] by name, `(voxel,)` each, lie on the axes, `(voxel, unknown)`."""
        scaled = self._coordinates.scaled(self._coordinates.theta_of(values))
        for i, name in enumerate(self.names):
            if name in self.config.linear:
                law = self.prior.laws[name]
                scaled[:, i] = (values[name] - law.low) / (law.high - law.low)
        return scaled

    def slopes(self, values: Mapping[str, Array]) -> Array:
        """Change of each unknown along its axis, `(voxel, unknown)` [SI units]."""
        width = self._coordinates.high - self._coordinates.low
        slopes = width * self._coordinates.slopes(self._coordinates.theta_of(values))
        for i, name in enumerate(self.names):
            if name in self.config.linear:
                slopes[:, i] = self.prior.laws[name].high - self.prior.laws[name].low
        return slopes

    def m0(
        self, gain: NDArray[Any], norm: NDArray[Any], turn: tuple[NDArray[Any], NDArray[Any]]
    ) -> NDArray[np.complex128]:
        """M0 from what was answered of the gain and what was seen, `(voxel,)`."""
        phase: NDArray[np.complex128] = turn[0] + 1j * turn[1]
        if self.turns:
            own = gain[:, 1] - 1j * gain[:, 2]
            length = np.abs(own)
            phase = phase * np.divide(own, length, out=np.ones_like(own), where=length > 0)
        return np.asarray(phase * norm * np.exp(-gain[:, 0]))

    @cached_property
    def _coordinates(self) -> Coordinates:
        laws = [self.prior.laws[name] for name in self.names]
        times = {"t1": np.ones(2), "t2": np.ones(2)}  # every tissue states them, also where fixed
        ends = {n: np.array([law.low, law.high]) for n, law in zip(self.names, laws, strict=True)}
        return Coordinates.of(self.names, Tissue(**{**times, **ends}))
