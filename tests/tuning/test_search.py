"""The search itself, on an objective whose optimum is known and costs nothing."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from spinprint.errors import ModelError
from spinprint.tuning import TuneConfig
from spinprint.tuning.results import State, Trial, best_of
from spinprint.tuning.run import run_search
from spinprint.tuning.search import JOURNAL, WORKERS, Search
from spinprint.tuning.space import Chosen, Space, identity
from spinprint.tuning.task import Found, Hear

BOWL = {"x": {"low": -2.0, "high": 2.0}, "y": {"low": 1e-3, "high": 1.0, "log": True}}


@dataclass
class Bowl:
    """Least at x = 0.5 and y = 0.03, approached in four steps."""

    space: Space = field(default_factory=lambda: Space.parse(BOWL))
    objectives: tuple[str, ...] = ("error",)
    steps: int = 4
    before: Callable[[Chosen], object] = bool
    tried: list[Chosen] = field(default_factory=list)

    @property
    def identity(self) -> dict[str, Any]:
        return {"what": "bowl"}

    def run(self, chosen: Chosen, hear: Hear) -> Found:
        self.before(chosen)
        self.tried.append(chosen)
        error = (float(chosen["x"]) - 0.5) ** 2 + (float(chosen.get("y", 0.03)) - 0.03) ** 2
        for step in range(1, 5):
            hear(error + 4 - step, step)
        return Found((error,), {"twice": 2 * error})

    def best(self, chosen: Chosen) -> str:
        return str(chosen)


def chosen_in(trials: list[Trial]) -> list[Chosen]:
    return [trial.chosen for trial in trials]


def config(trials: int, **changes: Any) -> TuneConfig:
    return TuneConfig(trials=trials, measurements=4, **changes)


def test_it_finds_a_known_optimum_and_says_what_mattered(tmp_path: Path) -> None:
    search = run_search(tmp_path, Bowl(), config(40))
    best = best_of(search.trials())
    assert best is not None
    assert best.chosen["x"] == pytest.approx(0.5, abs=0.15)
    shares = search.importances()["error"]
    assert shares["x"] > 0.6 > shares["y"]
    assert sum(shares.values()) == pytest.approx(1)


def test_hopeless_trials_are_given_up(tmp_path: Path) -> None:
    trials = run_search(tmp_path, Bowl(), config(20)).trials()
    given_up = [trial for trial in trials if trial.state is State.GIVEN_UP]
    assert given_up
    assert all(len(trial.curve) < 4 for trial in given_up)
    ended = sorted(trial.error for trial in trials if trial.state is State.FINISHED)
    assert all(trial.error > ended[0] for trial in given_up)
    kept = run_search(tmp_path / "all", Bowl(), config(20, pruner="none")).trials()
    assert all(trial.state is State.FINISHED for trial in kept)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_the_same_seed_proposes_the_same(tmp_path: Path, pruner: str) -> None:
    first, again, other = (
        chosen_in(run_search(tmp_path / name, Bowl(), config(14, seed=s, pruner=pruner)).trials())
        for name, s in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first != other
    assert len({identity(one) for one in first}) == 14, "no two alike"


def test_the_number_of_trials_counts_over_all_runs(tmp_path: Path) -> None:
    whole = chosen_in(run_search(tmp_path / "whole", Bowl(), config(14)).trials())
    parts = tmp_path / "parts"
    for wanted in (5, 12, 14, 14):
        task = Bowl()
        trials = run_search(parts, task, config(wanted)).trials()
        assert len(trials) == wanted
    assert task.tried == [], "nothing was left to do"
    assert chosen_in(trials) == whole, "a search in parts proposes what one in whole does"


def test_an_interrupted_trial_is_tried_again_and_a_finished_one_is_not(tmp_path: Path) -> None:
    whole = chosen_in(run_search(tmp_path / "whole", Bowl(), config(14)).trials())

    def interrupt(chosen: Chosen) -> None:
        if chosen == whole[11]:
            raise KeyboardInterrupt

    task = Bowl(before=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "cut", task, config(14))
    assert task.tried == whole[:11]
    task = Bowl()
    assert chosen_in(run_search(tmp_path / "cut", task, config(14)).trials()) == whole
    assert task.tried == whole[11:]


KILLED = """
import importlib.util, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("bowl", sys.argv[1])
bowl = importlib.util.module_from_spec(spec)
sys.modules["bowl"] = bowl
spec.loader.exec_module(bowl)
def stop(chosen):
    if len(task.tried) == 11:
        print("at work", flush=True)
        time.sleep(60)
task = bowl.Bowl(before=stop)
bowl.run_search(Path(sys.argv[2]), task, bowl.config(14))
"""


def test_after_kill_9_it_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = chosen_in(run_search(tmp_path / "whole", Bowl(), config(14)).trials())
    cut = tmp_path / "cut"
    command = [sys.executable, "-c", KILLED, __file__, str(cut)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "at work\n"
            beside = Bowl()
            run_search(cut, beside, config(12))
            assert beside.tried == [], "a trial of a worker that lives is left to it"
        finally:
            process.kill()
    with (cut / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 5, "torn')  # as if it had been killed while it wrote
    task = Bowl()
    assert chosen_in(run_search(cut, task, config(14)).trials()) == whole
    assert task.tried == whole[11:]
    assert [path.name for path in (cut / WORKERS).iterdir()] == ["claim.lock"]


def test_what_a_lost_worker_left_is_tried_once_more_by_another(tmp_path: Path) -> None:
    search = Search.open(tmp_path, Bowl(), config(4))
    with search.worker() as steady:
        with search.worker() as lost:
            left = search.claim(lost)
            for _ in range(2):
                done = search.claim(steady)
                assert done
                search.finish(done, Found((1.0,)), seconds=0.1)
        assert left
        again, last = search.claim(steady), search.claim(steady)
        assert again
        assert last
        assert again.chosen == left.chosen != last.chosen
        assert search.claim(steady) is None
    assert len(search.trials()) == 2


def test_nothing_is_tried_twice_and_a_small_space_ends(tmp_path: Path) -> None:
    space = Space.parse({"x": {"choices": [0.0, 1.0, 2.0]}, "y": {"choices": [0.1, 0.2]}})
    task = Bowl(space=space)
    trials = run_search(tmp_path, task, config(20, pruner="none")).trials()
    assert len(trials) == len({identity(one) for one in task.tried}) == 6


def test_what_is_refused_is_counted_and_told(tmp_path: Path) -> None:
    def refuse(chosen: Chosen) -> None:
        if float(chosen["x"]) > 0:
            raise ModelError("x is positive")

    told: list[str] = []
    trials = run_search(tmp_path, Bowl(before=refuse), config(12), tell=told.append).trials()
    refused = [trial for trial in trials if trial.state is State.REFUSED]
    assert len(trials) == len(told) == 12
    assert all(float(trial.chosen["x"]) > 0 for trial in refused)
    assert refused[0].remark == "x is positive"
    assert f"Trial {refused[0].number} of 12: refused: x is positive" in told


def test_another_search_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    run_search(tmp_path, Bowl(), config(1))
    with pytest.raises(ModelError, match="holds another search"):
        run_search(tmp_path, Bowl(), config(2, seed=5))


@pytest.mark.parametrize("text", ["nonsense\n", '{"op_code": 5}\n', "\x00\x00\n{}\n"])
def test_a_damaged_journal_is_told_as_such(tmp_path: Path, text: str) -> None:
    run_search(tmp_path, Bowl(), config(1))
    with (tmp_path / JOURNAL).open("r+") as journal:
        journal.write(text)
    with pytest.raises(ModelError, match=r"trials.journal: damaged .*delete it"):
        run_search(tmp_path, Bowl(), config(2))


def test_a_database_is_shared_by_folders(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    whole = chosen_in(run_search(tmp_path / "whole", Bowl(), config(6)).trials())
    first, second = Bowl(), Bowl()
    run_search(tmp_path / "one machine", first, config(4), database=url)
    search = run_search(tmp_path / "another", second, config(6), database=url)
    assert first.tried == whole[:4]
    assert second.tried == whole[4:]
    assert len(search.trials()) == 6
    with pytest.raises(ModelError, match="--storage: the database cannot be opened") as caught:
        run_search(tmp_path, Bowl(), config(1), database="nonsense://u:secret@host/db")
    assert "secret" not in str(caught.value)
