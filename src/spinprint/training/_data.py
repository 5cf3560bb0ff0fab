"""Training signals, simulated while the network trains.

All random numbers depend only on the seed and on a count, never on earlier draws, so that a stopped
training continues with the same numbers.
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
from ..streams import ORDER, TISSUE, seeds, stream
from .config import Data


def torch_stream(*key: int) -> torch.Generator:
    """Create a generator for torch on the CPU, seeded as `stream`."""
    seed = seeds(*key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed >> np.uint64(1)))


class SimulatedBlock(NamedTuple):
    """A block of tissues and their noise-free signals, as the network receives them."""

    real: Tensor
    """Real part per unit of M0, `(tissue, sample)`."""
    imaginary: Tensor | None
    """Imaginary part; None if the signals are real."""
    known: Tensor
    """Known fields [relative, Hz], `(tissue, field)`."""
    targets: Tensor
    """True targets, `(tissue, target)`."""
    amplitude: Tensor
    """Root mean square over time of the signals, `(tissue,)`."""

    def take(self, rows: Tensor) -> SimulatedBlock:
        """Select tissues."""
        return SimulatedBlock(*(None if part is None else part[rows] for part in self))


class Voxels(NamedTuple):
    """Noisy voxels: the arguments of `Network.forward`."""

    real: Tensor
    imaginary: Tensor
    sigma: Tensor
    known: Tensor


def simulate_block(model: Model, n_tissues: int, rng: np.random.Generator) -> SimulatedBlock:
    """Draw tissue from the prior of a model and simulate its sequence."""
    tissue = model.prior.draw(n_tissues, rng)
    signals = model.compress(simulate_flat(model.sequence, tissue)[:, 0])
    real, imaginary = split(signals)
    device = model.device
    known = torch.from_numpy(known_fields(tissue, model.config))
    with torch.no_grad():
        inputs = model.network.inputs
        tensors = (real, imaginary, torch.ones(n_tissues), known)
        features = inputs(*(tensor.to(device) for tensor in tensors))
    norm, cos, sin = (t.cpu().double().numpy() for t in (features.norm, *features.phase))
    return SimulatedBlock(
        real=real.to(device),
        imaginary=imaginary.to(device) if np.iscomplexobj(signals) else None,
        known=known.to(device),
        targets=torch.from_numpy(model.targets.encode(tissue, norm, (cos, sin))).to(device),
        amplitude=features.norm / model.sequence.n_samples**0.5,
    )


def add_noise(clean: SimulatedBlock, snr_db: Tensor | None, generator: torch.Generator) -> Voxels:
    """Add noise of given SNRs [dB] `(voxel,)` to signals; None adds none.

    White noise stays white, with the same sigma, in an orthonormal basis.
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
    """Blocks of tissue by number; the next block is simulated while one is in use.

    Parameters
    ----------
    model
        Model with prior and sequence.
    data
        Size of the blocks, or of a fixed set.
    key
        Seed and number of the stage: unless the set is fixed, every stage draws new tissue.
    """

    def __init__(self, model: Model, data: Data, key: tuple[int, int]) -> None:
        self._model, self._data, self._key = model, data, key
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="spinprint-simulation")
        self._pending: dict[int, Future[SimulatedBlock]] = {}
        self._current: tuple[int, SimulatedBlock] | None = None
        self._order: tuple[tuple[int, int], Tensor] | None = None
        self.waited = 0.0
        """Time for which the training has waited for signals [s]."""

    @property
    def size(self) -> int:
        """Tissues per block; a fixed set is one block."""
        return self._data.tissues or self._data.block

    def steps_per_block(self, batch: int) -> int:
        """Steps for which a block is used."""
        return max(1, self.size // batch) * self._data.passes

    def block(self, number: int) -> SimulatedBlock:
        """Return a block by its number; a fixed set has only one."""
        if self._data.tissues:
            number = 0
        if self._current is None or self._current[0] != number:
            begun = time.monotonic()
            self._current = (number, self._request(number).result())
            self.waited += time.monotonic() - begun
            self._pending = {n: future for n, future in self._pending.items() if n > number}
            if not self._data.tissues:
                self._request(number + 1)
        return self._current[1]

    def _request(self, number: int) -> Future[SimulatedBlock]:
        if number not in self._pending:
            seed, stage = self._key
            key = (seed, TISSUE) if self._data.tissues else (seed, TISSUE, stage, number)
            self._pending[number] = self._worker.submit(
                simulate_block, self._model, self.size, stream(*key)
            )
        return self._pending[number]

    def rows(self, step: int, batch: int) -> tuple[int, Tensor]:
        """Return the tissues of a step: the number of their block, and rows of it, `(voxel,)`.

        Every pass through a block has its own order; an incomplete batch is left out.
        """
        number, within = divmod(step, self.steps_per_block(batch))
        if self.size < batch:
            generator = torch_stream(*self._key, ORDER, number, within)
            return number, torch.randint(self.size, (batch,), generator=generator)
        number_of_pass, index = divmod(within, self.size // batch)
        if self._order is None or self._order[0] != (number, number_of_pass):
            generator = torch_stream(*self._key, ORDER, number, number_of_pass)
            self._order = ((number, number_of_pass), torch.randperm(self.size, generator=generator))
        start = index * batch
        return number, self._order[1][start : start + batch]

    def close(self) -> None:
        """Wait for the running simulation and discard it."""
        self._worker.shutdown(cancel_futures=True)


def draw_snr(limits: tuple[float, float], count: int, generator: torch.Generator) -> Any:
    """Draw SNRs uniformly from a range [dB], `(voxel,)`."""
    low, high = limits
    return low + (high - low) * torch.rand(count, generator=generator)
