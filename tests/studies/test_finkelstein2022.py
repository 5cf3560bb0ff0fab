"""The study of transfer learning: its arms, its verdicts from numbers, and a tiny run of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spinprint.parallel import Progress
from spinprint.report import Outcome, Table, Verdicts
from spinprint.studies.finkelstein2022 import SCALES, STUDY
from spinprint.studies.finkelstein2022.experiment import (
    Sizes,
    arms,
    comparisons,
    recipe,
    stages,
    training,
    trainings,
)
from spinprint.studies.finkelstein2022.page import report
from spinprint.studies.study import run_study

TINY = Sizes(
    seeds=1, seeds_of_grid=1, tissues=(16, 32), steps=(4, 8), width=4, samples_per_step=90,
    batch=8, tested=6, draws=1, atoms=2000, resamples=10,
)  # fmt: skip


@pytest.mark.parametrize("sizes", SCALES.values(), ids=SCALES)
def test_transfer_takes_as_many_steps_as_what_it_is_held_against(sizes: Sizes) -> None:
    arms_of = {one["name"]: one for one in stages(sizes, main=True)}
    n = sizes.longest

    def steps(name: str) -> int:
        before = arms_of[name]["start"]
        return int(arms_of[name]["steps"]) + (0 if before == "scratch" else steps(before))

    assert steps(f"transfer-{n}") == steps(f"unfrozen-{n}") == steps(f"scratch-{2 * n}") == 2 * n
    assert recipe(sizes, "MLP", 0).stage[0].steps == 2 * n
    for length in sizes.steps:
        assert steps(f"half-{length}") == steps(f"scratch-{length}") == length


def test_the_arms_are_those_of_the_paper() -> None:
    config = training(TINY, 32, 7, main=True)
    stage = {one.name: one for one in config.stage}
    assert stage["clean-8"].snr_db == "clean"
    assert stage["scratch-8"].snr_db == stage["transfer-8"].snr_db == (10, 60)
    assert (stage["transfer-8"].start, stage["transfer-8"].frozen) == ("clean-8", ("head",))
    assert (stage["unfrozen-8"].start, stage["unfrozen-8"].frozen) == ("clean-8", ())
    assert stage["scratch-8"].frozen == ()
    assert not config.network.sigma_input
    assert recipe(TINY, "recurrent", 7).network.core == config.network.core


def test_the_cost_counts_trainings_and_steps() -> None:
    # On each set clean 2, 4, 8; scratch, transfer and half of 4 and 8. Then three longer stages of
    # 8, 16 and twice 16 steps.
    on_each = 14 + 2 * 12 + 6
    assert f"4 trainings, {2 * on_each + 8 + 3 * 16} steps of 8 signals" in STUDY.cost(TINY)


def test_every_comparison_is_of_arms_that_exist() -> None:
    known = arms(SCALES["full"])
    assert all(arm in known and base in known for arm, base in comparisons(SCALES["full"]))
    assert len(known[f"transfer-{SCALES['full'].longest}"]) == SCALES["full"].seeds


def numbers(ratio: tuple[float, float, float], over_risk: float) -> dict[str, Any]:
    """What a Monte Carlo might have found: the same everywhere."""
    snrs = ["10", "20", "30", "40", "50", "60", "sweep"]

    def table(value: float, low: float, high: float) -> dict[str, Any]:
        cell = {"value": value, "low": low, "high": high}
        return {p: dict.fromkeys(snrs, cell) for p in ("t1", "t2", "adc", "all")}

    names = arms(TINY)
    return {
        "Monte Carlo": {
            "parameters": ["t1", "t2", "adc"],
            "risk": table(1e-3, 9e-4, 1.1e-3),
            "mse": {arm: table(2e-3, 1e-3, 3e-3) for arm in names},
            "over_risk": {a: table(over_risk, over_risk * 0.99, over_risk * 1.01) for a in names},
            "ratios": {f"{a} / {b}": table(*ratio) for a, b in comparisons(TINY)},
        }
    }


def outcomes(found: dict[str, Any]) -> tuple[list[Outcome], list[Outcome]]:
    """Of the claims, and of the controls."""
    parts = report(found, TINY)[0].parts
    first, second = (part for part in parts if isinstance(part, Verdicts))
    return [row.outcome for row in first.rows], [row.outcome for row in second.rows]


HOLDS, FAILS, OPEN = Outcome.HOLDS, Outcome.FAILS, Outcome.OPEN


@pytest.mark.parametrize(
    ("ratio", "by_15_percent", "robust"),
    [
        ((0.8, 0.76, 0.84), HOLDS, HOLDS),
        ((0.9, 0.86, 0.95), FAILS, HOLDS),
        ((0.85, 0.8, 0.9), OPEN, HOLDS),
        ((1.0, 0.9, 1.1), FAILS, OPEN),
        ((1.2, 1.1, 1.24), FAILS, FAILS),
    ],
)
def test_verdicts_follow_from_the_intervals(
    ratio: tuple[float, float, float], by_15_percent: Outcome, robust: Outcome
) -> None:
    claims, controls = outcomes(numbers(ratio, over_risk=2))
    assert claims == [by_15_percent] * 3 + [HOLDS] * 2 + [robust] * 2
    assert controls == [robust, robust, by_15_percent, by_15_percent, HOLDS]


def test_the_bayes_risk_tells_where_no_recipe_can() -> None:
    *_, room = outcomes(numbers((0.8, 0.76, 0.84), over_risk=1.1))[1]
    assert room is FAILS  # 1 - 1 / 1.1 is 9 %
    controls = report(numbers((0.8, 0.76, 0.84), over_risk=1.1), TINY)[0].parts[1]
    assert isinstance(controls, Verdicts)
    assert "no recipe can at 10, 20, 30, 40, 50 and 60 dB" in controls.rows[-1].reason


def test_the_boundary_has_a_row_for_every_set_and_length() -> None:
    boundary = report(numbers((0.8, 0.76, 0.84), over_risk=2), TINY)[3].parts
    table = next(part for part in boundary if isinstance(part, Table))
    assert [row[:2] for row in table.rows] == [("16", 4), ("16", 8), ("32", 4), ("32", 8)]
    assert table.rows[0][2] == "+20.0 (+16.0 to +24.0)"


def test_a_tiny_study_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    sizes = replace(TINY, tissues=(32,))
    study = replace(STUDY, scales={"smoke": sizes})
    begun: list[str] = []

    @contextmanager
    def stage(name: str) -> Iterator[Progress]:
        begun.append(name)
        if name == "Monte Carlo" and "Writing the report" not in begun and begun.count(name) == 1:
            raise KeyboardInterrupt
        yield lambda done, total: None  # noqa: ARG005

    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path, scale="smoke", seed=1, stage=stage)
    trained = list(begun[:-1])
    assert trained == [f"Training {name}" for name, _ in trainings(sizes, [0])]
    result = run_study(study, tmp_path, scale="smoke", seed=1, stage=stage)
    assert begun[len(trained) + 1 :] == ["Monte Carlo", "Writing the report"]
    assert len(result.verdicts) == 12
    found = json.loads((tmp_path / "results.json").read_text())["steps"]["Monte Carlo"]["found"]
    assert set(found["mse"]) == set(arms(sizes))
    swept = found["over_risk"]["transfer-8"]["all"]["sweep"]
    assert swept["value"] > 1  # no estimator is below the Bayes risk but by chance
