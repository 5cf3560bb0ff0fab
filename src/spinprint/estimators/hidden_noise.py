"""Noise that a series does not show where estimators look for it: noticed, and measured elsewhere.

Sigma is taken from what lies outside the signals' basis. A series that was reconstructed in a
temporal subspace, denoised or interpolated in time holds no noise there, or less than inside, and
deviations would come out many times too small. What the best fits leave over inside the basis
gives it away: white noise leaves as much there, per degree of freedom, as outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

from .noise import at_least_rounding, signal_energy

Array = NDArray[np.float64]

SAMPLE = 128
"""Voxels that are asked, spread over all."""

INSIDE = "estimated inside the basis, from what fits leave over: outside it there is too little"
"""How maps say where their sigma comes from when the noise was hidden."""

_P = 1e-9
"""Chance of taking white noise for hidden, with any number of voxels."""

_RATIO = 1.5
"""Variance inside over that outside which matters: deviations too small by a fifth."""

_NONE = 1e-6
"""Noise over the signal below which a series has none: rounding is of this size."""

_SAME = 1e-6
"""Part of the largest singular value of a series below which one is rounding."""


@dataclass(frozen=True, eq=False)
class Leftover:
    """What the best fits leave over of voxels, in the unit of each."""

    inside: Array
    """Energy inside the basis, `(voxel,)`."""
    outside: NDArray[np.complex64]
    """What lies outside, `(voxel, time)`."""
    energy: Array
    """Of the signals themselves, inside the basis, `(voxel,)`."""
    rank: int
    """Of the basis."""
    fitted: int
    """Real numbers that were fitted: two of M0 and the unknowns."""


@dataclass(frozen=True, eq=False)
class HiddenNoise:
    """How much noise the voxels of a series have inside the basis."""

    typical: float
    """Sigma of a typical voxel [unit of the series]."""
    weight: float
    """Degrees of freedom that this counts as beside those of a voxel of its own; inf where the
    voxels do not differ."""
    free: int
    """Degrees of freedom that a fit leaves inside the basis."""

    def sigma(self, left: Leftover, exponent: NDArray[np.int32]) -> Array:
        """Noise per channel, in the unit of each voxel, `(voxel,)`.

        Each voxel's own is moved towards the typical one, more the fewer its degrees of freedom
        (Smyth, Stat Appl Genet Mol Biol 2004;3:3).

        Parameters
        ----------
        left
            What fits leave over.
        exponent
            Of the units of the voxels, as `own_unit` gives it, `(voxel,)`.
        """
        with np.errstate(over="ignore"):
            typical = np.minimum(np.ldexp(self.typical, -exponent), 2.0**40) ** 2
        part = 1.0 if math.isinf(self.weight) else self.weight / (self.weight + self.free)
        variance = part * typical + (1 - part) * left.inside / self.free
        return at_least_rounding(np.sqrt(variance), left.energy, left.outside.shape[1])


def find_hidden(
    series: NDArray[np.complex64], exponent: NDArray[np.int32], left: Leftover
) -> HiddenNoise | None:
    """The noise inside the basis, where it is clearly more than outside, or next to none; or None.

    The evidence is that of the median voxel, so that some voxels that the model does not explain
    count for nothing; noise that neighbours share makes fewer voxels of them.

    Parameters
    ----------
    series
        Signals in the unit of each, `(voxel, time)`.
    exponent
        Of these units, `(voxel,)`.
    left
        What the best fits leave over of them.
    """
    n, free_outside = len(series), 2 * (series.shape[1] - left.rank)
    free = 2 * min(left.rank, _rank(series)) - left.fitted
    if n == 0 or free <= 0 or free_outside <= 0:
        return None
    outside = signal_energy(left.outside) / free_outside
    ratio = np.divide(left.inside / free, outside, out=np.full(n, np.inf), where=outside > 0)
    half = (_independent(left.outside) + 1) / 2
    chance = np.median(scipy.special.fdtrc(free, free_outside, ratio))
    # The median of n even draws follows the beta law of (n + 1) / 2 twice.
    unlikely = scipy.special.betainc(half, half, chance) < _P
    more = unlikely and np.median(ratio) > _RATIO * scipy.special.fdtri(free, free_outside, 0.5)
    none = np.mean(outside <= _NONE**2 * left.energy / (2 * series.shape[1])) > 0.5
    if not (more or none):
        return None
    energy = at_least_rounding(np.sqrt(left.inside / free), left.energy, series.shape[1])
    typical, weight = _spread(2 * (np.log(energy) + exponent * math.log(2)), free)
    return HiddenNoise(typical, weight, free)


def _rank(series: NDArray[np.complex64]) -> int:
    """Dimensions that the signals fill, `(voxel, time)`; no limit where they are as many."""
    sizes = np.linalg.svd(series, compute_uv=False)
    rank = int(np.sum(sizes > _SAME * sizes[0]))
    return rank if rank < len(series) else max(series.shape)


def _independent(outside: NDArray[np.complex64]) -> float:
    """How many voxels do not share what lies outside the basis, `(voxel, time)`."""
    norm = np.sqrt(signal_energy(outside))
    unit = outside / np.where(norm > 0, norm, 1)[:, None]
    alike = np.abs(unit @ unit.conj().T) ** 2
    np.fill_diagonal(alike, 1)
    return len(outside) ** 2 / float(alike.sum())


def _spread(logarithms: Array, free: int) -> tuple[float, float]:
    """Typical sigma and its weight, from logarithms of variances `(voxel,)`, by their median.

    Variances of voxels follow the F law of their own degrees of freedom and those of the weight.
    """
    middle = float(np.median(logarithms))
    deviation = 1.4826 * float(np.median(np.abs(logarithms - middle)))
    excess = deviation**2 - float(scipy.special.polygamma(1, free / 2))
    if excess <= 0:
        weight, median = math.inf, scipy.special.chdtri(free, 0.5) / free
    else:
        weight = 2 * _inverse_trigamma(excess)
        median = scipy.special.fdtri(free, weight, 0.5)
    return math.exp(middle / 2) / math.sqrt(median), weight


def _inverse_trigamma(value: float) -> float:
    """By Newton's method, from below (Smyth 2004, appendix)."""
    y = 0.5 + 1 / value
    for _ in range(20):
        at = float(scipy.special.polygamma(1, y))
        y += at * (1 - at / value) / float(scipy.special.polygamma(2, y))
    return y
