"""The runner: steps kept and never repeated, other settings refused, the page made from numbers."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint.errors import InputError
from spinprint.evaluation import Statistic
from spinprint.parallel import Progress
from spinprint.report import Outcome, Section, Table, Text, Verdicts
from spinprint.studies import STUDIES, find_study
from spinprint.studies.claims import claim, judge
from spinprint.studies.study import SCALES, Run, Study, run_study


@dataclass(frozen=True)
class Sizes:
    n: int


def experiment(calls: list[str], fails_at: str = "") -> Study[Sizes]:
    """Two steps; one of them may fail."""

    def measure(run: Run[Sizes]) -> None:
        def first(progress: Progress) -> Mapping[str, Any]:
            calls.append("first")
            progress(1, 1)
            return {"mean": np.float32(0.5), "values": np.arange(run.scale.n), "none": np.nan}

        def second(_: Progress) -> Mapping[str, Any]:
            calls.append("second")
            if fails_at == "second":
                raise RuntimeError("killed")
            total = sum(run.results.steps["first"]["values"])
            return {"total": Statistic(total, total - 1, total + 1)}

        run.step("first", first)
        run.step("second", second)

    def report(found: Mapping[str, Any], scale: Sizes) -> tuple[Section, ...]:
        total = Statistic(**found["second"]["total"])
        rows = [("sum", total.value), ("n", scale.n), ("a|b", found["first"]["none"])]
        return (
            Section(
                "Verdicts",
                [
                    Verdicts([claim("The sum is at least 2", total, least=2)]),
                    Table(caption="Numbers <b>", columns=["what", "value"], rows=rows),
                    Text("Done."),
                ],
            ),
        )

    return Study(
        name="micro",
        title="A micro study",
        paper="Nobody, Nothing, Nowhere",
        scales={"smoke": Sizes(3), "quick": Sizes(4)},
        cost=lambda sizes: f"{sizes.n} numbers",
        measure=measure,
        report=report,
    )


def test_a_study_leaves_numbers_page_and_tables(tmp_path: Path) -> None:
    told: list[str] = []
    result = run_study(experiment([]), tmp_path, scale="smoke", seed=7, tell=told.append)
    assert told == ["micro, scale smoke: 3 numbers"]
    held = json.loads((tmp_path / "results.json").read_text())
    assert held["settings"] == {"study": "micro", "scale": "smoke", "sizes": {"n": 3}, "seed": 7}
    assert held["steps"]["first"]["found"] == {"mean": 0.5, "values": [0, 1, 2], "none": None}
    assert [one.outcome for one in result.verdicts] == [Outcome.HOLDS]
    tables = result.tables.read_text()
    assert "| The sum is at least 2 | 3.00 | 2.00 to 4.00 | ✓ **holds** |" in tables
    assert "| a\\|b | – |" in tables
    assert "Numbers &lt;b>" in tables
    assert f"SHA-256 {held['digest']}" in tables
    assert held["digest"] in result.report.read_text()


def test_a_finished_step_is_not_repeated(tmp_path: Path) -> None:
    calls: list[str] = []
    with pytest.raises(RuntimeError, match="killed"):
        run_study(experiment(calls, fails_at="second"), tmp_path, scale="smoke")
    run_study(experiment(calls), tmp_path, scale="smoke")
    once = (tmp_path / "tables.md").read_text()
    run_study(experiment(calls), tmp_path, scale="smoke")
    assert calls == ["first", "second", "second"]
    assert (tmp_path / "tables.md").read_text() == once


@pytest.mark.parametrize(
    ("other", "differs"), [({"scale": "quick"}, "scale, sizes"), ({"seed": 1}, "seed")]
)
def test_another_configuration_is_refused(
    tmp_path: Path, other: dict[str, Any], differs: str
) -> None:
    run_study(experiment([]), tmp_path, scale="smoke")
    before = (tmp_path / "results.json").read_bytes()
    with pytest.raises(InputError, match=f"another study, which differs in {differs}"):
        run_study(experiment([]), tmp_path, **{"scale": "smoke", **other})
    assert (tmp_path / "results.json").read_bytes() == before


def test_a_study_owns_its_folder_before_its_first_step_is_done(tmp_path: Path) -> None:
    def measure(_: Run[Sizes]) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        run_study(replace(experiment([]), measure=measure), tmp_path, scale="smoke")
    with pytest.raises(InputError, match="another study"):
        run_study(experiment([]), tmp_path, scale="smoke", seed=1)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "x"}'])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=r"results\.json: .*: give another folder"):
        run_study(experiment([]), tmp_path, scale="smoke")


@pytest.mark.parametrize("wrong", [{"scale": "huge"}, {"scale": "smoke", "seed": -1}])
def test_impossible_settings_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=r"scale 'huge' must be one of|seed -1 must not be"):
        run_study(experiment([]), tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()


def test_the_same_seeds_begin_longer_lists() -> None:
    run = Run(scale=None, seed=5, folder=None, results=None, stage=None)  # type: ignore[arg-type]
    assert run.seeds(8)[:3] == run.seeds(3)
    assert len(set(run.seeds(8))) == 8


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (15.5, 20, Outcome.HOLDS),
        (10, 14.9, Outcome.FAILS),
        (10, 20, Outcome.OPEN),
        (np.nan, np.nan, Outcome.OPEN),
    ],
)
def test_claims_are_judged_by_the_whole_interval(low: float, high: float, outcome: Outcome) -> None:
    assert judge(Statistic(15.2, low, high), least=15) is outcome
    assert judge(Statistic(-15.2, -high, -low), most=-15) is outcome


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_all_scales_under_its_own_name(name: str) -> None:
    study = find_study(name)
    assert study.name == name
    assert tuple(study.scales) == SCALES


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nobody1900"], "study 'nobody1900' must be one of"),
        (["finkelstein2022", "--scale", "huge"], "huge"),
    ],
)
def test_wrong_words_exit_with_status_2(tmp_path: Path, arguments: list[str], reason: str) -> None:
    command = [sys.executable, "-m", "spinprint", "study", *arguments, "--out", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
