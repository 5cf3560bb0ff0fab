"""The network itself: input, core and head, as torch modules."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import Mlp, NetworkConfig, Recurrent
from .deviations import Deviations
from .inputs import Inputs, Seen
from .stack import run_stack

_ACTIVATIONS = {"silu": nn.SiLU, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
_CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
_LOG_VARIANCE = (-30.0, 5.0)  # in scaled units: beyond, single precision tells nothing


class Answer(NamedTuple):
    """What a network says, on the scaled axes of its `Targets`."""

    mean: Tensor
    """Mean of each target, `(voxel, target)`."""
    log_variance: Tensor | None
    """Logarithm of its variance, `(voxel, target)`; None where only means are answered."""


class Network(nn.Module):
    """From voxels to scaled targets; parts `input`, `core` and `head` hold all that is learned."""

    target_mean: Tensor
    target_scale: Tensor

    def __init__(
        self,
        config: NetworkConfig,
        n_samples: int,
        n_targets: int,
        *,
        is_real: bool,
    ) -> None:
        super().__init__()
        self.inputs = Inputs(
            n_samples, len(config.known), is_real=is_real, sigma_input=config.sigma_input
        )
        self.gaussian = config.output == "gaussian"
        core = config.core
        self.input, self.core, width = (
            _mlp(core, self.inputs, n_samples)
            if isinstance(core, Mlp)
            else _recurrent(core, self.inputs, n_samples)
        )
        self.head = nn.Linear(width, n_targets * (2 if self.gaussian else 1))
        self.deviations = Deviations(n_targets)
        self.register_buffer("target_mean", torch.zeros(n_targets))
        self.register_buffer("target_scale", torch.ones(n_targets))

    @torch.no_grad()
    def calibrate(self, targets: Tensor) -> None:
        """Take centre and spread of the targets `(voxel, target)`: where answers begin."""
        self.target_mean.copy_(targets.mean(dim=0))
        self.target_scale.copy_(targets.std(dim=0).clamp_min(1e-6))

    def forward(self, real: Tensor, imaginary: Tensor, sigma: Tensor, known: Tensor) -> Answer:
        """Answer for voxels; arguments as for `Inputs.forward`."""
        return self.answer(self.inputs(real, imaginary, sigma, known))

    def answer(self, seen: Seen) -> Answer:
        """Answer for voxels that were seen."""
        return self.read(self.layers(seen), seen)

    def layers(self, seen: Seen) -> Tensor:
        """What the last layer gives for voxels that were seen, `(voxel, output)`."""
        if self._learns_on_processor(seen):
            return run_stack(_flat(seen.signal, seen.besides), self.core[-1], self.linear_layers())
        return self.head(self.core(self.input((seen.signal, seen.besides)))).float()

    def linear_layers(self) -> list[nn.Linear]:
        """Those of input, core and head, in that order."""
        return [module for module in self.modules() if isinstance(module, nn.Linear)]

    def _learns_on_processor(self, seen: Seen) -> bool:
        """Whether all layers can go forward and back in one go."""
        return (
            isinstance(self.input, _Flat)
            and torch.is_grad_enabled()
            and seen.signal.device.type == "cpu"
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
        )

    def read(self, raw: Tensor, seen: Seen) -> Answer:
        """The answer that outputs of the last layer stand for."""
        n = len(self.target_mean)
        mean = self.target_mean + self.target_scale * raw[:, :n]
        if not self.gaussian:
            return Answer(mean, None)
        # Twice, so that one step of the optimiser moves a deviation as far as a mean.
        log_variance = 2 * (raw[:, n:] + torch.log(self.target_scale) + self.deviations(seen.noise))
        return Answer(mean, log_variance.clamp(*_LOG_VARIANCE))


def _mlp(config: Mlp, inputs: Inputs, n_samples: int) -> tuple[nn.Module, nn.Module, int]:
    activation = _ACTIVATIONS[config.activation]
    n_inputs = inputs.n_channels * n_samples + inputs.n_besides
    blocks = [_Residual(config.width, activation) for _ in range(config.blocks)]
    core = nn.Sequential(*blocks, activation())
    return _Flat(n_inputs, config.width), core, config.width


def _recurrent(
    config: Recurrent, inputs: Inputs, n_samples: int
) -> tuple[nn.Module, nn.Module, int]:
    steps = math.ceil(n_samples / config.samples_per_step)
    width = config.width * (2 if config.bidirectional else 1)
    read = width * (steps if config.readout == "all" else 1)
    return _Steps(config, inputs, steps), _States(config), read


class _Flat(nn.Module):
    """All numbers at once through one layer."""

    def __init__(self, n_inputs: int, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n_inputs, width)

    def forward(self, seen: tuple[Tensor, Tensor]) -> Tensor:
        return self.layer(_flat(*seen))


def _flat(signal: Tensor, besides: Tensor) -> Tensor:
    return torch.cat([signal.flatten(1), besides], dim=1)


class _Residual(nn.Module):
    """x + W2 f(W1 f(x)); begins as x."""

    def __init__(self, width: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.activation = activation()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.activation(self.first(self.activation(x)))
        return x + self.second(inner)


class _Steps(nn.Module):
    """The evolution cut into steps, each through one layer, `(voxel, step, width)`."""

    def __init__(self, config: Recurrent, inputs: Inputs, steps: int) -> None:
        super().__init__()
        self.steps, self.samples = steps, config.samples_per_step
        n_inputs = inputs.n_channels * config.samples_per_step + inputs.n_besides
        self.layer = nn.Linear(n_inputs, config.width)

    def forward(self, seen: tuple[Tensor, Tensor]) -> Tensor:
        signal, besides = seen
        missing = self.steps * self.samples - signal.shape[2]
        padded = nn.functional.pad(signal, (0, missing))
        cut = padded.unflatten(2, (self.steps, self.samples)).transpose(1, 2).flatten(2)
        told = besides[:, None].expand(-1, self.steps, -1)
        return self.layer(torch.cat([cut, told], dim=2))


class _States(nn.Module):
    """Recurrent layers; their last states, or all of them, `(voxel, feature)`."""

    def __init__(self, config: Recurrent) -> None:
        super().__init__()
        self.everything = config.readout == "all"
        self.both_ways = config.bidirectional
        self.width = config.width
        self.layers = _CELLS[config.cell](
            config.width,
            config.width,
            num_layers=config.layers,
            bidirectional=config.bidirectional,
            batch_first=True,
        )

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.layers(x)
        if self.everything:
            return states.flatten(1)
        if not self.both_ways:
            return states[:, -1]
        # The states that have seen everything: the last of one way, the first of the other.
        return torch.cat([states[:, -1, : self.width], states[:, 0, self.width :]], dim=1)
