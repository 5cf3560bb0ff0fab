"""Dictionary matching: the best atom, then the best point between the atoms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..maps import Maps
from ..parallel import Progress
from .convention import require_observed
from .gauss_newton import MAX_STEPS
from .magnitude import CHUNK, refine_magnitudes
from .nearest import ambiguity, nearest_atoms, require_axes
from .noise import (
    assess,
    at_least_rounding,
    sigma_of_residual,
    sigma_outside_basis,
    signal_energy,
)
from .protocol import Fields, VoxelEstimates, map_voxels
from .refinement import leave_over, refine

_CHUNK = 4096
"""Voxels fitted at a time: bounds the memory of their simulated signals."""


@dataclass(frozen=True, eq=False)
class DictionaryMatching:
    """The atom with the largest inner product, refined off the grid by maximum likelihood.

    With white noise the atom of the largest inner product is the most likely one of the
    dictionary (Ma et al., Nature 2013;495:187); Gauss-Newton on the compressed signal, with the
    derivatives of the signal model, then finds the most likely tissue between the atoms.
    Standard deviations come from the Fisher information with M0 unknown; how far apart the atoms
    lie that noise cannot tell from the best one is said as `t1_ambiguity` and so on.
    """

    dictionary: Dictionary
    """The atoms; the parameters that differ among them are the unknowns."""
    refine: bool = True
    """False keeps the atom."""

    def predict(
        self,
        series: NDArray[Any],
        mask: ArrayLike | None = None,
        b1: ArrayLike | None = None,
        b0: ArrayLike | None = None,
        sigma: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> Maps:
        """Map a series.

        Parameters
        ----------
        series
            Complex signals, `(..., time)`.
        mask
            True where to map, `(...)`; None maps everywhere.
        b1, b0
            Known fields [relative, Hz], `(...)`; only atoms of the nearest value compete, and
            the refinement uses the value itself.
        sigma
            Noise per real and imaginary channel, a number or `(...)`; None estimates it in
            each voxel from what the fit leaves over.
        progress
            Called with the voxels done and their number.

        Raises
        ------
        SeriesError
            The series holds magnitudes and the atoms are signals, or it or another array does not
            fit.
        DictionaryError
            A field is given that the atoms do not differ in.
        """
        fields = {"b1": b1, "b0": b0}
        require_axes(self.dictionary, fields)
        refined = " with Gauss-Newton refinement" if self.refine else ""
        require_observed(self.dictionary, series, mask)
        return map_voxels(
            self._estimate,
            self.dictionary.sequence,
            series,
            mask=mask,
            fields=fields,
            sigma=sigma,
            chunk=CHUNK if self.dictionary.magnitude else _CHUNK,
            leave_over=partial(leave_over, self.dictionary, cut_off=False),
            magnitude=self.dictionary.magnitude,
            progress=progress,
            provenance={
                "estimator": f"dictionary matching{refined}",
                "atoms": self.dictionary.n_atoms,
                "rank": self.dictionary.rank,
                "dictionary": self.dictionary.digest,
                "sigma": "given"
                if sigma is not None
                else "estimated from what the fit leaves over",
            },
        )

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
