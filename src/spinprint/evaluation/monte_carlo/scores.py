"""How good each estimator was: measures with bootstrap intervals over tissue."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...maps import UNITS
from ..bootstrap import bootstrap
from .outcome import Estimates, Outcome

Array = NDArray[np.float64]

ALL = "all"
"""The parameter of measures over all parameters together."""

MEASURES = {
    "bias": ("unit", "mean error"),
    "bias_percent": ("%", "mean relative error"),
    "sd": ("unit", "deviation of estimates of one tissue about their mean, rms over tissue"),
    "rmse": ("unit", "root of the mean squared error"),
    "mape": ("%", "mean absolute relative error"),
    "scaled_mse": ("1", "mean squared error of scaled coordinates"),
    "median_error_over_bound": ("1", "median of |error| / Cramér-Rao SD; 0.674 if efficient"),
    "rmse_over_bound": ("1", "root mean square of error / Cramér-Rao SD; 1 if efficient"),
    "mse_over_bayes_risk": ("1", "scaled_mse over that of the posterior mean, same signals"),
    "coverage": ("1", "share of estimates +- stated SD that hold the truth; 0.683 if it is right"),
    "failed": ("1", "share of signals without an estimate"),
}
"""Unit and meaning of each measure; `unit` is that of the parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One measure of one estimator; NaN where it cannot be said."""

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
    value: float
    """The measure."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""


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
        Of the resampling.

    Returns
    -------
    By estimator, ratio, parameter and measure.
    """
    scaled = {name: scaled_errors(outcome, one) for name, one in outcome.estimates.items()}
    best = scaled[outcome.posterior] if outcome.posterior else None
    scores = []
    for name, one in outcome.estimates.items():
        for snr, snr_db in enumerate(outcome.plan.snrs_db):
            cases = _cases(outcome, one, scaled[name], best, snr)
            for parameter, case in zip((*outcome.parameters, ALL), cases, strict=True):
                for measure, (value, low, high) in case.measures(n, seed).items():
                    if parameter == ALL and measure not in _OF_ALL:
                        continue
                    unit = MEASURES[measure][0]
                    scores.append(
                        Score(
                            estimator=name,
                            snr_db=snr_db,
                            parameter=parameter,
                            measure=measure,
                            unit=UNITS[parameter] if unit == "unit" else unit,
                            value=value,
                            low=low,
                            high=high,
                        )
                    )
    return scores


def score_table(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """The scores as plain values, for JSON and CSV; NaN and infinity are None."""
    return [
        {key: _plain(value) for key, value in dataclasses.asdict(one).items()} for one in scores
    ]


_OF_ALL = ("scaled_mse", "mse_over_bayes_risk", "failed")
"""The measures that can be taken over all parameters together."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Case:
    """One estimator, ratio and parameter: arrays `(tissue, draw)`, NaN where nothing is said."""

    scaled: Array
    """Error of the scaled coordinate [-]."""
    best: Array
    """That of the posterior mean [-]."""
    error: Array
    """Estimate - truth [SI units]."""
    relative: Array
    """The same over the truth [%]."""
    over_bound: Array
    """The same over the Cramér-Rao deviation [-]."""
    covered: Array
    """1 where estimate +- stated SD holds the truth, 0 elsewhere."""

    def measures(self, n: int, seed: int) -> dict[str, tuple[float, float, float]]:
        """Value and ends of the interval of every measure."""
        parts = self._parts()
        names, columns = tuple(parts), np.stack(list(parts.values()), axis=1)

        def combined(rows: Array) -> Array:
            sums = dict(zip(names, rows.sum(axis=0).tolist(), strict=True))
            return np.array(list(_combine(sums).values()))

        ends = zip(*bootstrap(combined, columns, n=n, seed=seed), strict=True)
        totals = _combine(dict(zip(names, columns.sum(axis=0).tolist(), strict=True)))
        found = {
            name: (value, float(low), float(high))
            for (name, value), (low, high) in zip(totals.items(), ends, strict=True)
        }
        over = np.abs(self.over_bound)
        ends_of_median = bootstrap(_median, over, n=n, seed=seed)
        found["median_error_over_bound"] = (_median(over), *ends_of_median)
        return {name: found[name] for name in MEASURES}

    def _parts(self) -> dict[str, Array]:
        """What the measures are made of, summed over the draws of each tissue, `(tissue,)`."""
        both = np.isfinite(self.scaled) & np.isfinite(self.best)
        squares = {
            "mine": np.where(both, self.scaled, np.nan) ** 2,
            "best": np.where(both, self.best, np.nan) ** 2,
            "scaled": self.scaled**2,
            "square": self.error**2,
            "over_bound": self.over_bound**2,
        }
        plain = {
            "error": self.error,
            "relative": self.relative,
            "size": np.abs(self.relative),
            "covered": self.covered,
            "failed": np.where(np.isfinite(self.scaled), 0.0, 1.0),
        }
        parts = {}
        for name, values in (squares | plain).items():
            parts[name] = np.nansum(values, axis=1)
            parts[f"n_{name}"] = np.sum(np.isfinite(values), axis=1)
        mean = parts["error"] / np.maximum(parts["n_error"], 1)
        parts["within"] = np.nansum((self.error - mean[:, None]) ** 2, axis=1)
        parts["n_within"] = np.maximum(parts["n_error"] - 1, 0)
        return parts


def _combine(sums: dict[str, float]) -> dict[str, float]:
    """Measures from sums over all signals, and the number of signals `n_...` in each."""

    def mean(name: str) -> float:
        return sums[name] / sums[f"n_{name}"] if sums[f"n_{name}"] else math.nan

    return {
        "bias": mean("error"),
        "bias_percent": mean("relative"),
        "sd": math.sqrt(mean("within")),
        "rmse": math.sqrt(mean("square")),
        "mape": mean("size"),
        "scaled_mse": mean("scaled"),
        "rmse_over_bound": math.sqrt(mean("over_bound")),
        "mse_over_bayes_risk": sums["mine"] / sums["best"] if sums["best"] else math.nan,
        "coverage": mean("covered"),
        "failed": mean("failed"),
    }


def _cases(
    outcome: Outcome, estimates: Estimates, scaled: Array, best: Array | None, snr: int
) -> Iterator[_Case]:
    """One ratio of one estimator: each parameter, then all together."""
    nothing = np.full(scaled.shape[1:3], np.nan)
    values, sd = (array[snr].astype(np.float64) for array in (estimates.values, estimates.sd))
    for p, truth in enumerate(outcome.truth.T[:, :, None]):
        error = values[..., p] - truth
        bound = outcome.bound[snr, :, p, None]
        stated = np.isfinite(sd[..., p]) & np.isfinite(error)
        yield _Case(
            scaled=scaled[snr, ..., p],
            best=nothing if best is None else best[snr, ..., p],
            error=error,
            relative=100 * error / np.where(truth == 0, np.nan, truth),
            over_bound=error / np.where(np.isfinite(bound) & (bound > 0), bound, np.nan),
            covered=np.where(stated, np.abs(error) <= sd[..., p], np.nan),
        )
    yield _Case(
        scaled=np.sqrt(np.mean(scaled[snr] ** 2, axis=-1)),
        best=nothing if best is None else np.sqrt(np.mean(best[snr] ** 2, axis=-1)),
        error=nothing,
        relative=nothing,
        over_bound=nothing,
        covered=nothing,
    )


def scaled_errors(outcome: Outcome, estimates: Estimates) -> Array:
    """Errors of the scaled coordinates, `(snr, tissue, draw, parameter)`."""
    coordinates = outcome.plan.coordinates
    values = estimates.values.reshape(-1, len(coordinates.names)).astype(np.float64)
    columns = dict(zip(coordinates.names, values.T, strict=True))
    scaled = coordinates.scaled(coordinates.theta_of(columns)).reshape(estimates.values.shape)
    truth = coordinates.scaled(coordinates.theta(outcome.plan.tissue))
    return np.asarray(scaled - truth[:, None])


def _median(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else math.nan


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
