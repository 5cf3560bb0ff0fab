"""Steps of the optimiser: loss, learning rate, update and moving average of the weights."""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor

from ..networks.config import PARTS
from ..networks.network import Network, Output
from ._batches import Labels
from ._data import Voxels
from ._muon import Muon
from ._processes import Processes
from ._state import optimiser_tensors, restore_optimiser
from .config import Stage

Weights = dict[str, Tensor]


class Optimisation:
    """The weights of a network during one stage, with their optimisers and moving average."""

    def __init__(self, network: Network, stage: Stage, processes: Processes) -> None:
        self._network, self._stage, self._processes = network, stage, processes
        for part in PARTS:
            getattr(network, part).requires_grad_(part not in stage.frozen)
        self._weights = [weight for weight in network.parameters() if weight.requires_grad]
        self._forward = processes.parallel(network)
        self._optimisers = _optimisers(network, stage)
        self._average = copy_weights(network.state_dict()) if stage.average else None
        self.rate = 0.0
        """Learning rate of the last step."""

    @property
    def result(self) -> Weights:
        """The weights to validate: the moving average, if there is one."""
        return self._network.state_dict() if self._average is None else self._average

    def step(self, number: int, voxels: Voxels, labels: Labels) -> tuple[Tensor, float]:
        """Update the weights with a batch; return the loss and the norm of its gradient."""
        self.rate = learning_rate(self._stage, number)
        for optimiser in self._optimisers:
            optimiser.param_groups[0]["lr"] = self.rate
            optimiser.zero_grad()
        loss = self._loss(voxels, labels)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self._stage.clip)
        for optimiser in self._optimisers:
            optimiser.step()
        if self._average is not None:
            update_average(self._average, self._network.state_dict(), self._stage.average, number)
        return loss, norm.item()

    def _loss(self, voxels: Voxels, labels: Labels) -> Tensor:
        """Loss of the share of this process."""
        share, stage = self._processes.share, self._stage
        mixed = stage.precision == "mixed"
        self._network.train()
        with torch.autocast(voxels.real.device.type, torch.bfloat16) if mixed else nullcontext():
            output = self._forward(*(share(part) for part in voxels))
        variance = labels.variance
        labels = Labels(
            share(labels.mean), share(variance) if isinstance(variance, Tensor) else variance
        )
        if stage.loss == "mse":
            return squared_error(output, labels)
        return gaussian(output, labels, stage.beta)

    def tensors(self) -> Weights:
        """Weights, moving average and state of the optimisers, by name."""
        tensors = prefixed("now", self._network.state_dict())
        tensors |= prefixed("averaged", self._average or {})
        for index, optimiser in enumerate(self._optimisers):
            tensors |= optimiser_tensors(optimiser, f"optimiser.{index}")
        return tensors

    def restore(self, tensors: Weights) -> None:
        """Continue from the result of `tensors`."""
        self._network.load_state_dict(unprefixed("now", tensors))
        for index, optimiser in enumerate(self._optimisers):
            restore_optimiser(optimiser, tensors, f"optimiser.{index}")
        if self._average is not None:
            self._average = unprefixed("averaged", tensors)


def squared_error(output: Output, labels: Labels) -> Tensor:
    """Mean of (output - label)² over voxels and targets."""
    return ((output.mean - labels.mean) ** 2).mean()


def gaussian(output: Output, labels: Labels, beta: float) -> Tensor:
    """Negative log-likelihood of a normal, weighted by its variance to the power of beta.

    If the labels have a variance, the likelihood is averaged over them. Without the weight, voxels
    that are already well explained dominate; with beta = 1 the means are trained as by the squared
    error (Seitzer et al., ICLR 2022, "On the pitfalls of heteroscedastic uncertainty estimation").
    """
    assert output.log_variance is not None  # the configuration ensures it
    error = (output.mean - labels.mean) ** 2 + labels.variance
    loss = (error * torch.exp(-output.log_variance) + output.log_variance) / 2
    return (loss * torch.exp(beta * output.log_variance.detach())).mean()


def learning_rate(stage: Stage, step: int) -> float:
    """Learning rate of a step: a linear rise, then half a cosine or a constant."""
    rate = stage.learning_rate * min(1.0, (step + 1) / max(1, stage.warm_up))
    if stage.schedule == "cosine":
        rate *= (1 + math.cos(math.pi * step / stage.steps)) / 2
    return rate


@torch.no_grad()
def update_average(average: Weights, weights: Weights, decay: float, step: int) -> None:
    """Update a moving average of the weights, whose decay is smaller in the first steps.

    `torch.optim.swa_utils.AveragedModel` gives other weights: it starts from the weights after the
    first step instead of before it, and counts updates in a buffer that is not resumed by step.
    """
    decay = min(decay, (1 + step) / (10 + step))
    for name, mean in average.items():
        mean.lerp_(weights[name], 1 - decay)


def copy_weights(weights: Weights) -> Weights:
    """Copy tensors by name, without gradients."""
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def prefixed(prefix: str, weights: Weights) -> Weights:
    """Add a prefix to all names."""
    return {f"{prefix}.{name}": tensor for name, tensor in weights.items()}


def unprefixed(prefix: str, tensors: Weights) -> Weights:
    """Select the names with a prefix and remove it."""
    start = f"{prefix}."
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


def _optimisers(network: Network, stage: Stage) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the core, if selected, and AdamW for the rest."""
    core: list[Tensor] = []
    rest: list[Tensor] = []
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            by_muon = stage.optimiser == "muon" and name.startswith("core.") and weight.ndim == 2
            (core if by_muon else rest).append(weight)
    optimisers: list[torch.optim.Optimizer] = []
    decay = stage.weight_decay
    if core:
        optimisers.append(Muon(core, stage.learning_rate, weight_decay=decay))
    if rest:
        optimisers.append(
            torch.optim.AdamW(rest, stage.learning_rate, betas=(0.9, 0.99), weight_decay=decay)
        )
    return optimisers
