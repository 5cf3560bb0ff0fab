"""Batches of a stage: noisy voxels and their labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..estimators.posterior import PosteriorMean
from ..networks.model import Model
from ..streams import NOISE
from ._data import SimulatedBlock, Source, Voxels, add_noise, draw_snr, torch_stream
from .config import POSTERIOR, Stage

_ATOMS = 100_000


class Labels(NamedTuple):
    """Targets to be learned for some voxels, on the scaled axes."""

    mean: Tensor
    """True targets, or a teacher's estimate of them, `(voxel, target)`."""
    variance: Tensor | float = 0.0
    """Variance of the teacher's estimate, `(voxel, target)`; 0 for true targets."""


@dataclass(eq=False)
class Batches:
    """The batches of one stage, by the number of the step."""

    model: Model
    """The network in training."""
    stage: Stage
    """Noise and teacher."""
    source: Source
    """Tissue and noise-free signals."""
    key: tuple[int, int]
    """Seed and number of the stage, from which all random numbers derive."""
    teacher: Model | None = None
    """The network of an earlier stage as teacher, if selected."""
    _posterior_block: tuple[int, Voxels, Labels] | None = field(default=None, init=False)

    def batch(self, step: int) -> tuple[Voxels, Labels]:
        """Return the voxels of a step, of all processes together, and their labels."""
        number, rows = self.source.rows(step, self.stage.batch)
        rows = rows.to(self.model.device)
        if self.stage.teacher == POSTERIOR:
            voxels, labels = self._with_posterior(number)
            assert isinstance(labels.variance, Tensor)
            selected = Voxels(*(part[rows] for part in voxels))
            return selected, Labels(labels.mean[rows], labels.variance[rows])
        block = self.source.block(number).take(rows)
        voxels = self._noisy(block, step, torch_stream(*self.key, NOISE, step))
        if self.teacher is None:
            return voxels, Labels(block.targets)
        with torch.no_grad():
            output = self.teacher.network(*add_noise(block, None, torch.Generator()))
        return voxels, Labels(output.mean)

    def _noisy(self, block: SimulatedBlock, step: int, generator: torch.Generator) -> Voxels:
        limits = self.stage.snr_db
        if isinstance(limits, str):
            return add_noise(block, None, generator)
        if self.stage.snr_db_end is not None:
            fraction = step / self.stage.steps
            pairs = zip(limits, self.stage.snr_db_end, strict=True)
            low, high = (begin + fraction * (end - begin) for begin, end in pairs)
            limits = (low, high)
        snr = draw_snr(limits, len(block.real), generator)
        return add_noise(block, snr, generator)

    def _with_posterior(self, number: int) -> tuple[Voxels, Labels]:
        """Return a block with fixed noise and its posterior, which is computed once per block."""
        if self._posterior_block is None or self._posterior_block[0] != number:
            block = self.source.block(number)
            first_step = number * self.source.steps_per_block(self.stage.batch)
            generator = torch_stream(*self.key, NOISE, first_step)
            voxels = self._noisy(block, first_step, generator)
            self._posterior_block = (number, voxels, self._posterior_labels(voxels, block))
        return self._posterior_block[1:]

    def _posterior_labels(self, voxels: Voxels, block: SimulatedBlock) -> Labels:
        """Posterior mean and variance; true targets where the posterior is not finite."""
        model = self.model
        names = model.targets.names
        signal = (voxels.real + 1j * voxels.imaginary).cpu().numpy()
        series = signal @ model.basis.T if model.compresses else signal
        sigma = voxels.sigma.cpu().numpy().astype(np.float64)
        maps = self._posterior.predict(series.astype(np.complex64), sigma=sigma)
        finite = np.isfinite(maps[names[0]])
        values = {name: np.where(finite, maps[name], 1.0).astype(np.float64) for name in names}
        scaled = model.targets.scaled(values)
        sd = np.stack([maps.sd[name] for name in names], axis=1) / model.targets.slopes(values)
        mean, variance = block.targets.clone(), torch.zeros_like(block.targets)
        rows = torch.from_numpy(np.flatnonzero(finite)).to(mean.device)
        for labels, estimates in ((mean, scaled), (variance, sd**2)):
            labels[rows, : len(names)] = torch.as_tensor(
                estimates[finite], dtype=torch.float32, device=mean.device
            )
        return Labels(mean, variance)

    @cached_property
    def _posterior(self) -> PosteriorMean:
        return PosteriorMean.build(
            self.model.sequence,
            self.model.prior,
            n_atoms=_ATOMS,
            rank=self.model.basis.shape[1],  # the signals have no component outside the basis
            seed=self.key[0],
        )
