"""What the steps of `zhang2025` share: tissue, searches, and the estimators that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...dictionary import Dictionary
from ...estimators import DictionaryMatching, Estimator, NetworkRegression, PosteriorMean
from ...evaluation import typical_tissues
from ...parallel import Progress
from ...prior import Prior, Uniform
from ...sequence import presets
from ...tissue import Axis, ParameterGrid, Tissue
from ...training.config import TrainConfig, parse_config
from ...tuning.config import MatchingBase, MatchingTuning, TuneConfig
from ...tuning.matching import MatchingTask
from ...tuning.network import NetworkTask
from ...tuning.results import Trial
from ...tuning.run import run_search
from ..study import Run
from .sizes import Sizes

if TYPE_CHECKING:
    from ...networks.model import Model

NETWORK, TUNED, PLAIN, BAYES = "network", "tuned matching", "plain matching", "posterior mean"
"""The estimators by name."""

SEQUENCE = presets.knee_t1_t2_t1rho()
B1 = Uniform(0.8, 1.2)
PRIOR = Prior({**Prior.default(SEQUENCE).laws, "b1": B1})
PARAMETERS = SEQUENCE.unknowns

WATCHED_DB = (10.0, 20.0, 30.0, 40.0)
"""Ratios that trainings and dictionaries are judged at [dB]."""

_MOST_ATOMS = 10**6


@dataclass(frozen=True)
class Searches:
    """Trainings and dictionaries that are tried, all judged on the same noisy signals."""

    run: Run[Sizes]

    def config(self, seed: int) -> TrainConfig:
        """The default training, told B1, as long as that of the best."""
        sizes = self.run.scale
        return parse_config(
            {
                "seed": seed % 2**32,
                "prior": PRIOR.to_dict(),
                "network": {"known": ["b1"]},
                "data": {"block": sizes.block},
                "validation": {"voxels": sizes.voxels, "snr_db": WATCHED_DB},
                "stage": [{"steps": sizes.steps}],
            }
        )

    def networks(
        self,
        name: str,
        space: Mapping[str, Any] | None,
        trials: int,
        progress: Progress,
        seed: int | None = None,
    ) -> tuple[NetworkTask, list[Trial]]:
        """Short trainings of what a space holds; None takes the default space of tuning."""
        task = NetworkTask.of(SEQUENCE, self._tuning(trials, seed, space=space))
        search = run_search(self._folder(name), task, task.config, progress=progress)
        return task, search.trials()

    def dictionaries(
        self, name: str, space: Mapping[str, Any], trials: int, progress: Progress
    ) -> list[Trial]:
        """Dictionaries of what a space holds."""
        task = self.matching(space, trials)
        return run_search(self._folder(name), task, task.config, progress=progress).trials()

    def matching(self, space: Mapping[str, Any], trials: int = 1) -> MatchingTask:
        """Dictionaries on grids over the prior, sparse where the space says nothing."""
        times = {name: PRIOR.laws[name] for name in PARAMETERS}
        grid: dict[str, Any] = {
            f"{name}_ms": {"start": 1e3 * law.low, "stop": 1e3 * law.high, "factor": 1.5}
            for name, law in times.items()
        }
        grid["b1"] = {"start": B1.low, "stop": B1.high, "step": 0.1}
        matching = MatchingTuning(
            base=MatchingBase(grid=grid), space=dict(space), most_atoms=_MOST_ATOMS
        )
        return MatchingTask.of(SEQUENCE, self._tuning(trials, None, matching=matching))

    def _tuning(self, trials: int, seed: int | None, **settings: Any) -> TuneConfig:
        seed = self.run.seed if seed is None else seed
        return TuneConfig(
            **{
                "base": self.config(seed), "trials": trials, "measurements": 2, "pruner": "none",
                "steps": self.run.scale.choice_steps, "seed": seed % 2**32, **settings,
            }
        )  # fmt: skip

    def _folder(self, name: str) -> Path:
        return self.run.place("searches") / name


@dataclass(frozen=True)
class Estimators:
    """All that are compared, made when first needed."""

    model: Model
    """The network."""
    task: MatchingTask
    """Where the best dictionary was found."""
    chosen: Mapping[str, Any]
    """What it was."""
    plain_factor: float
    """Ratio of neighbouring times on the grid of plain matching."""

    @cached_property
    def practical(self) -> dict[str, Estimator]:
        """The network and both kinds of matching."""
        settings, grid = self.task.settings(dict(self.chosen))
        energy = None if settings.rank else settings.energy
        tuned = Dictionary.build(SEQUENCE, grid, settings.rank, energy=energy)
        # As in the field: a fine grid, a basis of energy 0.9999, the atom itself (OpenMRF).
        plain = Dictionary.build(SEQUENCE, grid_over(self.plain_factor, 0.05), energy=0.9999)
        return {
            NETWORK: NetworkRegression(self.model),
            TUNED: DictionaryMatching(tuned, refine=settings.refine),
            PLAIN: DictionaryMatching(plain, refine=False),
        }

    @cached_property
    def bayes(self) -> PosteriorMean:
        """The estimate of least mean squared error over the prior."""
        return posterior_mean()


def posterior_mean() -> PosteriorMean:
    """The posterior mean of the prior, with atoms on a grid that has values of B1 in common."""
    return PosteriorMean(Dictionary.build(SEQUENCE, grid_over(1.25, 0.1), energy=1 - 1e-6), PRIOR)


def grid_over(factor: float, b1_step: float) -> ParameterGrid:
    """A grid over the prior, times apart by a factor."""
    times = {n: Axis.geometric(PRIOR.laws[n].low, PRIOR.laws[n].high, factor) for n in PARAMETERS}
    return ParameterGrid({**times, "b1": Axis.linear(B1.low, B1.high, b1_step)})


def tissue_groups(n: int, rng: np.random.Generator) -> dict[str, Tissue]:
    """Synthetic tissue by name of its group, n each; none lies on a grid.

    From the whole prior; near its edge, at least one time in the outer 2 % of its range; of the
    knee, 10 % about its typical tissues; and out of range, T1 of 6 to 9 s or T2 of 2 to 4 ms.
    """
    return {
        "over the prior": PRIOR.draw(n, rng),
        "near its edge": _near_edge(n, rng),
        "of the knee": _of_knee(n, rng),
        "out of range": _out_of_range(n, rng),
    }


def _near_edge(n: int, rng: np.random.Generator) -> Tissue:
    kept: list[Tissue] = []
    while sum(tissue.size for tissue in kept) < n:
        drawn = PRIOR.draw(20 * n, rng)
        near = np.zeros(drawn.size, bool)
        for name in PARAMETERS:
            law = PRIOR.laws[name]
            place = np.log(drawn.get(name) / law.low) / np.log(law.high / law.low)
            near |= np.minimum(place, 1 - place) < 0.02
        kept.append(drawn.take(near))
    return _joined(kept).take(slice(n))


def _of_knee(n: int, rng: np.random.Generator) -> Tissue:
    typical = list(typical_tissues(SEQUENCE, "knee").values())
    chosen = [typical[i] for i in rng.integers(len(typical), size=n)]
    spread = {name: np.exp(0.1 * rng.standard_normal(n)) for name in ("t1", "t2")}
    spread["t1rho"] = spread["t2"]
    values = {
        name: np.array([float(one.get(name)) for one in chosen]) * spread[name]
        for name in PARAMETERS
    }
    return Tissue(**values, b1=B1.from_uniform(rng.random(n)))


def _out_of_range(n: int, rng: np.random.Generator) -> Tissue:
    inside = PRIOR.draw(n, rng)
    t1, t2 = inside.t1.copy(), inside.t2.copy()
    long = np.arange(n) % 2 == 0
    t1[long] = rng.uniform(6, 9, long.sum())
    t2[~long] = rng.uniform(2e-3, 4e-3, (~long).sum())
    return Tissue(t1=t1, t2=t2, t1rho=inside.t1rho, b1=inside.b1)


def _joined(tissues: Sequence[Tissue]) -> Tissue:
    given: dict[str, NDArray[Any]] = {
        name: np.concatenate([one.get(name) for one in tissues]) for name in tissues[0].given()
    }
    return Tissue(**given)
