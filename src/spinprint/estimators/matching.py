"""Dictionary matching: the best atom, then the best point between the atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..dictionary.matching import Matcher
from ..errors import DictionaryError
from ..maps import Maps, Status
from ..parallel import Progress
from ..physics.simulate import simulate_flat
from ..tissue import Tissue
from .coordinates import Coordinates
from .gauss_newton import MAX_STEPS, Fit, fit
from .noise import holds_signal, sigma_outside_basis
from .protocol import Fields, VoxelEstimates, map_voxels

_CHUNK = 4096
"""Voxels fitted at a time: bounds the memory of their simulated signals."""


@dataclass(frozen=True, eq=False)
class DictionaryMatching:
    """The atom with the largest inner product, refined off the grid by maximum likelihood.

    With white noise the atom of the largest inner product is the most likely one of the
    dictionary (Ma et al., Nature 2013;495:187); Gauss-Newton with the derivatives of the signal
    model then finds the most likely tissue between the atoms. Standard deviations come from the
    Fisher information with M0 unknown.
    """

    dictionary: Dictionary
    """The atoms; the parameters that differ among them are the unknowns."""
    refine: bool = True
    """False keeps the atom."""

    def predict(
        self,
        series: NDArray[Any],
        mask: ArrayLike | None = None,
        b1: ArrayLike | None = None,
        b0: ArrayLike | None = None,
        sigma: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> Maps:
        """Map a series.

        Parameters
        ----------
        series
            Complex signals, `(..., time)`.
        mask
            True where to map, `(...)`; None maps everywhere.
        b1, b0
            Known fields [relative, Hz], `(...)`; only atoms of the nearest value compete, and
            the refinement uses the value itself.
        sigma
            Noise per real and imaginary channel, a number or `(...)`; None estimates it in
            each voxel from what lies outside the basis.
        progress
            Called with the voxels done and their number.

        Raises
        ------
        SeriesError
            The series or another array does not fit.
        DictionaryError
            A field is given that the atoms do not differ in.
        """
        given = {"b1": b1, "b0": b0}
        for name, values in given.items():
            if values is not None and name not in self.dictionary.parameters:
                raise DictionaryError(
                    f"a {name} map was given, but the dictionary has a single {name}:"
                    f" build it on a grid with an axis {name}"
                )
        return map_voxels(
            self._estimate,
            self.dictionary.sequence,
            series,
            mask=mask,
            fields=given,
            sigma=sigma,
            chunk=_CHUNK,
            progress=progress,
            provenance={
                "estimator": "dictionary matching"
                + (" with Gauss-Newton refinement" if self.refine else ""),
                "atoms": self.dictionary.n_atoms,
                "rank": self.dictionary.rank,
                "dictionary": self.dictionary.digest,
                "sigma": "given" if sigma is not None else "estimated outside the basis",
            },
        )

    def _estimate(
        self, series: NDArray[np.complex64], known: Fields, sigma: NDArray[np.float64] | None
    ) -> VoxelEstimates:
        dictionary = self.dictionary
        compressed = dictionary.compress(series)
        noise = sigma_outside_basis(series, compressed) if sigma is None else sigma
        signal = holds_signal(compressed, noise, series.shape[1], given=sigma is not None)
        unknowns = tuple(name for name in dictionary.parameters if name not in known)
        coordinates = Coordinates.of(unknowns, dictionary.tissue)
        atoms = dictionary.tissue.take(self._match(compressed, known))
        found = self._fit(compressed, coordinates, coordinates.theta(atoms), known)
        edge = coordinates.at_limit(found.theta)
        status = np.full(len(series), int(Status.OK), np.uint8)
        status[edge] = Status.AT_EDGE
        status[~found.converged] = Status.NOT_CONVERGED
        status[~signal] = Status.NO_SIGNAL
        explained = 1 - np.divide(
            found.cost, found.energy, out=np.ones(len(series)), where=found.energy > 0
        )
        return VoxelEstimates(
            values=coordinates.values(found.theta),
            sd=dict(zip(unknowns, self._sd(found, coordinates, noise).T, strict=True)),
            m0=found.m0,
            status=status,
            sigma=noise,
            extra={"score": np.sqrt(np.clip(explained, 0, 1))},
        )

    def _match(self, compressed: NDArray[np.complex64], known: Fields) -> NDArray[np.int64]:
        """The best atom of each voxel among those of its nearest known fields, `(voxel,)`."""
        dictionary = self.dictionary
        if not known:
            return dictionary.matcher.best(compressed)[0]
        index = np.zeros(len(compressed), np.int64)
        atom_group, voxel_group = self._groups(known)
        for group in np.unique(voxel_group):
            voxels = np.flatnonzero(voxel_group == group)
            atoms = np.flatnonzero(atom_group == group)
            best, _ = Matcher(dictionary.coefficients[atoms]).best(compressed[voxels])
            index[voxels] = atoms[best]
        return index

    def _groups(self, known: Fields) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Number atoms and voxels by the grid value of the known fields nearest to them."""
        tissue = self.dictionary.tissue
        atom_group: Any = 0
        voxel_group: Any = 0
        for name, values in known.items():
            grid, atoms = np.unique(tissue.get(name), return_inverse=True)
            nearest = np.searchsorted((grid[1:] + grid[:-1]) / 2, values)
            atom_group = atom_group * len(grid) + atoms
            voxel_group = voxel_group * len(grid) + nearest
        return atom_group, voxel_group

    def _fit(
        self,
        compressed: NDArray[np.complex64],
        coordinates: Coordinates,
        start: NDArray[np.float64],
        known: Fields,
    ) -> Fit:
        """Search between the atoms, or only linearise at them."""
        dictionary = self.dictionary
        constant = {
            name: values[:1]
            for name, values in dictionary.tissue.given().items()
            if name not in coordinates.names and name not in known
        }

        def model(theta: NDArray[np.float64], voxels: NDArray[np.int64]) -> Any:
            fields = {name: values[voxels] for name, values in known.items()}
            tissue: Tissue = coordinates.tissue(theta, {**constant, **fields}).flat()
            signals = simulate_flat(dictionary.sequence, tissue, wrt=coordinates.names)
            signals = (signals @ dictionary.basis.conj()).astype(np.complex128)
            return signals[:, 0], signals[:, 1:] * coordinates.slopes(theta)[:, :, None]

        return fit(
            model,
            compressed,
            start,
            (coordinates.low, coordinates.high),
            confine=coordinates.confine,
            max_steps=MAX_STEPS if self.refine else 0,
        )

    def _sd(
        self, found: Fit, coordinates: Coordinates, sigma: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Standard deviations from the Fisher information, `(voxel, parameter)`."""
        return standard_deviation(found.information, sigma) * coordinates.slopes(found.theta)


def standard_deviation(
    information: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cramér-Rao standard deviation, `(voxel, parameter)`; infinite where nothing is known.

    Parameters
    ----------
    information
        Fisher information times sigma², `(voxel, parameter, parameter)`.
    sigma
        Noise per real and imaginary channel, `(voxel,)`.
    """
    diagonal = np.einsum("vpp->vp", information)
    root = np.sqrt(np.where(diagonal > 0, diagonal, 1))
    scaled = information / (root[:, :, None] * root[:, None, :])
    # Scaled to a unit diagonal; a tiny ridge keeps parameters that cannot be told apart finite.
    scaled = scaled + 1e-12 * np.eye(information.shape[1])
    variance = np.einsum("vpp->vp", np.linalg.inv(scaled)) / root**2
    variance = np.where(diagonal > 0, variance, np.inf)
    return np.sqrt(variance) * sigma[:, None]
