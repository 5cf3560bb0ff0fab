"""All measures of the agreement of two sets of measurements together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ...records import plain
from ..statistic import Statistic
from .bland_altman import BlandAltman, bland_altman
from .correlation import (
    Concordance,
    IntraclassCorrelation,
    concordance,
    intraclass_correlation,
)
from .regression import Line, Method, regression
from .repeatability import Repeatability, repeatability
from .signed_rank import SignedRank, signed_rank

Cases = Literal["voxels", "regions"]

_FEWEST = 3  # pairs without which there is no agreement to measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two sets of measurements of a quantity agree; units are those of the quantity."""

    name: str
    """The quantity."""
    cases: Cases
    """What a pair is: a voxel, or the medians over a region."""
    difference: BlandAltman
    """Limits of agreement in the unit of the quantity."""
    percent: BlandAltman | None
    """In percent of the mean of the two; None where not all measurements are positive."""
    concordance: Concordance
    """Lin's coefficient."""
    intraclass: IntraclassCorrelation
    """ICC(2,1): absolute agreement of single measurements."""
    line: Line | None
    """The first measurement on the second; None where the second is constant."""
    repeatability: Repeatability | None
    """Scatter within cases, where the two are repeats of one measurement."""
    test: SignedRank
    """Whether the median difference is 0; p adjusted for the quantities tested together."""


def agree(
    pairs: Mapping[str, tuple[ArrayLike, ArrayLike]],
    cases: Cases,
    *,
    repeated: bool = False,
    seed: int = 0,
) -> list[Agreement]:
    """Measure the agreement of every quantity with at least three finite pairs.

    Lines are fitted by least squares to voxels against a truth, by Deming's method to repeated
    voxels, and by Passing and Bablok's to regions, which outliers do not move.

    Parameters
    ----------
    pairs
        Measurement and reference by quantity, each of shape `(case,)`.
    cases
        What a pair is.
    repeated
        Whether both are measurements with errors, rather than one the truth.
    seed
        Seed of the bootstraps.
    """
    finite = {name: _finite(*pair) for name, pair in pairs.items()}
    finite = {name: pair for name, pair in finite.items() if pair[0].size >= _FEWEST}
    if not finite:
        return []
    tests = {test.name: test for test in signed_rank(finite, seed=seed)}
    method: Method = "least-squares"
    if cases == "regions":
        method = "passing-bablok"
    elif repeated:
        method = "deming"
    return [
        Agreement(
            name=name,
            cases=cases,
            difference=bland_altman(a, b),
            percent=bland_altman(a, b, scale="percent") if min(a.min(), b.min()) > 0 else None,
            concordance=concordance(a, b),
            intraclass=intraclass_correlation(np.column_stack([a, b]), "ICC(2,1)"),
            line=regression(b, a, method) if np.ptp(b) else None,
            repeatability=repeatability(np.column_stack([a, b]), seed=seed) if repeated else None,
            test=tests[name],
        )
        for name, (a, b) in finite.items()
    ]


def agreement_table(agreements: Sequence[Agreement], units: Mapping[str, str]) -> list[dict]:
    """Plain values for JSON and CSV, one row per quantity and kind of case; NaN is None.

    `…_in_unit` is in the unit of the column `unit`, `…_percent` in percent; `…_low` and `…_high`
    are the ends of 95 % intervals.
    """
    return [plain(dict(_columns(agreement, units[agreement.name]))) for agreement in agreements]


def _finite(a: ArrayLike, b: ArrayLike) -> tuple[Any, Any]:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    finite = np.isfinite(first) & np.isfinite(second)
    return first[finite], second[finite]


def _columns(agreement: Agreement, unit: str) -> Iterator[tuple[str, Any]]:
    line, scatter, test = agreement.line, agreement.repeatability, agreement.test
    yield from (("parameter", agreement.name), ("unit", unit), ("cases", agreement.cases))
    yield "n", agreement.difference.n
    for limits, suffix in ((agreement.difference, "in_unit"), (agreement.percent, "percent")):
        yield from _ends(f"bias_{suffix}", limits, "bias")
        yield from _ends(f"lower_limit_{suffix}", limits, "lower")
        yield from _ends(f"upper_limit_{suffix}", limits, "upper")
    yield from _ends("ccc", agreement.concordance, "ccc")
    yield "pearson", agreement.concordance.pearson
    yield "icc_model", agreement.intraclass.model
    yield from _ends("icc", agreement.intraclass, "icc")
    yield "regression", line and line.method
    yield from _ends("slope", line, "slope")
    yield from _ends("intercept_in_unit", line, "intercept")
    yield "r_squared", line and line.r_squared
    yield from _ends("within_sd_in_unit", scatter, "within_sd")
    yield from _ends("repeatability_coefficient_in_unit", scatter, "coefficient")
    yield from _ends("within_cv_percent", scatter, "within_cv_percent")
    yield from _ends("repeatability_coefficient_percent", scatter, "coefficient_percent")
    yield from _ends("median_difference_in_unit", test, "median")
    yield from (("wilcoxon_p", test.p), (f"wilcoxon_p_{test.correction}", test.p_adjusted))


def _ends(column: str, result: Any, name: str) -> Iterator[tuple[str, float]]:
    """A statistic of a result and the ends of its interval; NaN without a result."""
    known = Statistic(math.nan) if result is None else getattr(result, name)
    yield from ((column, known.value), (f"{column}_low", known.low), (f"{column}_high", known.high))
