"""Least squares: the most likely tissue given the whole series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .base import DictionaryEstimator
from .magnitude import refine_magnitudes
from .nearest import nearest_atoms
from .noise import assess, at_least_rounding, sigma_of_residual
from .protocol import Fields, VoxelEstimates
from .refinement import refine

_CHUNK = 1024
"""Voxels fitted at a time: bounds the memory of their simulated series."""


@dataclass(frozen=True, eq=False)
class LeastSquares(DictionaryEstimator):
    """Maximum likelihood in every voxel, from the best atom of a dictionary on.

    Unlike matching, which searches in the basis, it fits all samples: nothing the data hold is
    given up. M0 is eliminated analytically (see `gauss_newton`), standard deviations come from
    the Fisher information, and a voxel tells whether its fit converged.
    """

    sigma_source: ClassVar[str] = "estimated from the residual of the fit"

    @property
    def _chunk(self) -> int:
        return _CHUNK

    def _provenance(self) -> dict[str, Any]:
        return {
            "estimator": "least squares (maximum likelihood) by Gauss-Newton",
            "dictionary": self.dictionary.digest,
        }

    def _estimate(
        self, series: NDArray[Any], known: Fields, sigma: NDArray[np.float64] | None
    ) -> VoxelEstimates:
        compressed, noise, signal = assess(self.dictionary.basis, series, sigma)
        atoms, _ = nearest_atoms(self.dictionary, compressed, known)
        if self.dictionary.magnitude:
            fitted = refine_magnitudes(
                self.dictionary, series, atoms, known, noise, estimate_sigma=sigma is None
            )
            return fitted.refined.estimates(fitted.sigma, signal)
        found = refine(self.dictionary, series, atoms, known, compressed=False)
        if sigma is None:
            sigma = sigma_of_residual(found.fit.cost, series.shape[1], found.fitted)
            sigma = at_least_rounding(sigma, found.fit.energy, series.shape[1])
        return found.estimates(sigma, signal)
