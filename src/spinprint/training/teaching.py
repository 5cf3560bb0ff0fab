"""What a stage shows the network, and what it tells it about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..estimators.posterior import PosteriorMean
from ..networks.model import Model
from .config import POSTERIOR, Stage
from .data import Block, Source, Voxels, add_noise, draw_snr, torch_stream
from .losses import Lesson
from .streams import NOISE

_ATOMS = 100_000


@dataclass(eq=False)
class Teaching:
    """The batches of one stage, by the number of the step."""

    model: Model
    """The network that learns."""
    stage: Stage
    """Says what noise and who teaches."""
    source: Source
    """Gives tissue and clean signals."""
    key: tuple[int, int]
    """Seed and number of the stage: what random numbers follow from."""
    teacher: Model | None = None
    """The network that teaches, if one does."""
    _studied: tuple[int, Voxels, Lesson] | None = field(default=None, init=False)

    def batch(self, step: int) -> tuple[Voxels, Lesson]:
        """The voxels of a step, all processes' together, and what to learn of them."""
        number, rows = self.source.rows(step, self.stage.batch)
        rows = rows.to(self.model.device)
        if self.stage.teacher == POSTERIOR:
            voxels, lesson = self._study(number)
            assert isinstance(lesson.variance, Tensor)
            shown = Voxels(*(part[rows] for part in voxels))
            return shown, Lesson(lesson.mean[rows], lesson.variance[rows])
        block = self.source.block(number).take(rows)
        voxels = self._noisy(block, step, torch_stream(*self.key, NOISE, step))
        if self.teacher is None:
            return voxels, Lesson(block.targets)
        with torch.no_grad():
            said = self.teacher.network(*add_noise(block, None, torch.Generator()))
        return voxels, Lesson(said.mean)

    def _noisy(self, block: Block, step: int, generator: torch.Generator) -> Voxels:
        limits = self.stage.snr_db
        if isinstance(limits, str):
            return add_noise(block, None, generator)
        if self.stage.snr_db_end is not None:
            part = step / self.stage.steps
            pairs = zip(limits, self.stage.snr_db_end, strict=True)
            low, high = (begin + part * (end - begin) for begin, end in pairs)
            limits = (low, high)
        snr = draw_snr(limits, len(block.real), generator)
        return add_noise(block, snr, generator)

    def _study(self, number: int) -> tuple[Voxels, Lesson]:
        """A block with noise that stays, and what the posterior says of it: asked once a block."""
        if self._studied is None or self._studied[0] != number:
            block = self.source.block(number)
            first_step = number * self.source.steps_per_block(self.stage.batch)
            generator = torch_stream(*self.key, NOISE, first_step)
            voxels = self._noisy(block, first_step, generator)
            self._studied = (number, voxels, self._posterior_says(voxels, block))
        return self._studied[1:]

    def _posterior_says(self, voxels: Voxels, block: Block) -> Lesson:
        model = self.model
        signal = (voxels.real + 1j * voxels.imaginary).cpu().numpy()
        series = signal @ model.basis.T if model.compresses else signal
        sigma = voxels.sigma.cpu().numpy().astype(np.float64)
        maps = self._posterior.predict(series.astype(np.complex64), sigma=sigma)
        n = len(model.targets.names)
        mean, variance = block.targets.clone(), torch.zeros_like(block.targets)
        found = {name: maps[name].astype(np.float64) for name in model.targets.names}
        told = np.isfinite(next(iter(found.values())))
        sure = {name: np.where(told, values, 1.0) for name, values in found.items()}
        scaled = model.targets.scaled(sure)
        slopes = model.targets.slopes(sure)
        spread = np.stack([maps.sd[name] for name in model.targets.names], axis=1) / slopes
        rows = torch.from_numpy(np.flatnonzero(told)).to(mean.device)
        as_tensor = torch.as_tensor
        mean[rows, :n] = as_tensor(scaled[told], dtype=torch.float32, device=mean.device)
        variance[rows, :n] = as_tensor(spread[told] ** 2, dtype=torch.float32, device=mean.device)
        return Lesson(mean, variance)

    @cached_property
    def _posterior(self) -> PosteriorMean:
        return PosteriorMean.build(
            self.model.sequence,
            self.model.prior,
            n_atoms=_ATOMS,
            rank=self.model.basis.shape[1],  # nothing is told of what lies outside the basis
            seed=self.key[0],
        )
