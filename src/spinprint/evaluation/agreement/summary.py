"""Everything that is said of the agreement of two sets of measurements, in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .bland_altman import BlandAltman, bland_altman
from .concordance import Concordance, concordance
from .estimate import Estimate
from .intraclass import IntraclassCorrelation, intraclass_correlation
from .regression import Line, Method, regression
from .repeatability import Repeatability, repeatability
from .signed_rank import SignedRank, signed_rank

Cases = Literal["voxels", "regions"]

_FEWEST = 3  # pairs without which nothing is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two sets of measurements of one quantity agree; units are those of the quantity."""

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
    """Agreement of every quantity of which three pairs are finite.

    Lines are fitted by least squares to voxels against a truth, by Deming's method to repeated
    voxels, and by Passing and Bablok's to regions, which outliers do not move.

    Parameters
    ----------
    pairs
        Measurement and reference by quantity, each of shape `(case,)`.
    cases
        What a pair is.
    repeated
        Whether both are measurements with errors, and not one of them the truth.
    seed
        Of the bootstraps.
    """
    whole = {name: _finite(*pair) for name, pair in pairs.items()}
    whole = {name: pair for name, pair in whole.items() if pair[0].size >= _FEWEST}
    if not whole:
        return []
    tests = {test.name: test for test in signed_rank(whole, seed=seed)}
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
        for name, (a, b) in whole.items()
    ]


def agreement_table(agreements: Sequence[Agreement], units: Mapping[str, str]) -> list[dict]:
    """Plain values for JSON and CSV, one row a quantity and kind of case; NaN is None.

    `…_in_unit` is in the unit of the column `unit`, `…_percent` in percent; `…_low` and `…_high`
    are the ends of 95 % intervals.
    """
    return [
        {
            "parameter": one.name,
            "unit": units[one.name],
            "cases": one.cases,
            "n": one.difference.n,
            **_limits(one.difference, "in_unit"),
            **_limits(one.percent, "percent"),
            **_ends("ccc", one.concordance.ccc),
            "pearson": _plain(one.concordance.pearson),
            "icc_model": one.intraclass.model,
            **_ends("icc", one.intraclass.icc),
            **_line(one.line),
            **_scatter(one.repeatability),
            **_ends("median_difference_in_unit", one.test.median),
            "wilcoxon_p": _plain(one.test.p),
            f"wilcoxon_p_{one.test.correction}": _plain(one.test.p_adjusted),
        }
        for one in agreements
    ]


def _finite(a: ArrayLike, b: ArrayLike) -> tuple[Any, Any]:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    whole = np.isfinite(first) & np.isfinite(second)
    return first[whole], second[whole]


def _limits(found: BlandAltman | None, suffix: str) -> dict[str, Any]:
    nothing = Estimate(math.nan)
    bias, lower, upper = (nothing,) * 3 if found is None else (found.bias, found.lower, found.upper)
    return {
        **_ends(f"bias_{suffix}", bias),
        **_ends(f"lower_limit_{suffix}", lower),
        **_ends(f"upper_limit_{suffix}", upper),
    }


def _line(line: Line | None) -> dict[str, Any]:
    if line is None:
        return {"regression": None, **_ends("slope", None), **_ends("intercept_in_unit", None),
                "r_squared": None}  # fmt: skip
    return {
        "regression": line.method,
        **_ends("slope", line.slope),
        **_ends("intercept_in_unit", line.intercept),
        "r_squared": _plain(line.r_squared),
    }


def _scatter(found: Repeatability | None) -> dict[str, Any]:
    names = (
        ("within_sd_in_unit", "within_sd"),
        ("repeatability_coefficient_in_unit", "coefficient"),
        ("within_cv_percent", "within_cv_percent"),
        ("repeatability_coefficient_percent", "coefficient_percent"),
    )
    columns: dict[str, Any] = {}
    for column, name in names:
        columns |= _ends(column, None if found is None else getattr(found, name))
    return columns


def _ends(name: str, estimate: Estimate | None) -> dict[str, Any]:
    value, low, high = (
        (None,) * 3 if estimate is None else (estimate.value, estimate.low, estimate.high)
    )
    return {name: _plain(value), f"{name}_low": _plain(low), f"{name}_high": _plain(high)}


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
