"""Trainings and dictionaries as trials."""

import math
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinprint as sp
from spinprint.dictionary.grid_file import load_grid
from spinprint.training.config import TrainConfig, load_config, parse_config
from spinprint.training.examples import Examples
from spinprint.tuning import TuneConfig
from spinprint.tuning.defaults import sampling_laws
from spinprint.tuning.matching import MatchingTask
from spinprint.tuning.network import NetworkTask
from spinprint.tuning.results import front
from spinprint.tuning.run import run_search
from spinprint.tuning.space import Chosen

from .conftest import BASE, tuned


def heard(task: NetworkTask, chosen: Chosen) -> list[tuple[int, float]]:
    curve: list[tuple[int, float]] = []
    task.run(chosen, lambda error, step: curve.append((step, error)))
    return curve


def test_choices_become_a_training(short: sp.Sequence, tiny: TuneConfig) -> None:
    task = NetworkTask.of(short, tiny)
    chosen: Chosen = {"network.core.width": 8, "stage.learning_rate": 0.05}
    trial, full = task.training(chosen), task.training(chosen, full=True)
    for one in (trial, full):
        assert (one.network.core.width, one.stage[0].learning_rate) == (8, 0.05)
    assert (trial.stage[0].steps, trial.stage[0].warm_up, trial.validation.every) == (30, 10, 10)
    assert (full.stage[0].steps, full.stage[0].warm_up) == (600, 200)
    assert full.validation.every == tiny.base.validation.every
    shortest = NetworkTask.of(short, tuned(steps=1)).training(chosen).stage[0]
    assert (shortest.steps, shortest.warm_up) == (1, 0)


def test_stages_are_set_together_or_by_name(short: sp.Sequence) -> None:
    stages = [
        {"name": "clean", "snr_db": "clean", "steps": 100},
        {"name": "noisy", "start": "clean", "steps": 300},
    ]
    space = {
        "stage.batch": {"choices": [32]},
        "stage.noisy.learning_rate": {"choices": [0.5]},
        "stage.snr_db": {"choices": {"narrow": [20, 25]}},
    }
    config = tuned(base={**BASE, "stage": stages}, space=space, steps=40)
    task = NetworkTask.of(short, config)
    clean, noisy = task.training(
        {"stage.batch": 32, "stage.noisy.learning_rate": 0.5, "stage.snr_db": "narrow"}
    ).stage
    assert (clean.batch, noisy.batch) == (32, 32)
    assert (clean.learning_rate, noisy.learning_rate) == (0.02, 0.5)
    assert (clean.snr_db, noisy.snr_db) == ("clean", (20, 25))
    assert (clean.steps, noisy.steps) == (10, 30)


def test_a_trial_hears_every_measurement(short: sp.Sequence, tiny: TuneConfig) -> None:
    task = NetworkTask.of(short, tiny)
    curve = heard(task, {"network.core.width": 16, "stage.learning_rate": 0.02})
    assert [step for step, _ in curve] == [10, 20, 30]
    assert curve[-1][1] < curve[0][1]


def test_other_sampling_is_judged_on_the_tissue_of_the_base(short: sp.Sequence) -> None:
    prior = sp.Prior.default(short)
    laws = sampling_laws(prior)
    config = tuned(space={"prior": {"choices": laws}})
    task = NetworkTask.of(short, config)
    for name in laws:
        judged = task.training({"prior": name}).validation.stated_prior()
        assert judged is not None
        assert judged.to_dict() == prior.to_dict()
    errors = {name: heard(task, {"prior": name})[-1][1] for name in laws}
    # A network that hardly saw short T1 and T2 is worse on tissue that is log-uniform.
    assert errors["as given"] < errors["even times"] - 0.1
    assert len(set(errors.values())) == 3


def test_the_sampling_laws_keep_the_range(short_diffusion: sp.Sequence) -> None:
    prior = sp.Prior.default(short_diffusion)
    for name, data in sampling_laws(prior).items():
        law = sp.Prior.from_dict(data)
        assert [(one.low, one.high) for one in law.laws.values()] == [
            (one.low, one.high) for one in prior.laws.values()
        ], name
    median = {
        name: np.median(sp.Prior.from_dict(data).draw(4000, np.random.default_rng(0)).t1)
        for name, data in sampling_laws(prior).items()
    }
    assert median["as given"] < median["half of each"] < median["even times"]


@pytest.mark.parametrize("fixture", ["short", "short_knee", "short_diffusion"])
def test_the_default_space_is_possible(fixture: str, request: pytest.FixtureRequest) -> None:
    sequence = request.getfixturevalue(fixture)
    task = NetworkTask.of(sequence, tuned(space=None))
    kinds = {task.training(chosen).network.core.kind for _, _, chosen in task.space.probes()}
    assert kinds == {"mlp", "recurrent"}
    matching = MatchingTask.of(sequence, tuned())
    assert len(matching.space.parameters) == len(sequence.unknowns) + 2


def test_networks_and_matching_see_the_same_signals(short: sp.Sequence, tiny: TuneConfig) -> None:
    from spinprint.networks.model import Model
    from spinprint.training.validation import ValidationSet

    base = tiny.base
    model = Model.create(short, config=parse_config(BASE).network)
    watch = ValidationSet.simulate(model, base.validation, base.seed)
    task = MatchingTask.of(short, tiny)
    for number, voxels in enumerate(list(watch.voxels.values())[:2]):
        series, sigma = task._noisy[number]
        seen = model.compress(series)
        np.testing.assert_allclose(voxels.real.numpy(), seen.real, atol=1e-6)
        np.testing.assert_allclose(voxels.sigma.numpy(), sigma, rtol=1e-6)
    assert isinstance(task._examples, Examples)


GRIDS = {
    "grid.t1_ms.factor": {"choices": [1.1]},
    "grid.t2_ms.factor": {"choices": [1.05, 1.4]},
    "rank": {"choices": [10]},
    "refine": {"choices": [True, False]},
}


def test_denser_grids_are_more_precise_and_slower_without_refinement(
    short: sp.Sequence, tmp_path: Path
) -> None:
    config = tuned(trials=4, matching={"space": GRIDS})
    trials = run_search(tmp_path, MatchingTask.of(short, config), config).trials()
    by = {(one.chosen["grid.t2_ms.factor"], one.chosen["refine"]): one for one in trials}
    assert len(by) == 4
    assert by[1.05, False].error < 0.5 * by[1.4, False].error
    assert by[1.05, False].objectives[2] > 4 * by[1.4, False].objectives[2]
    assert by[1.05, True].error < by[1.05, False].error
    efficient = by[1.05, True].measures["median |error| / Cramér-Rao SD"]
    assert efficient == pytest.approx(0.674, abs=0.12)
    # The time of a map of milliseconds is the machine's: the front is that of error and memory.
    timeless = front([replace(one, objectives=one.objectives[::2]) for one in trials])
    assert by[1.4, True].number in {one.number for one in timeless}
    assert all(one.chosen["refine"] for one in timeless), "it is better on the coarse grid"


def test_the_best_dictionary_is_a_grid_file(short: sp.Sequence, tmp_path: Path) -> None:
    config = tuned(matching={"space": GRIDS})
    task = MatchingTask.of(short, config)
    chosen: Chosen = {
        "grid.t1_ms.factor": 1.1, "grid.t2_ms.factor": 1.4, "rank": 10, "refine": True,
    }  # fmt: skip
    path = tmp_path / "best.toml"
    path.write_text(task.best(chosen))
    assert load_grid(path).size == task.settings(chosen)[1].size
    assert "--rank 10" in path.read_text()
    assert load_grid(path).axes["t2"].values[-1] == pytest.approx(3.0)


def test_known_fields_are_told_to_matching_too(short: sp.Sequence) -> None:
    prior: dict[str, Any] = sp.Prior.default(short).to_dict()
    prior["laws"]["b1"] = {"law": "uniform", "low": 0.8, "high": 1.2, "log": False}
    base = {**BASE, "prior": prior, "network": {"known": ["b1"]}}
    config = tuned(base=base, matching={"space": {"grid.b1.step": {"choices": [0.1]}}})
    task = MatchingTask.of(short, config)
    found = task.run({"grid.b1.step": 0.1}, lambda *_: None)
    assert task._coordinates.names == ("t1", "t2")
    assert math.exp(found.objectives[0]) < 1e-3


def test_the_best_network_is_a_training_file(short: sp.Sequence, tmp_path: Path) -> None:
    task = NetworkTask.of(short, tuned(space=None))
    chosen = next(c for _, _, c in task.space.probes() if c.get("prior") == "half of each")
    path = tmp_path / "best.toml"
    path.write_text(task.best(chosen))
    config = load_config(path)
    assert isinstance(config, TrainConfig)
    assert config == task.training(chosen, full=True)
    assert tomllib.loads(path.read_text())["prior"]["laws"]["t1"]["law"] == "mixture"


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"network.core.widht": {"choices": [8]}}, r"network.core.widht = 8: .*unknown key"),
        ({"width": {"choices": [8]}}, r"width: must begin with one of network, data, stage, prior"),
        ({"network.core.width": {"choices": [0]}}, r"network.core.width = 0: .*greater than"),
        ({"stage.noisi.batch": {"choices": [8]}}, r"stage.noisi.batch: the stages are noisy"),
        ({"network.known": {"choices": [["b1"]]}}, r"network.known: changes what is estimated"),
        ({"network.core.rank": {"choices": [4, 99]}}, r"rank = 99: 'short' has 80 samples"),
        ({"stage.steps": {"choices": [4, 99]}}, r"stage.steps: steps are searched: leave out"),
        ({"stage.loss": {"choices": ["mse"]}}, r"stage.loss = mse: .*must be gaussian"),
        ({"prior": {"choices": {"x": {"laws": {}}}}}, r"prior = x: prior: not a prior"),
    ],
)
def test_impossible_networks_are_refused_before_any_trial(
    short: sp.Sequence, space: dict[str, Any], message: str
) -> None:
    with pytest.raises(sp.InputError, match=message):
        NetworkTask.of(short, tuned(space=space))


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"grid.t1_ms.faktor": {"choices": [2]}}, r"grid.t1_ms.faktor = 2: t1_ms.faktor: unknown"),
        ({"grid.t9_ms.factor": {"choices": [2]}}, r"there is no t9_ms"),
        ({"grid.t1_ms.factor": {"choices": [1.0]}}, r"factor = 1.0: t1_ms: .*factor above 1"),
        ({"rank": {"low": 1, "high": 99}}, r"rank = 99: 'short' has 80 samples"),
        ({"ranks": {"low": 1, "high": 9}}, r"ranks = 1: ranks: unknown key"),
    ],
)
def test_impossible_dictionaries_are_refused_before_any_trial(
    short: sp.Sequence, space: dict[str, Any], message: str
) -> None:
    with pytest.raises(sp.InputError, match=message):
        MatchingTask.of(short, tuned(matching={"space": space}))
