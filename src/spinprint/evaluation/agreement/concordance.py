"""How near pairs of measurements lie to the line of identity: Lin's concordance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .estimate import Estimate, check_level, finite_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Lin's coefficient, and what it is the product of."""

    n: int
    """Number of pairs."""
    ccc: Estimate
    """The concordance correlation coefficient [-]: 1 on the line of identity."""
    pearson: float
    """Precision: Pearson's correlation [-]."""
    accuracy: float
    """Bias correction factor C_b = ccc / pearson [-]: 1 without shift of place or scale."""
    level: float
    """Confidence of the interval [-]."""


def concordance(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Concordance:
    """Lin's concordance correlation coefficient.

    2 s_ab / (s_a² + s_b² + (mean a - mean b)²), variances with n in the denominator, and the
    interval by Fisher's transform (Lin, Biometrics 1989;45:255, with the variance as corrected in
    Biometrics 2000;56:324).

    Parameters
    ----------
    a, b
        Two measurements of each case, shape `(case,)`; pairs that are not finite are left out.
    level
        Confidence of the interval.

    Raises
    ------
    InputError
        Fewer than three pairs, or a level that is none.
    """
    check_level(level)
    first, second = finite_pairs(a, b, least=3)
    (var_a, cov), (_, var_b) = np.cov(first, second, ddof=0)
    shift = float(first.mean() - second.mean())
    apart = var_a + var_b + shift**2
    spread = math.sqrt(var_a * var_b)
    ccc = float(2 * cov / apart) if apart else 1.0
    r = float(cov / spread) if spread else math.nan
    return Concordance(
        n=first.size,
        ccc=_with_interval(ccc, r, shift**2 / spread if spread else math.nan, first.size, level),
        pearson=r,
        accuracy=ccc / r if r else math.nan,
        level=level,
    )


def _with_interval(ccc: float, r: float, shift: float, n: int, level: float) -> Estimate:
    """The interval by Fisher's transform; `shift` is (mean a - mean b)² / (s_a s_b)."""
    from scipy.stats import norm

    if abs(ccc) >= 1 - 1e-15:
        return Estimate(ccc, ccc, ccc)
    if not r:
        return Estimate(ccc)
    rest = 1 - ccc**2
    variance = (
        (1 - r**2) * ccc**2 / (rest * r**2)
        + 2 * ccc**3 * (1 - ccc) * shift / (r * rest**2)
        - ccc**4 * shift**2 / (2 * r**2 * rest**2)
    ) / max(n - 2, 1)
    reach = float(norm.ppf((1 + level) / 2)) * math.sqrt(max(variance, 0.0))
    z = math.atanh(ccc)
    return Estimate(ccc, math.tanh(z - reach), math.tanh(z + reach))
