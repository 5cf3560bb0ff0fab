"""Validation of a network on fixed tissue and noise, and calibration of its SDs."""

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
from ..streams import DEVIATIONS, stream
from ._data import Voxels, add_noise, draw_snr, simulate_block, torch_stream
from .config import Stage, Validation
from .examples import Examples

CLEAN = "clean"

_CALIBRATION = 32_768  # voxels for the calibration of SDs

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Score:
    """Errors at one SNR, on the scaled axes."""

    mse: Array
    """Mean squared error of each unknown, `(unknown,)`."""
    coverage: Array | None
    """Fraction of voxels with the truth within mean +- SD, `(unknown,)`."""

    def to_dict(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Convert to plain values, for files."""
        values: dict[str, Any] = {"mse": float(self.mse.mean())}
        values["mse_of"] = dict(zip(names, self.mse.tolist(), strict=True))
        if self.coverage is not None:
            values["coverage_of"] = dict(zip(names, self.coverage.tolist(), strict=True))
        return values


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Voxels with known truth."""

    voxels: dict[str, Voxels]
    """Voxels by SNR in dB, or "clean"."""
    truth: Array
    """True unknowns on the axes, `(voxel, unknown)`."""
    axes: Targets | None
    """The axes, if they are not those of the network."""

    @classmethod
    def simulate(cls, model: Model, config: Validation, seed: int) -> ValidationSet:
        """Simulate the validation voxels of a model.

        Raises
        ------
        ModelError
            The prior of the validation has other unknowns than the model.
        """
        prior = config.stated_prior()
        axes = None if prior is None else _axes(prior, model)
        examples = Examples.draw(model.sequence, prior or model.prior, config.voxels, seed)
        levels: dict[str, float | None] = {f"{snr:g}": snr for snr in config.snr_db}
        voxels = {
            name: _received(model, examples, snr, number)
            for number, (name, snr) in enumerate({**levels, CLEAN: None}.items())
        }
        scale = axes or model.targets
        tissue = {name: examples.tissue.get(name) for name in scale.names}
        return cls(voxels, scale.scaled(tissue), axes)

    def measure(self, model: Model) -> dict[str, Score]:
        """Compute the errors of a network at every SNR."""
        scores = {}
        model.network.eval()
        for name, voxels in self.voxels.items():
            mean, sd = self._predict(model, voxels)
            error = mean - self.truth
            coverage = None if sd is None else (np.abs(error) < sd).mean(axis=0)
            scores[name] = Score((error**2).mean(axis=0), coverage)
        return scores

    def _predict(self, model: Model, voxels: Voxels) -> tuple[Array, Array | None]:
        """Means and SDs on the axes, `(voxel, unknown)`."""
        n = len(model.targets.names)
        with torch.inference_mode():
            output = model.network(*voxels)
        # Estimates beyond the range are reported as its end.
        mean = output.mean[:, :n].clamp(0, 1).double().cpu().numpy()
        sd = None
        if output.log_variance is not None:
            sd = torch.exp(output.log_variance[:, :n].double() / 2).cpu().numpy()
        if self.axes is None:
            return mean, sd
        values = model.targets.values(mean)
        if sd is not None:
            sd = sd * model.targets.slopes(values) / self.axes.slopes(values)
        return self.axes.scaled(values).clip(0, 1), sd


def _axes(prior: Prior, model: Model) -> Targets:
    """Axes over the range of a prior, logarithmic for relaxation times."""
    axes = Targets(prior, NetworkConfig(known=model.config.known), phase_varies=False)
    if axes.names != model.targets.names:
        raise ModelError(
            f"validation: prior: its unknowns are {', '.join(axes.names)}, those of the network"
            f" {', '.join(model.targets.names)}: both must be the same"
        )
    return axes


def _received(model: Model, examples: Examples, snr_db: float | None, number: int) -> Voxels:
    """Examples as a model receives them, with noise of an SNR [dB]; None adds none."""
    if snr_db is None:
        series, sigma = examples.signals, np.zeros(examples.tissue.size)
    else:
        series, sigma = examples.noisy(snr_db, number)
    device = model.device
    real, imaginary = split(model.compress(series), device)
    known = torch.from_numpy(known_fields(examples.tissue, model.config))
    noise = torch.as_tensor(sigma, dtype=torch.float32, device=device)
    return Voxels(real, imaginary, noise, known.to(device))


def mean_log_error(scores: dict[str, Score], *, clean: bool) -> float:
    """Summarise scores in one number, lower is better, by which networks are compared.

    It is the mean log squared error over all unknowns and SNRs, to which all contribute equally;
    or, with `clean`, over the noise-free signals only.
    """
    kept = [score for name, score in scores.items() if (name == CLEAN) == clean]
    return float(np.mean([np.log(score.mse + 1e-30) for score in kept]))


def calibrate_sds(model: Model, stage: Stage, seed: int) -> None:
    """Fit the factors on a network's SDs to new signals with the noise of a stage."""
    if isinstance(stage.snr_db, str):
        return  # without noise, the coverage of SDs has no meaning
    block = simulate_block(model, _CALIBRATION, stream(seed, DEVIATIONS))
    generator = torch_stream(seed, DEVIATIONS)
    limits = stage.snr_db_end or stage.snr_db
    voxels = add_noise(block, draw_snr(limits, _CALIBRATION, generator), generator)
    network = model.network.eval()
    with torch.inference_mode():
        features = network.inputs(*voxels)
        output = network.predict(features)  # the factors are still 1
        assert output.log_variance is not None  # the caller ensures it
        ratio = (output.mean - block.targets).abs() * torch.exp(-output.log_variance / 2)
    network.deviations.fit(features.noise, ratio)
