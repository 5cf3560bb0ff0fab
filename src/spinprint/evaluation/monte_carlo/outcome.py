"""The results of a Monte Carlo study: every estimate, with the truth and its bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bounds import cramer_rao
from .plan import MonteCarlo

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimates:
    """The estimates of one estimator for all signals."""

    values: NDArray[np.float32]
    """Estimates, NaN where there is none, `(snr, tissue, draw, parameter)` [SI units]."""
    sd: NDArray[np.float32]
    """Stated deviations, NaN where there is none, of the same shape [SI units]."""
    status: NDArray[np.uint8]
    """A `Status` each, `(snr, tissue, draw)`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """Every estimate of a study."""

    plan: MonteCarlo
    """The draws."""
    sigma: Array
    """Noise per real and imaginary channel, `(snr, tissue)`."""
    bound: Array
    """Cramér-Rao deviations, `(snr, tissue, parameter)` [SI units]."""
    estimates: Mapping[str, Estimates]
    """Estimates by the name of the estimator."""
    posterior: str | None
    """The estimator that is the posterior mean of the plan's prior, if there is one."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The estimated parameters, in the order of the axis `parameter`."""
        return self.plan.coordinates.names

    @property
    def truth(self) -> Array:
        """The true values, `(tissue, parameter)` [SI units]."""
        return np.stack([self.plan.tissue.get(name) for name in self.parameters], axis=1)

    @classmethod
    def of_blocks(
        cls,
        plan: MonteCarlo,
        names: tuple[str, ...],
        posterior: str | None,
        blocks: list[Mapping[str, NDArray[Any]]],
    ) -> Outcome:
        """Join the arrays of all blocks, which are in the order of `MonteCarlo.blocks`."""
        n_snrs = len(plan.snrs_db)
        each = len(blocks) // n_snrs

        def joined(key: str) -> NDArray[Any]:
            rows = [blocks[row * each : (row + 1) * each] for row in range(n_snrs)]
            return np.stack([np.concatenate([block[key] for block in row]) for row in rows])

        sigma = joined("sigma")
        parameters = plan.coordinates.names
        unit = cramer_rao(plan.sequence, plan.tissue, 1.0, parameters).sd
        bound = np.stack([unit[name] for name in parameters], axis=1)
        estimates = {
            name: Estimates(**{kind: joined(f"{kind}_{i}") for kind in ("values", "sd", "status")})
            for i, name in enumerate(names)
        }
        return cls(
            plan=plan,
            sigma=sigma,
            bound=sigma[:, :, None] * bound,
            estimates=estimates,
            posterior=posterior,
        )
