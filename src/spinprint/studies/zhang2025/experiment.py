"""The steps of the study.

Tissue lies anywhere in the prior, with B1 uniform from 0.8 to 1.2. (1) The singular vectors of its
signals, and the loss of the Cramér-Rao bound in the leading ones. (2) Trainings that differ from
the default in one choice, of equal length and judged on the same signals; then a search over
several choices at once; the best is trained in full. (3) Dictionaries of several densities and
ranks, with and without refinement; beside the best of them a plain one as is usual in the field:
a fine grid, a basis of energy 0.9999, no refinement. (4) All estimators on the same synthetic
signals, on the spheres of the NIST phantom, and on two visits of synthetic volunteers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...coordinates import Coordinates
from ...dictionary.compression import find_basis
from ...evaluation import compression_loss
from ...parallel import Progress
from ...prior import Prior
from ...training.config import parse_config
from ...training.examples import Examples
from ...tuning.defaults import sampling_laws
from ...tuning.network import NetworkTask
from ...tuning.results import Trial, best_of, trial_table
from ..study import Run
from .claims import chance
from .comparisons import knees, nist_phantom, synthetic
from .setting import (
    PARAMETERS,
    PRIOR,
    SEQUENCE,
    WATCHED_DB,
    Estimators,
    Searches,
    posterior_mean,
)
from .sizes import Sizes

CHOICES: dict[str, dict[str, Any]] = {
    "default": {},
    "noise of 40 dB alone": {"stage.snr_db": [40.0, 40.0]},
    "learning rate / 10": {"stage.learning_rate": 0.002},
    "learning rate x 4": {"stage.learning_rate": 0.08},
    "AdamW at 0.001": {"stage.optimiser": "adamw", "stage.learning_rate": 0.001},
    "batches of 128": {"stage.batch": 128},
    "32 units a layer": {"network.core.width": 32},
    "1 block": {"network.core.blocks": 1},
    "ReLU": {"network.core.activation": "relu"},
    "tanh": {"network.core.activation": "tanh"},
    "no noise": {"stage.snr_db": "clean"},
    "noise not told": {"network.sigma_input": False},
    "squared error": {"network.output": "mean", "stage.loss": "mse"},
    "times learned as they are": {"network.linear": list(PARAMETERS)},
    "tissue even in its times": {"prior": sampling_laws(PRIOR)["even times"]},
}
"""Trainings that differ from the default in one choice."""

SPACE: dict[str, Any] = {
    "network.core.width": {"choices": [96, 128, 192]},
    "network.core.blocks": {"low": 3, "high": 6},
    "network.core.rank": {"choices": [20, 30, 40]},
    "network.core.activation": {"choices": ["silu", "gelu"]},
    "stage.learning_rate": {"low": 0.005, "high": 0.06, "log": True},
    "stage.batch": {"choices": [512, 1024, 2048]},
    "stage.beta": {"choices": [0.1, 0.3, 0.5]},
}
"""What the search over several choices covers."""

DICTIONARIES: dict[str, Any] = {
    "rank": {"choices": [5, 10, 20, 30]},
    "refine": {"choices": [True, False]},
}
"""Rank, and whether tissue between atoms is found."""


def measure(run: Run[Sizes]) -> None:
    """All steps in their order; each reads what those before it found."""
    sizes, searches = run.scale, Searches(run)
    run.step("singular vectors", lambda _: singular_vectors(sizes, run.seed))
    run.step("Bayes risk", lambda _: limit(searches))
    run.step("training choices", lambda progress: training_choices(searches, progress))
    best = run.step("network search", lambda progress: network_search(searches, progress))
    found = run.step("dictionary search", lambda progress: dictionary_search(searches, progress))
    run.step("ranks of networks", lambda progress: network_ranks(searches, progress))
    run.step("ranks of dictionaries", lambda progress: dictionary_ranks(searches, progress))
    config = parse_config(best["config"])
    run.step(
        "training",
        lambda progress: dict(run.train("network", SEQUENCE, config, progress).training),
    )
    estimators = Estimators(
        run.train("network", SEQUENCE, config),
        searches.matching(dictionary_space(sizes)),
        found["best"]["chosen"],
        sizes.plain_factor,
    )
    run.step("synthetic", lambda progress: synthetic(run, estimators, progress))
    run.step("NIST phantom", lambda _: nist_phantom(run, estimators))
    run.step("knees", lambda progress: knees(run, estimators, progress))


def singular_vectors(sizes: Sizes, seed: int) -> dict[str, Any]:
    """Singular values of signals of the prior, and the loss of the bound in the leading vectors."""
    tissue = PRIOR.draw(8 * sizes.voxels, np.random.default_rng([seed, 0]))
    vectors, values = find_basis(
        SEQUENCE, tissue, rank=SEQUENCE.n_samples, energy=None, n_states=None
    )
    some = tissue.take(slice(min(sizes.voxels, 512)))
    loss = compression_loss(SEQUENCE, some, vectors, sizes.ranks, PARAMETERS)
    # A loss may be infinite, so that nothing is interpolated.
    quantiles = {
        name: np.quantile(one, [0.5, 0.95], axis=1, method="nearest") for name, one in loss.items()
    }
    return {
        "singular values": values,
        "vectors": vectors[:, :6].T,
        "ranks": sizes.ranks,
        "median loss": {name: one[0] for name, one in quantiles.items()},
        "loss at 95 %": {name: one[1] for name, one in quantiles.items()},
        "rank of energy": {
            f"{energy:g}": int(np.searchsorted(np.cumsum(values**2) / (values**2).sum(), energy))
            + 1
            for energy in (0.99, 0.999, 0.9999, 0.99999, 0.999999)
        },
    }


def limit(searches: Searches) -> dict[str, Any]:
    """What the posterior mean makes of the signals that all searches are judged on."""
    config, bayes = searches.config(searches.run.seed), posterior_mean()
    examples = Examples.draw(SEQUENCE, PRIOR, config.validation.voxels, config.seed)
    laws = {name: PRIOR.laws[name] for name in PARAMETERS}
    coordinates = Coordinates.over(Prior(laws, PRIOR.constraints))
    truth = coordinates.theta(examples.tissue)
    mse = {}
    for number, snr_db in enumerate(WATCHED_DB):
        series, sigma = examples.noisy(snr_db, number)
        maps = bayes.predict(series, b1=examples.tissue.b1, sigma=sigma)
        theta = coordinates.theta_of({n: maps[n].astype(float) for n in PARAMETERS})
        error = coordinates.scaled(theta) - coordinates.scaled(truth)
        mse[f"{snr_db:g}"] = float(np.nanmean(error**2))
    return {"scaled MSE": mse}


def training_choices(searches: Searches, progress: Progress) -> dict[str, Any]:
    """Equally long trainings, each with one choice that is not the default."""
    sizes = searches.run.scale
    some = dict(list(CHOICES.items())[: sizes.choices])
    space = {"choice": {"sets": some}}
    task, trials = searches.networks("choices", space, len(some), progress)
    repeats = [
        searches.networks(f"repeat-{seed}", {"choice": {"sets": {"default": {}}}}, 1, progress,
                          seed)[1][0].error
        for seed in searches.run.seeds(sizes.repeats)
    ]  # fmt: skip
    best = best_of(trials)
    assert best is not None
    default = next(trial for trial in trials if trial.chosen["choice"] == "default")
    return {
        "trials": trial_table(trials, task.objectives),
        "repeats of the default": repeats,
        "best": _candidate(task, best),
        "default": _candidate(task, default),
    }


def network_search(searches: Searches, progress: Progress) -> dict[str, Any]:
    """A search over several choices at once, and what is taken of it and of the single choices.

    The default is kept where nothing does better by more than seeds differ.
    """
    sizes = searches.run.scale
    space = None if sizes.wide_search else SPACE
    task, trials = searches.networks("network", space, sizes.trials, progress)
    choices = searches.run.results.steps["training choices"]
    best = best_of(trials)
    assert best is not None
    own = _candidate(task, best)
    chosen = min(own, choices["best"], key=lambda one: one["error"])
    default = choices["default"]
    spread = chance([default["error"], *choices["repeats of the default"]])
    if math.log(default["error"] / chosen["error"]) < spread:
        chosen = default
    return {"trials": trial_table(trials, task.objectives), **chosen}


def _candidate(task: NetworkTask, trial: Trial) -> dict[str, Any]:
    """A training with its error, and its configuration at full length."""
    config = task.training(trial.chosen, full=True)
    return {
        "error": trial.error,
        "chosen": trial.chosen,
        "config": config.model_dump(mode="json"),
    }


def dictionary_space(sizes: Sizes) -> dict[str, Any]:
    """Grids of several densities, with all `DICTIONARIES`."""
    densities = {
        f"{factor:g}": {f"grid.{name}_ms.factor": factor for name in PARAMETERS}
        for factor in sizes.densities
    }
    return {"density": {"sets": densities}, **DICTIONARIES}


def dictionary_search(searches: Searches, progress: Progress) -> dict[str, Any]:
    """Dictionaries, judged as the trainings are."""
    sizes = searches.run.scale
    trials = searches.dictionaries(
        "dictionaries", dictionary_space(sizes), 8 * len(sizes.densities), progress
    )
    best = best_of(trials)
    assert best is not None
    rows = trial_table(trials, ("error", "time", "memory"))
    return {"trials": rows, "best": {"error": best.error, "chosen": best.chosen}}


def network_ranks(searches: Searches, progress: Progress) -> dict[str, Any]:
    """Equally long trainings on signals of several ranks."""
    ranks = [*searches.run.scale.ranks, SEQUENCE.n_samples]
    space = {"network.core.rank": {"choices": ranks}}
    task, trials = searches.networks("network-ranks", space, len(ranks), progress)
    return {"trials": trial_table(trials, task.objectives)}


def dictionary_ranks(searches: Searches, progress: Progress) -> dict[str, Any]:
    """Refined matching on signals of several ranks; the grid is sparse, as refinement allows."""
    ranks = [*searches.run.scale.ranks, SEQUENCE.n_samples]
    trials = searches.dictionaries(
        "dictionary-ranks", {"rank": {"choices": ranks}}, len(ranks), progress
    )
    return {"trials": trial_table(trials, ("error", "time", "memory"))}


def cost(sizes: Sizes) -> str:
    """What a run costs, told before it begins."""
    trainings = min(sizes.choices, len(CHOICES)) + sizes.repeats + sizes.trials
    trainings += len(sizes.ranks) + 1
    return (
        f"{trainings} trainings of {sizes.choice_steps} steps and one of {sizes.steps},"
        f" {8 * len(sizes.densities)} dictionaries, {2 * sizes.volunteers} knees"
    )
