"""From an atom to the most likely tissue near it, with the deviations that Fisher allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coordinates import Coordinates
from ..dictionary import Dictionary
from ..maps import Status
from ..physics.fisher import standard_deviation
from ..physics.simulate import simulate_flat
from ..sequence import Sequence
from ..tissue import Tissue
from .gauss_newton import MAX_STEPS, Fit, Model, fit
from .hidden_noise import Leftover
from .nearest import nearest_atoms
from .protocol import Fields, VoxelEstimates


@dataclass(frozen=True, eq=False)
class SignalModel:
    """The signal of a sequence over the unknowns."""

    sequence: Sequence
    """What is played."""
    basis: NDArray[Any]
    """Orthonormal columns that the signals lie in, `(time, rank)`."""
    coordinates: Coordinates
    """The unknowns and their range."""
    constant: Mapping[str, NDArray[np.float64]]
    """What all tissue shares, `(1,)` each [SI units]."""
    magnitude: bool = False
    """Whether it is the modulus of the signal."""

    @classmethod
    def of(
        cls, dictionary: Dictionary, known: Iterable[str], coordinates: Coordinates | None = None
    ) -> SignalModel:
        """The model behind a dictionary.

        Parameters
        ----------
        dictionary
            Gives the sequence, the basis, and the parameters that all atoms share.
        known
            The fields that are known of each voxel.
        coordinates
            The unknowns; None takes those that differ among the atoms, over their range.
        """
        known = set(known)
        unknowns = tuple(name for name in dictionary.parameters if name not in known)
        coordinates = coordinates or Coordinates.spanning(unknowns, dictionary.tissue)
        constant = {
            name: values[:1]
            for name, values in dictionary.tissue.given().items()
            if name not in coordinates.names and name not in known
        }
        return cls(
            dictionary.sequence, dictionary.basis, coordinates, constant, dictionary.magnitude
        )

    def at(
        self, known: Fields, *, compressed: bool, weights: NDArray[np.float64] | None = None
    ) -> Model:
        """Signal and derivatives in the coordinates, for voxels whose fields are known.

        Parameters
        ----------
        known
            Fields of each voxel, `(voxel,)` each.
        compressed
            True for signals in the basis.
        weights
            Factors of the samples of each voxel, `(voxel, time)`, where they differ.
        """

        def model(theta: NDArray[np.float64], voxels: NDArray[np.int64]) -> Any:
            tissue = self._tissue(theta, {name: values[voxels] for name, values in known.items()})
            signals = simulate_flat(
                self.sequence, tissue, wrt=self.coordinates.names, magnitude=self.magnitude
            )
            if weights is not None:
                signals = signals * weights[voxels][:, None]
            if compressed:
                signals = signals @ self.basis.conj()
            signals = signals.astype(np.complex128)
            return signals[:, 0], signals[:, 1:] * self.coordinates.slopes(theta)[:, :, None]

        return model

    def fit(
        self,
        data: NDArray[np.complex64],
        start: NDArray[np.float64],
        known: Fields,
        *,
        compressed: bool,
        max_steps: int = MAX_STEPS,
    ) -> Refined:
        """Search for the most likely tissue.

        Parameters
        ----------
        data
            Signals in the basis `(voxel, rank)`, or `(voxel, time)`.
        start
            Where to start, within the range, `(voxel, parameter)`.
        known
            Fields of each voxel, `(voxel,)` each.
        compressed
            True where `data` is in the basis.
        max_steps
            Steps a voxel may take; 0 keeps the start.
        """
        return self.search(self.at(known, compressed=compressed), data, start, max_steps)

    def search(
        self, model: Model, data: NDArray[Any], start: NDArray[np.float64], max_steps: int
    ) -> Refined:
        """As `fit`, with what `at` gave for the data."""
        bounds = self.coordinates.low, self.coordinates.high
        found = fit(
            model, data, start, bounds, confine=self.coordinates.confine, max_steps=max_steps
        )
        return Refined(self, found)

    def signals(self, fit: Fit, known: Fields) -> NDArray[np.complex64]:
        """The signals of a fit with their M0, `(voxel, time)`."""
        tissue = self._tissue(fit.theta, known)
        signals = simulate_flat(self.sequence, tissue, magnitude=self.magnitude)[:, 0]
        return (fit.m0[:, None] * signals).astype(np.complex64)

    def _tissue(self, theta: NDArray[np.float64], known: Fields) -> Tissue:
        """Flat tissues at theta `(voxel, parameter)`, with what is known or alike in all."""
        return self.coordinates.tissue(theta, {**self.constant, **known}).flat()


@dataclass(frozen=True, eq=False)
class Refined:
    """A fit and the model it was made with."""

    model: SignalModel
    fit: Fit

    @property
    def fitted(self) -> int:
        """Real numbers that were fitted: two of M0 and the unknowns."""
        return 2 + self.fit.theta.shape[1]

    def leftover(self, series: NDArray[np.complex64], known: Fields, *, cut_off: bool) -> Leftover:
        """What a fit in the basis leaves over, inside it and outside.

        Parameters
        ----------
        series
            The signals, `(voxel, time)`.
        known
            Fields of each voxel, `(voxel,)` each.
        cut_off
            Whether the part of the signal itself that the basis cuts off counts as left over.
        """
        left = series if cut_off else series - self.model.signals(self.fit, known)
        basis = self.model.basis
        return Leftover(
            inside=self.fit.cost,
            outside=left - (left @ basis.conj()) @ basis.T,
            energy=self.fit.energy,
            rank=basis.shape[1],
            fitted=self.fitted,
        )

    def estimates(self, sigma: NDArray[np.float64], signal: NDArray[np.bool_]) -> VoxelEstimates:
        """Values, deviations and status of each voxel.

        Parameters
        ----------
        sigma
            Noise per real and imaginary channel, `(voxel,)`; NaN where nothing tells it, so that
            deviations are infinite.
        signal
            True where there is signal at all, `(voxel,)`.
        """
        fit, coordinates = self.fit, self.model.coordinates
        status = np.full(len(signal), int(Status.OK), np.uint8)
        # At the edge first: what runs against it need not converge.
        status[~fit.converged] = Status.NOT_CONVERGED
        status[coordinates.at_limit(fit.theta)] = Status.AT_EDGE
        status[~signal] = Status.NO_SIGNAL
        unsure = np.where(np.isnan(sigma), np.inf, sigma)
        sd = standard_deviation(fit.information, unsure) * coordinates.slopes(fit.theta)
        left = np.divide(fit.cost, fit.energy, out=np.ones(len(signal)), where=fit.energy > 0)
        return VoxelEstimates(
            values=coordinates.values(fit.theta),
            sd=dict(zip(coordinates.names, sd.T, strict=True)),
            m0=fit.m0,
            status=status,
            sigma=sigma,
            extra={"score": np.sqrt(np.clip(1 - left, 0, 1))},
        )


def refine(
    dictionary: Dictionary,
    data: NDArray[np.complex64],
    atoms: NDArray[np.int64],
    known: Fields,
    *,
    compressed: bool,
    max_steps: int = MAX_STEPS,
) -> Refined:
    """Search between the atoms for the most likely tissue; `SignalModel.fit` from atoms on.

    Parameters
    ----------
    dictionary
        Gives the sequence, the range and the basis.
    data, known, compressed, max_steps
        As for `SignalModel.fit`.
    atoms
        Where to start, index of an atom each, `(voxel,)`.
    """
    model = SignalModel.of(dictionary, known)
    start = model.coordinates.theta(dictionary.tissue.take(atoms))
    return model.fit(data, start, known, compressed=compressed, max_steps=max_steps)


def leave_over(
    dictionary: Dictionary, series: NDArray[np.complex64], known: Fields, *, cut_off: bool
) -> Leftover:
    """What the most likely tissue leaves over of series `(voxel, time)`; see `Refined.leftover`.

    Off a grid no atoms share a field, so that the search may start at any.
    """
    compressed = dictionary.compress(series)
    atoms, _ = nearest_atoms(dictionary, compressed, {} if dictionary.grid is None else known)
    found = refine(dictionary, compressed, atoms, known, compressed=True)
    return found.leftover(series, known, cut_off=cut_off)
