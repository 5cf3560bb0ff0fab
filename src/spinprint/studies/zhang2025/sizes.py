"""How much `zhang2025` does at each scale."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is done."""

    choices: int
    """How many of the single choices are tried."""
    choice_steps: int
    """Steps of each training that a choice, or the rank, sets apart."""
    repeats: int
    """Trainings of the default with other seeds: what chance alone does."""
    trials: int
    """Trainings of the search over several choices."""
    wide_search: bool
    """Whether that covers recurrent networks and the sampling of tissue too."""
    steps: int
    """Steps of the training of the best."""
    densities: tuple[float, ...]
    """Ratios of neighbouring times on the grids that are tried, each with eight settings."""
    plain_factor: float
    """Ratio of neighbouring times on the grid of plain matching."""
    ranks: tuple[int, ...]
    """Ranks compared, besides no compression."""
    voxels: int
    """Signals at each ratio that trainings and dictionaries are judged on."""
    tissues: int
    """Tissues of each group of synthetic signals."""
    draws: int
    """Noise draws of each."""
    volunteers: int
    """Synthetic knees, two visits each."""
    matrix: int
    """Voxels along each edge of a slice, of three."""
    block: int = 32_768
    """Tissues simulated at a time while networks train."""
    telling: bool = True
    """Whether so much is done that verdicts mean something."""


SIZES = {
    "smoke": Sizes(
        choices=3, choice_steps=15, repeats=1, trials=1, wide_search=False, steps=60,
        densities=(1.5,), plain_factor=1.3, ranks=(5, 20), voxels=128, tissues=24, draws=2,
        volunteers=6, matrix=64, block=2048, telling=False,
    ),
    "quick": Sizes(
        choices=15, choice_steps=800, repeats=2, trials=8, wide_search=False, steps=14_000,
        densities=(1.5, 1.3, 1.15), plain_factor=1.07, ranks=(2, 3, 5, 8, 12, 20, 30), voxels=2048,
        tissues=300, draws=5, volunteers=14, matrix=112,
    ),
    "full": Sizes(
        choices=15, choice_steps=3000, repeats=4, trials=60, wide_search=True, steps=60_000,
        densities=(1.5, 1.3, 1.15, 1.1), plain_factor=1.05,
        ranks=(2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30), voxels=4096, tissues=2000, draws=10,
        volunteers=14, matrix=192,
    ),
}  # fmt: skip
