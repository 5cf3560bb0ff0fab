"""Estimators that were made several times, as networks trained from several seeds, compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..agreement import Estimate
from ..bootstrap import bootstrap_crossed
from .outcome import Outcome
from .scores import ALL, scaled_errors

Array = NDArray[np.float64]

SWEEP = "sweep"
"""The ratio of errors over all ratios: the mean of the squared errors at each."""

Table = dict[str, dict[str, Estimate]]
"""Numbers by parameter, or "all", and by ratio as `f"{snr_db:g}"`, or `SWEEP`."""


def squared_errors(outcome: Outcome, names: Sequence[str]) -> Array:
    """Squared errors of scaled coordinates, the mean over noise draws with an estimate.

    Parameters
    ----------
    outcome
        The estimates.
    names
        The repeats of one estimator.

    Returns
    -------
    `(repeat, tissue, snr, parameter)`: the last ratio is `SWEEP` and the last parameter "all",
    the means of those before.

    Raises
    ------
    InputError
        Of some tissue and ratio there is no estimate at all, so that repeats cannot be compared.
    """
    squares = np.stack([scaled_errors(outcome, outcome.estimates[name]) ** 2 for name in names])
    told = np.isfinite(squares)
    counts = told.sum(axis=3)
    if not counts.all():
        raise InputError(f"{names[0]!r}: of some tissue there is no estimate at any noise draw")
    means = np.where(told, squares, 0.0).sum(axis=3) / counts
    means = np.concatenate([means, means.mean(axis=-1, keepdims=True)], axis=-1)
    means = np.concatenate([means, means.mean(axis=1, keepdims=True)], axis=1)
    return np.asarray(np.moveaxis(means, 1, 2))


def mean_errors(outcome: Outcome, errors: Array, *, n: int = 400, seed: int = 0) -> Table:
    """Mean squared errors with 95 % intervals, repeats and tissues resampled."""
    return _table(outcome, n, seed, lambda one: one.mean(axis=(0, 1)), errors)


def error_ratios(
    outcome: Outcome, errors: Array, base: Array, *, n: int = 400, seed: int = 0
) -> Table:
    """Mean squared errors over those of a base, with 95 % intervals.

    Repeats are resampled in pairs, as those of one seed, and so are tissues, so that what both
    share cancels. Errors are those of `squared_errors`; a base of one repeat is that of all.
    """
    return _table(
        outcome, n, seed,
        lambda one, other: one.mean(axis=(0, 1)) / other.mean(axis=(0, 1)),
        errors, np.broadcast_to(base, (len(errors), *base.shape[1:])),
    )  # fmt: skip


def _table(
    outcome: Outcome, n: int, seed: int, statistic: Callable[..., Array], *arrays: Array
) -> Table:
    values = statistic(*arrays)
    low, high = bootstrap_crossed(statistic, *arrays, n=n, seed=seed)
    snrs = [*(f"{one:g}" for one in outcome.plan.snrs_db), SWEEP]
    return {
        parameter: {
            snr: Estimate(*(float(one[s, p]) for one in (values, low, high)))
            for s, snr in enumerate(snrs)
        }
        for p, parameter in enumerate((*outcome.parameters, ALL))
    }
