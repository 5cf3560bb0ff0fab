"""The draws of a Monte Carlo study: tissue, ratios and noise, all determined by a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...coordinates import Coordinates
from ...errors import InputError, TissueError
from ...parameters import FIELDS
from ...physics.noise import SNR_CONVENTIONS, add_noise, snr_to_sigma
from ...physics.simulate import simulate
from ...prior import Prior
from ...sequence import Sequence
from ...tissue import Tissue

SNRS_DB = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
"""Default signal-to-noise ratios [dB]."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some tissues at one ratio, computed and stored as a whole."""

    snr: int
    """Index of the ratio."""
    number: int
    """Index of the block among those of the ratio."""
    start: int
    """First tissue."""
    stop: int
    """Index after the last tissue."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MonteCarlo:
    """A study: tissues, ratios, noise draws of each, and what the estimators know.

    Raises
    ------
    InputError
        A number is below 1, a ratio is not finite or given twice, a convention or field is unknown,
        or a known field is not given with the tissue.
    TissueError
        Nothing is left to estimate, or the tissue lacks a parameter of the prior.
    """

    sequence: Sequence
    """What is played."""
    prior: Prior
    """What is estimated, and the range that scaled errors are relative to."""
    tissue: Tissue
    """The truth, flat, `(tissue,)`."""
    snrs_db: tuple[float, ...] = SNRS_DB
    """Signal-to-noise ratios of each individual signal [dB]."""
    draws: int = 10
    """Noise draws of every signal at every ratio."""
    seed: int = 0
    """Seed of the noise."""
    convention: str = "rms"
    """What the ratios compare the noise with, one of `physics.noise.SNR_CONVENTIONS`."""
    sigma_known: bool = True
    """Whether estimators are given sigma."""
    known: tuple[str, ...] = ()
    """Fields, b1 or b0, that estimators are given."""
    block: int = 64
    """Number of tissues per block: what an interruption may lose."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tissue", self.tissue.flat())
        object.__setattr__(self, "snrs_db", tuple(float(snr_db) for snr_db in self.snrs_db))
        object.__setattr__(self, "known", tuple(self.known))
        for name, value in (
            ("tissues", self.tissue.size), ("ratios", len(self.snrs_db)), ("draws", self.draws),
            ("block", self.block),
        ):  # fmt: skip
            if value < 1:
                raise InputError(f"Monte Carlo with {value} {name}: there must be at least 1")
        ratios = self.snrs_db
        if not np.isfinite(ratios).all() or len(set(ratios)) < len(ratios):
            listed = ", ".join(f"{ratio:g}" for ratio in ratios)
            raise InputError(f"ratios of {listed} dB: they must be finite, none twice")
        if self.convention not in SNR_CONVENTIONS:
            raise InputError(
                f"SNR convention {self.convention!r} must be one of {', '.join(SNR_CONVENTIONS)}"
            )
        for name in self.known:
            if name not in FIELDS or name not in self.tissue.given():
                raise InputError(
                    f"known field {name!r} must be one of {', '.join(FIELDS)}, and given with"
                    " the tissue"
                )
        for name in self.coordinates.names:
            if name not in self.tissue.given():
                raise TissueError(
                    f"the prior is of {', '.join(self.coordinates.names)}, and the tissue does not"
                    f" state its {name}"
                )

    @classmethod
    def of_prior(
        cls, sequence: Sequence, prior: Prior | None = None, n: int = 1000, **options: Any
    ) -> MonteCarlo:
        """A study of n tissues drawn from a prior, by default `Prior.default`, with the seed."""
        prior = prior or Prior.default(sequence)
        rng = np.random.default_rng([options.get("seed", 0), 0])
        return cls(sequence=sequence, prior=prior, tissue=prior.draw(n, rng), **options)

    @property
    def coordinates(self) -> Coordinates:
        """The coordinates of what is estimated, over the range of the prior."""
        laws = {name: law for name, law in self.prior.laws.items() if name not in self.known}
        return Coordinates.over(Prior(laws, self.prior.constraints))

    @property
    def fits_each(self) -> int:
        """Number of signals that every estimator is given."""
        return len(self.snrs_db) * self.tissue.size * self.draws

    def blocks(self) -> Iterator[Block]:
        """All blocks, ratio by ratio."""
        for snr in range(len(self.snrs_db)):
            for number, start in enumerate(range(0, self.tissue.size, self.block)):
                yield Block(snr, number, start, min(start + self.block, self.tissue.size))

    def series(self, block: Block) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
        """Noisy signals `(tissue, draw, time)` of a block, and the sigma of each, `(tissue,)`.

        They depend on the plan and the block alone, not on what was drawn before.
        """
        tissue = self.tissue.take(slice(block.start, block.stop))
        signal = simulate(self.sequence, tissue)
        sigma = snr_to_sigma(signal, self.snrs_db[block.snr], self.convention)
        rng = np.random.default_rng([self.seed, 1, block.snr, block.number])
        repeated = np.broadcast_to(signal[:, None], (len(signal), self.draws, signal.shape[1]))
        return add_noise(repeated, sigma[:, None], rng), sigma

    def to_dict(self) -> dict[str, Any]:
        """All settings that determine the results, as plain values; of the tissue its SHA-256."""
        hasher = hashlib.sha256()
        for name, values in self.tissue.given().items():
            hasher.update(f"{name}{values.dtype}{values.shape}".encode() + values.tobytes())
        return {
            "sequence": self.sequence.digest,
            "prior": self.prior.to_dict(),
            "tissue": hasher.hexdigest(),
            "n_tissues": self.tissue.size,
            "snrs_db": list(self.snrs_db),
            "draws": self.draws,
            "seed": self.seed,
            "convention": self.convention,
            "sigma_known": self.sigma_known,
            "known": list(self.known),
            "block": self.block,
        }
