"""The Bayes estimate: mean and spread over a prior, given the series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..coordinates import Coordinates
from ..dictionary import Dictionary
from ..errors import DictionaryError
from ..maps import Status
from ..parallel import Progress
from ..prior import Prior
from ..sequence import Sequence
from .base import DictionaryEstimator
from .belief import LEVELS, Belief
from .gauss_newton import Fit, Model
from .importance import Target, sample
from .magnitude import refine_magnitudes
from .nearest import field_groups
from .noise import assess
from .protocol import Fields, VoxelEstimates
from .refinement import SignalModel, refine
from .weighing import Weigher, weigher_for
from .weights import Weighed, WeightedAtoms

Array = NDArray[np.float64]

ENOUGH = 200.0
"""Effective atoms from which on they alone make the estimate."""

FEW = 20.0
"""Effective draws below which an estimate counts as not converged."""

PRECISION = 1e-5
"""Relative error of the signal model: noise below this part of a signal counts as this much."""

EDGE = 0.1
"""A range ends the posterior where 5 % of it lie within this many deviations of the end."""

_CHUNK = 4096  # voxels weighed at a time
_LOCAL_CHUNK = 256  # voxels sampled at a time: bounds the memory of their draws
_ENERGY = 1 - 1e-6  # of the basis: what it leaves out stays below the noise up to 40 dB
_RESOLVED = 1e6  # energy over 2 sigma² up to which float32 scores are good to a tenth


@dataclass(frozen=True, eq=False)
class PosteriorMean(DictionaryEstimator):
    """Bayes: what the series and the prior together say, M0 marginalised.

    White noise of sigma per channel, a signal M0 s with s = |s| d, and A = M0 |s| give

        |y - M0 s|² = |y|² - |<d, y>|² + |A - <d, y>|²

    so that integrating over M0 leaves exp(|<d, y>|² / 2 sigma²) (Bretthorst, Bayesian Spectrum
    Analysis and Parameter Estimation, 1988, chapter 3). M0 has the prior dM0 / |M0|², which is
    also dA / |A|²: it changes neither with the unit of the series nor with the tissue, and what
    it adds, about 1 / |<d, y>|², is alike for all tissue that fits. (A prior flat in M0 would
    add 1 / |s|² and expect tissue that gives little signal.) An atom weighs its prior times this
    likelihood. Where too few atoms weigh (`ENOUGH`), the estimate comes from draws around the
    most likely point instead; see `importance`. Of magnitudes it always does where draws can make
    one: the likelihood is Rician, and Gaussian only around that point (see `magnitude`), so that
    the atoms say no more than where to look.

    Values are means of the coordinates: for times exp(E[log T]), the estimate of least
    squared relative error, with T times the deviation of log T as its SD; for all else mean and
    deviation. Quantiles hold in any coordinate. `extra` holds `t1_q05`, `t1_q16`, `t1_q50`,
    `t1_q84`, `t1_q95`, and so on by parameter, and `ess`, the effective sample size.

    Raises
    ------
    DictionaryError
        Atoms and prior do not belong together: they differ in other parameters, an atom on a
        grid cannot be told its share, or no atom is possible under the prior.
    """

    prior: Prior | None = None
    """What is expected; None is even over the range of the grid (`Prior.over`)."""

    def __post_init__(self) -> None:
        grid = self.dictionary.grid
        if self.prior is None and grid is None:
            raise DictionaryError("the atoms lie on no grid: say which prior they were drawn from")
        if set(self.assumed.unknowns) != set(self.dictionary.parameters):
            raise DictionaryError(
                f"the atoms differ in {', '.join(self.dictionary.parameters)}, the prior in"
                f" {', '.join(self.assumed.unknowns)}: both must be the same"
            )
        if not np.isfinite(self.assumed.log_density(self.dictionary.tissue)).any():
            raise DictionaryError("the prior rules out every atom: widen it or the dictionary")

    @classmethod
    def build(
        cls,
        sequence: Sequence,
        prior: Prior | None = None,
        *,
        n_atoms: int = 100_000,
        rank: int | None = None,
        seed: int = 0,
        magnitude: bool = False,
        progress: Progress | None = None,
    ) -> PosteriorMean:
        """The estimator with atoms drawn from a prior.

        Parameters
        ----------
        sequence
            What is played.
        prior
            What is expected; None takes `Prior.default`.
        n_atoms
            Number of draws.
        rank
            Number of basis vectors; None keeps 1 - 1e-6 of the energy, so that the noise can be
            told from outside the basis up to 40 dB.
        seed
            Of the draws.
        magnitude
            True for magnitudes, see `Dictionary.build`.
        progress
            Called with the atoms done and their number.

        Raises
        ------
        TissueError
            The prior lacks a parameter the sequence needs.
        DictionaryError
            The rank is impossible.
        """
        prior = prior or Prior.default(sequence)
        atoms = prior.draw(n_atoms, np.random.default_rng(seed))
        energy = _ENERGY if rank is None else None
        dictionary = Dictionary.build(
            sequence, atoms, rank, energy=energy, magnitude=magnitude, progress=progress
        )
        return cls(dictionary, prior)

    sigma_source: ClassVar[str] = "estimated outside the basis"
    cut_off: ClassVar[bool] = True

    @property
    def _chunk(self) -> int:
        return _CHUNK

    @property
    def _needs_sigma(self) -> bool:
        return self.dictionary.rank == self.sequence.n_samples

    def _check(self, given: Iterable[str]) -> None:
        super()._check(given)
        for name in given:
            if self.dictionary.grid is None:
                raise DictionaryError(
                    f"a {name} map was given, but no two atoms share a {name}:"
                    f" take a dictionary on a grid with an axis {name}"
                )

    def _provenance(self) -> dict[str, Any]:
        return {
            "estimator": "posterior mean (Bayes), M0 marginalised",
            "prior": self.assumed.to_dict(),
            "atoms": self.dictionary.n_atoms,
            "rank": self.dictionary.rank,
            "dictionary": self.dictionary.digest,
        }

    @cached_property
    def assumed(self) -> Prior:
        """The prior: the one given, or even over the range of the grid."""
        if self.prior is not None:
            return self.prior
        assert self.dictionary.grid is not None  # construction has seen to it
        return Prior.over(self.dictionary.grid)

    @cached_property
    def _weigher(self) -> Weigher:
        """All atoms, laid out."""
        return self._laid_out((), slice(None))

    def _laid_out(self, known: Iterable[str], atoms: NDArray[np.int64] | slice) -> Weigher:
        """Some atoms laid out for voxels of which some parameters are known."""
        expected = _Expected.of(self.assumed, known)
        theta = expected.coordinates.theta(self.dictionary.tissue.take(atoms))
        weights = np.zeros(len(theta))
        if self.dictionary.grid is not None:
            weights = expected.log_density(theta) + _log_cells(theta)
        coordinates = expected.coordinates
        bounds = coordinates.low, coordinates.high
        chosen = self.dictionary.coefficients[atoms]
        return weigher_for(WeightedAtoms(chosen, theta, weights, bounds))

    def _weigh(self, unit: NDArray[Any], energy: Array, known: Fields) -> Weighed:
        """What the atoms of the nearest known fields say."""
        if not known:
            return self._weigher.weigh(unit, energy)
        belief = Belief.empty(len(unit), len(self.dictionary.parameters) - len(known))
        best = np.zeros(len(unit), np.int64)
        atom_group, voxel_group = field_groups(self.dictionary, known)
        for group in np.unique(voxel_group):
            voxels = np.flatnonzero(voxel_group == group)
            atoms = np.flatnonzero(atom_group == group)
            found = self._laid_out(known, atoms).weigh(unit[voxels], energy[voxels])
            belief.put(voxels, found.belief)
            best[voxels] = atoms[found.best]
        return Weighed(belief, best)

    def believe(self, series: NDArray[Any], sigma: Array, seed: int = 0) -> Belief:
        """The posterior in the coordinates of the prior (`Coordinates.over`), not as maps.

        Voxels of one call share their importance draws, and with them what little error those
        leave: averages over many voxels are better with several seeds.

        Parameters
        ----------
        series
            Finite signals, `(voxel, time)`.
        sigma
            Noise per real and imaginary channel, `(voxel,)`.
        seed
            Of the importance draws.
        """
        return self._believe(series, {}, sigma, seed).belief

    def _estimate(self, series: NDArray[Any], known: Fields, sigma: Array | None) -> VoxelEstimates:
        coordinates = _Expected.of(self.assumed, known).coordinates
        return self._believe(series, known, sigma).estimates(coordinates)

    def _believe(
        self, series: NDArray[Any], known: Fields, sigma: Array | None, seed: int = 0
    ) -> _Believed:
        compressed, noise, signal = assess(self.dictionary.basis, series, sigma)
        unit, energy = _normalised(compressed, noise)
        weighed = self._weigh(unit, energy, known)
        belief = weighed.belief
        atoms = self.dictionary.coefficients[weighed.best].astype(np.complex128)
        squared = np.einsum("vr,vr->v", atoms.conj(), atoms).real
        m0 = np.einsum("vr,vr->v", atoms.conj(), compressed) / np.where(squared > 0, squared, 1)

        noise = np.array(noise)
        expected = _Expected.of(self.assumed, known)
        # How much a belief by atoms counts against one by draws.
        weight = np.where((energy > _RESOLVED) | self.dictionary.magnitude, 0, belief.ess)
        local = np.flatnonzero(signal & (weight < ENOUGH))
        for start in range(0, len(local), _LOCAL_CHUNK):
            part = local[start : start + _LOCAL_CHUNK]
            here = {name: values[part] for name, values in known.items()}
            best = weighed.best[part]
            if self.dictionary.magnitude:
                fitted = refine_magnitudes(
                    self.dictionary, series[part], best, here, noise[part],
                    estimate_sigma=sigma is None,
                )  # fmt: skip
                peak = _Peak(fitted.data, fitted.model, fitted.refined.fit, fitted.sigma)
            else:
                peak = self._peak(compressed[part], noise[part], here, best, expected)
            found, m0[part], noise[part] = peak.belief(expected, seed), peak.fit.m0, peak.sigma
            # A few atoms alone may leave no deviation; what draws lack, a normal makes up for.
            better = (found.ess > weight[part]) | (weight[part] < FEW)
            belief.put(part[better], found.take(better))
        return _Believed(belief, m0, noise, signal)

    def _peak(
        self,
        compressed: NDArray[np.complex64],
        sigma: Array,
        known: Fields,
        best: NDArray[np.int64],
        expected: _Expected,
    ) -> _Peak:
        """The most likely point of signals in the basis."""
        fit = refine(self.dictionary, compressed, best, known, compressed=True).fit
        signals = SignalModel.of(self.dictionary, known, expected.coordinates)
        model = signals.at(known, compressed=True)
        return _Peak(compressed, model, fit, sigma)


@dataclass(frozen=True, eq=False)
class _Peak:
    """The most likely point of some voxels, and data with white noise around it."""

    data: NDArray[Any]
    """`(voxel, time)`; `time` may be the rank of a basis."""
    model: Model
    fit: Fit
    sigma: Array
    """Noise per channel of the data, `(voxel,)`."""

    def belief(self, expected: _Expected, seed: int) -> Belief:
        """What draws around the point say."""
        coordinates, fit = expected.coordinates, self.fit
        low, high = coordinates.low, coordinates.high
        unit, energy = _normalised(self.data, self.sigma)
        # As wide as the data say, but not wider than the range.
        squared = np.where(fit.energy > 0, fit.energy, 1)[:, None, None]
        precision = 2 * energy[:, None, None] * fit.information / squared
        covariance = np.asarray(np.linalg.inv(precision + np.diag(12 / (high - low) ** 2)))
        centre = np.clip(fit.theta, low, high)
        target = Target(
            model=self.model,
            unit=unit,
            energy=energy,
            log_prior=expected.log_density,
            bounds=(low, high),
        )
        found = sample(target, centre, covariance, seed)
        few = np.flatnonzero(found.ess < FEW)
        found.put(few, Belief.normal(centre[few], covariance[few], target.bounds, found.ess[few]))
        return found


def _normalised(data: NDArray[Any], sigma: Array) -> tuple[NDArray[Any], Array]:
    """Data `(voxel, time)` of unit norm, and their energy before over 2 sigma², `(voxel,)`."""
    norm = np.linalg.norm(data.astype(np.complex128), axis=1)
    safe = np.where(norm > 0, norm, 1)
    return data / safe[:, None], 1 / (2 * np.maximum(sigma / safe, PRECISION) ** 2)


@dataclass(frozen=True, eq=False)
class _Expected:
    """A prior in the coordinates of its unknowns."""

    prior: Prior
    coordinates: Coordinates

    @classmethod
    def of(cls, prior: Prior, known: Iterable[str]) -> _Expected:
        """The prior of what is not known."""
        kept = Prior({n: law for n, law in prior.laws.items() if n not in known}, prior.constraints)
        return cls(kept, Coordinates.over(kept))

    def log_density(self, theta: Array) -> Array:
        """Logarithm of the density per unit of theta `(..., parameter)`; -inf outside."""
        flat = theta.reshape(-1, theta.shape[-1])
        clipped = np.clip(flat, self.coordinates.low, self.coordinates.high)
        laws = self.prior.laws.items()
        fixed = {name: np.array(law.low) for name, law in laws if law.low == law.high}
        slopes = np.log(self.coordinates.slopes(clipped)).sum(axis=1)
        density = self.prior.log_density(self.coordinates.tissue(clipped, fixed)) + slopes
        slack = 1e-9 * (self.coordinates.high - self.coordinates.low)
        inside = np.all(np.abs(flat - clipped) <= slack, axis=1)
        return np.where(inside, density, -np.inf).reshape(theta.shape[:-1])


def _log_cells(theta: Array) -> Array:
    """Logarithm of the size of the cells of grid points `(atom, parameter)`, shape `(atom,)`.

    A cell reaches half way to the neighbours along each axis, and ends at the ends.
    """
    total = np.zeros(len(theta))
    for column in theta.T:
        values, where = np.unique(column, return_inverse=True)
        middles = (values[1:] + values[:-1]) / 2
        edges = np.concatenate([values[:1], middles, values[-1:]])
        total += np.log(np.diff(edges))[where]
    return total


@dataclass(frozen=True, eq=False)
class _Believed:
    """The posterior of some voxels, `(voxel,)`, with their M0, noise, and whether they have any
    signal.
    """

    belief: Belief
    m0: NDArray[np.complex128]
    sigma: Array
    signal: NDArray[np.bool_]

    def estimates(self, coordinates: Coordinates) -> VoxelEstimates:
        """The belief in SI units, and a status each."""
        belief = self.belief
        status = np.full(len(self.signal), int(Status.OK), np.uint8)
        # A density that peaks at an end of the range has its 5 % quantile next to it.
        close = EDGE * belief.sd
        at_end = belief.quantiles[0] - coordinates.low < close
        at_end |= coordinates.high - belief.quantiles[-1] < close
        status[at_end.any(axis=1)] = Status.AT_EDGE
        status[belief.ess < FEW] = Status.NOT_CONVERGED
        status[~self.signal] = Status.NO_SIGNAL
        sd = belief.sd * coordinates.slopes(belief.mean)
        extra = {"ess": belief.ess}
        for level, theta in zip(LEVELS, belief.quantiles, strict=True):
            for name, values in coordinates.values(theta).items():
                extra[f"{name}_q{round(100 * level):02d}"] = values
        return VoxelEstimates(
            values=coordinates.values(belief.mean),
            sd=dict(zip(coordinates.names, sd.T, strict=True)),
            m0=self.m0,
            status=status,
            sigma=self.sigma,
            extra=extra,
        )
