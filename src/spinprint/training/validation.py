"""How good a network is at fixed noise, on tissue and noise that never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..networks.model import Model
from .config import Validation
from .data import VALIDATION, Block, Voxels, add_noise, simulate_block, stream, torch_stream

CLEAN = "clean"


@dataclass(frozen=True, eq=False)
class Score:
    """What was measured at one ratio, on the scaled axes."""

    mse: NDArray[np.float64]
    """Mean squared error of each unknown, `(unknown,)`."""
    coverage: NDArray[np.float64] | None
    """Part of the voxels whose mean +- SD holds the truth, `(unknown,)`."""

    def to_dict(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Plain values for the log."""
        told: dict[str, Any] = {"mse": float(self.mse.mean())}
        told["mse_of"] = dict(zip(names, self.mse.tolist(), strict=True))
        if self.coverage is not None:
            told["coverage_of"] = dict(zip(names, self.coverage.tolist(), strict=True))
        return told


@dataclass(frozen=True, eq=False)
class Watch:
    """Voxels to measure a network on."""

    voxels: dict[str, Voxels]
    """By ratio in dB, or "clean"."""
    block: Block
    """Their tissue."""

    @classmethod
    def prepare(cls, model: Model, config: Validation, seed: int) -> Watch:
        """Simulate the voxels of a model."""
        block = simulate_block(model, config.voxels, stream(seed, VALIDATION))
        levels: dict[str, float | None] = {f"{snr:g}": snr for snr in config.snr_db}
        voxels = {}
        for number, (name, snr) in enumerate({**levels, CLEAN: None}.items()):
            ratio = None if snr is None else torch.full((config.voxels,), snr)
            voxels[name] = add_noise(block, ratio, torch_stream(seed, VALIDATION, number))
        return cls(voxels, block)

    def measure(self, model: Model) -> dict[str, Score]:
        """Measure a network at every ratio."""
        n = len(model.targets.names)
        truth = self.block.targets[:, :n]
        scores = {}
        model.network.eval()
        with torch.inference_mode():
            for name, voxels in self.voxels.items():
                answer = model.network(*voxels)
                # An answer beyond the range is told as its end.
                error = (answer.mean[:, :n].clamp(0, 1) - truth).double()
                coverage = None
                if answer.log_variance is not None:
                    sd = torch.exp(answer.log_variance[:, :n] / 2)
                    coverage = (error.abs() < sd).double().mean(0).cpu().numpy()
                scores[name] = Score((error**2).mean(0).cpu().numpy(), coverage)
        return scores


def figure(scores: dict[str, Score], *, clean: bool) -> float:
    """One number to compare networks by, lower is better.

    The mean logarithm of the squared errors over all unknowns and ratios, so that none of them
    outweighs the others; of clean signals alone where the stage is clean.
    """
    kept = [score for name, score in scores.items() if (name == CLEAN) == clean]
    return float(np.mean([np.log(score.mse + 1e-30) for score in kept]))
