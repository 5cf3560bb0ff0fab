"""The most likely tissue given magnitudes, whose noise is Rician.

Fisher scoring: near a fit the Rician likelihood of m is that of a Gaussian datum z = A + r / w with
the weight w / sigma², where A is the amplitude of the fit, r / sigma² the slope of the
log-likelihood and w / sigma² its Fisher information (`physics.noise`). Fits by weighted least
squares of data that the last fit says repeat until they agree. What they agree on is the maximum
of the Rician likelihood at any ratio of signal to noise, and the weights carry what low
signals say less into the deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dictionary import Dictionary
from ..physics.noise import rician_information, rician_score
from .gauss_newton import MAX_STEPS, Model
from .noise import at_least_rounding, sigma_of_magnitudes
from .protocol import Fields
from .refinement import Refined, SignalModel

Array = NDArray[np.float64]

CHUNK = 1024
"""Voxels fitted at a time: bounds the memory of their signals and weights."""

ROUNDS = 4
"""Fits a voxel gets. The first takes the magnitudes, less the bias of one sample, for Gaussian."""

_CLEAN = 1e-6  # of the magnitudes: less noise than float32 rounds counts as this much
_FAINT = 1e-6  # least weight of a sample


@dataclass(frozen=True, eq=False)
class RefinedMagnitudes:
    """A fit of magnitudes, and what its likelihood is like around it."""

    refined: Refined
    sigma: Array
    """Noise per real and imaginary channel, `(voxel,)`."""
    data: Array
    """Data with white noise of that sigma, `(voxel, time)`: sqrt(w) z."""
    model: Model
    """Their model per unit of M0: the modulus of the signal times sqrt(w)."""


def refine_magnitudes(
    dictionary: Dictionary,
    magnitudes: NDArray[np.float32],
    atoms: NDArray[np.int64],
    known: Fields,
    sigma: Array,
    *,
    estimate_sigma: bool,
    max_steps: int = MAX_STEPS,
) -> RefinedMagnitudes:
    """Search between the atoms for the most likely tissue; all samples count, not the basis.

    Parameters
    ----------
    dictionary
        Of moduli.
    magnitudes
        What was measured, `(voxel, time)`.
    atoms
        Where to start, index of an atom each, `(voxel,)`.
    known
        Fields of each voxel, `(voxel,)` each.
    sigma
        Noise per real and imaginary channel, or a guess, `(voxel,)`.
    estimate_sigma
        True where it is a guess: then the fit says how much noise there is.
    max_steps
        Steps a voxel may take in each round; 0 keeps the atom.
    """
    moduli = SignalModel.of(dictionary, known)
    theta = moduli.coordinates.theta(dictionary.tissue.take(atoms))
    measured = magnitudes.astype(np.float64)
    floor = np.maximum(_CLEAN * np.sqrt(np.mean(measured**2, axis=1)), np.finfo(float).tiny)

    def safe(noise: Array) -> Array:
        return np.fmax(noise, floor)

    data, weights = _gaussian(measured, safe(sigma))
    for last in np.arange(ROUNDS) == ROUNDS - 1:
        model = moduli.at(known, compressed=False, weights=weights)
        refined = moduli.search(model, data, theta, max_steps)
        theta = refined.fit.theta
        amplitude = np.abs(moduli.signals(refined.fit, known)).astype(np.float64)
        if estimate_sigma:
            sigma = sigma_of_magnitudes(measured, amplitude, safe(sigma), theta.shape[1] + 1)
            sigma = at_least_rounding(sigma, np.sum(measured**2, axis=1), measured.shape[1])
        if not last:
            data, weights = _rician(measured, amplitude, safe(sigma))
    return RefinedMagnitudes(refined, sigma, data, model)


def _gaussian(magnitudes: Array, sigma: Array) -> tuple[Array, Array]:
    """What the first fit takes the data for, and weights of 1, `(voxel, time)` each."""
    corrected = np.sqrt(np.maximum(magnitudes**2 - sigma[:, None] ** 2, 0))
    return corrected, np.ones_like(magnitudes)


def _rician(magnitudes: Array, amplitude: Array, sigma: Array) -> tuple[Array, Array]:
    """The data and weights that stand for a Rician likelihood near an amplitude."""
    noise = sigma[:, None]
    information = np.maximum(rician_information(amplitude / noise), _FAINT)
    weights = np.sqrt(information)
    score = rician_score(magnitudes, amplitude, noise)
    data: Any = weights * amplitude + score / weights
    return data, weights
