"""The signal near a point, from a few simulations: a polynomial in whitened coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Model = Callable[[Array, NDArray[np.int64]], tuple[NDArray[Any], NDArray[Any]]]
"""As in `gauss_newton`: (theta (voxel, parameter), which voxels) -> signal and derivatives."""

REACH = 2.0
"""Where along each axis the signal is simulated besides the centre [standard deviations]."""


@dataclass(frozen=True, eq=False)
class Expansion:
    """Polynomials s(z) of the signals, theta = centre + root z; exact to third order but for
    products of three different axes, and to fifth along each axis.

    Their monomials are 1; z_j to z_j⁵; z_j z_k; z_j² z_k. The coefficients follow from signal
    and derivatives at the centre and at both sides of it along each axis (Hermite
    interpolation).
    """

    centre: Array
    """Where z is zero, `(voxel, parameter)`."""
    root: Array
    """Change of theta with z, `(voxel, parameter, z)`."""
    coefficients: NDArray[Any]
    """Signal of each monomial, `(voxel, monomial, rank)`."""

    @classmethod
    def around(
        cls, model: Model, centre: Array, root: Array, bounds: tuple[Array, Array]
    ) -> Expansion:
        """Simulate near the centres.

        Parameters
        ----------
        model
            The signal and its derivatives.
        centre
            `(voxel, parameter)`; moved as little as keeps all simulations within the bounds.
        root
            Square root of a covariance, `(voxel, parameter, parameter)`; made smaller where
            the bounds are closer.
        bounds
            Lowest and highest theta, `(parameter,)` each.
        """
        low, high = bounds
        half = (high - low) / 2
        reach = REACH * np.abs(root).max(axis=2)
        root = root * np.min(np.minimum(half / reach, 1), axis=1)[:, None, None]
        reach = np.minimum(REACH * np.abs(root).max(axis=2), half)
        centre = np.clip(centre, low + reach, high - reach)
        n, p = centre.shape
        steps = REACH * np.concatenate([np.zeros((1, p)), np.eye(p), -np.eye(p)])
        theta = centre[:, None] + np.einsum("vpz,sz->vsp", root, steps)
        theta = np.clip(theta, low, high)  # rounding
        s, ds = model(theta.reshape(-1, p), np.repeat(np.arange(n), 1 + 2 * p))
        s = s.reshape(n, 1 + 2 * p, -1)
        ds = np.einsum("vpz,vsptr->vsztr", root, ds.reshape(n, 1 + 2 * p, p, 1, -1))[:, :, :, 0]
        return cls(centre, root, _hermite(s, ds, p))

    def monomials(self, z: Array) -> Array:
        """Values of the monomials at z `(..., z)`, shape `(..., monomial)`."""
        p = z.shape[-1]
        square = z * z
        powers = [z, square, square * z, square * square, square * square * z]
        j, k = np.triu_indices(p, 1)
        pairs = [z[..., j] * z[..., k], square[..., j] * z[..., k], z[..., j] * square[..., k]]
        return np.concatenate([np.ones((*z.shape[:-1], 1)), *powers, *pairs], axis=-1)


def _hermite(s: NDArray[Any], ds: NDArray[Any], p: int) -> NDArray[Any]:
    """Coefficients in the order of the monomials, `(voxel, monomial, rank)`.

    From signals `(voxel, step, rank)` and derivatives `(voxel, step, z, rank)`; the steps are
    the centre, p forward, p backward.
    """
    h, axis = REACH, np.arange(p)
    first = ds[:, 0]
    even = (s[:, 1 : p + 1] + s[:, p + 1 :]) / 2 - s[:, :1]
    odd = (s[:, 1 : p + 1] - s[:, p + 1 :]) / 2 - h * first
    slope_sum = (ds[:, 1 : p + 1] + ds[:, p + 1 :]) / 2 - first[:, None]  # (voxel, step, z, rank)
    slope_difference = (ds[:, 1 : p + 1] - ds[:, p + 1 :]) / 2
    along_even, along_odd = slope_difference[:, axis, axis], slope_sum[:, axis, axis]
    # even = a2 h² + a4 h⁴, its slope 2 a2 h + 4 a4 h³; odd = a3 h³ + a5 h⁵, 3 a3 h² + 5 a5 h⁴
    fourth = (along_even * h - 2 * even) / (2 * h**4)
    second = even / h**2 - fourth * h**2
    fifth = (along_odd * h - 3 * odd) / (2 * h**5)
    third = odd / h**3 - fifth * h**2
    j, k = np.triu_indices(p, 1)
    product = (slope_difference[:, j, k] + slope_difference[:, k, j]) / (2 * h)
    parts = [s[:, :1], first, second, third, fourth, fifth, product]
    return np.concatenate([*parts, slope_sum[:, j, k] / h**2, slope_sum[:, k, j] / h**2], axis=1)
