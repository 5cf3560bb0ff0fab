"""Estimators against each other on the same noisy signals: ratios of their errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..statistic import Statistic, bootstrap, bootstrap_crossed
from .outcome import Outcome
from .scores import ALL, scaled_errors

Array = NDArray[np.float64]

POOLED = math.nan
"""The ratio [dB] of contrasts over all ratios: geometric means of those at each."""

SWEEP = "sweep"
"""The ratio of errors over all ratios: the mean of the squared errors at each."""

StatisticTable = dict[str, dict[str, Statistic]]
"""Numbers by parameter, or "all", and by ratio as `f"{snr_db:g}"`, or `SWEEP`."""


def _mean(errors: Array) -> Array:
    return np.asarray(errors.mean(axis=(0, 2)))


def _quantile_95(errors: Array) -> Array:
    return np.asarray(np.quantile(np.moveaxis(errors, 1, 0).reshape(errors.shape[1], -1), 0.95, 1))


CONTRASTS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "scaled_mse": ("mean squared error of scaled coordinates", _mean),
    "mape": ("mean absolute relative error", _mean),
    "far": ("95th percentile of the absolute relative error", _quantile_95),
}
"""What is compared, in words and as a function of errors `(tissue, snr, draw)` to `(snr,)`."""


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
    ratio: Statistic
    """The first over the second with its 95 % interval, tissues resampled together [-]."""


def contrast_estimators(
    outcome: Outcome, first: str, second: str, *, n: int = 400, seed: int = 0
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
        Seed of the resampling.

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
    places = (*outcome.plan.snrs_db, POOLED)
    return [
        Contrast(
            first=first, second=second, snr_db=snr_db, parameter=parameter, measure=measure,
            ratio=ratio,
        )
        for p, parameter in enumerate(outcome.parameters)
        for measure in CONTRASTS
        for snr_db, ratio in zip(
            places, _ratios(a[measure][..., p], b[measure][..., p], measure, n, seed), strict=True
        )
    ]  # fmt: skip


def squared_errors(outcome: Outcome, names: Sequence[str]) -> Array:
    """Squared errors of scaled coordinates, the mean over noise draws with an estimate.

    Parameters
    ----------
    outcome
        The estimates.
    names
        The repeats of one estimator, such as networks trained from several seeds.

    Returns
    -------
    `(repeat, tissue, snr, parameter)`: the last ratio is `SWEEP` and the last parameter "all",
    the means of those before.

    Raises
    ------
    InputError
        A tissue has no estimate at some ratio, so that repeats cannot be compared.
    """
    squares = np.stack([scaled_errors(outcome, outcome.estimates[name]) ** 2 for name in names])
    known = np.isfinite(squares)
    counts = known.sum(axis=3)
    if not counts.all():
        raise InputError(f"{names[0]!r}: of some tissue there is no estimate at any noise draw")
    means = np.where(known, squares, 0.0).sum(axis=3) / counts
    means = np.concatenate([means, means.mean(axis=-1, keepdims=True)], axis=-1)
    means = np.concatenate([means, means.mean(axis=1, keepdims=True)], axis=1)
    return np.asarray(np.moveaxis(means, 1, 2))


def mean_errors(outcome: Outcome, errors: Array, *, n: int = 400, seed: int = 0) -> StatisticTable:
    """Mean squared errors with 95 % intervals, repeats and tissues resampled."""
    return _table(outcome, n, seed, lambda own: own.mean(axis=(0, 1)), errors)


def error_ratios(
    outcome: Outcome, errors: Array, base: Array, *, n: int = 400, seed: int = 0
) -> StatisticTable:
    """Mean squared errors over those of a base, with 95 % intervals.

    Repeats are resampled in pairs, as those of one seed, and so are tissues, so that what both
    share cancels. Errors are those of `squared_errors`; a base of one repeat is that of all.
    """
    return _table(
        outcome, n, seed,
        lambda own, other: own.mean(axis=(0, 1)) / other.mean(axis=(0, 1)),
        errors, np.broadcast_to(base, (len(errors), *base.shape[1:])),
    )  # fmt: skip


def _errors(outcome: Outcome, name: str) -> dict[str, Array]:
    """What each contrast is taken of, `(snr, tissue, draw, parameter)`."""
    estimates = outcome.estimates[name]
    relative = np.abs(estimates.values / outcome.truth[:, None] - 1)
    scaled = scaled_errors(outcome, estimates) ** 2
    return {"scaled_mse": scaled, "mape": relative, "far": relative}


def _ratios(a: Array, b: Array, measure: str, n: int, seed: int) -> Iterator[Statistic]:
    """Ratios at each signal-to-noise ratio and over all, from errors `(snr, tissue, draw)`."""
    # A case of the bootstrap is a tissue at all ratios: (tissue, snr, draw).
    first, second = (np.moveaxis(array, 0, 1) for array in (a, b))
    both = np.isfinite(first) & np.isfinite(second)
    first, second = (np.where(both, array, 0.0) for array in (first, second))
    _, statistic = CONTRASTS[measure]

    def compared(x: Array, y: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = statistic(x) / statistic(y)
            return np.append(ratios, np.exp(np.mean(np.log(ratios))))

    values = compared(first, second)
    low, high = bootstrap(compared, first, second, n=n, seed=seed)
    for ends in zip(values, low, high, strict=True):
        yield Statistic(*(float(end) for end in ends))


def _table(
    outcome: Outcome, n: int, seed: int, statistic: Callable[..., Array], *arrays: Array
) -> StatisticTable:
    values = statistic(*arrays)
    low, high = bootstrap_crossed(statistic, *arrays, n=n, seed=seed)
    snrs = [*(f"{snr_db:g}" for snr_db in outcome.plan.snrs_db), SWEEP]
    return {
        parameter: {
            snr: Statistic(*(float(array[s, p]) for array in (values, low, high)))
            for s, snr in enumerate(snrs)
        }
        for p, parameter in enumerate((*outcome.parameters, ALL))
    }
