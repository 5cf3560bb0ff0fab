"""Whether paired measurements differ beyond chance, adjusted for several tests at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from ..statistic import Statistic, bootstrap
from ._cases import Array, finite_pairs

Correction = Literal["holm", "benjamini-hochberg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRank:
    """Wilcoxon's signed rank test of one of several comparisons."""

    name: str
    """What is compared."""
    n: int
    """Number of pairs."""
    median: Statistic
    """Median difference a - b with its bootstrap interval [unit of the measurements]."""
    statistic: float
    """The smaller sum of ranks [-]."""
    p: float
    """Two-sided, of this test alone."""
    p_adjusted: float
    """Adjusted for the number of tests."""
    correction: Correction
    """Method of the adjustment."""


def signed_rank(
    pairs: Mapping[str, tuple[ArrayLike, ArrayLike]],
    correction: Correction = "holm",
    *,
    seed: int = 0,
) -> list[SignedRank]:
    """Wilcoxon's signed rank test on each comparison, adjusted for their number.

    Parameters
    ----------
    pairs
        Two measurements of each case by name, each of shape `(case,)`; pairs that are not finite
        are ignored, differences of 0 dropped as by Wilcoxon. Cases must be independent.
    correction
        "holm" bounds the chance of any false finding (Holm, Scand J Stat 1979;6:65);
        "benjamini-hochberg" the share of false ones among the findings.
    seed
        Seed of the bootstrap of the medians.

    Raises
    ------
    InputError
        No comparison, one without a pair, or an unknown correction.
    """
    if correction not in ("holm", "benjamini-hochberg"):
        raise InputError(f"correction {correction!r} must be holm or benjamini-hochberg")
    if not pairs:
        raise InputError("there is nothing to compare: give one pair of measurements at least")
    tests = []
    for name, (a, b) in pairs.items():
        first, second = finite_pairs(a, b, least=1)
        tests.append((name, first - second, *_wilcoxon(first - second)))
    p = np.array([test[3] for test in tests])
    adjusted = holm(p) if correction == "holm" else _benjamini_hochberg(p)
    return [
        SignedRank(
            name=name,
            n=difference.size,
            median=Statistic(
                float(np.median(difference)), *bootstrap(np.median, difference, seed=seed)
            ),
            statistic=statistic,
            p=alone,
            p_adjusted=float(together),
            correction=correction,
        )
        for (name, difference, statistic, alone), together in zip(tests, adjusted, strict=True)
    ]


def holm(p: ArrayLike) -> Array:
    """Holm's adjusted p-values, shape `(test,)`: below a level, they are rejected at that level."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    stepped = values[order] * np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def _wilcoxon(difference: Array) -> tuple[float, float]:
    from scipy.stats import wilcoxon

    if not difference.any():
        return math.nan, 1.0  # all pairs are equal: no evidence of a difference
    result = wilcoxon(difference)
    return float(result.statistic), float(result.pvalue)


def _benjamini_hochberg(p: Array) -> Array:
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p))
