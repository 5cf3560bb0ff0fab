"""Targets of a network: tissue on scaled axes, and the gain of its signal."""

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
    """The axes of a network's outputs: the unknowns from 0 to 1, then the gain.

    The gain, from which M0 is computed, is the logarithm of the norm of the signal per unit of M0
    and, if the phase that `Inputs` removes varies with the tissue, the cosine and sine of it.

    Raises
    ------
    ModelError
        A known field is fixed or missing in the prior, nothing is left to estimate, or a parameter
        on a linear axis is not an unknown.
    """

    prior: Prior
    """Distribution of tissue; its ranges are the axes."""
    config: NetworkConfig
    """Known fields and linear axes."""
    phase_varies: bool
    """Whether the phase that `Inputs` removes varies with the tissue."""

    def __post_init__(self) -> None:
        for field in self.config.known:
            if field not in self.prior.unknowns:
                raise ModelError(
                    f"network: known: the prior has no range for {field}; give it a law from the"
                    " lowest to the highest value in maps of it"
                )
        if not self.names:
            raise ModelError("the prior leaves nothing to estimate: every law is fixed or known")
        for name in self.config.linear:
            if name not in self.names:
                raise ModelError(
                    f"network: linear: {name!r} is not one of the unknowns {', '.join(self.names)}"
                )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the unknowns."""
        return tuple(name for name in self.prior.unknowns if name not in self.config.known)

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.names) + (3 if self.phase_varies else 1)

    def axes(self) -> list[dict[str, Any]]:
        """Name, values at 0 and 1, and whether the axis is logarithmic, per unknown."""
        return [
            {
                "name": name,
                "low": self.prior.laws[name].low,
                "high": self.prior.laws[name].high,
                "log": PARAMETERS[name].log and name not in self.config.linear,
            }
            for name in self.names
        ]

    def encode(
        self, tissue: Tissue, norm: Array, phase: tuple[Array, Array]
    ) -> NDArray[np.float32]:
        """Compute the true targets of tissue, `(voxel, target)`.

        Parameters
        ----------
        tissue
            Flat, `(voxel,)`.
        norm
            Norm of the signal per unit of M0, as the network receives it, `(voxel,)`.
        phase
            Cosine and sine of the phase that `Inputs` removes, `(voxel,)` each.
        """
        scaled = self.scaled({name: tissue.get(name) for name in self.names})
        columns = [*scaled.T, np.log(norm)]
        if self.phase_varies:
            columns += phase
        return np.stack(columns, axis=1).astype(np.float32)

    def values(self, mean: Array) -> dict[str, Array]:
        """Convert scaled outputs `(voxel, unknown)` to unknowns [SI units], clipped to the axes."""
        return self._coordinates.values(self._coordinates.unscaled(np.clip(mean, 0, 1)))

    def scaled(self, values: Mapping[str, Array]) -> Array:
        """Convert values [SI units] by name, `(voxel,)` each, to the axes, `(voxel, unknown)`."""
        return self._coordinates.scaled(self._coordinates.theta_of(values))

    def slopes(self, values: Mapping[str, Array]) -> Array:
        """Derivative of each unknown along its axis, `(voxel, unknown)` [SI units]."""
        width = self._coordinates.high - self._coordinates.low
        return width * self._coordinates.slopes(self._coordinates.theta_of(values))

    def m0(
        self, gain: NDArray[Any], norm: NDArray[Any], phase: tuple[NDArray[Any], NDArray[Any]]
    ) -> NDArray[np.complex128]:
        """Compute M0, `(voxel,)`, from the estimated gain and from norm and phase of the signal."""
        factor: NDArray[np.complex128] = phase[0] + 1j * phase[1]
        if self.phase_varies:
            conjugate = gain[:, 1] - 1j * gain[:, 2]
            length = np.abs(conjugate)
            factor = factor * np.divide(
                conjugate, length, out=np.ones_like(conjugate), where=length > 0
            )
        return np.asarray(factor * norm * np.exp(-gain[:, 0]))

    @cached_property
    def _coordinates(self) -> Coordinates:
        laws = [self.prior.laws[name] for name in self.names]
        times = {"t1": np.ones(2), "t2": np.ones(2)}  # required in every tissue, also if fixed
        ends = {n: np.array([law.low, law.high]) for n, law in zip(self.names, laws, strict=True)}
        return Coordinates.spanning(self.names, Tissue(**{**times, **ends}), self.config.linear)
