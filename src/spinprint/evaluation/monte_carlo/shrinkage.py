"""How far estimates keep to what was expected instead of following the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..agreement import Estimate
from ..bootstrap import bootstrap
from .outcome import Outcome
from .scores import scaled_errors

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinkage:
    """Slope of estimates on the truth, both in the coordinates of the prior.

    1 follows the truth; below 1 estimates lie towards the middle of what was expected. That of the
    posterior mean is 1 - risk / prior variance: it trades this bias for less variance.
    """

    estimator: str
    """Name of the estimator."""
    snr_db: float
    """Signal-to-noise ratio [dB]."""
    parameter: str
    """Name of the parameter."""
    slope: Estimate
    """With its 95 % interval, tissues resampled [-]."""


def shrinkage(outcome: Outcome, *, n: int = 400, seed: int = 0) -> list[Shrinkage]:
    """Slopes by estimator, ratio and parameter; signals without an estimate do not count.

    Parameters
    ----------
    outcome
        Estimates of tissues drawn from the prior of its plan.
    n
        Resamples of the tissues, each with all its noise.
    seed
        Of the resampling.
    """
    coordinates = outcome.plan.coordinates
    truth = coordinates.scaled(coordinates.theta(outcome.plan.tissue))
    found = []
    for name, estimates in outcome.estimates.items():
        errors = scaled_errors(outcome, estimates)
        for s, snr_db in enumerate(outcome.plan.snrs_db):
            for p, parameter in enumerate(outcome.parameters):
                cases = truth[:, p], errors[s, :, :, p]
                ends = bootstrap(_slope, *cases, n=n, seed=seed)
                slope = Estimate(_slope(*cases), *ends)
                found.append(
                    Shrinkage(estimator=name, snr_db=snr_db, parameter=parameter, slope=slope)
                )
    return found


def _slope(truth: Array, errors: Array) -> float:
    """Of truth + error on truth, from `(tissue,)` and `(tissue, draw)`."""
    told = np.isfinite(errors)
    x = np.broadcast_to(truth[:, None], errors.shape)[told]
    if x.size < 2 or not np.ptp(x):
        return float("nan")
    apart = x - x.mean()
    return float(1 + (apart @ errors[told]) / (apart @ apart))
