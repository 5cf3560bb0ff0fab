"""A network with all it takes to use it: the sequence and the prior it serves, and its basis."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..device import accelerator, full_precision
from ..dictionary.compression import find_basis
from ..errors import ModelError
from ..parallel import even_share, for_chunks
from ..physics.noise import snr_to_sigma
from ..physics.simulate import simulate_flat
from ..prior import Prior
from ..sequence import Sequence
from ..tissue import Tissue
from . import store
from .config import Mlp, NetworkConfig, parse_network
from .inputs import Inputs, Seen, split
from .network import Network
from .targets import Targets

_CALIBRATION = 8192  # voxels that phase reference and scales are taken from
# Voxels at a time: fewer spend time on calls; more leave the cache where torch runs the layers.
_CHUNK = 8192
_KERNEL_CHUNK = 1 << 14
_GPU_CHUNK = 1 << 18


class Reply(NamedTuple):
    """What a network says of voxels."""

    mean: NDArray[np.float32]
    """Scaled targets, `(voxel, target)`."""
    variance: NDArray[np.float32] | None
    """Their variance; None where the network states none."""
    norm: NDArray[np.float32]
    """Norm of what it saw, `(voxel,)`."""
    turn: tuple[NDArray[np.float32], NDArray[np.float32]]
    """Cosine and sine of the phase that was taken out, `(voxel,)` each."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A network for one sequence and one prior; refused for any other sequence."""

    sequence: Sequence
    """What is played."""
    prior: Prior
    """What it was, or will be, trained on."""
    config: NetworkConfig
    """What it is made of."""
    basis: NDArray[Any]
    """Orthonormal columns `(time, rank)` of its signals: what it sees them in, if it works on SVD
    coefficients; what lies outside tells the noise."""
    network: Network
    """The network."""
    targets: Targets
    """What its answers mean."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """How it was trained: configuration, seed, versions, metrics."""

    @classmethod
    def create(
        cls,
        sequence: Sequence,
        prior: Prior | None = None,
        config: NetworkConfig | None = None,
        *,
        snr_db: tuple[float, float] = (5.0, 45.0),
        seed: int = 0,
    ) -> Model:
        """A network that has learned nothing but the scales of its inputs and answers.

        Parameters
        ----------
        sequence
            What is played.
        prior
            What is expected; None takes `Prior.default`.
        config
            What the network is made of; None takes the default.
        snr_db
            Range of noise the inputs are scaled for, "rms" convention [dB].
        seed
            Of weights and of the tissue that scales are taken from.

        Raises
        ------
        ModelError
            Configuration and prior do not fit.
        TissueError
            The prior lacks a parameter the sequence needs.
        DictionaryError
            The rank is impossible for the sequence.
        """
        prior, config = prior or Prior.default(sequence), config or NetworkConfig()
        rng = np.random.default_rng((seed, 1))
        tissue = prior.draw(_CALIBRATION, rng)
        rank, energy = None, Mlp().energy
        if isinstance(config.core, Mlp):
            rank, energy = config.core.rank, config.core.energy
        basis, _ = find_basis(
            sequence, tissue, rank=rank, energy=energy if rank is None else None, n_states=None
        )
        signals = simulate_flat(sequence, tissue)[:, 0]
        if isinstance(config.core, Mlp):
            signals = signals @ basis.conj()
        sigma = snr_to_sigma(signals, rng.uniform(*snr_db, len(signals)))
        sigma = sigma * np.sqrt(signals.shape[1] / sequence.n_samples)
        noise = rng.standard_normal((2, *signals.shape)) * sigma[:, None]
        noisy = signals + noise[0] + 1j * noise[1]
        known = known_fields(tissue, config)
        clean = torch.stack(split(signals.astype(np.complex64)))
        inputs = Inputs(
            signals.shape[1],
            len(config.known),
            is_real=not np.iscomplexobj(signals),
            sigma_input=config.sigma_input,
        )
        inputs.calibrate(clean, split(noisy), _tensor(sigma), _tensor(known))
        with torch.no_grad():
            seen = inputs(*clean, _tensor(sigma), _tensor(known))
        turn = (_double(seen.turn[0]), _double(seen.turn[1]))
        model = cls._assemble(
            sequence, prior, config, basis,
            is_real=inputs.is_real, turns=bool((turn[0] < 1 - 1e-6).any()), seed=seed,
        )  # fmt: skip
        model.network.inputs.load_state_dict(inputs.state_dict())
        targets = model.targets.of(tissue, _double(seen.norm), turn)
        model.network.calibrate(torch.from_numpy(targets))
        return model

    @classmethod
    def _assemble(
        cls,
        sequence: Sequence,
        prior: Prior,
        config: NetworkConfig,
        basis: NDArray[Any],
        *,
        is_real: bool,
        turns: bool,
        seed: int = 0,
        training: Mapping[str, Any] | None = None,
    ) -> Model:
        targets = Targets(prior, config, turns)
        n_samples = basis.shape[1] if isinstance(config.core, Mlp) else sequence.n_samples
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
            torch.manual_seed(seed)
            network = Network(config, n_samples, targets.n_targets, is_real=is_real).eval()
        return cls(
            sequence=sequence,
            prior=prior,
            config=config,
            basis=basis,
            network=network,
            targets=targets,
            training=training or {},
        )

    @property
    def rank(self) -> int:
        """Numbers of a signal that the network sees."""
        return self.basis.shape[1] if self.compresses else self.sequence.n_samples

    @property
    def compresses(self) -> bool:
        """Whether the network sees signals in the basis."""
        return isinstance(self.config.core, Mlp)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.target_mean.device

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides what the network answers."""
        parts = [self.sequence.digest, json.dumps(self.prior.to_dict(), sort_keys=True)]
        hasher = hashlib.sha256("".join([*parts, self.config.model_dump_json()]).encode())
        for name, array in sorted(self.arrays().items()):
            hasher.update(f"{name}{array.shape}{array.dtype}".encode())
            hasher.update(np.ascontiguousarray(array).data)
        return hasher.hexdigest()

    def require(self, sequence: Sequence) -> None:
        """Refuse to serve another sequence.

        Raises
        ------
        ModelError
            The sequence plays something else than this network was trained for.
        """
        if sequence.digest != self.sequence.digest:
            raise ModelError(
                f"the network was trained for another sequence ({self.sequence.name!r},"
                f" {self.sequence.n_samples} samples) than the one given ({sequence.name!r},"
                f" {sequence.n_samples} samples): train one for it"
            )

    def compress(self, signals: NDArray[Any]) -> NDArray[Any]:
        """What the network sees of signals `(voxel, time)`: as they are, or in its basis.

        Real signals stay real.
        """
        return signals @ self.basis.conj() if self.compresses else signals

    def on(self, device: torch.device | None) -> Model:
        """The same model with its network moved to a device; None is the processor."""
        self.network.to(device or torch.device("cpu"))
        return self

    def answer(
        self, signal: NDArray[Any], sigma: NDArray[Any], known: NDArray[Any] | None = None
    ) -> Reply:
        """What the network says of voxels.

        Parameters
        ----------
        signal
            What `compress` gives, complex, `(voxel, rank)`.
        sigma
            Noise per channel, `(voxel,)`.
        known
            The fields it is told, `(voxel, field)`.
        """
        n_targets, n = self.targets.n_targets, len(signal)
        told = np.zeros((n, 0)) if known is None else known
        mean = np.empty((n, n_targets), np.float32)
        variance = np.empty_like(mean) if self.network.gaussian else None
        norm, cos, sin = np.empty((3, n), np.float32)
        reply = Reply(mean, variance, norm, (cos, sin))
        (layers, chunk), caller = self._layers(), threading.get_ident()

        def work(start: int, stop: int) -> None:
            if threading.get_ident() != caller:
                torch.set_num_threads(1)  # of this thread: all cores have chunks of their own
            part = slice(start, stop)
            self._answer_part(layers, reply, part, signal[part], sigma[part], told[part])

        with full_precision():
            if self.device.type == "cpu":
                for_chunks(work, n, min(chunk, even_share(n)))
            else:
                for start in range(0, n, chunk):
                    work(start, min(start + chunk, n))
        return reply

    def _layers(self) -> tuple[Callable[[Seen], torch.Tensor], int]:
        """The layers and the voxels they take at a time: a kernel for an MLP on the processor."""
        if self.device.type != "cpu":
            return self.network.layers, _GPU_CHUNK
        if not isinstance(self.config.core, Mlp):
            return self.network.layers, _CHUNK
        from .kernel import Layers  # with numba, which nothing else here needs

        return Layers.of(self.network, self.config.core), _KERNEL_CHUNK

    @torch.inference_mode()
    def _answer_part(
        self,
        layers: Callable[[Seen], torch.Tensor],
        reply: Reply,
        part: slice,
        signal: NDArray[Any],
        sigma: NDArray[Any],
        told: NDArray[Any],
    ) -> None:
        device = self.device
        tensors = (*split(signal, device), _tensor(sigma, device), _tensor(told, device))
        seen = self.network.inputs(*tensors)
        answer = self.network.read(layers(seen), seen)
        reply.mean[part] = answer.mean.cpu().numpy()
        if reply.variance is not None and answer.log_variance is not None:
            reply.variance[part] = torch.exp(answer.log_variance).cpu().numpy()
        reply.norm[part] = seen.norm.cpu().numpy()
        for out, values in zip(reply.turn, seen.turn, strict=True):
            out[part] = values.cpu().numpy()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything the network holds, and the basis, by name."""
        held = {n: t.detach().cpu().numpy() for n, t in self.network.state_dict().items()}
        held["basis.real"] = np.ascontiguousarray(self.basis.real)
        if np.iscomplexobj(self.basis):
            held["basis.imaginary"] = np.ascontiguousarray(self.basis.imag)
        return held

    def save(self, folder: str | Path) -> None:
        """Write `model.json` and `model.safetensors`: both, or none.

        Raises
        ------
        OutputError
            The folder cannot be written; nothing is left behind.
        """
        described = {
            "prior": self.prior.to_dict(),
            "network": self.config.model_dump(mode="json"),
            "is_real": self.network.inputs.is_real,
            "turns": self.targets.turns,
            "training": dict(self.training),
        }
        store.write(folder, store.Stored(self.sequence, described, self.arrays()))

    @classmethod
    def load(cls, folder: str | Path, sequence: Sequence | None = None) -> Model:
        """Read a folder that `save` wrote and check that it is whole; runs no code of it.

        Parameters
        ----------
        folder
            The folder.
        sequence
            What the network is wanted for; None takes whatever it serves.

        Raises
        ------
        ModelError
            The folder holds no whole model, or one of another sequence.
        """
        stored = store.read(folder)
        with store.refusing(folder):
            told = stored.described
            arrays = dict(stored.arrays)
            basis: NDArray[Any] = arrays.pop("basis.real")
            if "basis.imaginary" in arrays:
                basis = basis.astype(np.complex64)
                basis.imag = arrays.pop("basis.imaginary")
            model = cls._assemble(
                stored.sequence,
                Prior.from_dict(told["prior"]),
                parse_network(told["network"]),
                basis,
                is_real=bool(told["is_real"]),
                turns=bool(told["turns"]),
                training=told["training"],
            )
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            model.network.load_state_dict(tensors)
            if sequence is not None:
                model.require(sequence)
        return model.on(accelerator())


def known_fields(tissue: Tissue, config: NetworkConfig) -> NDArray[np.float32]:
    """The fields a network is told of flat tissues, `(tissue, field)`."""
    columns = [np.asarray(tissue.get(name), np.float32) for name in config.known]
    return np.stack(columns, axis=1) if columns else np.empty((tissue.size, 0), np.float32)


def _tensor(values: NDArray[Any], device: torch.device | None = None) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32)).to(device)


def _double(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.cpu().numpy().astype(np.float64)
