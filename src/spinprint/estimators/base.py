"""One `predict` for all: an estimator gives its estimates, its checks and its provenance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..errors import SeriesError
from ..maps import Maps
from ..parallel import Progress
from ..sequence import Sequence
from .convention import require_observed
from .hidden_noise import Leftover
from .nearest import require_axes
from .protocol import Fields, VoxelEstimates, map_voxels
from .refinement import leave_over


class VoxelEstimator(ABC):
    """An estimator that treats every voxel alone."""

    sigma_source: ClassVar[str]
    """Where sigma comes from if it is not given, as the provenance of maps states it."""

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
            Complex signals, or magnitudes where the estimator is made for them, `(..., time)`.
        mask
            True where to map, `(...)`; None maps everywhere.
        b1, b0
            Known fields [relative, Hz], `(...)`.
        sigma
            Noise per real and imaginary channel, a number or `(...)`; None estimates it in every
            voxel (`sigma_source`).
        progress
            Called with the number of voxels done and of all voxels.

        Raises
        ------
        SeriesError
            The series holds magnitudes and the estimator expects complex signals; it or another
            array does not fit; or sigma or a field is needed.
        DictionaryError, ModelError
            A field is given that the dictionary or the network does not know.
        """
        fields = {"b1": b1, "b0": b0}
        given = [name for name, values in fields.items() if values is not None]
        self._check(given)
        if sigma is None and self._needs_sigma:
            raise SeriesError(
                "sigma must be given: with a basis of full rank nothing outside it tells the noise"
            )
        self._look(series, mask)
        source = self.sigma_source if sigma is None else "given"
        return map_voxels(
            self._estimate,
            self.sequence,
            series,
            mask=mask,
            fields=fields,
            sigma=sigma,
            chunk=self._chunk,
            leave_over=self._leave_over,
            magnitude=self._magnitude,
            progress=progress,
            provenance={**self._provenance(), "sigma": source},
        )

    @property
    @abstractmethod
    def sequence(self) -> Sequence:
        """The sequence of the series it maps."""

    @property
    @abstractmethod
    def _chunk(self) -> int:
        """Voxels per call of `_estimate`."""

    @property
    def _magnitude(self) -> bool:
        """Whether it is made for magnitudes."""
        return False

    @property
    def _needs_sigma(self) -> bool:
        """Whether it cannot estimate sigma."""
        return False

    @abstractmethod
    def _check(self, given: Iterable[str]) -> None:
        """Refuse fields of these names that it cannot use."""

    @abstractmethod
    def _look(self, series: NDArray[Any], mask: ArrayLike | None) -> None:
        """Refuse a series that is not what it maps."""

    @abstractmethod
    def _provenance(self) -> dict[str, Any]:
        """How it makes maps, besides where sigma comes from."""

    @abstractmethod
    def _leave_over(self, series: NDArray[np.complex64], known: Fields) -> Leftover:
        """What its fits leave over of series `(voxel, time)`."""

    @abstractmethod
    def _estimate(
        self, series: NDArray[Any], known: Fields, sigma: NDArray[np.float64] | None
    ) -> VoxelEstimates:
        """Estimates of a chunk of series `(voxel, time)`, see `protocol.Estimate`."""


@dataclass(frozen=True, eq=False)
class DictionaryEstimator(VoxelEstimator):
    """An estimator that is made from a dictionary."""

    dictionary: Dictionary
    """The atoms; the parameters that differ among them are the unknowns."""

    cut_off: ClassVar[bool] = False
    """Whether the part of a signal that the basis cuts off counts as left over."""

    @property
    def sequence(self) -> Sequence:
        """The sequence of the dictionary."""
        return self.dictionary.sequence

    @property
    def _magnitude(self) -> bool:
        return self.dictionary.magnitude

    def _check(self, given: Iterable[str]) -> None:
        require_axes(self.dictionary, given)

    def _look(self, series: NDArray[Any], mask: ArrayLike | None) -> None:
        require_observed(self.dictionary, series, mask)

    def _leave_over(self, series: NDArray[np.complex64], known: Fields) -> Leftover:
        return leave_over(self.dictionary, series, known, cut_off=self.cut_off)
