"""The Bayes risk: the least mean squared error over a prior, at any noise and that of maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..coordinates import Coordinates
from ..errors import InputError, SeriesError
from ..estimators import PosteriorMean
from ..estimators.posterior import FEW
from ..maps import UNITS, Maps
from ..parallel import Progress
from ..parameters import FIELDS, PARAMETERS
from ..physics.noise import add_noise, sigma_to_snr, snr_to_sigma
from ..physics.simulate import simulate
from ..prior import Fixed, Prior
from ..sequence import Sequence as PulseSequence
from .bounds import is_possible, known_tissue
from .metrics import Row

Array = NDArray[np.float64]

DRAWS = 4096
"""Default number of tissues."""

_CHUNK = 128  # tissues simulated and estimated at a time, and with the same importance draws
_MOST = 2048  # voxels whose signal is simulated for the ratio: their median is good to 0.1 dB


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over draws with its standard error."""

    value: float
    """The mean."""
    error: float
    """Its standard error; NaN for a single draw."""

    @classmethod
    def of(cls, values: Array) -> Mean:
        """The mean of independent values `(draw,)`."""
        n = len(values)
        spread = float(np.std(values, ddof=1)) if n > 1 else np.nan
        return cls(float(np.mean(values)), spread / float(np.sqrt(n)))


@dataclass(frozen=True, eq=False, kw_only=True)
class BayesRisk:
    """Mean squared error of the posterior mean, with tissue and noise drawn anew each time.

    Errors are those of scaled coordinates (`Coordinates.scaled`): logarithms of times and other
    parameters as they are, 0 to 1 over the range of the prior. The risk is the mean of the
    posterior variance; the mean of the squared error equals it where the posterior is right, with
    a larger standard error.
    """

    snr_db: float
    """Signal-to-noise ratio of every signal [dB]."""
    convention: str
    """What the ratio compares the noise with, one of `physics.noise.SNR_CONVENTIONS`."""
    n: int
    """Number of draws."""
    n_atoms: int
    """Number of atoms of the posterior."""
    rank: int
    """Number of basis vectors that the signal is compressed to."""
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
    """Effective sample size of the posteriors: minimum, 5 % quantile and median."""
    not_converged: float
    """Share of the posteriors with fewer than 20 effective draws [-]."""
    sampling_excess: float
    """What the finite samples of the posteriors may add to the squared error, relative to the
    risk [-]: the mean of variance / effective size over that of the variance."""

    @property
    def disagreement(self) -> float:
        """Squared error less posterior variance, over its standard error [-].

        About normal where the posterior is right. The errors of the two are added as if they were
        independent, though they are partly shared: so it is never overstated.
        """
        apart = self.total_squared_error.value - self.total.value
        return apart / float(np.hypot(self.total_squared_error.error, self.total.error))


@dataclass(frozen=True, eq=False, kw_only=True)
class MapRisk:
    """The Bayes risk at the signal-to-noise ratio of maps."""

    risk: BayesRisk
    """The risk, with its Monte Carlo errors."""
    prior: Prior
    """The distribution of tissue that it is the average over."""
    snr_db: tuple[float, float, float]
    """Ratio of the voxels, rms over time: 5 % quantile, median, 95 % quantile [dB]. The risk is
    that at the median."""

    def squared_error(self, truth: Mapping[str, ArrayLike]) -> dict[str, Array]:
        """The risk as a mean squared error of maps, `(...)` [squared SI units]; NaN where the
        truth is impossible.

        The risk of times is one of logarithms, that is of relative errors: it is scaled by the
        truth.

        Parameters
        ----------
        truth
            True maps by parameter, `(...)` [SI units].
        """
        found = {}
        for name, rms in self.risk.rms.items():
            if name in truth:
                values = np.asarray(truth[name], np.float64)
                error = rms * values if PARAMETERS[name].log else np.full(values.shape, rms)
                found[name] = np.where(is_possible(name, values), error, np.nan) ** 2
        return found

    def table(self, rows: Sequence[Row] = ()) -> list[dict[str, Any]]:
        """One row of plain values per parameter: the risk as a root, its error, and maps beside it.

        Roots of times are relative [-], all others in the unit that the row states.
        `mse_over_bayes_risk` and its interval are those over all structures, None where there are
        no such rows.
        """
        whole = {row.parameter: row for row in rows if row.label is None}
        table = []
        for name, rms in self.risk.rms.items():
            row, mean = whole.get(name), self.risk.risk[name]
            if row is not None and np.isnan(row.mse_over_bayes_risk):
                row = None
            low, high = (row.intervals if row else {}).get("mse_over_bayes_risk", (None, None))
            line = {
                "parameter": name,
                "unit": "relative" if PARAMETERS[name].log else UNITS[name],
                "bayes_rms_error": rms,
                "standard_error": rms * mean.error / (2 * mean.value),
                "n_voxels": row and row.n_estimated,
                "rms_error_of_maps": row and rms * float(np.sqrt(row.mse_over_bayes_risk)),
                "mse_over_bayes_risk": row and row.mse_over_bayes_risk,
                "mse_over_bayes_risk_low": low,
                "mse_over_bayes_risk_high": high,
            }
            table.append(line)
        return table


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

    Tissue is drawn from the prior, off any grid; noise is added to its signal; the posterior gives
    mean and variance (Kay, Fundamentals of Statistical Signal Processing: Estimation Theory,
    1993, section 10.5: the posterior mean has the least mean squared error, and it is the mean
    posterior variance). The ratio is that of each individual signal, and sigma is known.

    The prior of M0 is that of `PosteriorMean`, so the whole signal must stand out from the noise,
    with sqrt(2 time) times the ratio of amplitudes well above 1. Below, noise is taken for signal,
    and `disagreement` is large.

    Parameters
    ----------
    posterior
        The sequence, the prior and the atoms: `PosteriorMean.build(sequence, prior)`.
    snr_db
        Signal-to-noise ratio [dB].
    n
        Number of draws.
    seed
        Seed of tissue and noise.
    convention
        What the ratio compares the noise with.
    progress
        Called with the number of draws done and their total.

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


def map_risk(
    maps: Maps,
    sequence: PulseSequence,
    prior: Prior,
    truth: Mapping[str, ArrayLike] | None = None,
    where: ArrayLike = True,
    fields: Mapping[str, ArrayLike] | None = None,
    *,
    n: int = DRAWS,
    n_atoms: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> MapRisk:
    """The Bayes risk of a prior at the median signal-to-noise ratio of maps.

    The ratio of a voxel is that of its signal, simulated from the truth (from the estimate where
    there is none) and scaled by the estimated M0, to the noise that the maps state.

    Parameters
    ----------
    maps
        Shape `(...)`.
    sequence
        What the series was measured with.
    prior
        The distribution of tissue that the risk is an average over. A field that it holds and the
        maps do not was known to the estimator: it is fixed at the median of `fields`, or at its
        nominal value.
    truth
        True maps by parameter, `(...)` [SI units].
    where
        The voxels that count, `(...)`.
    fields
        B1 and B0 as the estimator knew them, `(...)` [relative, Hz].
    n, n_atoms, seed
        Draws of tissue, atoms of the posterior, and the seed of both and of the noise.
    progress
        Called with the number of draws done and their total.

    Raises
    ------
    TissueError
        The sequence depends on a parameter that the maps and the truth, or the prior, do not hold.
    SeriesError
        No voxel states its noise and M0.
    """
    tissue, known = known_tissue(maps, sequence, truth, where, fields)
    if not tissue.size:
        raise SeriesError("the Bayes risk is undefined: the maps do not state their noise and M0")
    some = np.unique(np.linspace(0, tissue.size - 1, min(tissue.size, _MOST)).astype(int))
    sigma = np.asarray(maps.sigma, np.float64)[known][some]
    ratio = sigma_to_snr(simulate(sequence, tissue.take(some)), sigma)
    expected = _with_known_fields(prior, maps, where, fields or {})
    posterior = PosteriorMean.build(sequence, expected, n_atoms=n_atoms, seed=seed)
    low, middle, high = np.percentile(ratio, (5, 50, 95)).tolist()
    risk = bayes_risk(posterior, middle, n=n, seed=seed, progress=progress)
    return MapRisk(risk=risk, prior=expected, snr_db=(low, middle, high))


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


def _with_known_fields(
    prior: Prior, maps: Maps, where: ArrayLike, fields: Mapping[str, ArrayLike]
) -> Prior:
    """The prior, given the fields that were known."""
    laws = dict(prior.laws)
    for name in FIELDS:
        if name in maps or not (name in laws or name in fields):
            continue
        values = np.asarray(fields.get(name, PARAMETERS[name].neutral), np.float64)
        inside = np.broadcast_to(values, maps.shape)[np.broadcast_to(where, maps.shape)]
        laws[name] = Fixed(float(np.nanmedian(inside)))
    return Prior(laws, prior.constraints)
