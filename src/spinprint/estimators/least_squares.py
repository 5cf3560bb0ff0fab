"""Least squares: the most likely tissue given the whole series."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..maps import Maps
from ..parallel import Progress
from .convention import require_observed
from .magnitude import refine_magnitudes
from .nearest import nearest_atoms, require_axes
from .noise import assess, at_least_rounding, sigma_of_residual
from .protocol import Fields, VoxelEstimates, map_voxels
from .refinement import leave_over, refine

_CHUNK = 1024
"""Voxels fitted at a time: bounds the memory of their simulated series."""


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Maximum likelihood in every voxel, from the best atom of a dictionary on.

    Unlike matching, which searches in the basis, it fits all samples: nothing the data hold is
    given up. M0 is eliminated analytically (see `gauss_newton`), standard deviations come from
    the Fisher information, and a voxel tells whether its fit converged.
    """

    dictionary: Dictionary
    """Where to start, and the range to stay in."""

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
        """Map a series; parameters and errors as for `DictionaryMatching.predict`.

        Parameters
        ----------
        series
            Complex signals, `(..., time)`.
        mask
            True where to map, `(...)`; None maps everywhere.
        b1, b0
            Known fields [relative, Hz], `(...)`.
        sigma
            Noise per real and imaginary channel, a number or `(...)`; None takes it from what
            the fit leaves over.
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
        require_observed(self.dictionary, series, mask)
        return map_voxels(
            self._estimate,
            self.dictionary.sequence,
            series,
            mask=mask,
            fields=fields,
            sigma=sigma,
            chunk=_CHUNK,
            leave_over=partial(leave_over, self.dictionary, cut_off=False),
            magnitude=self.dictionary.magnitude,
            progress=progress,
            provenance={
                "estimator": "least squares (maximum likelihood) by Gauss-Newton",
                "dictionary": self.dictionary.digest,
                "sigma": "estimated from the residual of the fit" if sigma is None else "given",
            },
        )

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
