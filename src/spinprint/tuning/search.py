"""The trials of a search, shared by all workers, on disk or in a database.

A worker holds a lock as long as it lives. Trials of workers that are gone are tried again, with the
same settings; what is finished is never tried twice.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from threading import Event, Thread
from typing import Any

import numpy as np
import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState

from ..errors import ModelError
from .config import TuneConfig
from .locks import JournalLock, is_held
from .results import State, Trial
from .space import Chosen, identity
from .task import Found, Task

JOURNAL = "trials.journal"
"""File that holds the trials of a search on one machine."""

WORKERS = "workers"
"""Folder of the locks that workers hold."""

_BEAT, _GRACE = 30, 180  # seconds between signs of life to a database; without one it is dead
_STARTUP = 5  # trainings before any is given up
_UNCLAIMED = timedelta(minutes=10)  # age of a trial in a database that nobody called his own

# What is noted of a trial.
_WORKER, _REFUSED, _REPEATED, _AGAIN = "worker", "refused", "repeated", "again"
_MEASURES, _SECONDS = "measures", "seconds"

_STORAGE_DAMAGE = (
    LookupError, TypeError, ValueError, AssertionError, optuna.exceptions.StorageInternalError,
)  # fmt: skip
"""What a storage raises that holds something else than it should."""

_Skip = optuna.exceptions.UpdateFinishedTrialError


@dataclass(frozen=True, eq=False)
class Claim:
    """A trial that is this worker's own."""

    trial: Any
    """Of optuna."""
    chosen: Chosen
    """What it tries."""
    place: int
    """How many were claimed before it."""


@dataclass(eq=False)
class Search:
    """A search that goes on where it was stopped."""

    folder: Path
    task: Task
    config: TuneConfig
    study: Any
    database: Any
    """The database, or None of a search on this machine."""
    _lock: FileLock = field(init=False)

    def __post_init__(self) -> None:
        self._lock = FileLock(self.folder / WORKERS / "claim.lock")

    @classmethod
    def open(
        cls, folder: Path, task: Task, config: TuneConfig, database: str | None = None
    ) -> Search:
        """Begin a search, or join one.

        Parameters
        ----------
        folder
            Where it lives; made if it is missing.
        task
            What is tuned.
        config
            How.
        database
            URL of a database that other machines use too; None keeps all in the folder.

        Raises
        ------
        ModelError
            The folder holds another search, or the database cannot be used.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        (folder / WORKERS).mkdir(parents=True, exist_ok=True)
        digest = _digest(task, config)
        name = "spinprint" if database is None else f"spinprint-{digest[:16]}"
        try:
            storage = _journal(folder / JOURNAL) if database is None else _database(database)
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                directions=["minimize"] * len(task.objectives),
                pruner=_pruner(task, config),
                load_if_exists=True,
            )
        except ModelError:
            raise
        except _STORAGE_DAMAGE as error:
            place = "--storage" if database else folder / JOURNAL
            raise ModelError(
                f"{place}: damaged ({error!r}): give another place, or delete it"
            ) from None
        search = cls(folder, task, config, study, None if database is None else storage)
        with search._lock:
            if study.user_attrs.setdefault("digest", digest) != digest:
                raise ModelError(
                    f"{folder}: holds another search: give another folder, or delete it"
                )
            study.set_user_attr("digest", digest)
        return search

    @contextmanager
    def worker(self) -> Iterator[str]:
        """Be known as alive; gives the name of this worker."""
        path = (self.folder / WORKERS / f"{token_hex(8)}.lock").resolve()
        with FileLock(path):
            try:
                yield f"{platform.node()}:{path}"
            finally:
                path.unlink(missing_ok=True)

    def claim(self, worker: str) -> Claim | None:
        """Take the next trial; None if enough are taken, or nothing is left to try."""
        with self._lock:
            self._take_back()
            attempt = 0
            while True:
                taken = self._taken()
                if len(taken) >= self.config.trials:
                    return None
                tried = {identity(trial.params) for trial in taken}
                seed = self._seed(len(taken), attempt)
                self.study.sampler = self._sampler(seed, first=attempt == 0)
                with warnings.catch_warnings():
                    # Optuna warns that its own loop tells the database of life: here `alive` does.
                    warnings.filterwarnings("ignore", "Heartbeat of storage", UserWarning)
                    trial = self.study.ask()
                trial.set_user_attr(_WORKER, worker)
                chosen = self.task.space.suggest(trial)
                if identity(chosen) not in tried:
                    return Claim(trial, chosen, len(taken))
                trial.set_user_attr(_REPEATED, True)
                self.study.tell(trial, state=TrialState.FAIL)
                if not self._enqueue_untried(tried, seed):
                    return None
                attempt += 1

    def _seed(self, place: int, attempt: int) -> int:
        """The same for the same place, so that a search that was stopped proposes the same."""
        sequence = np.random.SeedSequence((self.config.seed, place, attempt))
        return int(sequence.generate_state(1)[0])

    def _sampler(self, seed: int, *, first: bool) -> Any:
        """Tree-structured Parzen estimator (Bergstra et al., NIPS 2011); chance once it repeats."""
        if not first:
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed)

    def _enqueue_untried(self, tried: set[Any], seed: int) -> bool:
        """Propose something new where all can be listed; False if nothing is left."""
        every = self.task.space.combinations()
        if every is None:
            return True
        left = [one for one in every if identity(one) not in tried]
        if left:
            self.study.enqueue_trial(random.Random(seed).choice(left))
        return bool(left)

    def _taken(self) -> list[FrozenTrial]:
        """Trials that are done or at work, in their order."""
        return [trial for trial in self._all() if trial.state == TrialState.RUNNING or _done(trial)]

    def _all(self) -> list[FrozenTrial]:
        return list(self.study.get_trials(deepcopy=False))

    def _take_back(self) -> None:
        """Give trials of workers that are gone to whoever comes."""
        if self.database is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                optuna.storages.fail_stale_trials(self.study)
        for trial in self._all():
            if trial.state == TrialState.RUNNING and self._abandoned(trial):
                with suppress(_Skip):
                    self.study.tell(trial.number, state=TrialState.FAIL)
        trials = self._all()
        again = {trial.user_attrs.get(_AGAIN) for trial in trials}
        for trial in trials:
            interrupted = trial.state == TrialState.FAIL and not _done(trial)
            repeated = _REPEATED in trial.user_attrs
            if interrupted and not repeated and trial.params and trial.number not in again:
                self.study.enqueue_trial(trial.params, user_attrs={_AGAIN: trial.number})

    def _abandoned(self, trial: FrozenTrial) -> bool:
        """Whether the worker of a trial is known to be gone."""
        host, _, name = trial.user_attrs.get(_WORKER, "").partition(":")
        lock = Path(name)
        if self.database is None:
            gone = not name or not lock.exists() or not is_held(lock)
        elif not name:
            begun = trial.datetime_start
            gone = begun is not None and datetime.now() - begun > _UNCLAIMED
        else:
            # Of workers elsewhere the database knows whether they are alive.
            gone = host == platform.node() and lock.exists() and not is_held(lock)
        if gone and name:
            lock.unlink(missing_ok=True)
        return gone

    @contextmanager
    def alive(self, claim: Claim) -> Iterator[None]:
        """Tell the database again and again that a trial is at work."""
        if self.database is None:
            yield
            return
        ended = Event()

        def beat() -> None:
            while True:
                self.database.record_heartbeat(claim.trial._trial_id)
                if ended.wait(_BEAT):
                    return

        thread = Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def finish(self, claim: Claim, found: Found, seconds: float) -> None:
        """Note what a trial found."""
        self._note(claim, found.measures, seconds)
        self.study.tell(claim.trial, list(found.objectives))

    def give_up(self, claim: Claim, seconds: float) -> None:
        """Note that a trial does too badly to go on."""
        self._note(claim, {}, seconds)
        self.study.tell(claim.trial, state=TrialState.PRUNED)

    def refuse(self, claim: Claim, reason: str, seconds: float) -> None:
        """Note that settings are impossible, or lead nowhere."""
        self._note(claim, {}, seconds)
        claim.trial.set_user_attr(_REFUSED, reason)
        self.study.tell(claim.trial, state=TrialState.FAIL)

    def drop(self, claim: Claim) -> None:
        """Leave a trial to be tried again."""
        with suppress(Exception):  # what interrupts the trial may stand in the way here too
            self.study.tell(claim.trial, state=TrialState.FAIL)

    def _note(self, claim: Claim, measures: dict[str, float], seconds: float) -> None:
        claim.trial.set_user_attr(_MEASURES, measures)
        claim.trial.set_user_attr(_SECONDS, seconds)

    def trials(self) -> list[Trial]:
        """All that are done, in the order in which they were begun."""
        taken = enumerate(self._taken(), start=1)
        return [_trial(number, trial) for number, trial in taken if _done(trial)]

    def importances(self) -> dict[str, dict[str, float]]:
        """How much each parameter decides about each objective, as shares that add up to 1.

        PED-ANOVA (Watanabe et al., IJCAI 2023): how far the settings of the better trials differ
        from those of all that were finished. Empty where fewer than four were.
        """
        finished = [trial for trial in self._all() if trial.state == TrialState.COMPLETE]
        if len(finished) < 4:
            return {}
        part = min(0.5, max(0.1, 5 / len(finished)))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=part)
        with warnings.catch_warnings():
            # Optuna reminds us that less is better, which it is for us.
            warnings.simplefilter("ignore", UserWarning)
            return {
                name: optuna.importance.get_param_importances(
                    self.study, evaluator=evaluator, target=lambda trial, i=index: trial.values[i]
                )
                for index, name in enumerate(self.task.objectives)
            }


def _done(trial: FrozenTrial) -> bool:
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or _REFUSED in trial.user_attrs


def _trial(number: int, trial: FrozenTrial) -> Trial:
    states = {TrialState.COMPLETE: State.FINISHED, TrialState.PRUNED: State.GIVEN_UP}
    return Trial(
        number=number,
        state=states.get(trial.state, State.REFUSED),
        chosen=dict(trial.params),
        objectives=tuple(trial.values or ()),
        measures=trial.user_attrs.get(_MEASURES, {}),
        curve=tuple(sorted(trial.intermediate_values.items())),
        seconds=trial.user_attrs.get(_SECONDS, 0.0),
        remark=trial.user_attrs.get(_REFUSED, ""),
    )


def _digest(task: Task, config: TuneConfig) -> str:
    """Of all that must be the same to go on with a search; its length may change."""
    space = {name: one.model_dump(mode="json") for name, one in task.space.parameters.items()}
    decides = [task.identity, space, config.seed, config.pruner]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _journal(path: Path) -> Any:
    journal = optuna.storages.journal
    path.touch()
    backend = journal.JournalFileBackend(str(path), lock_obj=JournalLock(path))
    return optuna.storages.JournalStorage(backend)


def _database(url: str) -> Any:
    if not url or url.rstrip("/") == "sqlite:" or ":memory:" in url:
        raise ModelError(
            "--storage: a database in memory is seen by no other process: give the URL of one in a"
            " file or on a server"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.storages.RDBStorage(url, heartbeat_interval=_BEAT, grace_period=_GRACE)
    except Exception as error:  # whatever the driver of a database raises; the URL may be secret
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = reason.replace(url, "the URL")
        raise ModelError(f"--storage: the database cannot be opened ({reason})") from None


def _pruner(task: Task, config: TuneConfig) -> Any:
    steps, between = task.steps, max(1, task.steps // config.measurements)
    if config.pruner == "none" or len(task.objectives) > 1:
        return optuna.pruners.NopPruner()
    if config.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=between, max_resource=steps)
    return optuna.pruners.MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=steps // 4)
