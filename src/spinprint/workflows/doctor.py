"""What a machine has for spinprint, what is missing, and how to get it."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from ..device import accelerator
from ..dictionary.cache import cache_folder
from ..errors import InputError, OutputError
from ..files import check_output_folder
from ..parallel import n_workers

_NEEDED = ("numpy", "scipy", "numba", "torch", "nibabel", "h5py", "matplotlib")
_EXTRAS = {
    "pulseq": ("pypulseq", "reads Pulseq files"),
    "raw": ("finufft", "simulates undersampled scans"),
    "brainweb": ("brainweb_dl", "fetches heads of the BrainWeb database"),
    "onnx": ("onnx", "exports networks"),
    "tensorboard": ("tensorboard", "shows a training while it runs"),
}
"""Extra: the package it brings and what for."""


def examine() -> list[str]:
    """One line a finding, fit for a terminal."""
    lines = [
        f"spinprint {version('spinprint')}, Python {sys.version.split()[0]}, {platform.platform()}",
        f"cores this process may use: {n_workers()}",
        f"vectors: {_vectors()}",
        f"runs on: {_device()}",
        "packages: " + ", ".join(f"{name} {_version(name)}" for name in _NEEDED),
        f"dictionary cache: {cache_folder()} ({_writable()})",
    ]
    for extra, (package, purpose) in _EXTRAS.items():
        if find_spec(package):
            lines.append(f"extra {extra}: {package} {_version(package)}, {purpose}")
        else:
            lines.append(f"extra {extra}: missing; pip install 'spinprint[{extra}]' {purpose}")
    return lines


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _vectors() -> str:
    """The widest vectors the kernels can use here."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    wide = [name for name in ("avx512f", "avx2", "neon", "sse2") if features.get(name)]
    return f"{binding.get_host_cpu_name()}, {wide[0] if wide else 'none known'}"


def _device() -> str:
    """Where heavy work runs."""
    try:
        device = accelerator()
    except InputError as error:
        return str(error)
    if device is None:
        return "the processor"
    import torch

    torch_here = f"torch {torch.__version__}"
    if device.type == "cpu":
        return f"{torch_here} on the processor, as SPINPRINT_DEVICE says"
    return f"{torch.cuda.get_device_name(device)}, by {torch_here}"


def _writable() -> str:
    try:
        check_output_folder(cache_folder())
    except OutputError:
        return "cannot be written: dictionaries are built anew each time"
    return "writable"
