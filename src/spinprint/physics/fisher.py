"""What noise lets be known at best: the Cramér-Rao bound from Fisher information."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TELLING = 1e-4
"""Part of a slope that the other parameters do not imitate, below which they count as one: it is
what single precision and the count of orders leave uncertain of slopes."""

_TAKES_PART = 1e-2  # in a direction that cannot be told; less is rounding


def standard_deviation(information: Array, sigma: Array) -> Array:
    """Cramér-Rao standard deviation of every parameter, the others unknown too.

    The root of the diagonal of the inverse (Kay, Fundamentals of Statistical Signal Processing:
    Estimation Theory, 1993, section 3.7), of the matrix scaled to a unit diagonal so that units
    do not matter.

    Parameters
    ----------
    information
        Fisher information times sigma², `(..., parameter, parameter)`.
    sigma
        Noise per real and imaginary channel, `(...)`.

    Returns
    -------
    shape `(..., parameter)`; infinite where the signal does not depend on the parameter, or only
    as it depends on others.
    """
    diagonal = np.einsum("...pp->...p", information)
    acts = diagonal > 0
    root = np.sqrt(np.where(acts, diagonal, 1))
    scaled = information / (root[..., :, None] * root[..., None, :])
    scaled = scaled + np.eye(information.shape[-1]) * ~acts[..., None]
    values, vectors = np.linalg.eigh(scaled)
    # The inverse by directions, so that one that cannot be told spoils only those in it.
    hidden = values < TELLING**2
    lost = np.any((np.abs(vectors) > _TAKES_PART) & hidden[..., None, :], axis=-1)
    inverse = np.where(hidden, 0, 1 / np.where(hidden, 1, values))
    inflation = np.sum(vectors**2 * inverse[..., None, :], axis=-1)
    sd = np.sqrt(inflation) / root * np.asarray(sigma)[..., None]
    return np.where(acts & ~lost, sd, np.inf)
