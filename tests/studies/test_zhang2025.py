"""What the study of Zhang et al. computes, on data whose answer is known."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from spinprint.dictionary import Dictionary
from spinprint.estimators import DictionaryMatching
from spinprint.maps import Maps
from spinprint.report import Outcome, Verdict
from spinprint.studies import find_study
from spinprint.studies.results import Results, plain
from spinprint.studies.study import SCALES, Run
from spinprint.studies.zhang2025.claims import (
    accuracy,
    choices_matter,
    in_vivo,
    published,
    robustness,
)
from spinprint.studies.zhang2025.comparisons import WHOLE, differences, knees, sphere_pairs
from spinprint.studies.zhang2025.experiment import CHOICES, SPACE, cost, dictionary_space
from spinprint.studies.zhang2025.setting import (
    NETWORK,
    PARAMETERS,
    PLAIN,
    PRIOR,
    SEQUENCE,
    TUNED,
    Estimators,
    Searches,
    grid_over,
    tissue_groups,
)
from spinprint.studies.zhang2025.sizes import SIZES
from spinprint.tuning.network import NetworkTask
from spinprint.workflows.stages import silent

STUDY = find_study("zhang2025")


def run_of(tmp_path: Any, **changes: Any) -> Run[Any]:
    sizes = dataclasses.replace(SIZES["smoke"], **changes)
    results = Results.open(tmp_path, {})
    return Run(scale=sizes, seed=3, folder=tmp_path, results=results, stage=silent)


def test_every_scale_has_sizes_and_says_what_it_costs() -> None:
    assert tuple(STUDY.scales) == SCALES
    assert not SIZES["smoke"].telling
    assert cost(SIZES["quick"]).startswith("33 trainings of 800 steps and one of 14000, 24 dict")


def test_all_choices_are_trainings_and_all_dictionaries_are_counted(tmp_path: Any) -> None:
    run = run_of(tmp_path, densities=(1.5, 1.3))
    searches = Searches(run)
    config = searches._tuning(1, None, space={"choice": {"sets": CHOICES}})
    task = NetworkTask.of(SEQUENCE, config)  # checks that every choice is possible
    trained = {name: task.training({"choice": name}) for name in CHOICES}
    assert len({one.model_dump_json() for one in trained.values()}) == len(CHOICES)
    assert all(one.network.known == ("b1",) for one in trained.values())
    assert {one.stage[0].steps for one in trained.values()} == {run.scale.choice_steps}
    NetworkTask.of(SEQUENCE, searches._tuning(1, None, space=SPACE))
    combinations = searches.matching(dictionary_space(run.scale)).space.combinations()
    assert combinations is not None
    assert len(combinations) == 16


def test_groups_of_tissue_are_what_they_are_called() -> None:
    groups = tissue_groups(60, np.random.default_rng(0))
    assert all(tissue.size == 60 and tissue.b1 is not None for tissue in groups.values())
    ends = {name: (PRIOR.laws[name].low, PRIOR.laws[name].high) for name in PARAMETERS}

    def beyond(tissue: Any) -> Any:
        values = [(tissue.get(n) < low) | (tissue.get(n) > high) for n, (low, high) in ends.items()]
        return np.any(values, axis=0)

    assert beyond(groups["out of range"]).all()
    for name in ("over the prior", "near its edge", "of the knee"):
        assert not beyond(groups[name]).any()
    near = groups["near its edge"]
    places = [
        np.log(near.get(name) / low) / math.log(high / low) for name, (low, high) in ends.items()
    ]
    assert (np.min([np.minimum(place, 1 - place) for place in places], axis=0) < 0.02).all()
    assert np.median(groups["of the knee"].t2) < 0.1


def regional(shift: float, seed: int = 0) -> np.ndarray:
    """Means `(parameter, region, volunteer, visit)` that lie apart by a part of themselves."""
    rng = np.random.default_rng(seed)
    base = np.array([0.9, 0.03, 0.04])[:, None, None, None]
    person = np.random.default_rng(1).normal(1, 0.05, (1, 3, 14, 1))
    return base * person * (1 + shift + 0.002 * rng.standard_normal((3, 3, 14, 2)))


def test_differences_are_found_with_their_sign_and_adjusted_by_family() -> None:
    regions = ["medial", "lateral", WHOLE]
    second = regional(0.0)
    first = second.copy()
    first[1] *= 0.99 + 0.002 * np.random.default_rng(2).random((3, 14, 2))
    first[2] += 1e-4 * second[2] * np.random.default_rng(3).standard_normal((3, 14, 2))
    rows = {(r["parameter"], r["region"]): r for r in differences(first, second, regions, 0)}
    assert len(rows) == 9
    lower = rows["t2", WHOLE]
    assert -1 < lower["median percent"].value < -0.8
    assert lower["median percent"].high < 0
    assert lower["median"].value < 0
    # Two families: three tests of all cartilage, six of the plates.
    assert lower["p adjusted"] == pytest.approx(3 * lower["p"])
    assert rows["t2", "medial"]["p adjusted"] == pytest.approx(6 * rows["t2", "medial"]["p"])
    assert rows["t1", WHOLE]["p"] == 1
    assert rows["t1rho", WHOLE]["p adjusted"] > 0.05


def knee_verdict(parameter: str, percent: tuple[float, float, float]) -> Verdict:
    values = dict(zip(("value", "low", "high"), percent, strict=True))
    row = {"parameter": parameter, "region": "cartilage", "median percent": values}
    return in_vivo([row], parameter)


@pytest.mark.parametrize(
    ("parameter", "percent", "outcome"),
    [
        ("t1", (0.2, -0.1, 0.5), Outcome.HOLDS),
        ("t1", (2.0, 1.5, 2.5), Outcome.FAILS),
        ("t2", (-0.3, -0.5, -0.1), Outcome.HOLDS),
        ("t2", (0.3, 0.1, 0.5), Outcome.FAILS),
        ("t2", (-0.1, -0.5, 0.1), Outcome.OPEN),
        ("t1rho", (0.3, 0.1, 0.5), Outcome.HOLDS),
        ("t1rho", (-0.3, -0.5, -0.1), Outcome.FAILS),
    ],
)
def test_the_direction_in_knees_is_judged_by_its_interval(
    parameter: str, percent: tuple[float, float, float], outcome: Outcome
) -> None:
    verdict = knee_verdict(parameter, percent)
    assert verdict.outcome is outcome
    assert "simulation only" in verdict.reason


def choices(errors: dict[str, float], repeats: list[float]) -> dict[str, Any]:
    trials = [{"choice": name, "error": error} for name, error in errors.items()]
    return {"trials": trials, "repeats of the default": repeats}


def test_choices_matter_where_they_do_more_than_seeds() -> None:
    errors = {"default": 1.0, "slow": 3.0, "wide": 0.98}
    verdict = choices_matter(choices(errors, [1.01, 0.99]))
    assert verdict.outcome is Outcome.HOLDS
    assert "Worst: slow; best: wide. 1 of 2 differ" in verdict.reason
    assert choices_matter(choices(errors, [2.0, 0.4])).outcome is Outcome.OPEN
    little = {"default": 1.0, "slow": 1.1}
    assert choices_matter(choices(little, [1.01, 0.99])).outcome is Outcome.FAILS


def test_accuracy_and_robustness_look_at_their_own_contrasts() -> None:
    def row(measure: str, snr: float | None, high: float) -> dict[str, Any]:
        ratio = {"value": 0.9, "low": 0.8, "high": high}
        return {"first": NETWORK, "second": TUNED, "parameter": "t2", "measure": measure,
                "snr_db": snr, "ratio": ratio}  # fmt: skip

    rows = [row("mape", None, 0.95), row("mape", 10.0, 2.0), row("far", None, 2.0),
            row("far", 10.0, 1.1), row("scaled_mse", None, 3.0)]  # fmt: skip
    verdict = accuracy(rows, NETWORK, TUNED, "t2")
    assert verdict.outcome is Outcome.HOLDS
    assert "0.90 (0.80 to 3.00)" in verdict.reason
    assert robustness(rows, NETWORK, TUNED, "t2").outcome is Outcome.OPEN


def test_spheres_outside_the_prior_are_left_out() -> None:
    def sphere(array: str, inside: bool, estimate: float | None) -> dict[str, Any]:
        truth = {"t1": 1.0, "t2": 0.1, "t1rho": 0.1}
        return {"array": array, "inside": inside, "truth": truth,
                NETWORK: dict.fromkeys(PARAMETERS, estimate)}  # fmt: skip

    spheres = [sphere("t1", True, 0.5), sphere("t1", False, 9.0), sphere("t2", True, 7.0),
               sphere("t1", True, None)]  # fmt: skip
    estimate, truth = sphere_pairs(spheres, "t1", NETWORK)["t2"]
    np.testing.assert_array_equal(estimate, [0.5, np.nan])
    np.testing.assert_array_equal(truth, [0.1, 0.1])


class Lowered:
    """Another estimator's maps, T2 lower by 3 %."""

    def __init__(self, other: DictionaryMatching) -> None:
        self.other = other

    def predict(self, series: Any, **told: Any) -> Maps:
        maps = self.other.predict(series, **told)
        lower = {
            name: values * (0.97 if name == "t2" else 1) for name, values in maps.values.items()
        }
        return maps.replace(values=lower)


def test_knees_show_a_difference_that_was_put_in(tmp_path: Any) -> None:
    matching = DictionaryMatching(Dictionary.build(SEQUENCE, grid_over(2.0, 0.2), 12))
    estimators: Any = Estimators.__new__(Estimators)
    kinds = {NETWORK: Lowered(matching), TUNED: matching, PLAIN: matching}
    estimators.__dict__["practical"] = kinds
    run = run_of(tmp_path, volunteers=3, matrix=32)
    found = plain(knees(run, estimators, lambda done, total: None))  # noqa: ARG005
    assert found["regions"][-1] == WHOLE
    assert np.array(found["means"]["truth"]["t2"]).shape == (6, 3, 2)
    rows = {(r["parameter"], r["region"]): r for r in found["differences"][TUNED]}
    assert rows["t2", WHOLE]["median percent"]["value"] == pytest.approx(-3, abs=1e-3)
    assert rows["t1", WHOLE]["median percent"]["value"] == 0
    near = {(r["parameter"], r["region"]): r for r in found["differences"]["truth"]}
    assert abs(near["t1", WHOLE]["median percent"]["value"]) < 5  # partial volume at borders
    rows_of = {name: len(table) for name, table in found["repeatability"].items()}
    assert rows_of == dict.fromkeys((NETWORK, TUNED, PLAIN, "truth"), 18)
    verdicts = published(found["repeatability"][NETWORK], NETWORK)
    assert [one.measured.endswith(" %") for one in verdicts] == [True] * 3
