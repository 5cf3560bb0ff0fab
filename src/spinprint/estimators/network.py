"""A trained network, or several, as an estimator."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Several
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..errors import ModelError, SeriesError
from ..maps import Status
from ..sequence import Sequence
from ..tissue import Tissue
from .base import VoxelEstimator
from .convention import TISSUES, require_phase
from .hidden_noise import Leftover
from .noise import assess
from .protocol import Fields, VoxelEstimates
from .refinement import leave_over

if TYPE_CHECKING:
    from ..networks.model import Model, Prediction

Array = NDArray[np.float64]

EDGE = 4 / 3
"""Deviations from an end of the range within which a mean says "at the edge": half of a normal
that peaks at the end has its mean there."""

_CHUNK = 1 << 14
_DRAWS = 1024  # of the prior, where a search for the most likely tissue may start


@dataclass(frozen=True, eq=False)
class NetworkRegression(VoxelEstimator):
    """What networks answer; mean and standard deviation over the prior they were trained on.

    Of several networks the answer is the mean of theirs, and the variance is the mean of theirs
    plus that of their means (Lakshminarayanan et al., NeurIPS 2017). The mean is taken on the
    axis a parameter is learned on: of times its logarithm, unless said otherwise.

    Raises
    ------
    ModelError
        No network is given, or they do not agree on sequence, prior and fields.
    """

    models: Model | Several[Model]
    """One network or several."""

    def __post_init__(self) -> None:
        models = self.models if isinstance(self.models, Several) else (self.models,)
        if not models:
            raise ModelError("no network was given")
        first = models[0]
        for other in models[1:]:
            other.require(first.sequence)
            if _agreed(other) != _agreed(first):
                raise ModelError(
                    "the networks differ in their priors, known fields or linear axes: only alike"
                    " ones can be averaged"
                )
        object.__setattr__(self, "models", tuple(models))

    sigma_source: ClassVar[str] = "estimated outside the basis"

    @property
    def _chunk(self) -> int:
        return _CHUNK

    @property
    def _needs_sigma(self) -> bool:
        return self.basis.shape[1] == self.sequence.n_samples

    def _check(self, given: Iterable[str]) -> None:
        self.require_fields(given)

    def _look(self, series: NDArray[Any], mask: ArrayLike | None) -> None:
        require_phase(series, self.sequence, self.tissue, mask)

    def _provenance(self) -> dict[str, Any]:
        first, count = self._models[0], len(self._models)
        return {
            "estimator": "neural network" if count == 1 else f"mean of {count} neural networks",
            "prior": first.prior.to_dict(),
            "network": first.config.model_dump(mode="json"),
            "models": [model.digest for model in self._models],
            "seed": [model.training.get("seed") for model in self._models],
        }

    @property
    def _models(self) -> tuple[Model, ...]:
        assert isinstance(self.models, tuple)  # construction has seen to it
        return self.models

    @property
    def basis(self) -> NDArray[Any]:
        """Orthonormal columns that signals of the sequence lie in, `(time, rank)`."""
        return self._models[0].basis

    @property
    def sequence(self) -> Sequence:
        """What it was trained for."""
        return self._models[0].sequence

    @cached_property
    def tissue(self) -> Tissue:
        """Some of the tissues it was trained on, flat."""
        return self._models[0].prior.draw(TISSUES, np.random.default_rng(0))

    def require_fields(self, given: Iterable[str]) -> None:
        """Refuse maps of other fields than those the network was trained with.

        Raises
        ------
        ModelError
            A field is given that it was not trained with.
        SeriesError
            A field is needed that is not given.
        """
        given, known = set(given), self._models[0].config.known
        for name in sorted(given.difference(known)):
            raise ModelError(
                f"a {name} map was given, but the network was not trained to know {name}:"
                f' leave it out, or train a network with known = ["{name}"]'
            )
        for name in known:
            if name not in given:
                raise SeriesError(f"a {name} map must be given: the network was trained with one")

    def _estimate(
        self, series: NDArray[np.complex64], known: Fields, sigma: Array | None
    ) -> VoxelEstimates:
        first = self._models[0]
        _, noise, signal = assess(first.basis, series, sigma)
        fields, outside = self._confined(known)
        predictions = [
            model.predict(model.compress(series), noise, fields) for model in self._models
        ]
        names = first.targets.names
        means = np.stack(
            [prediction.mean[:, : len(names)] for prediction in predictions], dtype=np.float64
        )
        mean = means.mean(axis=0)
        values = first.targets.values(mean)
        variance = _variance(means, predictions)
        sd: dict[str, Array] = {}
        if variance is not None:
            scaled = np.sqrt(variance)
            sd = dict(zip(names, (scaled * first.targets.slopes(values)).T, strict=True))
            near = np.minimum(mean, 1 - mean) < EDGE * scaled
        else:
            near = (mean <= 0) | (mean >= 1)
        status = np.full(len(series), int(Status.OK), np.uint8)
        status[near.any(axis=1) | outside] = Status.AT_EDGE
        status[~signal] = Status.NO_SIGNAL
        m0 = [_m0(*pair, noise) for pair in zip(self._models, predictions, strict=True)]
        return VoxelEstimates(
            values=values, sd=sd, m0=np.mean(m0, axis=0), status=status, sigma=noise
        )

    def _leave_over(self, series: NDArray[np.complex64], known: Fields) -> Leftover:
        """What the most likely tissue leaves over, which the network does not look for."""
        fields, _ = self._confined(known)
        names = self._models[0].config.known
        inside = {} if fields is None else dict(zip(names, fields.T, strict=True))
        return leave_over(self._draws, series, inside, cut_off=True)

    @cached_property
    def _draws(self) -> Dictionary:
        """Where to look for the most likely tissue."""
        first = self._models[0]
        tissue = first.prior.draw(_DRAWS, np.random.default_rng(0))
        return Dictionary.build(first.sequence, tissue, first.basis.shape[1])

    def _confined(self, known: Fields) -> tuple[Array | None, NDArray[np.bool_]]:
        """Fields moved into the range the networks know `(voxel, field)`, and which had to be."""
        first = self._models[0]
        if not first.config.known:
            return None, np.zeros((), bool)
        given = np.stack([known[name] for name in first.config.known], axis=1)
        laws = [first.prior.laws[name] for name in first.config.known]
        inside = given.clip([law.low for law in laws], [law.high for law in laws])
        return inside, (inside != given).any(axis=1)


def _m0(model: Model, prediction: Prediction, sigma: Array) -> NDArray[np.complex128]:
    """M0, `(voxel,)`; the norm is that of the signal without what noise adds to it."""
    norm = np.sqrt(np.maximum(prediction.norm**2 - 2 * model.rank * sigma**2, 0))
    return model.targets.m0(prediction.mean[:, len(model.targets.names) :], norm, prediction.phase)


def _agreed(model: Model) -> tuple[Any, ...]:
    """What networks must have in common for their answers to be averaged."""
    return model.prior.to_dict(), model.config.known, model.config.linear


def _variance(means: Array, predictions: Several[Prediction]) -> Array | None:
    """That of the mean of several networks, `(voxel, unknown)`; None where nothing tells it.

    `means` holds theirs, `(network, voxel, unknown)`.
    """
    n = means.shape[2]
    variances = [
        prediction.variance[:, :n] for prediction in predictions if prediction.variance is not None
    ]
    if not variances:
        return means.var(axis=0) if len(means) > 1 else None
    return np.mean(variances, axis=0) + means.var(axis=0)
