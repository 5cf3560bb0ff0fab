"""The training loop: stages of steps, each measured, saved and resumed alike."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from ..device import accelerator
from ..errors import ModelError
from ..files import check_output_folder, claim
from ..networks.config import PARTS
from ..networks.model import Model
from ..parallel import Progress
from ..sequence import Sequence
from .config import PREVIOUS, SCRATCH, Stage, TrainConfig
from .data import Source, Voxels
from .deviations import fit_deviations
from .journal import Journal
from .losses import Lesson, gaussian, squared_error
from .muon import Muon
from .processes import Processes, processes
from .state import (
    Position,
    drop_state,
    optimiser_tensors,
    read_state,
    restore_optimiser,
    write_state,
)
from .teaching import Teaching
from .threads import enough_threads
from .validation import CLEAN, Score, Watch, figure

Weights = dict[str, Tensor]
Listener = Callable[[Stage, int, dict[str, Score]], None]
"""Hears of every measurement: (stage, steps done, scores by ratio); may raise to end it all."""

_CLEAN_NOISE = (30.0, 60.0)  # dB; what inputs are scaled for where no noise is learned

_RUN = "training"  # what keeps other processes from the same folder

STAGES = "stages"
"""Folder of the networks that all stages but the last one gave."""


def train(
    sequence: Sequence,
    config: TrainConfig | None = None,
    out: str | Path | None = None,
    *,
    progress: Progress | None = None,
    listener: Listener | None = None,
) -> Model:
    """Train a network.

    Stopped at any moment and called again alike, it goes on from the last measurement; on the
    processor the result is the same as that of an unbroken run.

    Parameters
    ----------
    sequence
        What is played.
    config
        How; None takes the default.
    out
        Folder for the model, its log `log.jsonl` and `stages/`; None writes nothing.
    progress
        Called with the steps done and their number.
    listener
        Hears of every measurement.

    Returns
    -------
    The model of the last stage, at its best measurement.

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
    with processes() as team, ExitStack() as stack:
        if folder is not None:
            check_output_folder(folder)
            if team.first:
                stack.enter_context(claim(folder, _RUN))
            if finished := _finished(folder, sequence, position.digest):
                return finished
        _check_shares(config, team)
        run = _Run.begin(sequence, config, folder, position, team)
        run.progress, run.listener = progress, listener
        while run.position.stage < len(config.stage):
            run.play(config.stage[run.position.stage])
        return run.model


def _digest(sequence: Sequence, config: TrainConfig) -> str:
    return hashlib.sha256((sequence.digest + config.model_dump_json()).encode()).hexdigest()


def _finished(folder: Path, sequence: Sequence, digest: str) -> Model | None:
    """The model that the same training has left there; another one is not overwritten."""
    if not (folder / "model.json").exists():
        return None
    model = Model.load(folder, sequence)
    if model.training.get("digest") != digest:
        raise ModelError(
            f"{folder}: holds a model of another training: give another folder, or delete it"
        )
    drop_state(folder)  # it stays where the training was stopped just after its last file
    return model


def _check_shares(config: TrainConfig, team: Processes) -> None:
    for stage in config.stage:
        if stage.batch % team.count:
            raise ModelError(
                f"stage {stage.name!r}: batch: {stage.batch} signals cannot be shared evenly by"
                f" {team.count} processes"
            )


@dataclass(eq=False)
class _Run:
    """A training at work."""

    config: TrainConfig
    folder: Path | None
    team: Processes
    model: Model
    watch: Watch
    journal: Journal
    position: Position
    kept: dict[str, Weights]
    """Weights that a stage may start from: fresh ones, and those of the stages that are done."""
    held: dict[str, Tensor] = field(default_factory=dict)
    """What a saved state held of the stage at work."""
    progress: Progress | None = None
    listener: Listener | None = None

    @classmethod
    def begin(
        cls,
        sequence: Sequence,
        config: TrainConfig,
        folder: Path | None,
        position: Position,
        team: Processes,
    ) -> _Run:
        """A fresh training, or one that was stopped, at the place where it was saved."""
        model = Model.create(
            sequence, config.law(), config.network, snr_db=_final_noise(config), seed=config.seed
        ).on(accelerator())
        watch = Watch.prepare(model, config.validation, config.seed)
        kept = {SCRATCH: _copy(model.network.state_dict())}
        run = cls(config, folder, team, model, watch, Journal(None), position, kept)
        saved = None if folder is None else read_state(folder)
        if saved is not None:
            run._resume(*saved)
        if folder is not None and team.first:
            run.journal = Journal.open(folder, run.position)
        return run

    def _resume(self, position: Position, tensors: dict[str, Tensor]) -> None:
        if position.digest != self.position.digest:
            raise ModelError(
                f"{self.folder}: holds a training with other settings that was not finished:"
                " give another folder, or delete it"
            )
        self.position = position
        self.held = {name: tensor.to(self.model.device) for name, tensor in tensors.items()}
        for stage in self.config.stage[: position.stage]:
            self.kept[stage.name] = _under(f"kept.{stage.name}", self.held)

    def play(self, stage: Stage) -> None:
        """Train one stage from where it is to its end."""
        begun = time.monotonic() - self.position.seconds
        key = (self.config.seed, self.position.stage)
        network = self.model.network
        network.load_state_dict(self._start(stage))
        for part in PARTS:
            getattr(network, part).requires_grad_(part not in stage.frozen)
        optimisers = _optimisers(network, stage)
        averaged, best = self._restore(optimisers)
        source = Source(self.model, self.config.data, key)
        with closing(source), enough_threads(network, stage.batch // self.team.count):
            teaching = Teaching(self.model, stage, source, key, self._teacher(stage))
            for step in range(self.position.step, stage.steps):
                if self._out_of_patience():
                    break
                rate = _learning_rate(stage, step)
                loss = self._step(stage, step, optimisers, rate, *teaching.batch(step))
                if averaged is not None:
                    _average(averaged, network.state_dict(), stage.average, step)
                done = step + 1
                if self.progress:
                    self.progress(self._steps_before() + done, _steps(self.config.stage))
                if done % self.config.validation.every and done < stage.steps:
                    continue
                shown = network.state_dict() if averaged is None else averaged
                scores = self._measure(shown)
                value = figure(scores, clean=stage.snr_db == CLEAN)
                if not math.isfinite(value):
                    self._give_up(stage, done, "the error on the validation signals")
                better = self.position.best is None or value < self.position.best
                if better:
                    best = _copy(shown)
                self.position = self.position.moved(
                    step=done,
                    best=value if better else self.position.best,
                    since_best=0 if better else self.position.since_best + 1,
                    seconds=time.monotonic() - begun,
                    validation=self._told(scores) if better else self.position.validation,
                )
                mean_loss = self.team.mean(loss.item())
                self.journal.measured(stage, self.position, rate, mean_loss, source, scores)
                if self.listener:
                    self.listener(stage, done, scores)
                self._save(best, averaged, optimisers)
        self._end(stage, best)

    def _out_of_patience(self) -> bool:
        patience = self.config.validation.patience
        return patience is not None and self.position.since_best >= patience

    def _start(self, stage: Stage) -> Weights:
        """The weights a stage begins with."""
        done = [SCRATCH, *(earlier.name for earlier in self.config.stage[: self.position.stage])]
        return self.kept[done[-1] if stage.start == PREVIOUS else stage.start]

    def _restore(self, optimisers: list[torch.optim.Optimizer]) -> tuple[Weights | None, Weights]:
        """Running mean and best weights; with the weights and memories that were saved."""
        network, held = self.model.network, self.held
        stage = self.config.stage[self.position.stage]
        if held and self.position.step:
            network.load_state_dict(_under("now", held))
            for index, optimiser in enumerate(optimisers):
                restore_optimiser(optimiser, held, f"optimiser.{index}")
            best = _under("best", held)
            averaged = _under("averaged", held) if stage.average else None
        else:
            best = _copy(network.state_dict())
            averaged = _copy(best) if stage.average else None
        self.held = {}
        return averaged, best

    def _step(
        self,
        stage: Stage,
        step: int,
        optimisers: list[torch.optim.Optimizer],
        rate: float,
        voxels: Voxels,
        lesson: Lesson,
    ) -> Tensor:
        """Learn from a batch; gives the loss."""
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad()
        loss = self._loss(stage, voxels, lesson)
        loss.backward()
        weights = [weight for weight in self.model.network.parameters() if weight.requires_grad]
        self.team.average_gradients(weights)
        size = torch.nn.utils.clip_grad_norm_(weights, stage.clip)
        if not math.isfinite(size.item()):
            self._give_up(stage, step + 1, f"the loss ({loss.item():g}) or its gradient")
        for optimiser in optimisers:
            optimiser.step()
        return loss

    def _teacher(self, stage: Stage) -> Model | None:
        if stage.teacher not in self.kept:
            return None
        network = deepcopy(self.model.network).requires_grad_(False).eval()
        network.load_state_dict(self.kept[stage.teacher])
        return replace(self.model, network=network)

    def _loss(self, stage: Stage, voxels: Voxels, lesson: Lesson) -> Tensor:
        share = self.team.share
        network = self.model.network.train()
        seen = network.inputs(*(share(part) for part in voxels))
        mixed = stage.precision == "mixed"
        kind = self.model.device.type
        with torch.autocast(kind, torch.bfloat16) if mixed else nullcontext():
            answer = network.answer(seen)
        variance = lesson.variance
        mine = Lesson(
            share(lesson.mean), share(variance) if isinstance(variance, Tensor) else variance
        )
        if stage.loss == "mse":
            return squared_error(answer, mine)
        return gaussian(answer, mine, stage.beta)

    def _measure(self, weights: Weights) -> dict[str, Score]:
        """Scores of the network with other weights than it learns with, maybe."""
        network = self.model.network
        now = _copy(network.state_dict())
        network.load_state_dict(weights)
        scores = self.watch.measure(self.model)
        network.load_state_dict(now)
        return scores

    def _told(self, scores: dict[str, Score]) -> dict[str, Any]:
        names = self.model.targets.names
        return {ratio: score.to_dict(names) for ratio, score in scores.items()}

    def _steps_before(self) -> int:
        return _steps(self.config.stage[: self.position.stage])

    def _save(
        self,
        best: Weights,
        averaged: Weights | None,
        optimisers: list[torch.optim.Optimizer],
    ) -> None:
        if self.folder is None or not self.team.first:
            return
        tensors = _prefixed("now", self.model.network.state_dict()) | _prefixed("best", best)
        tensors |= _prefixed("averaged", averaged or {})
        for name in (stage.name for stage in self.config.stage[: self.position.stage]):
            tensors |= _prefixed(f"kept.{name}", self.kept[name])
        for index, optimiser in enumerate(optimisers):
            tensors |= optimiser_tensors(optimiser, f"optimiser.{index}")
        write_state(self.folder, self.position, tensors)

    def _end(self, stage: Stage, best: Weights) -> None:
        """Keep the best of a stage, write it, and stand before the next one."""
        network = self.model.network
        network.load_state_dict(best)
        network.requires_grad_(True).eval()
        self.kept[stage.name] = _copy(best)
        if network.gaussian and stage.loss == "gaussian":
            fit_deviations(self.model, stage, self.config.seed)
            self.position = self.position.moved(
                validation=self._told(self.watch.measure(self.model))
            )
        last = self.position.stage + 1 == len(self.config.stage)
        self.model = replace(self.model, training=self._record(stage))
        if self.folder is not None and self.team.first:
            self.model.save(self.folder if last else self.folder / STAGES / stage.name)
        self.position = Position(self.position.digest, stage=self.position.stage + 1)
        if self.folder is not None and self.team.first:
            if last:
                drop_state(self.folder)
            else:
                self._save(best, None, [])

    def _record(self, stage: Stage) -> dict[str, Any]:
        """How the network came about, for its file."""
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
    """The range of ratios that the network is made for [dB]."""
    last = config.stage[-1]
    limits = last.snr_db_end or last.snr_db
    return _CLEAN_NOISE if isinstance(limits, str) else limits


def _steps(stages: Iterable[Stage]) -> int:
    return sum(stage.steps for stage in stages)


def _optimisers(network: torch.nn.Module, stage: Stage) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the core, where wanted, and AdamW for all else."""
    core: list[Tensor] = []
    rest: list[Tensor] = []
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            matrix = stage.optimiser == "muon" and name.startswith("core.") and weight.ndim == 2
            (core if matrix else rest).append(weight)
    optimisers: list[torch.optim.Optimizer] = []
    decay = stage.weight_decay
    if core:
        optimisers.append(Muon(core, stage.learning_rate, weight_decay=decay))
    if rest:
        optimisers.append(
            torch.optim.AdamW(rest, stage.learning_rate, betas=(0.9, 0.99), weight_decay=decay)
        )
    return optimisers


def _learning_rate(stage: Stage, step: int) -> float:
    """Rises evenly to its height, then falls along half a cosine or stays."""
    rate = stage.learning_rate * min(1.0, (step + 1) / max(1, stage.warm_up))
    if stage.schedule == "cosine":
        rate *= (1 + math.cos(math.pi * step / stage.steps)) / 2
    return rate


@torch.no_grad()
def _average(averaged: Weights, weights: Weights, keep: float, step: int) -> None:
    """Move the running mean of the weights; early on it forgets faster."""
    keep = min(keep, (1 + step) / (10 + step))
    for name, mean in averaged.items():
        mean.lerp_(weights[name], 1 - keep)


def _copy(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _prefixed(prefix: str, weights: Weights) -> Weights:
    return {f"{prefix}.{name}": tensor for name, tensor in weights.items()}


def _under(prefix: str, tensors: Weights) -> Weights:
    start = f"{prefix}."
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
