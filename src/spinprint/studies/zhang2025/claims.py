"""What Zhang et al. claim in their abstract, judged by what `zhang2025` measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...evaluation import Statistic
from ...report import Verdict
from ...report.quantities import DISPLAY
from ..claims import claim, estimate, with_interval

PUBLISHED_WCV = {"t1": 3.0, "t2": 6.0, "t1rho": 5.0}
"""Scan-rescan coefficients of variation in cartilage are below these, root mean square [%];
Sharafi et al., Magn Reson Med 2020;84:2636 (PMC7396294)."""

SUBSTANTIAL = 1.5
"""Ratio of errors from which choices matter substantially; our choice."""

COMPARABLE = 1.0
"""Difference within which T1 is comparable; our choice [%]."""

ROBUST_DB = 10.0
"""Ratio at which far errors are compared; our choice [dB]."""

SIMULATED = (
    "Shown by simulation only: no knee was measured. Which parameter the abstract means follows"
    " from its order, as subscripts are lost in the copies read."
)

_IN_VIVO = {
    "t1": ("comparable to that of matching, within 1 %", -COMPARABLE, COMPARABLE),
    "t2": ("slightly lower than that of matching", -math.inf, 0.0),
    "t1rho": ("slightly higher than that of matching", 0.0, math.inf),
}


def verdicts(found: Mapping[str, Any], network: str, rivals: tuple[str, ...]) -> list[Verdict]:
    """The claims in the order of the abstract.

    Parameters
    ----------
    found
        What the steps of the study found, as plain values.
    network
        Name of the network.
    rivals
        Names of the kinds of matching it is compared with, the fair one first.
    """
    contrasts = found["synthetic"]["over the prior"]["contrasts"]
    rows = [choices_matter(found["training choices"])]
    for rival in rivals:
        rows += [accuracy(contrasts, network, rival, name) for name in _IN_VIVO]
    for rival in rivals:
        rows += [robustness(contrasts, network, rival, name) for name in _IN_VIVO]
    return rows + [in_vivo(found["knees"]["differences"][rivals[0]], name) for name in _IN_VIVO]


def choices_matter(found: Mapping[str, Any]) -> Verdict:
    """Whether the error of the worst single choice over that of the best is beyond chance."""
    errors = {row["choice"]: row["error"] for row in found["trials"] if row["error"] is not None}
    worst, best = max(errors, key=lambda n: errors[n]), min(errors, key=lambda n: errors[n])
    spread = chance([errors["default"], *found["repeats of the default"]])
    beyond = sum(abs(math.log(e / errors["default"])) > spread for e in errors.values())
    ratio = errors[worst] / errors[best]
    return claim(
        "The choice of training parameters changes the network's error substantially: the worst"
        f" single choice has at least {SUBSTANTIAL:g} times the squared error of the best.",
        Statistic(ratio, ratio * math.exp(-spread), ratio * math.exp(spread)),
        least=SUBSTANTIAL,
        unit=" times",
        reason=(
            f"Worst: {worst}; best: {best}. {beyond} of {len(errors) - 1} differ from the default"
            " by more than seeds do. The interval is that of the spread of seeds."
        ),
    )


def chance(errors: list[float]) -> float:
    """Half the width of a 95 % interval of the logarithm of the ratio of two such errors."""
    from scipy.stats import t

    logs = np.log(errors)
    if logs.size < 2:
        return math.inf
    return float(t.ppf(0.975, logs.size - 1) * math.sqrt(2) * logs.std(ddof=1))


def accuracy(
    rows: Sequence[Mapping[str, Any]], network: str, rival: str, parameter: str
) -> Verdict:
    """Whether the mean relative error of the network is the lower one."""
    return claim(
        f"On synthetic signals the network is more accurate in {DISPLAY[parameter].symbol} than"
        f" {rival}.",
        contrast(rows, network, rival, parameter, "mape", None),
        most=1.0,
        reason="Mean |relative error| of the network over that of matching, geometric mean over all"
        " ratios. Squared error in the same way: "
        + with_interval(contrast(rows, network, rival, parameter, "scaled_mse", None))
        + ".",
    )


def robustness(
    rows: Sequence[Mapping[str, Any]], network: str, rival: str, parameter: str
) -> Verdict:
    """Whether the far errors of the network at low ratios are the smaller ones."""
    return claim(
        f"On synthetic signals the network is more robust in {DISPLAY[parameter].symbol} than"
        f" {rival}.",
        contrast(rows, network, rival, parameter, "far", ROBUST_DB),
        most=1.0,
        reason=f"95th percentile of |relative error| of the network over that of matching at"
        f" {ROBUST_DB:g} dB.",
    )


def contrast(
    rows: Sequence[Mapping[str, Any]],
    first: str,
    second: str,
    parameter: str,
    measure: str,
    snr_db: float | None,
) -> Statistic:
    """One contrast from their rows; the one over all ratios where none is given."""
    wanted = (first, second, parameter, measure, snr_db)
    keys = ("first", "second", "parameter", "measure", "snr_db")
    (row,) = (one for one in rows if tuple(one[key] for key in keys) == wanted)
    return estimate(row["ratio"])


def in_vivo(rows: Sequence[Mapping[str, Any]], parameter: str) -> Verdict:
    """Whether estimates in cartilage differ the way they did in vivo."""
    text, least, most = _IN_VIVO[parameter]
    (row,) = (r for r in rows if (r["parameter"], r["region"]) == (parameter, "cartilage"))
    return claim(
        f"In the knee, {DISPLAY[parameter].symbol} of the network is {text}.",
        estimate(row["median percent"]),
        least=least,
        most=most,
        unit=" %",
        sign=True,
        reason=SIMULATED,
    )


def published(rows: Sequence[Mapping[str, Any]], network: str) -> list[Verdict]:
    """Whether scan and rescan scatter as little as was published of measured knees."""
    found = []
    for name, limit in PUBLISHED_WCV.items():
        (row,) = (r for r in rows if (r["parameter"], r["region"]) == (name, "cartilage"))
        found.append(
            claim(
                f"Scan and rescan of cartilage by the {network} have a wCV in"
                f" {DISPLAY[name].symbol} below {limit:g} %.",
                estimate(row["wcv"]),
                most=limit,
                unit=" %",
                reason="Published of measured knees by Sharafi et al. 2020; here by simulation:"
                " another position, other fields and noise, but no physiology and no motion.",
            )
        )
    return found
