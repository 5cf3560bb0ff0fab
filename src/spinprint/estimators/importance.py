"""The posterior near its peak: draws from about where it is, weighted by what they lack.

Importance sampling with Student's t, which has heavier tails than the posterior; the likelihood
of a draw comes from the `Expansion` of the signal. The draws are quasi-random and come in
opposite pairs, so that means are exact where the posterior is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.special
import scipy.stats.qmc
from numpy.typing import NDArray

from .belief import Belief, effective_size
from .expansion import Expansion, Model

Array = NDArray[np.float64]

DRAWS = 512
"""Draws a voxel, a power of two."""

ROUNDS = 3
"""How often a voxel may look again, from where the last draws said it is."""

_TAILS = 6.0  # degrees of freedom of Student's t
_GOOD = 0.5  # effective part of the draws that needs no other round


@dataclass(frozen=True, eq=False)
class Target:
    """The posterior of some voxels."""

    model: Model
    """The signal in the basis and its derivatives."""
    unit: NDArray[np.complex128]
    """Compressed signals of unit norm, `(voxel, rank)`."""
    energy: Array
    """Their squared norm before, over 2 sigma², `(voxel,)`."""
    log_prior: Callable[[Array], Array]
    """Logarithm of the prior density at theta `(..., parameter)`; -inf outside."""
    bounds: tuple[Array, Array]
    """Lowest and highest theta, `(parameter,)` each."""

    def take(self, index: NDArray[np.int64]) -> Target:
        """The posterior of fewer voxels."""

        def model(theta: Array, voxels: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
            return self.model(theta, index[voxels])

        return Target(model, self.unit[index], self.energy[index], self.log_prior, self.bounds)

    def log_weights(self, theta: Array, expansion: Expansion) -> Array:
        """Logarithm of the posterior of draws `(voxel, draw, parameter)`, up to a constant."""
        shifted = theta - expansion.centre[:, None]
        z = np.asarray(np.linalg.solve(expansion.root, shifted.mT).mT)
        monomials = expansion.monomials(z)
        # Real and imaginary parts side by side: real products are several times as fast.
        signals = _parts(expansion.coefficients)
        squared_norm = np.sum(monomials @ (signals @ signals.mT) * monomials, 2)
        inner = monomials @ (signals @ _parts(np.stack([self.unit, -1j * self.unit], 1)).mT)
        part = np.sum(inner**2, 2) / np.where(squared_norm > 0, squared_norm, np.inf)
        return self.energy[:, None] * part + self.log_prior(theta)


def sample(target: Target, centre: Array, covariance: Array, seed: int = 0) -> Belief:
    """The belief from draws around a centre.

    Parameters
    ----------
    target
        The posterior.
    centre
        About where it peaks, `(voxel, parameter)`.
    covariance
        About how wide it is, `(voxel, parameter, parameter)`.
    seed
        Of the draws, which are alike for all voxels.
    """
    belief = Belief.empty(*centre.shape)
    todo = np.arange(len(centre))
    for _ in range(ROUNDS):
        here = target.take(todo)
        draws, weights = _draw(here, centre, covariance, seed)
        size = effective_size(weights)
        better = size > belief.ess[todo]
        belief.put(todo[better], Belief.of_draws(draws[better], weights[better]))
        poor = size < _GOOD * DRAWS
        if not poor.any():
            break
        todo = todo[poor]
        centre, covariance = _moments(draws[poor], weights[poor], covariance[poor])
    return belief


def _draw(target: Target, centre: Array, covariance: Array, seed: int) -> tuple[Array, Array]:
    """Draws `(voxel, draw, parameter)` and their weights, `(voxel, draw)`."""
    root = np.asarray(np.linalg.cholesky(covariance))
    z, log_density = _student(centre.shape[1], seed)
    draws = centre[:, None] + np.einsum("vpz,dz->vdp", root, z)
    expansion = Expansion.around(target.model, centre, root, target.bounds)
    log_weights = target.log_weights(draws, expansion) - log_density
    top = log_weights.max(axis=1, keepdims=True)
    return draws, np.exp(log_weights - np.where(np.isfinite(top), top, 0))


def _moments(draws: Array, weights: Array, covariance: Array) -> tuple[Array, Array]:
    """Where to look next: mean and covariance of the draws, as far as they can tell them."""
    tempered = weights.copy()
    for _ in range(8):
        few = effective_size(tempered) < 8 * draws.shape[2]
        tempered[few] = np.sqrt(tempered[few])
    part = tempered / np.maximum(tempered.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    mean = np.einsum("vd,vdp->vp", part, draws)
    apart = draws - mean[:, None]
    return mean, np.einsum("vd,vdp,vdq->vpq", part, apart, apart) + 1e-6 * covariance


def _parts(values: NDArray[Any]) -> Array:
    """Complex values `(..., rank)` as real ones, `(..., 2 * rank)`."""
    return np.concatenate([values.real, values.imag], axis=-1)


@lru_cache
def _student(parameters: int, seed: int) -> tuple[Array, Array]:
    """Draws of Student's t `(draw, parameter)` and the logarithm of its density there."""
    sobol = scipy.stats.qmc.Sobol(parameters + 1, scramble=True, seed=seed)
    u = sobol.random(DRAWS // 2)
    normal = scipy.special.ndtri(u[:, :-1])
    stretch = np.sqrt(_TAILS / (2 * scipy.special.gammaincinv(_TAILS / 2, u[:, -1])))
    z = normal * stretch[:, None]
    z = np.concatenate([z, -z])
    return z, -(_TAILS + parameters) / 2 * np.log1p(np.sum(z * z, axis=1) / _TAILS)
