"""How good a network is at fixed noise, on tissue and noise that never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ModelError
from ..networks.config import NetworkConfig
from ..networks.inputs import split
from ..networks.model import Model, known_fields
from ..networks.targets import Targets
from ..prior import Prior
from .config import Validation
from .data import Voxels
from .examples import Examples

CLEAN = "clean"

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Score:
    """What was measured at one ratio, on the scaled axes."""

    mse: Array
    """Mean squared error of each unknown, `(unknown,)`."""
    coverage: Array | None
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
    truth: Array
    """Where their tissue lies on the axes, `(voxel, unknown)`."""
    axes: Targets | None
    """The axes, where they are not those the network answers on."""

    @classmethod
    def prepare(cls, model: Model, config: Validation, seed: int) -> Watch:
        """Simulate the voxels of a model.

        Raises
        ------
        ModelError
            The prior they are drawn from has other unknowns than the model.
        """
        law = config.law()
        axes = None if law is None else _axes(law, model)
        examples = Examples.draw(model.sequence, law or model.prior, config.voxels, seed)
        levels: dict[str, float | None] = {f"{snr:g}": snr for snr in config.snr_db}
        voxels = {
            name: _seen(model, examples, snr, number)
            for number, (name, snr) in enumerate({**levels, CLEAN: None}.items())
        }
        scale = axes or model.targets
        tissue = {name: examples.tissue.get(name) for name in scale.names}
        return cls(voxels, scale.scaled(tissue), axes)

    def measure(self, model: Model) -> dict[str, Score]:
        """Measure a network at every ratio."""
        scores = {}
        model.network.eval()
        for name, voxels in self.voxels.items():
            mean, sd = self._answer(model, voxels)
            error = mean - self.truth
            coverage = None if sd is None else (np.abs(error) < sd).mean(axis=0)
            scores[name] = Score((error**2).mean(axis=0), coverage)
        return scores

    def _answer(self, model: Model, voxels: Voxels) -> tuple[Array, Array | None]:
        """Means and deviations on the axes, `(voxel, unknown)`."""
        n = len(model.targets.names)
        with torch.inference_mode():
            answer = model.network(*voxels)
        # An answer beyond the range is told as its end.
        mean = answer.mean[:, :n].clamp(0, 1).double().cpu().numpy()
        sd = None
        if answer.log_variance is not None:
            sd = torch.exp(answer.log_variance[:, :n].double() / 2).cpu().numpy()
        if self.axes is None:
            return mean, sd
        values = model.targets.values(mean)
        if sd is not None:
            sd = sd * model.targets.slopes(values) / self.axes.slopes(values)
        return self.axes.scaled(values).clip(0, 1), sd


def _axes(prior: Prior, model: Model) -> Targets:
    """Logarithms of times over the range of a prior."""
    axes = Targets(prior, NetworkConfig(known=model.config.known), turns=False)
    if axes.names != model.targets.names:
        raise ModelError(
            f"validation: prior: leaves {', '.join(axes.names)} to estimate, the network learns"
            f" {', '.join(model.targets.names)}: both must be the same"
        )
    return axes


def _seen(model: Model, examples: Examples, snr_db: float | None, number: int) -> Voxels:
    """What a model sees of examples with noise of a ratio [dB]; None has none."""
    if snr_db is None:
        series, sigma = examples.signals, np.zeros(examples.tissue.size)
    else:
        series, sigma = examples.noisy(snr_db, number)
    device = model.device
    real, imaginary = split(model.compress(series), device)
    known = torch.from_numpy(known_fields(examples.tissue, model.config))
    told = torch.as_tensor(sigma, dtype=torch.float32, device=device)
    return Voxels(real, imaginary, told, known.to(device))


def figure(scores: dict[str, Score], *, clean: bool) -> float:
    """One number to compare networks by, lower is better.

    The mean logarithm of the squared errors over all unknowns and ratios, so that none of them
    outweighs the others; of clean signals alone where the stage is clean.
    """
    kept = [score for name, score in scores.items() if (name == CLEAN) == clean]
    return float(np.mean([np.log(score.mse + 1e-30) for score in kept]))
