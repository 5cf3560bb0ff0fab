"""The Bayes risk: the mean squared error that no estimate of tissue from a prior can beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..coordinates import Coordinates
from ..errors import InputError
from ..estimators import PosteriorMean
from ..estimators.posterior import FEW
from ..parallel import Progress
from ..physics.noise import add_noise, snr_to_sigma
from ..physics.simulate import simulate

Array = NDArray[np.float64]

DRAWS = 4096
"""Tissues by default."""

_CHUNK = 128  # tissues simulated and estimated at a time, and with the same importance draws


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over draws and its standard error."""

    value: float
    """The mean."""
    error: float
    """Its standard error; NaN of a single draw."""

    @classmethod
    def of(cls, values: Array) -> Mean:
        """The mean of independent values `(draw,)`."""
        n = len(values)
        spread = float(np.std(values, ddof=1)) if n > 1 else np.nan
        return cls(float(np.mean(values)), spread / float(np.sqrt(n)))


@dataclass(frozen=True, eq=False, kw_only=True)
class BayesRisk:
    """Mean squared error of the posterior mean, tissue and noise drawn anew each time.

    Errors are those of scaled coordinates (`Coordinates.scaled`): logarithms of times and other
    parameters as they are, 0 to 1 over the range of the prior. The risk is the mean of the
    posterior variance; the mean of the squared error is the same where the posterior is right,
    and has the larger standard error.
    """

    snr_db: float
    """Signal-to-noise ratio of every signal [dB]."""
    convention: str
    """What it compares the noise with, one of `physics.noise.SNR_CONVENTIONS`."""
    n: int
    """Number of draws."""
    n_atoms: int
    """Atoms the posterior was made from."""
    rank: int
    """Number of basis vectors the posterior saw the signal in."""
    risk: Mapping[str, Mean]
    """Mean posterior variance by parameter, scaled [-]."""
    squared_error: Mapping[str, Mean]
    """Mean squared error of the posterior mean by parameter, scaled [-]."""
    total: Mean
    """Mean of the risk over the parameters, scaled [-]."""
    total_squared_error: Mean
    """Mean of the squared error over the parameters, scaled [-]."""
    rms: Mapping[str, float]
    """Root of the risk in the coordinates themselves: for times the relative error [-], for
    all else the error [unit of the parameter]."""
    ess: tuple[float, float, float]
    """Effective sample size of the posteriors: the least, 5 % quantile and median."""
    not_converged: float
    """Part of the posteriors with fewer than 20 effective draws [-]."""
    sampling_excess: float
    """What the finite samples of the posteriors may add to the squared error, relative to the
    risk [-]: the mean of variance / effective size over that of the variance."""

    @property
    def disagreement(self) -> float:
        """Squared error less posterior variance, over its standard error [-].

        About normal where the posterior is right. The errors of the two are added as if
        independent, though some of it they share: so it is never overstated.
        """
        apart = self.total_squared_error.value - self.total.value
        return apart / float(np.hypot(self.total_squared_error.error, self.total.error))


def bayes_risk(
    posterior: PosteriorMean,
    snr_db: float,
    *,
    n: int = DRAWS,
    seed: int = 0,
    convention: str = "rms",
    progress: Progress | None = None,
) -> BayesRisk:
    """The Bayes risk of a prior at a signal-to-noise ratio, by Monte Carlo.

    Tissue is drawn from the prior, off any grid; its signal gets noise; the posterior says its
    mean and variance (Kay, Fundamentals of Statistical Signal Processing: Estimation Theory,
    1993, section 10.5: the posterior mean has the least mean squared error, and it is the mean
    posterior variance). Each signal has the ratio for itself, and sigma is known.

    The prior of M0 is that of `PosteriorMean`, so the whole signal must stand out from the noise:
    sqrt(2 time) times the ratio of amplitudes well above 1. Below, noise passes for signal, and
    `disagreement` is large.

    Parameters
    ----------
    posterior
        The sequence, the prior and the atoms: `PosteriorMean.build(sequence, prior)`.
    snr_db
        Signal-to-noise ratio [dB].
    n
        Number of draws.
    seed
        Of tissue and noise.
    convention
        What the ratio compares the noise with.
    progress
        Called with the draws done and their number.

    Raises
    ------
    InputError
        n is below 1, the ratio is not finite, or the convention is unknown.
    """
    if n < 1 or not np.isfinite(snr_db):
        raise InputError(
            f"Bayes risk with n = {n} at {snr_db:g} dB: n must be at least 1, the ratio finite"
        )
    coordinates = Coordinates.over(posterior.assumed)
    tissue = posterior.assumed.draw(n, np.random.default_rng([seed, 0]))
    theta = coordinates.theta(tissue)
    noise = np.random.default_rng([seed, 1])
    variance, squared, ess = np.empty_like(theta), np.empty_like(theta), np.empty(n)
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        signal = simulate(posterior.dictionary.sequence, tissue.take(part))
        sigma = snr_to_sigma(signal, snr_db, convention)
        belief = posterior.believe(add_noise(signal, sigma, noise), sigma, seed=start)
        variance[part] = belief.sd**2
        squared[part] = (belief.mean - theta[part]) ** 2
        ess[part] = belief.ess
        if progress:
            progress(part.stop, n)
    width = coordinates.high - coordinates.low
    return _summary(posterior, snr_db, convention, variance / width**2, squared / width**2, ess)


def _summary(
    posterior: PosteriorMean,
    snr_db: float,
    convention: str,
    variance: Array,
    squared: Array,
    ess: Array,
) -> BayesRisk:
    """From scaled variances and squared errors `(draw, parameter)`."""
    coordinates = Coordinates.over(posterior.assumed)
    names, width = coordinates.names, coordinates.high - coordinates.low
    risk = {name: Mean.of(column) for name, column in zip(names, variance.T, strict=True)}
    return BayesRisk(
        snr_db=float(snr_db),
        convention=convention,
        n=len(variance),
        n_atoms=posterior.dictionary.n_atoms,
        rank=posterior.dictionary.rank,
        risk=risk,
        squared_error={n: Mean.of(column) for n, column in zip(names, squared.T, strict=True)},
        total=Mean.of(variance.mean(axis=1)),
        total_squared_error=Mean.of(squared.mean(axis=1)),
        rms={n: float(w * np.sqrt(risk[n].value)) for n, w in zip(names, width, strict=True)},
        ess=(float(ess.min()), float(np.quantile(ess, 0.05)), float(np.median(ess))),
        not_converged=float(np.mean(ess < FEW)),
        sampling_excess=float(
            np.mean(variance.mean(axis=1) / np.maximum(ess, 1)) / np.mean(variance)
        ),
    )
