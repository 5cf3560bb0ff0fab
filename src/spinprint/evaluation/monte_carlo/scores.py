"""How good each estimator was: measures with bootstrap intervals over tissue."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...maps import UNITS
from ...records import plain
from .. import measures
from ..measures import Measure, Sample, error_sample, measure
from ..statistic import Statistic, bootstrap
from .outcome import Estimates, Outcome

Array = NDArray[np.float64]

ALL = "all"
"""The parameter of measures over all parameters together."""


def _over_risk(sample: Sample) -> float:
    best = sample.mean("scaled_best")
    return sample.mean("scaled_paired") / best if best else math.nan


_OF_ALL: dict[str, Measure] = {
    "scaled_mse": Measure("1", lambda s: s.mean("scaled")),
    "mse_over_bayes_risk": Measure("1", _over_risk),
    "failed": Measure("share", lambda s: s.mean("failed")),
}
"""Measures over all parameters together: the mean squared error of scaled coordinates, its ratio to
that of the posterior mean on the same signals, and the share of signals without an estimate."""

_OF_EACH = {
    **measures.MEASURES,
    **_OF_ALL,
    "sd": Measure("unit", lambda s: math.sqrt(s.mean("within"))),
}
MEASURES: dict[str, Measure] = {
    name: _OF_EACH[name]
    for name in (
        "bias", "bias_percent", "sd", "rmse", "mape", "scaled_mse", "median_error_over_bound",
        "rmse_over_bound", "mse_over_bayes_risk", "coverage", "failed",
    )
}  # fmt: skip
"""Measures of each parameter, as the fields of `Row`; but `sd` is the deviation of the estimates of
a tissue about their mean, rms over tissue, and `mse_over_bayes_risk` as over all parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A measure of an estimator; NaN where it is not defined."""

    estimator: str
    """Name of the estimator."""
    snr_db: float
    """Signal-to-noise ratio, in the convention of the plan [dB]."""
    parameter: str
    """Name of the parameter, or "all"."""
    measure: str
    """One of `MEASURES`."""
    unit: str
    """Its unit."""
    statistic: Statistic
    """The measure with its 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinkage:
    """Slope of estimates on the truth, both in the coordinates of the prior.

    1 follows the truth; below 1, estimates are drawn towards the middle of the prior. The slope of
    the posterior mean is 1 - risk / prior variance: it trades this bias for less variance.
    """

    estimator: str
    """Name of the estimator."""
    snr_db: float
    """Signal-to-noise ratio [dB]."""
    parameter: str
    """Name of the parameter."""
    slope: Statistic
    """With its 95 % interval, tissues resampled [-]."""


def score_estimators(outcome: Outcome, *, n: int = 400, seed: int = 0) -> list[Score]:
    """Measure every estimator at every ratio, by parameter and over all of them.

    Signals without an estimate count as failed and nowhere else. The Bayes risk is the scaled
    mean squared error of the posterior mean on the same signals, so that most of the chance in
    the two cancels; it is NaN where the posterior mean of the prior is not among the estimators.

    Parameters
    ----------
    outcome
        The estimates.
    n
        Resamples of the bootstrap, of tissues with all their noise draws.
    seed
        Seed of the resampling.

    Returns
    -------
    By estimator, ratio, parameter and measure.
    """
    scaled = {name: scaled_errors(outcome, own) for name, own in outcome.estimates.items()}
    best = scaled.get(outcome.posterior or "")
    return [
        Score(
            estimator=name,
            snr_db=snr_db,
            parameter=parameter,
            measure=key,
            unit=_unit(chosen[key].unit, parameter),
            statistic=statistic,
        )
        for name, estimates in outcome.estimates.items()
        for snr, snr_db in enumerate(outcome.plan.snrs_db)
        for parameter, chosen, sample in _samples(outcome, estimates, scaled[name], best, snr)
        for key, statistic in measure(sample, chosen, n, seed).items()
    ]


def score_table(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """The scores as plain values, for JSON and CSV; NaN and infinity are None."""
    rows = []
    for score in scores:
        row = plain(score)
        statistic = row.pop("statistic")
        rows.append({**row, **statistic})
    return rows


def shrinkage(outcome: Outcome, *, n: int = 400, seed: int = 0) -> list[Shrinkage]:
    """Slopes by estimator, ratio and parameter; signals without an estimate do not count.

    Parameters
    ----------
    outcome
        Estimates of tissues drawn from the prior of its plan.
    n
        Resamples of the tissues, each with all its noise.
    seed
        Seed of the resampling.
    """
    coordinates = outcome.plan.coordinates
    truth = coordinates.scaled(coordinates.theta(outcome.plan.tissue))
    slopes = []
    for name, estimates in outcome.estimates.items():
        scaled = scaled_errors(outcome, estimates)
        for s, snr_db in enumerate(outcome.plan.snrs_db):
            for p, parameter in enumerate(outcome.parameters):
                cases = truth[:, p], scaled[s, :, :, p]
                slope = Statistic(_slope(*cases), *bootstrap(_slope, *cases, n=n, seed=seed))
                slopes.append(
                    Shrinkage(estimator=name, snr_db=snr_db, parameter=parameter, slope=slope)
                )
    return slopes


def scaled_errors(outcome: Outcome, estimates: Estimates) -> Array:
    """Errors of the scaled coordinates, `(snr, tissue, draw, parameter)`."""
    coordinates = outcome.plan.coordinates
    values = estimates.values.reshape(-1, len(coordinates.names)).astype(np.float64)
    columns = dict(zip(coordinates.names, values.T, strict=True))
    scaled = coordinates.scaled(coordinates.theta_of(columns)).reshape(estimates.values.shape)
    truth = coordinates.scaled(coordinates.theta(outcome.plan.tissue))
    return np.asarray(scaled - truth[:, None])


def _unit(unit: str, parameter: str) -> str:
    return UNITS[parameter] if unit == "unit" else "1" if unit == "share" else unit


def _samples(
    outcome: Outcome, estimates: Estimates, scaled: Array, best: Array | None, snr: int
) -> Iterator[tuple[str, Mapping[str, Measure], Sample]]:
    """Samples of an estimator at a ratio: each parameter, then all together."""
    values, sd = (array[snr].astype(np.float64) for array in (estimates.values, estimates.sd))
    for p, parameter in enumerate(outcome.parameters):
        true = np.broadcast_to(outcome.truth[:, p, None], values.shape[:2])
        quantities = error_sample(
            values[..., p], true, sd=sd[..., p], bound=outcome.bound[snr, :, p, None]
        )
        paired = _scaled_sample(scaled[snr, ..., p], None if best is None else best[snr, ..., p])
        sums = {"within": _within(quantities["error"])}
        yield parameter, MEASURES, Sample.of(quantities | paired, sums)

    def rms(errors: Array) -> Array:
        return np.sqrt(np.mean(errors[snr] ** 2, axis=-1))

    yield ALL, _OF_ALL, Sample.of(_scaled_sample(rms(scaled), None if best is None else rms(best)))


def _scaled_sample(scaled: Array, best: Array | None) -> dict[str, Array]:
    """Squared scaled errors, and those of signals of which the posterior mean has one too."""
    square = scaled**2
    least = np.full(scaled.shape, np.nan) if best is None else best**2
    both = np.isfinite(square) & np.isfinite(least)
    return {
        "scaled": square,
        "scaled_paired": np.where(both, square, np.nan),
        "scaled_best": np.where(both, least, np.nan),
        "failed": np.where(np.isfinite(scaled), 0.0, 1.0),
    }


def _within(error: Array) -> tuple[Array, NDArray[np.int_]]:
    """Squared deviations from the mean of each tissue and their degrees of freedom, `(tissue,)`."""
    counts = np.isfinite(error).sum(axis=1)
    mean = np.nansum(error, axis=1) / np.maximum(counts, 1)
    return np.nansum((error - mean[:, None]) ** 2, axis=1), np.maximum(counts - 1, 0)


def _slope(truth: Array, scaled: Array) -> float:
    """Of truth + error on truth, from `(tissue,)` and `(tissue, draw)`."""
    known = np.isfinite(scaled)
    x = np.broadcast_to(truth[:, None], scaled.shape)[known]
    if x.size < 2 or not np.ptp(x):
        return math.nan
    apart = x - x.mean()
    return float(1 + (apart @ scaled[known]) / (apart @ apart))
