"""A network with all that its use requires: sequence, prior, basis and targets."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..device import accelerator, full_precision
from ..dictionary.basis import require_orthonormal
from ..dictionary.compression import find_basis
from ..errors import ModelError
from ..parallel import even_share, for_chunks
from ..physics.noise import snr_to_sigma
from ..physics.simulate import simulate_flat
from ..prior import Prior
from ..sequence import Sequence
from ..tissue import Tissue
from . import _store
from .config import Mlp, NetworkConfig, parse_network
from .inputs import Features, Inputs, split
from .network import Network
from .targets import Targets

_CALIBRATION = 8192  # voxels from which phase reference and scales are computed
# Voxels per chunk: fewer spend the time on calls; more leave the cache where torch runs the layers.
_CHUNK = 8192
_KERNEL_CHUNK = 1 << 14
_GPU_CHUNK = 1 << 18


class Prediction(NamedTuple):
    """Output of a network for some voxels."""

    mean: NDArray[np.float32]
    """Scaled targets, `(voxel, target)`."""
    variance: NDArray[np.float32] | None
    """Their variance; None if the network outputs only means."""
    norm: NDArray[np.float32]
    """Norm of the signal, `(voxel,)`."""
    phase: tuple[NDArray[np.float32], NDArray[np.float32]]
    """Cosine and sine of the phase that was removed, `(voxel,)` each."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A network for one sequence and one prior; it refuses any other sequence."""

    sequence: Sequence
    """Sequence of the acquisition."""
    prior: Prior
    """Distribution of tissue for the training."""
    config: NetworkConfig
    """Inputs, architecture and outputs of the network."""
    basis: NDArray[Any]
    """Orthonormal columns `(time, rank)` that span its signals: the basis of an MLP's coefficients.
    What lies outside is noise, for any network."""
    network: Network
    """The network."""
    targets: Targets
    """Axes of its outputs."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Record of the training: configuration, seed, versions, metrics."""

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
        """Create an untrained network with calibrated scales of inputs and outputs.

        Parameters
        ----------
        sequence
            Sequence of the acquisition.
        prior
            Distribution of tissue; None is `Prior.default`.
        config
            Inputs, architecture and outputs; None is the default.
        snr_db
            Range of SNR for which the inputs are scaled, "rms" convention [dB].
        seed
            Seed of the weights and of the tissue from which scales are computed.

        Raises
        ------
        ModelError
            Configuration and prior contradict each other.
        TissueError
            The prior lacks a parameter the sequence needs.
        DictionaryError
            The rank is impossible for the sequence.
        """
        prior, config = prior or Prior.default(sequence), config or NetworkConfig()
        rng = np.random.default_rng((seed, 1))
        tissue = prior.draw(_CALIBRATION, rng)
        mlp = config.core if isinstance(config.core, Mlp) else Mlp()
        energy = mlp.energy if mlp.rank is None else None
        basis, _ = find_basis(sequence, tissue, rank=mlp.rank, energy=energy, n_states=None)
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
            features = inputs(*clean, _tensor(sigma), _tensor(known))
        phase = (_double(features.phase[0]), _double(features.phase[1]))
        model = cls._assemble(
            sequence, prior, config, basis,
            is_real=inputs.is_real, phase_varies=bool((phase[0] < 1 - 1e-6).any()), seed=seed,
        )  # fmt: skip
        model.network.inputs.load_state_dict(inputs.state_dict())
        targets = model.targets.encode(tissue, _double(features.norm), phase)
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
        phase_varies: bool,
        seed: int = 0,
        training: Mapping[str, Any] | None = None,
    ) -> Model:
        targets = Targets(prior, config, phase_varies)
        n_samples = basis.shape[1] if isinstance(config.core, Mlp) else sequence.n_samples
        with torch.random.fork_rng(devices=[]):  # leave the caller's generator unchanged
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
        """Numbers per signal that the network receives: coefficients or samples."""
        return self.basis.shape[1] if self.compresses else self.sequence.n_samples

    @property
    def compresses(self) -> bool:
        """Whether the network receives coefficients in the basis instead of samples."""
        return isinstance(self.config.core, Mlp)

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return self.network.target_mean.device

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that determines the predictions."""
        parts = [self.sequence.digest, json.dumps(self.prior.to_dict(), sort_keys=True)]
        hasher = hashlib.sha256("".join([*parts, self.config.model_dump_json()]).encode())
        for name, array in sorted(self.arrays().items()):
            hasher.update(f"{name}{array.shape}{array.dtype}".encode())
            hasher.update(np.ascontiguousarray(array).data)
        return hasher.hexdigest()

    def require(self, sequence: Sequence) -> None:
        """Refuse another sequence than that of the training.

        Raises
        ------
        ModelError
            The sequence differs from that of the training.
        """
        if sequence.digest != self.sequence.digest:
            raise ModelError(
                f"the network was trained for another sequence ({self.sequence.name!r},"
                f" {self.sequence.n_samples} samples) than the one given ({sequence.name!r},"
                f" {sequence.n_samples} samples): train one for it"
            )

    def compress(self, signals: NDArray[Any]) -> NDArray[Any]:
        """Convert signals `(voxel, time)` to what the network receives, `(voxel, rank)`.

        Real signals stay real.
        """
        return signals @ self.basis.conj() if self.compresses else signals

    def on(self, device: torch.device | None) -> Model:
        """Move the network to a device and return the model; None is the CPU."""
        self.network.to(device or torch.device("cpu"))
        return self

    def predict(
        self, signal: NDArray[Any], sigma: NDArray[Any], known: NDArray[Any] | None = None
    ) -> Prediction:
        """Predict targets and their variance for voxels.

        Parameters
        ----------
        signal
            Complex signal as returned by `compress`, `(voxel, rank)`.
        sigma
            Noise per channel, `(voxel,)`.
        known
            Known fields in the order of `config.known` [relative, Hz], `(voxel, field)`.
        """
        n_targets, n = self.targets.n_targets, len(signal)
        fields = np.zeros((n, 0)) if known is None else known
        mean = np.empty((n, n_targets), np.float32)
        variance = np.empty_like(mean) if self.network.gaussian else None
        norm, cos, sin = np.empty((3, n), np.float32)
        prediction = Prediction(mean, variance, norm, (cos, sin))
        (layers, chunk), caller = self._layers(), threading.get_ident()

        def work(start: int, stop: int) -> None:
            if threading.get_ident() != caller:
                torch.set_num_threads(1)  # for this thread: every core has its own chunk
            part = slice(start, stop)
            self._predict_part(layers, prediction, part, signal[part], sigma[part], fields[part])

        with full_precision():
            if self.device.type == "cpu":
                for_chunks(work, n, min(chunk, even_share(n)))
            else:
                for start in range(0, n, chunk):
                    work(start, min(start + chunk, n))
        return prediction

    def _layers(self) -> tuple[Callable[[Features], torch.Tensor], int]:
        """The layers and the voxels per chunk: a compiled kernel for an MLP on the CPU."""
        if self.device.type != "cpu":
            return self.network.layers, _GPU_CHUNK
        if not isinstance(self.config.core, Mlp):
            return self.network.layers, _CHUNK
        from ._kernel import Layers  # imports numba, which nothing else here needs

        return Layers.pack(self.network, self.config.core), _KERNEL_CHUNK

    @torch.inference_mode()
    def _predict_part(
        self,
        layers: Callable[[Features], torch.Tensor],
        prediction: Prediction,
        part: slice,
        signal: NDArray[Any],
        sigma: NDArray[Any],
        fields: NDArray[Any],
    ) -> None:
        device = self.device
        tensors = (*split(signal, device), _tensor(sigma, device), _tensor(fields, device))
        features = self.network.inputs(*tensors)
        output = self.network.decode(layers(features), features)
        prediction.mean[part] = output.mean.cpu().numpy()
        if prediction.variance is not None and output.log_variance is not None:
            prediction.variance[part] = torch.exp(output.log_variance).cpu().numpy()
        prediction.norm[part] = features.norm.cpu().numpy()
        for out, values in zip(prediction.phase, features.phase, strict=True):
            out[part] = values.cpu().numpy()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights and buffers of the network, and the basis, by name."""
        arrays = {n: t.detach().cpu().numpy() for n, t in self.network.state_dict().items()}
        arrays["basis.real"] = np.ascontiguousarray(self.basis.real)
        if np.iscomplexobj(self.basis):
            arrays["basis.imaginary"] = np.ascontiguousarray(self.basis.imag)
        return arrays

    def save(self, folder: str | Path) -> None:
        """Write `model.json` and `model.safetensors`: both, or neither.

        Raises
        ------
        OutputError
            The folder cannot be written; nothing is left behind.
        """
        described = {
            "prior": self.prior.to_dict(),
            "network": self.config.model_dump(mode="json"),
            "is_real": self.network.inputs.is_real,
            "turns": self.targets.phase_varies,
            "training": dict(self.training),
        }
        _store.write(folder, _store.Stored(self.sequence, described, self.arrays()))

    @classmethod
    def load(cls, folder: str | Path, sequence: Sequence | None = None) -> Model:
        """Read a folder written by `save` and check that it is complete; runs no code from it.

        Parameters
        ----------
        folder
            The folder.
        sequence
            The sequence the network is needed for; None accepts any.

        Raises
        ------
        ModelError
            The folder holds no complete model, or one for another sequence.
        """
        stored = _store.read(folder)
        with _store.refusing(folder):
            described = stored.described
            arrays = dict(stored.arrays)
            basis: NDArray[Any] = arrays.pop("basis.real")
            if "basis.imaginary" in arrays:
                basis = basis.astype(np.complex64)
                basis.imag = arrays.pop("basis.imaginary")
            if basis.ndim != 2 or len(basis) != stored.sequence.n_samples:
                raise ModelError(f"its basis has shape {basis.shape}, which is not (time, rank)")
            require_orthonormal(basis)
            if not isinstance(described["training"], dict):
                raise ModelError("the record of its training is not a table")
            assemble = partial(
                cls._assemble,
                stored.sequence,
                Prior.from_dict(described["prior"]),
                parse_network(described["network"]),
                basis,
                is_real=bool(described["is_real"]),
                phase_varies=bool(described["turns"]),
            )
            # Check on the meta device first, where a network of any size needs no memory.
            with torch.device("meta"):
                _check_weights(arrays, assemble().network)
            model = assemble(training=described["training"])
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            model.network.load_state_dict(tensors)
            if sequence is not None:
                model.require(sequence)
        return model.on(accelerator())


def _check_weights(arrays: Mapping[str, NDArray[Any]], network: Network) -> None:
    """Refuse arrays that do not fit a network, and values that are impossible in one."""
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if different := sorted(expected.keys() ^ arrays.keys()):
        raise ModelError(f"{different[0]} is missing, or belongs to another network")
    for name, array in arrays.items():
        if array.shape != expected[name] or array.dtype.kind != "f":
            raise ModelError(
                f"{name} has shape {array.shape} and type {array.dtype}, where its network has"
                f" {expected[name]} floating-point numbers"
            )
        if not np.isfinite(array).all() or ("scale" in name and not (array > 0).all()):
            raise ModelError(
                f"{name} contains values that are not finite, or scales that are not positive"
            )


def known_fields(tissue: Tissue, config: NetworkConfig) -> NDArray[np.float32]:
    """Known fields of flat tissues, as a network receives them, `(tissue, field)`."""
    columns = [np.asarray(tissue.get(name), np.float32) for name in config.known]
    return np.stack(columns, axis=1) if columns else np.empty((tissue.size, 0), np.float32)


def _tensor(values: NDArray[Any], device: torch.device | None = None) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32)).to(device)


def _double(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.cpu().numpy().astype(np.float64)
