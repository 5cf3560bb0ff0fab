"""Fixed tissue and noise to compare estimators on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physics.noise import add_noise, snr_to_sigma
from ..physics.simulate import simulate_flat
from ..prior import Prior
from ..sequence import Sequence
from ..streams import VALIDATION, stream
from ..tissue import Tissue


@dataclass(frozen=True, eq=False)
class Examples:
    """Tissues of a prior and their signals, with noise that depends only on the seed.

    The noise is drawn in time, before any compression: networks with different bases, and
    matching, receive the same signals.
    """

    sequence: Sequence
    """Sequence of the acquisition."""
    tissue: Tissue
    """True parameters, flat, `(tissue,)`."""
    seed: int
    """Seed of the noise."""

    @classmethod
    def draw(cls, sequence: Sequence, prior: Prior, count: int, seed: int) -> Examples:
        """Draw `count` tissues from a prior.

        Raises
        ------
        TissueError
            Almost no draw satisfies the constraints of the prior.
        """
        return cls(sequence, prior.draw(count, stream(seed, VALIDATION)), seed)

    @cached_property
    def signals(self) -> NDArray[Any]:
        """Noise-free signals, `(tissue, time)`; real if the sequence keeps them real."""
        return simulate_flat(self.sequence, self.tissue)[:, 0]

    def noisy(
        self, snr_db: float, number: int
    ) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
        """Return noisy signals, `(tissue, time)`, and sigma per channel, `(tissue,)`.

        Parameters
        ----------
        snr_db
            SNR of every signal, "rms" convention [dB].
        number
            Number of the draw of noise.
        """
        sigma = snr_to_sigma(self.signals, snr_db)
        return add_noise(self.signals, sigma, stream(self.seed, VALIDATION, number)), sigma
