"""The Bayes risk at the noise of maps: what no estimate can beat on average over a prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError
from ..estimators import PosteriorMean
from ..maps import UNITS, Maps
from ..parallel import Progress
from ..parameters import PARAMETERS
from ..physics.noise import sigma_to_snr
from ..physics.simulate import simulate
from ..prior import Fixed, Prior
from ..sequence import Sequence as PulseSequence
from .bayes_risk import DRAWS, BayesRisk, bayes_risk
from .map_bound import known_tissue
from .row import Row

Array = NDArray[np.float64]

_FIELDS = ("b1", "b0")
_MOST = 2048  # voxels whose signal is simulated for the ratio: their median is good to 0.1 dB


@dataclass(frozen=True, eq=False, kw_only=True)
class MapRisk:
    """The Bayes risk at the signal-to-noise ratio of maps."""

    found: BayesRisk
    """The risk, with its Monte Carlo errors."""
    prior: Prior
    """What tissue it is the average over."""
    snr_db: tuple[float, float, float]
    """Ratio of the voxels, rms over time: 5 % quantile, median, 95 % quantile [dB]. The risk is
    that at the median."""

    def squared_error(self, truth: Mapping[str, ArrayLike]) -> dict[str, Array]:
        """The risk as a mean squared error of maps, `(...)` [squared SI units].

        Of times the risk is one of logarithms, that is of relative errors: it is scaled by the
        truth.

        Parameters
        ----------
        truth
            True maps by parameter, `(...)` [SI units].
        """
        return {
            name: np.square(
                rms * np.asarray(truth[name], np.float64)
                if PARAMETERS[name].log
                else np.full(np.shape(truth[name]), rms)
            )
            for name, rms in self.found.rms.items()
            if name in truth
        }

    def table(self, rows: Sequence[Row] = ()) -> list[dict[str, Any]]:
        """A row a parameter, as plain values: the risk as a root, its error, and maps beside it.

        Roots of times are relative [-], all others in the unit that the row states.
        `mse_over_bayes_risk` and its interval are those over all structures, None where there are
        no such rows.
        """
        whole = {row.parameter: row for row in rows if row.label is None}
        return [self._row(name, whole.get(name)) for name in self.found.rms]

    def _row(self, name: str, row: Row | None) -> dict[str, Any]:
        rms, mean = self.found.rms[name], self.found.risk[name]
        ratio = None if row is None or np.isnan(row.mse_over_bayes_risk) else row
        low, high = (ratio.intervals if ratio else {}).get("mse_over_bayes_risk", (None, None))
        return {
            "parameter": name,
            "unit": "relative" if PARAMETERS[name].log else UNITS[name],
            "bayes_rms_error": rms,
            "standard_error": rms * mean.error / (2 * mean.value),
            "n_voxels": ratio and ratio.n_estimated,
            "rms_error_of_maps": ratio and rms * float(np.sqrt(ratio.mse_over_bayes_risk)),
            "mse_over_bayes_risk": ratio and ratio.mse_over_bayes_risk,
            "mse_over_bayes_risk_low": low,
            "mse_over_bayes_risk_high": high,
        }


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

    The ratio of a voxel is that of its signal, simulated of the truth (of the estimate where there
    is none) and scaled by the M0 that was found, to the noise that the maps state.

    Parameters
    ----------
    maps
        Shape `(...)`.
    sequence
        What the series was measured with.
    prior
        Which tissue the risk is an average over. A field that it holds and the maps do not was
        known to the estimator: it is fixed, at the median of `fields`, or at its nominal value.
    truth
        True maps by parameter, `(...)` [SI units].
    where
        The voxels that count, `(...)`.
    fields
        B1 and B0 as the estimator knew them, `(...)` [relative, Hz].
    n, n_atoms, seed
        Draws of tissue, atoms of the posterior, and the seed of both and of the noise.
    progress
        Called with the draws done and their number.

    Raises
    ------
    TissueError
        The sequence depends on a parameter that the maps and the truth, or the prior, do not hold.
    SeriesError
        No voxel states its noise and M0.
    """
    ratio = _snr(maps, sequence, truth, where, fields)
    if not ratio.size:
        raise SeriesError("no Bayes risk can be said: the maps do not state their noise and M0")
    expected = _with_known_fields(prior, maps, where, fields or {})
    posterior = PosteriorMean.build(sequence, expected, n_atoms=n_atoms, seed=seed)
    low, middle, high = np.percentile(ratio, (5, 50, 95)).tolist()
    found = bayes_risk(posterior, middle, n=n, seed=seed, progress=progress)
    return MapRisk(found=found, prior=expected, snr_db=(low, middle, high))


def _snr(
    maps: Maps,
    sequence: PulseSequence,
    truth: Mapping[str, ArrayLike] | None,
    where: ArrayLike,
    fields: Mapping[str, ArrayLike] | None,
) -> Array:
    """The ratio of up to `_MOST` voxels, spread evenly [dB], `(voxel,)`."""
    tissue, told = known_tissue(maps, sequence, truth, where, fields)
    some = np.unique(np.linspace(0, max(tissue.size - 1, 0), min(tissue.size, _MOST)).astype(int))
    sigma = np.asarray(maps.sigma, np.float64)[told][some]
    if not some.size:
        return sigma
    return np.asarray(sigma_to_snr(simulate(sequence, tissue.take(some)), sigma))


def _with_known_fields(
    prior: Prior, maps: Maps, where: ArrayLike, fields: Mapping[str, ArrayLike]
) -> Prior:
    """The prior, given the fields that were known."""
    laws = dict(prior.laws)
    for name in _FIELDS:
        if name in maps or not (name in laws or name in fields):
            continue
        values = np.asarray(fields.get(name, PARAMETERS[name].neutral), np.float64)
        inside = np.broadcast_to(values, maps.shape)[np.broadcast_to(where, maps.shape)]
        laws[name] = Fixed(float(np.nanmedian(inside)))
    return Prior(laws, prior.constraints)
