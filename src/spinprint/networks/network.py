"""The network as a torch module: features, input, core, head, and calibrated variances."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import Mlp, NetworkConfig, Recurrent
from .inputs import Features, Inputs
from .stack import run_stack

_ACTIVATIONS = {"silu": nn.SiLU, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
_CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
_LOG_VARIANCE = (-30.0, 5.0)  # on scaled axes; limits that single precision can resolve

ONE_DEVIATION = 0.6827
"""Probability of a normal within one standard deviation of its mean."""

_LEVELS = 9


class Output(NamedTuple):
    """Output of a network, on the scaled axes of its `Targets`."""

    mean: Tensor
    """Mean of each target, `(voxel, target)`."""
    log_variance: Tensor | None
    """Logarithm of its variance, `(voxel, target)`; None if the network outputs only means."""


class Network(nn.Module):
    """From voxels to scaled targets; `input`, `core` and `head` hold all trainable weights."""

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
        # The names of modules are keys in model files.
        self.deviations = SdCalibration(n_targets)
        self.register_buffer("target_mean", torch.zeros(n_targets))
        self.register_buffer("target_scale", torch.ones(n_targets))

    @torch.no_grad()
    def calibrate(self, targets: Tensor) -> None:
        """Set centre and spread of the outputs to those of typical targets `(voxel, target)`."""
        self.target_mean.copy_(targets.mean(dim=0))
        self.target_scale.copy_(targets.std(dim=0).clamp_min(1e-6))

    def forward(self, real: Tensor, imaginary: Tensor, sigma: Tensor, known: Tensor) -> Output:
        """Compute the output of voxels; arguments as for `Inputs.forward`.

        Features are always computed in single precision, also under autocast.
        """
        with torch.autocast(real.device.type, enabled=False):
            features = self.inputs(real, imaginary, sigma, known)
        return self.predict(features)

    def predict(self, features: Features) -> Output:
        """Compute the output from features."""
        return self.decode(self.layers(features), features)

    def layers(self, features: Features) -> Tensor:
        """Compute the raw outputs of the last layer, `(voxel, output)`."""
        if self._can_fuse(features):
            inputs = _flat(features.signal, features.extra)
            return run_stack(inputs, self.core[-1], self.linear_layers())
        return self.head(self.core(self.input((features.signal, features.extra)))).float()

    def linear_layers(self) -> list[nn.Linear]:
        """List the linear layers of input, core and head, in that order."""
        return [module for module in self.modules() if isinstance(module, nn.Linear)]

    def _can_fuse(self, features: Features) -> bool:
        """Whether forward and backward pass of all layers are one operation (`run_stack`)."""
        return (
            isinstance(self.input, _Flat)
            and torch.is_grad_enabled()
            and features.signal.device.type == "cpu"
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
        )

    def decode(self, raw: Tensor, features: Features) -> Output:
        """Convert raw outputs of the last layer to means and variances of the targets."""
        n = len(self.target_mean)
        mean = self.target_mean + self.target_scale * raw[:, :n]
        if not self.gaussian:
            return Output(mean, None)
        # The raw output is the logarithm of an SD: a step of the optimiser then moves an SD as far
        # as a mean.
        log_sd = raw[:, n:] + torch.log(self.target_scale) + self.deviations(features.noise)
        log_variance = 2 * log_sd
        return Output(mean, log_variance.clamp(*_LOG_VARIANCE))


class SdCalibration(nn.Module):
    """Factors on the SDs that a network outputs, so that they cover 68 % of the errors.

    Where errors have long tails, the SD that maximises the likelihood covers more than 68 % of
    them. The factor that corrects this, measured on signals the network was not trained on, is
    that of conformal prediction (Romano et al., NeurIPS 2019), here as a function of the noise:
    it is interpolated linearly between levels spread evenly over a range.
    """

    # Names of buffers are keys in model files.
    ends: Tensor
    log_factor: Tensor

    def __init__(self, n_targets: int) -> None:
        super().__init__()
        self.register_buffer("ends", torch.tensor([-1.0, 0.0]))
        self.register_buffer("log_factor", torch.zeros(_LEVELS, n_targets))

    def forward(self, noise: Tensor) -> Tensor:
        """Interpolate the log factors, `(voxel, target)`, at the log of the noise `(voxel,)`."""
        position = (noise - self.ends[0]) / (self.ends[1] - self.ends[0])
        position = position.clamp(0, 1) * (_LEVELS - 1)
        levels = torch.arange(_LEVELS, dtype=position.dtype, device=position.device)
        return (1 - (position[:, None] - levels).abs()).clamp_min(0) @ self.log_factor

    @torch.no_grad()
    def fit(self, noise: Tensor, ratio: Tensor) -> None:
        """Fit the factors to voxels with known truth.

        Parameters
        ----------
        noise
            Logarithm of the noise relative to the signal, `(voxel,)`.
        ratio
            |error| over the SD without factors, `(voxel, target)`.
        """
        low, high = noise.min(), noise.max()
        if high - low < 1e-3:  # one level of noise: one factor
            low = high - 1
        self.ends.copy_(torch.stack([low, high]))
        # Every level takes enough of the nearest voxels that neighbours overlap by half.
        count = max(2, round(2 * len(noise) / _LEVELS))
        for index, level in enumerate(torch.linspace(float(low), float(high), _LEVELS)):
            nearest = (noise - level).abs().argsort()[:count]
            self.log_factor[index] = torch.log(
                torch.quantile(ratio[nearest], ONE_DEVIATION, dim=0).clamp(1e-3, 1e3)
            )


def _mlp(config: Mlp, inputs: Inputs, n_samples: int) -> tuple[nn.Module, nn.Module, int]:
    activation = _ACTIVATIONS[config.activation]
    n_inputs = inputs.n_channels * n_samples + inputs.n_extra
    blocks = [_Residual(config.width, activation) for _ in range(config.blocks)]
    core = nn.Sequential(*blocks, activation())
    return _Flat(n_inputs, config.width), core, config.width


def _recurrent(
    config: Recurrent, inputs: Inputs, n_samples: int
) -> tuple[nn.Module, nn.Module, int]:
    steps = math.ceil(n_samples / config.samples_per_step)
    width = config.width * (2 if config.bidirectional else 1)
    n_features = width * (steps if config.readout == "all" else 1)
    return _Steps(config, inputs, steps), _States(config), n_features


class _Flat(nn.Module):
    """One layer on all features."""

    def __init__(self, n_inputs: int, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n_inputs, width)

    def forward(self, features: tuple[Tensor, Tensor]) -> Tensor:
        return self.layer(_flat(*features))


def _flat(signal: Tensor, extra: Tensor) -> Tensor:
    return torch.cat([signal.flatten(1), extra], dim=1)


class _Residual(nn.Module):
    """x + W2 f(W1 f(x)), initialised as the identity."""

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
    """The evolution cut into steps, and one layer on each, `(voxel, step, width)`."""

    def __init__(self, config: Recurrent, inputs: Inputs, steps: int) -> None:
        super().__init__()
        self.steps, self.samples = steps, config.samples_per_step
        n_inputs = inputs.n_channels * config.samples_per_step + inputs.n_extra
        self.layer = nn.Linear(n_inputs, config.width)

    def forward(self, features: tuple[Tensor, Tensor]) -> Tensor:
        signal, extra = features
        missing = self.steps * self.samples - signal.shape[2]
        padded = nn.functional.pad(signal, (0, missing))
        cut = padded.unflatten(2, (self.steps, self.samples)).transpose(1, 2).flatten(2)
        repeated = extra[:, None].expand(-1, self.steps, -1)
        return self.layer(torch.cat([cut, repeated], dim=2))


class _States(nn.Module):
    """Recurrent layers; their last states or all states, `(voxel, feature)`."""

    def __init__(self, config: Recurrent) -> None:
        super().__init__()
        self.all_states = config.readout == "all"
        self.bidirectional = config.bidirectional
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
        if self.all_states:
            return states.flatten(1)
        if not self.bidirectional:
            return states[:, -1]
        # The states after all steps: the last one forwards, the first one backwards.
        return torch.cat([states[:, -1, : self.width], states[:, 0, self.width :]], dim=1)
