"""Signals to learn from, simulated while the network trains.

Everything drawn depends on the seed and on a count alone, never on what was drawn before: a
training that was stopped goes on with the same numbers.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..networks.inputs import split
from ..networks.model import Model, known_fields
from ..physics.simulate import simulate_flat
from .config import Data
from .streams import ORDER, TISSUE, seeds, stream


def torch_stream(*key: int) -> torch.Generator:
    """As `streams.stream`, for torch, on the processor."""
    seed = seeds(*key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed >> np.uint64(1)))


class Block(NamedTuple):
    """Some tissues and their signals without noise, as the network sees them."""

    real: Tensor
    """Real part per unit of M0, `(tissue, sample)`."""
    imaginary: Tensor | None
    """Imaginary part; None where the signals lie on one line."""
    known: Tensor
    """Fields the network is told, `(tissue, field)`."""
    targets: Tensor
    """The right answers, `(tissue, target)`."""
    amplitude: Tensor
    """Root mean square over time of the signals, `(tissue,)`."""

    def take(self, rows: Tensor) -> Block:
        """Some of the tissues."""
        return Block(*(None if part is None else part[rows] for part in self))


class Voxels(NamedTuple):
    """What a network is shown."""

    real: Tensor
    imaginary: Tensor
    sigma: Tensor
    known: Tensor


def simulate_block(model: Model, n_tissues: int, rng: np.random.Generator) -> Block:
    """Draw tissue from the prior of a model and play its sequence."""
    tissue = model.prior.draw(n_tissues, rng)
    signals = model.compress(simulate_flat(model.sequence, tissue)[:, 0])
    real, imaginary = split(signals)
    device = model.device
    known = torch.from_numpy(known_fields(tissue, model.config))
    with torch.no_grad():
        inputs = model.network.inputs
        tensors = (real, imaginary, torch.ones(n_tissues), known)
        seen = inputs(*(tensor.to(device) for tensor in tensors))
    norm, cos, sin = (t.cpu().double().numpy() for t in (seen.norm, *seen.turn))
    return Block(
        real=real.to(device),
        imaginary=imaginary.to(device) if np.iscomplexobj(signals) else None,
        known=known.to(device),
        targets=torch.from_numpy(model.targets.of(tissue, norm, (cos, sin))).to(device),
        amplitude=seen.norm / model.sequence.n_samples**0.5,
    )


def add_noise(clean: Block, snr_db: Tensor | None, generator: torch.Generator) -> Voxels:
    """Noise of given ratios [dB] `(voxel,)` on signals; None adds none.

    Noise of an orthonormal basis is as white as that of the samples, and as strong.
    """
    imaginary = torch.zeros_like(clean.real) if clean.imaginary is None else clean.imaginary
    if snr_db is None:
        return Voxels(clean.real, imaginary, torch.zeros_like(clean.amplitude), clean.known)
    sigma = clean.amplitude / 2**0.5 * 10 ** (-snr_db.to(clean.amplitude.device) / 20)
    noise = torch.randn((2, *clean.real.shape), generator=generator).to(sigma.device)
    return Voxels(
        clean.real + sigma[:, None] * noise[0],
        imaginary + sigma[:, None] * noise[1],
        sigma,
        clean.known,
    )


class Source:
    """Blocks of tissue by number, the next one simulated while one is in use.

    Parameters
    ----------
    model
        Says what tissue is expected and what is played.
    data
        How much is simulated at a time.
    key
        Seed and number of the stage: every stage draws tissue of its own, but for a fixed set.
    """

    def __init__(self, model: Model, data: Data, key: tuple[int, int]) -> None:
        self._model, self._data, self._key = model, data, key
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="spinprint-simulation")
        self._coming: dict[int, Future[Block]] = {}
        self._current: tuple[int, Block] | None = None
        self._order: tuple[tuple[int, int], Tensor] | None = None
        self.waited = 0.0
        """Time the training has waited for signals [s]."""

    @property
    def size(self) -> int:
        """Tissues of a block; a fixed set is one block."""
        return self._data.tissues or self._data.block

    def steps_per_block(self, batch: int) -> int:
        """Steps after which the next block begins."""
        return max(1, self.size // batch) * self._data.passes

    def block(self, number: int) -> Block:
        """A block by its number; of a fixed set there is only one."""
        if self._data.tissues:
            number = 0
        if self._current is None or self._current[0] != number:
            begun = time.monotonic()
            self._current = (number, self._ask(number).result())
            self.waited += time.monotonic() - begun
            self._coming = {n: coming for n, coming in self._coming.items() if n > number}
            if not self._data.tissues:
                self._ask(number + 1)
        return self._current[1]

    def _ask(self, number: int) -> Future[Block]:
        if number not in self._coming:
            seed, stage = self._key
            key = (seed, TISSUE) if self._data.tissues else (seed, TISSUE, stage, number)
            self._coming[number] = self._worker.submit(
                simulate_block, self._model, self.size, stream(*key)
            )
        return self._coming[number]

    def rows(self, step: int, batch: int) -> tuple[int, Tensor]:
        """Which tissues a step learns from: the number of their block, and rows of it.

        Every pass goes through a block in an order of its own; what does not fill a batch is
        left out.
        """
        number, within = divmod(step, self.steps_per_block(batch))
        if self.size < batch:
            generator = torch_stream(*self._key, ORDER, number, within)
            return number, torch.randint(self.size, (batch,), generator=generator)
        turn, place = divmod(within, self.size // batch)
        if self._order is None or self._order[0] != (number, turn):
            generator = torch_stream(*self._key, ORDER, number, turn)
            self._order = ((number, turn), torch.randperm(self.size, generator=generator))
        return number, self._order[1][place * batch : (place + 1) * batch]

    def close(self) -> None:
        """Wait for what is being simulated, and forget it."""
        self._worker.shutdown(cancel_futures=True)


def draw_snr(limits: tuple[float, float], count: int, generator: torch.Generator) -> Any:
    """Ratios drawn evenly from a range [dB], `(voxel,)`."""
    low, high = limits
    return low + (high - low) * torch.rand(count, generator=generator)
