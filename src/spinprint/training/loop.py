"""The training loop: stages of steps, validated, saved and resumed."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import torch

from ..device import accelerator
from ..errors import ModelError
from ..files import check_output_folder, claim
from ..networks.model import Model
from ..parallel import Progress
from ..sequence import Sequence
from ._batches import Batches
from ._data import Source
from ._journal import Journal
from ._optimisation import Optimisation, Weights, copy_weights, prefixed, unprefixed
from ._processes import Processes, join_processes, limit_threads
from ._state import Position, drop_state, read_state, write_state
from .config import PREVIOUS, SCRATCH, Stage, TrainConfig
from .validation import CLEAN, Score, ValidationSet, calibrate_sds, mean_log_error

Listener = Callable[[Stage, int, dict[str, Score]], None]
"""Called after each validation with (stage, completed steps, scores by SNR); may raise to stop."""

_CLEAN_NOISE = (30.0, 60.0)  # range of SNR [dB] for which inputs are scaled in noise-free training

_RUN = "training"  # name of the lock that keeps other processes out of the folder

STAGES = "stages"
"""Folder of the networks of all stages except the last."""


def train(
    sequence: Sequence,
    config: TrainConfig | None = None,
    out: str | Path | None = None,
    *,
    progress: Progress | None = None,
    listener: Listener | None = None,
) -> Model:
    """Train a network.

    If stopped at any moment and called again with the same arguments, the training continues from
    the last validation; on the CPU the result equals that of an uninterrupted run.

    Parameters
    ----------
    sequence
        Sequence of the acquisition.
    config
        Settings; None is the default.
    out
        Folder for the model, its log `log.jsonl` and `stages/`; None writes nothing.
    progress
        Called with the completed steps and their total.
    listener
        Called after each validation.

    Returns
    -------
    The model of the last stage, at its best validation.

    Raises
    ------
    ModelError
        Settings do not fit the sequence or each other, the folder holds another training, or the
        loss is no longer finite; the state before that is kept.
    OutputError
        The folder cannot be written, or another process is training there.
    """
    config = config or TrainConfig()
    folder = None if out is None else Path(out)
    position = Position(_digest(sequence, config))
    with join_processes() as processes, ExitStack() as stack:
        if folder is not None:
            check_output_folder(folder)
            if processes.first:
                stack.enter_context(claim(folder, _RUN))
            if finished := _finished(folder, sequence, position.digest):
                return finished
        _check_shares(config, processes)
        run = _Run.begin(sequence, config, folder, position, processes)
        run.progress, run.listener = progress, listener
        while run.position.stage < len(config.stage):
            run.play(config.stage[run.position.stage])
        return run.model


def _digest(sequence: Sequence, config: TrainConfig) -> str:
    return hashlib.sha256((sequence.digest + config.model_dump_json()).encode()).hexdigest()


def _finished(folder: Path, sequence: Sequence, digest: str) -> Model | None:
    """Read the model if this training is complete; refuse to overwrite another one."""
    if not (folder / "model.json").exists():
        return None
    model = Model.load(folder, sequence)
    if model.training.get("digest") != digest:
        raise ModelError(
            f"{folder}: holds a model of another training: give another folder, or delete it"
        )
    drop_state(folder)  # it remains if the training was stopped just after writing the model
    return model


def _check_shares(config: TrainConfig, processes: Processes) -> None:
    for stage in config.stage:
        if stage.batch % processes.count:
            raise ModelError(
                f"stage {stage.name!r}: batch: {stage.batch} signals cannot be shared evenly by"
                f" {processes.count} processes"
            )


@dataclass(eq=False)
class _Run:
    """A training in progress."""

    config: TrainConfig
    folder: Path | None
    processes: Processes
    model: Model
    validation: ValidationSet
    journal: Journal
    position: Position
    finished: dict[str, Weights]
    """Weights from which a stage may start: initial ones, and those of completed stages."""
    restored: Weights = field(default_factory=dict)
    """Saved state of the current stage, until it is restored."""
    progress: Progress | None = None
    listener: Listener | None = None

    @classmethod
    def begin(
        cls,
        sequence: Sequence,
        config: TrainConfig,
        folder: Path | None,
        position: Position,
        processes: Processes,
    ) -> _Run:
        """Begin a training, or continue a stopped one where it was saved."""
        model = Model.create(
            sequence,
            config.stated_prior(),
            config.network,
            snr_db=_final_noise(config),
            seed=config.seed,
        ).on(accelerator())
        validation = ValidationSet.simulate(model, config.validation, config.seed)
        finished = {SCRATCH: copy_weights(model.network.state_dict())}
        run = cls(config, folder, processes, model, validation, Journal(None), position, finished)
        saved = None if folder is None else read_state(folder)
        if saved is not None:
            run._resume(*saved)
        if folder is not None and processes.first:
            run.journal = Journal.open(folder, run.position)
        return run

    def _resume(self, position: Position, tensors: Weights) -> None:
        if position.digest != self.position.digest:
            raise ModelError(
                f"{self.folder}: holds an unfinished training with other settings:"
                " give another folder, or delete it"
            )
        self.position = position
        self.restored = {name: tensor.to(self.model.device) for name, tensor in tensors.items()}
        for stage in self._completed_stages:
            self.finished[stage.name] = unprefixed(f"kept.{stage.name}", self.restored)

    @property
    def _completed_stages(self) -> tuple[Stage, ...]:
        return self.config.stage[: self.position.stage]

    def play(self, stage: Stage) -> None:
        """Train one stage from the current position to its end."""
        begun = time.monotonic() - self.position.seconds
        key = (self.config.seed, self.position.stage)
        network = self.model.network
        network.load_state_dict(self._start(stage))
        optimisation = Optimisation(network, stage, self.processes)
        best = self._restore(optimisation)
        source = Source(self.model, self.config.data, key)
        with closing(source), limit_threads(network, stage.batch // self.processes.count):
            batches = Batches(self.model, stage, source, key, self._teacher(stage))
            for step in range(self.position.step, stage.steps):
                if self._out_of_patience():
                    break
                loss, norm = optimisation.step(step, *batches.batch(step))
                done = step + 1
                if not math.isfinite(norm):
                    self._give_up(stage, done, f"the loss ({loss.item():g}) or its gradient")
                if self.progress:
                    self.progress(_steps(self._completed_stages) + done, _steps(self.config.stage))
                if done % self.config.validation.every and done < stage.steps:
                    continue
                scores = self._validate(optimisation.result)
                error = mean_log_error(scores, clean=stage.snr_db == CLEAN)
                if not math.isfinite(error):
                    self._give_up(stage, done, "the error on the validation signals")
                better = self.position.best is None or error < self.position.best
                if better:
                    best = copy_weights(optimisation.result)
                self.position = self.position.moved(
                    step=done,
                    best=error if better else self.position.best,
                    since_best=0 if better else self.position.since_best + 1,
                    seconds=time.monotonic() - begun,
                    validation=self._plain(scores) if better else self.position.validation,
                )
                mean_loss = self.processes.mean(loss.item())
                self.journal.record(
                    stage, self.position, optimisation.rate, mean_loss, source, scores
                )
                if self.listener:
                    self.listener(stage, done, scores)
                self._save(optimisation.tensors(), best)
        self._end(stage, best)

    def _out_of_patience(self) -> bool:
        patience = self.config.validation.patience
        return patience is not None and self.position.since_best >= patience

    def _start(self, stage: Stage) -> Weights:
        """Return the initial weights of a stage."""
        completed = [SCRATCH, *(earlier.name for earlier in self._completed_stages)]
        return self.finished[completed[-1] if stage.start == PREVIOUS else stage.start]

    def _restore(self, optimisation: Optimisation) -> Weights:
        """Continue from the saved state of the stage, if any; return its best weights so far."""
        restored, self.restored = self.restored, {}
        if restored and self.position.step:
            optimisation.restore(restored)
            return unprefixed("best", restored)
        return copy_weights(self.model.network.state_dict())

    def _teacher(self, stage: Stage) -> Model | None:
        if stage.teacher not in self.finished:
            return None
        network = deepcopy(self.model.network).requires_grad_(False).eval()
        network.load_state_dict(self.finished[stage.teacher])
        return replace(self.model, network=network)

    def _validate(self, weights: Weights) -> dict[str, Score]:
        """Compute the scores of given weights; those of the network remain."""
        network = self.model.network
        current = copy_weights(network.state_dict())
        network.load_state_dict(weights)
        scores = self.validation.measure(self.model)
        network.load_state_dict(current)
        return scores

    def _plain(self, scores: dict[str, Score]) -> dict[str, Any]:
        names = self.model.targets.names
        return {snr: score.to_dict(names) for snr, score in scores.items()}

    def _save(self, tensors: Weights, best: Weights) -> None:
        if self.folder is None or not self.processes.first:
            return
        tensors = tensors | prefixed("best", best)
        for stage in self._completed_stages:
            tensors |= prefixed(f"kept.{stage.name}", self.finished[stage.name])
        write_state(self.folder, self.position, tensors)

    def _end(self, stage: Stage, best: Weights) -> None:
        """Write the best network of a stage and move to the next stage."""
        network = self.model.network
        network.load_state_dict(best)
        network.requires_grad_(True).eval()
        self.finished[stage.name] = copy_weights(best)
        if network.gaussian and stage.loss == "gaussian":
            calibrate_sds(self.model, stage, self.config.seed)
            scores = self.validation.measure(self.model)
            self.position = self.position.moved(validation=self._plain(scores))
        last = self.position.stage + 1 == len(self.config.stage)
        self.model = replace(self.model, training=self._record(stage))
        if self.folder is not None and self.processes.first:
            self.model.save(self.folder if last else self.folder / STAGES / stage.name)
        self.position = Position(self.position.digest, stage=self.position.stage + 1)
        if self.folder is not None and self.processes.first:
            if last:
                drop_state(self.folder)
            else:
                self._save(prefixed("now", network.state_dict()), best)

    def _record(self, stage: Stage) -> dict[str, Any]:
        """Record of the training for the file of the model."""
        return {
            "digest": self.position.digest,
            "config": self.config.model_dump(mode="json"),
            "stage": stage.name,
            "seed": self.config.seed,
            "validation": self.position.validation,
            "seconds": round(self.position.seconds, 1),
            "versions": {"spinprint": version("spinprint"), "torch": torch.__version__},
        }

    def _give_up(self, stage: Stage, step: int, what: str) -> NoReturn:
        saved = self.folder is not None and (self.position.stage or self.position.step)
        kept = f"; {self.folder} keeps the state before that" if saved else ""
        raise ModelError(
            f"stage {stage.name!r}: at step {step} {what} is not finite: lower learning_rate or"
            f" clip{kept}"
        )


def _final_noise(config: TrainConfig) -> tuple[float, float]:
    """Range of SNR for which the network is trained [dB]."""
    last = config.stage[-1]
    limits = last.snr_db_end or last.snr_db
    return _CLEAN_NOISE if isinstance(limits, str) else limits


def _steps(stages: Iterable[Stage]) -> int:
    return sum(stage.steps for stage in stages)
