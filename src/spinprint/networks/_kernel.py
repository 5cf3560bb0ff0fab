"""The layers of a residual MLP on the CPU, one tile of voxels at a time.

The reference is `Network.layers` in torch, with which this kernel is compared. Torch computes
each layer for all voxels, so that activations leave the cache before the next layer needs them;
here all layers are applied to a tile that stays in the cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor, nn

from ..simd.compiled import kernel
from ..simd.functions import exp
from ..simd.vectors import LANES, WIDE, load, load_wide, number, number_wide, store, where_greater
from .config import Mlp
from .inputs import Features
from .network import Network

UNITS = 8
"""Units of a layer that are accumulated together, in registers."""

if LANES == 16:  # and 32 registers: two per unit, so that each weight is read once for both
    SIDE, _load, _number = WIDE, load_wide, number_wide
else:  # 16 registers
    SIDE, _load, _number = LANES, load, number

TILE = 256 // SIDE
"""Vectors of `SIDE` voxels per tile: how often a weight is used while it is in the L1 cache."""

_LINEAR, _SILU, _RELU, _GELU, _TANH = range(-1, 4)
_ACTIVATIONS = {"silu": _SILU, "relu": _RELU, "gelu": _GELU, "tanh": _TANH}


@dataclass(frozen=True, eq=False, kw_only=True)
class Layers:
    """The layers of a network, packed for the kernel; called like `Network.layers`."""

    weights: NDArray[np.float32]
    """Weights in the layout of `_pack`, layer after layer."""
    width: int
    """Units per layer."""
    blocks: int
    """Number of residual blocks."""
    activation: int
    """Number of the activation in the kernel."""
    n_outputs: int
    """Outputs of the last layer."""

    @classmethod
    def pack(cls, network: Network, core: Mlp) -> Layers:
        """Pack the layers of a network with this core."""
        return cls(
            weights=np.concatenate([_pack(layer) for layer in network.linear_layers()]),
            width=core.width,
            blocks=core.blocks,
            activation=_ACTIVATIONS[core.activation],
            n_outputs=network.head.out_features,
        )

    def __call__(self, features: Features) -> Tensor:
        """Compute the outputs of the last layer, `(voxel, output)`."""
        inputs = torch.cat([features.signal.flatten(1), features.extra], dim=1).numpy()
        outputs = np.empty((len(inputs), self.n_outputs), np.float32)
        _run_layers(self.weights, self.width, self.blocks, self.activation, inputs, outputs)
        return torch.from_numpy(outputs)


def _pack(layer: nn.Linear) -> NDArray[Any]:
    """Weights as the kernel reads them, `(row, unit)`.

    For every `UNITS` units of the layer there is one row of biases and then one row of weights
    per input; the last rows are padded with zeros.
    """
    n_units, n_inputs = layer.weight.shape
    columns = np.zeros((-(-n_units // UNITS) * UNITS, 1 + n_inputs), np.float32)
    columns[:n_units, 0] = layer.bias.detach()
    columns[:n_units, 1:] = layer.weight.detach()
    return columns.reshape(-1, UNITS, 1 + n_inputs).transpose(0, 2, 1).reshape(-1, UNITS)


@kernel
def _run_layers(weights, width, blocks, activation, inputs, outputs):
    """Apply all layers to all voxels; the result of a voxel is independent of the others.

    Parameters
    ----------
    weights
        Weights of the input layer, two layers per residual block, and the output layer, float32
        `(row, unit)`, see `_pack`.
    width, blocks, activation
        Units per layer, number of residual blocks, number of the activation.
    inputs
        Inputs of the first layer, float32 `(voxel, input)`.
    outputs
        Overwritten with the outputs of the last layer, float32 `(voxel, output)`.
    """
    (n_voxels, n_inputs), n_outputs = inputs.shape, outputs.shape[1]
    depth = max(n_inputs, width, n_outputs) + UNITS  # rows per vector of voxels, with padding
    # By vector of voxels and unit: the sum of all blocks so far, its activation, and the inner
    # layer of a block.
    x = np.empty((TILE * depth, SIDE), np.float32)
    active, inner = np.empty_like(x), np.empty_like(x)
    for start in range(0, n_voxels, TILE * SIDE):
        voxels = inputs[start : start + TILE * SIDE]
        vectors = -(-len(voxels) // SIDE)
        _read(voxels, inner, depth)
        shape = vectors, depth
        at = _layer(weights, 0, n_inputs, inner, x, active, width, shape, False, activation)
        for _ in range(blocks):
            at = _layer(weights, at, width, active, inner, inner, width, shape, False, activation)
            at = _layer(weights, at, width, inner, x, active, width, shape, True, activation)
        _layer(weights, at, width, active, inner, inner, n_outputs, shape, False, _LINEAR)
        _write(inner, outputs[start : start + TILE * SIDE], depth)


@njit(forceinline=True)
def _layer(weights, at, n_inputs, source, sums, active, n_units, shape, adds, activation):
    """Apply one layer, whose weights begin at row `at`, to a tile; return the row after them.

    Its sums are added to `sums` or replace them; the activation is then applied.
    """
    vectors, depth = shape
    for unit in range(0, n_units, UNITS):
        for vector in range(vectors):
            a, b, c, d, e, f, g, h = _eight_sums(weights, at, n_inputs, source, vector * depth)
            row = vector * depth + unit
            if adds:
                a, b = a + _load(sums, row), b + _load(sums, row + 1)
                c, d = c + _load(sums, row + 2), d + _load(sums, row + 3)
                e, f = e + _load(sums, row + 4), f + _load(sums, row + 5)
                g, h = g + _load(sums, row + 6), h + _load(sums, row + 7)
            store(sums, row, a)
            store(sums, row + 1, b)
            store(sums, row + 2, c)
            store(sums, row + 3, d)
            store(sums, row + 4, e)
            store(sums, row + 5, f)
            store(sums, row + 6, g)
            store(sums, row + 7, h)
            for part in range(row * SIDE // LANES, (row + UNITS) * SIDE // LANES):
                store(active, part, _activated(load(sums, part), activation))
        at += 1 + n_inputs
    return at


@njit(forceinline=True)
def _eight_sums(weights, at, n_inputs, source, first):
    """Sum bias and weighted inputs of eight units for a vector of voxels, in registers."""
    a, b = _number(weights[at, 0]), _number(weights[at, 1])
    c, d = _number(weights[at, 2]), _number(weights[at, 3])
    e, f = _number(weights[at, 4]), _number(weights[at, 5])
    g, h = _number(weights[at, 6]), _number(weights[at, 7])
    for i in range(n_inputs):
        x, row = _load(source, first + i), at + 1 + i
        a, b = a + x * _number(weights[row, 0]), b + x * _number(weights[row, 1])
        c, d = c + x * _number(weights[row, 2]), d + x * _number(weights[row, 3])
        e, f = e + x * _number(weights[row, 4]), f + x * _number(weights[row, 5])
        g, h = g + x * _number(weights[row, 6]), h + x * _number(weights[row, 7])
    return a, b, c, d, e, f, g, h


@njit(forceinline=True)
def _read(inputs, tile, depth):
    """Transpose voxels `(voxel, input)` into a tile; unused lanes at its end are ignored."""
    for voxel in range(len(inputs)):
        first, lane = voxel // SIDE * depth, voxel % SIDE
        for i in range(inputs.shape[1]):
            tile[first + i, lane] = inputs[voxel, i]


@njit(forceinline=True)
def _write(tile, outputs, depth):
    """Transpose a tile back to `(voxel, output)`."""
    for voxel in range(len(outputs)):
        first, lane = voxel // SIDE * depth, voxel % SIDE
        for i in range(outputs.shape[1]):
            outputs[voxel, i] = tile[first + i, lane]


# Activations: NaN stays NaN -----------------------------------------------------------------


@njit(forceinline=True)
def _activated(x, activation):
    if activation == _SILU:
        return _silu(x)
    if activation == _RELU:
        return where_greater(number(0.0), x, number(0.0), x)
    if activation == _GELU:
        return _gelu(x)
    if activation == _TANH:
        return _tanh(x)
    return x


@njit(forceinline=True)
def _silu(x):
    """x / (1 + exp(-x)), relative error 3e-7."""
    least = number(-87.0)  # below, the result is 0 in single precision
    return x / (number(1.0) + exp(number(0.0) - where_greater(x, least, x, least)))


@njit(forceinline=True)
def _tanh(x):
    """tanh(x), absolute error 2e-7."""
    zero, one = number(0.0), number(1.0)
    sign = where_greater(x, zero, one, where_greater(zero, x, zero - one, x))  # 0, NaN: x
    small = exp(number(-2.0) * (sign * x))
    return sign * (one - small) / (one + small)


_P = 0.3275911 * math.sqrt(0.5)
_TAIL = 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429


@njit(forceinline=True)
def _gelu(x):
    """x times the normal distribution up to x, absolute error 5e-7.

    Its tail by Abramowitz and Stegun, Handbook of Mathematical Functions 1964, eq. 7.1.26.
    """
    zero, one, half = number(0.0), number(1.0), number(0.5)
    t = one / (one + number(_P) * where_greater(x, zero, x, zero - x))
    series = number(_TAIL[4])
    series = series * t + number(_TAIL[3])
    series = series * t + number(_TAIL[2])
    series = series * t + number(_TAIL[1])
    series = series * t + number(_TAIL[0])
    tail = half * series * t * exp(zero - half * x * x)
    return x * where_greater(x, zero, one - tail, tail)
