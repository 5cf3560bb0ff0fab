"""Dictionary matching: the best atom, then the best point between the atoms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .base import DictionaryEstimator
from .gauss_newton import MAX_STEPS
from .magnitude import CHUNK, refine_magnitudes
from .nearest import ambiguity, nearest_atoms
from .noise import (
    assess,
    at_least_rounding,
    sigma_of_residual,
    sigma_outside_basis,
    signal_energy,
)
from .protocol import Fields, VoxelEstimates
from .refinement import refine

_CHUNK = 4096
"""Voxels fitted at a time: bounds the memory of their simulated signals."""


@dataclass(frozen=True, eq=False)
class DictionaryMatching(DictionaryEstimator):
    """The atom with the largest inner product, refined off the grid by maximum likelihood.

    With white noise the atom of the largest inner product is the most likely one of the
    dictionary (Ma et al., Nature 2013;495:187); Gauss-Newton on the compressed signal, with the
    derivatives of the signal model, then finds the most likely tissue between the atoms.
    Standard deviations come from the Fisher information with M0 unknown; how far apart the atoms
    lie that noise cannot tell from the best one is said as `t1_ambiguity` and so on.
    """

    refine: bool = True
    """False keeps the atom."""

    sigma_source: ClassVar[str] = "estimated from what the fit leaves over"

    @property
    def _chunk(self) -> int:
        return CHUNK if self.dictionary.magnitude else _CHUNK

    def _provenance(self) -> dict[str, Any]:
        refined = " with Gauss-Newton refinement" if self.refine else ""
        return {
            "estimator": f"dictionary matching{refined}",
            "atoms": self.dictionary.n_atoms,
            "rank": self.dictionary.rank,
            "dictionary": self.dictionary.digest,
        }

    def _estimate(
        self, series: NDArray[Any], known: Fields, sigma: NDArray[np.float64] | None
    ) -> VoxelEstimates:
        compressed, noise, signal = assess(self.dictionary.basis, series, sigma)
        atoms, product = nearest_atoms(self.dictionary, compressed, known)
        steps = MAX_STEPS if self.refine else 0
        if self.dictionary.magnitude:
            fitted = refine_magnitudes(
                self.dictionary, series, atoms, known, noise,
                estimate_sigma=sigma is None, max_steps=steps,
            )  # fmt: skip
            found, noise, sigma = fitted.refined, fitted.sigma, fitted.sigma
        else:
            found = refine(
                self.dictionary, compressed, atoms, known, compressed=True, max_steps=steps
            )
        if sigma is None:
            # What the fit leaves over, since the basis cuts off a little of the signal itself;
            # without refinement only outside the basis, where the grid's steps do not show.
            left = series - found.model.signals(found.fit, known)
            if self.refine:
                noise = sigma_of_residual(signal_energy(left), left.shape[1], found.fitted)
            else:
                inside = self.dictionary.compress(left)
                noise = sigma_outside_basis(left, self.dictionary.basis, inside)
            noise = at_least_rounding(noise, found.fit.energy, left.shape[1])
        estimates = found.estimates(noise, signal)
        apart = ambiguity(self.dictionary, compressed, known, product, noise)
        ambiguities = {f"{name}_ambiguity": half for name, half in apart.items()}
        return replace(estimates, extra={**estimates.extra, **ambiguities})
