"""Scatter of repeated measurements of a subject."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..statistic import Statistic, bootstrap
from ._cases import Array, Z, check_level, finite_rows

FORMULAS = {
    "within_sd": "wSD = sqrt(mean over subjects of s²), s² the variance of a subject's repeats"
    " with (repeats - 1) in the denominator",
    "coefficient": "RC = 1.96 sqrt(2) wSD = 2.77 wSD",
    "within_cv_percent": "wCV = 100 sqrt(mean over subjects of (s / m)²), m the mean of a subject's"
    " repeats (root mean square, not the mean of the CVs)",
    "coefficient_percent": "%RC = 1.96 sqrt(2) wCV = 2.77 wCV",
}
"""Formula of each number; CVs by other formulas differ by a factor of up to 1.4."""

_PAIR = Z * math.sqrt(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """Scatter within subjects, by the formulas of `FORMULAS`."""

    n_subjects: int
    """Subjects, or regions."""
    n_repeats: int
    """Measurements of each subject."""
    within_sd: Statistic
    """Within-subject standard deviation [unit of the measurements]."""
    coefficient: Statistic
    """Repeatability coefficient [unit]: two measurements differ by less in 95 % of subjects."""
    within_cv_percent: Statistic
    """Within-subject coefficient of variation, root mean square [%]."""
    coefficient_percent: Statistic
    """Repeatability coefficient [%]: a smaller change cannot be distinguished from chance."""
    level: float
    """Confidence of the intervals [-]."""


def repeatability(values: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Repeatability:
    """Within-subject deviation, coefficient of variation and repeatability coefficients.

    Terms of the QIBA (Raunig et al., Stat Methods Med Res 2015;24:27). The interval of wSD is that
    of a chi-squared variance; that of wCV is a bootstrap over subjects.

    Parameters
    ----------
    values
        Shape `(subject, repeat)`; subjects with a value that is not finite are ignored.
    level
        Confidence of the intervals.
    seed
        Seed of the bootstrap.

    Raises
    ------
    InputError
        Fewer than two subjects or repeats, or an impossible level.
    """
    from scipy.stats import chi2

    check_level(level)
    array = finite_rows(values, 2, "subject", "repeat")
    n, k = array.shape
    variance = array.var(axis=1, ddof=1)
    free = n * (k - 1)
    sd = math.sqrt(variance.mean())
    low, high = (
        sd * math.sqrt(free / chi2.ppf(part, free)) for part in ((1 + level) / 2, (1 - level) / 2)
    )
    deviation = Statistic(sd, low, high)
    relative = np.divide(
        variance, array.mean(axis=1) ** 2, out=np.full(n, np.nan), where=array.mean(axis=1) != 0
    )
    cv = Statistic(_rms(relative), *bootstrap(_rms, relative, seed=seed, level=level))
    return Repeatability(
        n_subjects=n,
        n_repeats=k,
        within_sd=deviation,
        coefficient=deviation.scaled(_PAIR),
        within_cv_percent=cv,
        coefficient_percent=cv.scaled(_PAIR),
        level=level,
    )


def _rms(relative: Array) -> float:
    """Root mean square in percent, from the squared coefficients of variation."""
    return 100 * math.sqrt(relative.mean())
