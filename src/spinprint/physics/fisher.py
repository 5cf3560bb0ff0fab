"""The Cramér-Rao bound from Fisher information."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INSEPARABLE = 1e-4
"""Fraction of a derivative that is independent of the other parameters' derivatives, below which
the parameters count as inseparable: the error of derivatives from single precision and from the
number of orders."""

_TAKES_PART = 1e-2  # in an undetermined direction; less is rounding


def standard_deviation(information: Array, sigma: Array) -> Array:
    """Cramér-Rao standard deviation of every parameter, with the others also unknown.

    The square root of the diagonal of the inverse (Kay, Fundamentals of Statistical Signal
    Processing: Estimation Theory, 1993, section 3.7); the matrix is first scaled to a unit
    diagonal, so that units do not matter.

    Parameters
    ----------
    information
        Fisher information times sigma², `(..., parameter, parameter)`.
    sigma
        Noise per real and imaginary channel, `(...)`.

    Returns
    -------
    shape `(..., parameter)`; infinite where the signal does not depend on the parameter, or only
    in the same way as on others; NaN where the information is not finite.
    """
    sane = np.asarray(np.isfinite(information).all(axis=(-2, -1)))
    information = np.where(sane[..., None, None], information, 0)
    diagonal = np.einsum("...pp->...p", information)
    acts = diagonal > 0
    root = np.sqrt(np.where(acts, diagonal, 1))
    scaled = information / (root[..., :, None] * root[..., None, :])
    scaled = scaled + np.eye(information.shape[-1]) * ~acts[..., None]
    values, vectors = np.linalg.eigh(scaled)
    # Inverted by direction, so that an undetermined one affects only the parameters in it.
    hidden = values < INSEPARABLE**2
    lost = np.any((np.abs(vectors) > _TAKES_PART) & hidden[..., None, :], axis=-1)
    inverse = np.where(hidden, 0, 1 / np.where(hidden, 1, values))
    inflation = np.sum(vectors**2 * inverse[..., None, :], axis=-1)
    sd = np.sqrt(inflation) / root * np.asarray(sigma)[..., None]
    return np.where(sane[..., None], np.where(acts & ~lost, sd, np.inf), np.nan)
