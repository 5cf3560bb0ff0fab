"""From an atom to the most likely tissue near it, with the deviations that Fisher allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coordinates import Coordinates
from ..dictionary import Dictionary
from ..maps import Status
from ..physics.fisher import standard_deviation
from ..physics.simulate import simulate_flat
from ..tissue import Tissue
from .gauss_newton import MAX_STEPS, Fit, Model, fit
from .protocol import Fields, VoxelEstimates


@dataclass(frozen=True, eq=False)
class Refined:
    """A fit and the coordinates it was made in."""

    coordinates: Coordinates
    fit: Fit

    def estimates(self, sigma: NDArray[np.float64], signal: NDArray[np.bool_]) -> VoxelEstimates:
        """Values, deviations and status of each voxel.

        Parameters
        ----------
        sigma
            Noise per real and imaginary channel, `(voxel,)`.
        signal
            True where there is signal at all, `(voxel,)`.
        """
        fit, coordinates = self.fit, self.coordinates
        status = np.full(len(signal), int(Status.OK), np.uint8)
        # At the edge first: what runs against it need not converge.
        status[~fit.converged] = Status.NOT_CONVERGED
        status[coordinates.at_limit(fit.theta)] = Status.AT_EDGE
        status[~signal] = Status.NO_SIGNAL
        sd = standard_deviation(fit.information, sigma) * coordinates.slopes(fit.theta)
        left = np.divide(fit.cost, fit.energy, out=np.ones(len(signal)), where=fit.energy > 0)
        return VoxelEstimates(
            values=coordinates.values(fit.theta),
            sd=dict(zip(coordinates.names, sd.T, strict=True)),
            m0=fit.m0,
            status=status,
            sigma=sigma,
            extra={"score": np.sqrt(np.clip(1 - left, 0, 1))},
        )

    def signals(self, dictionary: Dictionary, known: Fields) -> NDArray[np.complex64]:
        """The signals of the estimates with their M0, `(voxel, time)`."""
        tissue = _tissue_at(dictionary, self.coordinates, self.fit.theta, known)
        signals = simulate_flat(dictionary.sequence, tissue)[:, 0]
        return (self.fit.m0[:, None] * signals).astype(np.complex64)


def refine(
    dictionary: Dictionary,
    data: NDArray[np.complex64],
    atoms: NDArray[np.int64],
    known: Fields,
    *,
    compressed: bool,
    max_steps: int = MAX_STEPS,
) -> Refined:
    """Search between the atoms for the most likely tissue.

    Parameters
    ----------
    dictionary
        Gives the sequence, the range and the basis.
    data
        Signals in the basis `(voxel, rank)`, or `(voxel, time)`.
    atoms
        Where to start, index of an atom each, `(voxel,)`.
    known
        Fields of each voxel, `(voxel,)` each.
    compressed
        True where `data` is in the basis.
    max_steps
        Steps a voxel may take; 0 keeps the atom.
    """
    unknowns = tuple(name for name in dictionary.parameters if name not in known)
    coordinates = Coordinates.spanning(unknowns, dictionary.tissue)
    found = fit(
        signal_model(dictionary, coordinates, known, compressed=compressed),
        data,
        coordinates.theta(dictionary.tissue.take(atoms)),
        (coordinates.low, coordinates.high),
        confine=coordinates.confine,
        max_steps=max_steps,
    )
    return Refined(coordinates, found)


def signal_model(
    dictionary: Dictionary, coordinates: Coordinates, known: Fields, *, compressed: bool
) -> Model:
    """The signal of a dictionary's sequence and its derivatives in the coordinates.

    Parameters
    ----------
    dictionary
        Gives the sequence, the basis, and the parameters that all atoms share.
    coordinates
        The unknowns.
    known
        Fields of each voxel, `(voxel,)` each.
    compressed
        True for signals in the basis.
    """

    def model(theta: NDArray[np.float64], voxels: NDArray[np.int64]) -> Any:
        fields = {name: values[voxels] for name, values in known.items()}
        tissue = _tissue_at(dictionary, coordinates, theta, fields)
        signals = simulate_flat(dictionary.sequence, tissue, wrt=coordinates.names)
        if compressed:
            signals = signals @ dictionary.basis.conj()
        signals = signals.astype(np.complex128)
        return signals[:, 0], signals[:, 1:] * coordinates.slopes(theta)[:, :, None]

    return model


def _tissue_at(
    dictionary: Dictionary, coordinates: Coordinates, theta: NDArray[np.float64], known: Fields
) -> Tissue:
    """Flat tissues at theta `(voxel, parameter)`, with what is known or alike in all atoms."""
    constant = {
        name: values[:1]
        for name, values in dictionary.tissue.given().items()
        if name not in coordinates.names and name not in known
    }
    return coordinates.tissue(theta, {**constant, **known}).flat()
