"""Two estimators on the same noisy signals: is one better, and by how much?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..agreement import Estimate
from ..bootstrap import bootstrap
from .outcome import Outcome
from .scores import scaled_errors

Array = NDArray[np.float64]

POOLED = math.nan
"""The ratio [dB] of contrasts over all ratios: geometric means of those at each."""


def _mean(errors: Array) -> Array:
    return np.asarray(errors.mean(axis=(0, 2)))


def _far(errors: Array) -> Array:
    return np.asarray(np.quantile(np.moveaxis(errors, 1, 0).reshape(errors.shape[1], -1), 0.95, 1))


CONTRASTS: dict[str, str] = {
    "scaled_mse": "mean squared error of scaled coordinates",
    "mape": "mean absolute relative error",
    "far": "95th percentile of the absolute relative error",
}
"""What is compared."""

_STATISTICS: dict[str, Callable[[Array], Array]] = {
    "scaled_mse": _mean,
    "mape": _mean,
    "far": _far,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A measure of one estimator over that of another: below 1 the first is better."""

    first: str
    """Name of the estimator in the numerator."""
    second: str
    """Name of that in the denominator."""
    snr_db: float
    """Signal-to-noise ratio [dB], or `POOLED`."""
    parameter: str
    """Name of the parameter."""
    measure: str
    """One of `CONTRASTS`."""
    ratio: Estimate
    """The first over the second with its 95 % interval, tissues resampled together [-]."""


def contrast_estimators(
    outcome: Outcome,
    first: str,
    second: str,
    *,
    n: int = 400,
    seed: int = 0,
) -> list[Contrast]:
    """Compare two estimators signal by signal, so that most of the chance in the two cancels.

    Signals of which one has no estimate count for neither.

    Parameters
    ----------
    outcome
        Estimates of both.
    first, second
        Their names.
    n
        Resamples of the tissues, each with all its noise.
    seed
        Of the resampling.

    Returns
    -------
    By parameter and measure: one at each ratio, then the one over all of them.

    Raises
    ------
    InputError
        One of them is not in the outcome.
    """
    for name in (first, second):
        if name not in outcome.estimates:
            known = ", ".join(outcome.estimates)
            raise InputError(f"estimator {name!r} must be one of {known}")
    a, b = (_errors(outcome, name) for name in (first, second))
    return [
        Contrast(
            first=first, second=second, snr_db=snr_db, parameter=parameter, measure=measure,
            ratio=ratio,
        )
        for p, parameter in enumerate(outcome.parameters)
        for measure in CONTRASTS
        for snr_db, ratio in _ratios(
            a[measure][..., p], b[measure][..., p], measure, outcome.plan.snrs_db, n, seed
        )
    ]  # fmt: skip


def _errors(outcome: Outcome, name: str) -> dict[str, Array]:
    """What each measure is made of, `(snr, tissue, draw, parameter)`."""
    estimates = outcome.estimates[name]
    truth = outcome.truth[:, None]
    relative = np.abs(estimates.values / truth - 1)
    scaled = scaled_errors(outcome, estimates) ** 2
    return {"scaled_mse": scaled, "mape": relative, "far": relative}


def _ratios(
    a: Array, b: Array, measure: str, snrs_db: tuple[float, ...], n: int, seed: int
) -> Iterator[tuple[float, Estimate]]:
    """Ratios at each signal-to-noise ratio and over all, from errors `(snr, tissue, draw)`."""
    # A case of the bootstrap is a tissue at all ratios: (tissue, snr, draw).
    first, second = (np.moveaxis(one, 0, 1) for one in (a, b))
    whole = np.isfinite(first) & np.isfinite(second)
    first, second = (np.where(whole, one, 0.0) for one in (first, second))
    measured = _STATISTICS[measure]

    def compared(x: Array, y: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = measured(x) / measured(y)
            return np.append(ratios, np.exp(np.mean(np.log(ratios))))

    values = compared(first, second)
    low, high = bootstrap(compared, first, second, n=n, seed=seed)
    for place, (value, *ends) in zip((*snrs_db, POOLED), zip(values, low, high, strict=True),
                                     strict=True):  # fmt: skip
        yield place, Estimate(float(value), *(float(end) for end in ends))
