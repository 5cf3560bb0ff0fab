"""How much `finkelstein2022` does at each scale."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is done."""

    seeds: int
    """Trainings of every arm on the largest set."""
    seeds_of_grid: int
    """Trainings of every arm on smaller sets."""
    tissues: tuple[int, ...]
    """Sizes of the fixed set, ascending; the main comparison is on the last."""
    steps: tuple[int, ...]
    """Steps of a noisy stage, ascending; the main comparison is at the last."""
    width: int
    """Units of the recurrent layer."""
    samples_per_step: int
    """Samples of the evolution that it reads at a step."""
    batch: int
    """Signals of a step."""
    tested: int
    """Tissues of the Monte Carlo."""
    draws: int
    """Noise draws of each at each ratio."""
    atoms: int
    """Atoms of the posterior mean, whose error is the Bayes risk."""
    resamples: int
    """Of every interval."""

    @property
    def longest(self) -> int:
        """Steps of a noisy stage in the main comparison."""
        return self.steps[-1]


SCALES = {
    "smoke": Sizes(
        seeds=2, seeds_of_grid=2, tissues=(64, 512), steps=(10, 40), width=16, samples_per_step=45,
        batch=64, tested=64, draws=1, atoms=10_000, resamples=100,
    ),
    "quick": Sizes(
        seeds=5, seeds_of_grid=3, tissues=(256, 2048, 16_384), steps=(300, 1200), width=64,
        samples_per_step=30, batch=128, tested=500, draws=2, atoms=100_000, resamples=400,
    ),
    "full": Sizes(
        seeds=10, seeds_of_grid=5, tissues=(256, 1024, 4096, 16_384, 65_536),
        steps=(500, 2000, 8000), width=100, samples_per_step=15, batch=256, tested=2000,
        draws=4, atoms=400_000, resamples=1000,
    ),
}  # fmt: skip
