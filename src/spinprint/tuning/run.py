"""Running the trials of a search, in this process or in several."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, ModelError
from ..files import output_errors
from ..parallel import Progress, n_workers
from ..room import require_room
from .config import TuneConfig
from .results import State, Trial
from .space import identity
from .task import Task

if TYPE_CHECKING:
    from .search import Claim, Search

Tell = Callable[[str], None]
"""Called with a sentence for people."""

_POLL = 0.2  # seconds between two looks at what the workers have done
_WORKER_MEMORY = 100 << 20  # that a process of torch has for itself, at least
_PARTS = 1000  # of a trial, in which progress is told


def run_search(
    folder: str | Path,
    task: Task,
    config: TuneConfig,
    *,
    workers: int = 1,
    database: str | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Search:
    """Run trials until as many as wanted are done; what was done before counts.

    Stopped at any moment, it goes on when called again alike; called by several processes at
    once, they share the trials. With one worker and a single objective the same call proposes the
    same trials.

    Parameters
    ----------
    folder
        Where the search lives.
    task
        What is tuned.
    config
        How.
    workers
        Processes on this machine, which share its cores.
    database
        URL of a database that other machines use too.
    progress
        Called with the work done and all of it.
    tell
        Told of every trial that is done.

    Raises
    ------
    InputError
        The folder holds another search, the database cannot be used, or no worker is left.
    """
    from .search import Search

    if workers < 1:
        raise ModelError(f"--workers = {workers} must be at least 1")
    require_room(workers * _WORKER_MEMORY, f"--workers = {workers}", ModelError, "take fewer")
    search = Search.open(Path(folder), task, config, database)
    report = _Report(search, progress, tell or (lambda _: None))
    if workers == 1:
        _work(search, report)
    else:
        _share(search, workers, database, report)
    return search


class _Report:
    """Tells people what is done."""

    def __init__(self, search: Search, progress: Progress | None, tell: Tell) -> None:
        self._search, self._progress, self._tell = search, progress, tell
        self._told = {identity(trial.chosen) for trial in search.trials()}
        if self._told:
            tell(f"Going on after {len(self._told)} trials.")

    def part(self, place: int, steps: int) -> None:
        """A trial has come some steps far."""
        if self._progress:
            within = min(_PARTS, _PARTS * steps // self._search.task.steps)
            self._progress(_PARTS * place + within, _PARTS * self._search.config.trials)

    def done(self) -> None:
        """Some trials may be done that nobody was told of."""
        trials = self._search.trials()
        for trial in trials:
            if identity(trial.chosen) not in self._told:
                self._told.add(identity(trial.chosen))
                self._tell(_sentence(trial, trials, self._search.config.trials))
        if self._progress:
            self._progress(_PARTS * len(trials), _PARTS * self._search.config.trials)


def _sentence(trial: Trial, done: list[Trial], wanted: int) -> str:
    head = f"Trial {trial.number} of {wanted}: "
    if trial.state is State.REFUSED:
        return f"{head}refused: {trial.remark}"
    least = min((one.error for one in done if one.objectives), default=math.nan)
    ended = "given up at error" if trial.state is State.GIVEN_UP else "error"
    return f"{head}{ended} {trial.error:.4g}; least so far {least:.4g}"


def _work(search: Search, report: _Report | None, parent: int | None = None) -> None:
    """Try one thing after the other, as long as there is someone to do it for."""
    with search.worker() as name:
        while not _is_alone(parent) and (claim := search.claim(name)) is not None:
            _try(search, claim, report, parent)
            if report:
                report.done()


def _is_alone(parent: int | None) -> bool:
    """Whether the process that started this one, if any, is gone."""
    return parent is not None and os.getppid() != parent


def _try(search: Search, claim: Claim, report: _Report | None, parent: int | None) -> None:
    import optuna

    single = len(search.task.objectives) == 1
    begun = time.monotonic()

    def hear(error: float, steps: int) -> None:
        if _is_alone(parent):
            raise KeyboardInterrupt
        if report:
            report.part(claim.place, steps)
        if single:
            claim.trial.report(error, steps)
            if claim.trial.should_prune():
                raise optuna.TrialPruned

    try:
        with search.alive(claim):
            found = search.task.run(claim.chosen, hear)
    except optuna.TrialPruned:
        search.give_up(claim, time.monotonic() - begun)
    except InputError as error:
        search.refuse(claim, str(error), time.monotonic() - begun)
    except BaseException:
        search.drop(claim)
        raise
    else:
        seconds = time.monotonic() - begun
        if all(math.isfinite(value) for value in found.objectives):
            search.finish(claim, found, seconds)
        else:
            search.refuse(claim, "the error is not finite", seconds)


def _share(search: Search, workers: int, database: str | None, report: _Report) -> None:
    """Let several processes work, until all have ended."""
    context = multiprocessing.get_context("spawn")
    problems: Any = context.SimpleQueue()
    team = [
        context.Process(
            target=_worker,
            args=(search.folder, search.task, search.config, database, index, workers, problems),
            daemon=True,
        )
        for index in range(workers)
    ]
    try:
        for process in team:
            process.start()
        while any(process.is_alive() for process in team):
            time.sleep(_POLL)
            report.done()
    finally:
        for process in team:
            if process.is_alive():
                process.terminate()
                process.join()
    report.done()
    if not problems.empty():
        raise ModelError(problems.get())
    ends = [process.exitcode for process in team]
    if any(end and end > 0 for end in ends):
        raise RuntimeError(f"workers ended with status {ends}")
    if all(end for end in ends):
        raise ModelError(
            "all workers were killed, maybe for want of memory: the same command goes on; fewer"
            " --workers need less"
        )


def _worker(
    folder: Path,
    task: Task,
    config: TuneConfig,
    database: str | None,
    index: int,
    workers: int,
    problems: Any,
) -> None:
    """A process of its own, with its part of the cores."""
    from .search import Search

    _keep_to_part(index, workers)
    try:
        with output_errors(folder):
            _work(Search.open(folder, task, config, database), None, os.getppid())
    except InputError as error:
        problems.put(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _keep_to_part(index: int, workers: int) -> None:
    """Use every n-th core alone, so that workers do not get in each other's way."""
    n_cores = n_workers()
    if hasattr(os, "sched_setaffinity") and n_cores >= workers:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[index::workers])
    os.environ["OMP_NUM_THREADS"] = str(max(1, n_cores // workers))
