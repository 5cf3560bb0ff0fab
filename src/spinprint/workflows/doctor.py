"""What a machine has for spinprint, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from pydantic import ByteSize

from ..cache import VARIABLE, cache_folder, fonts_folder, writable
from ..device import accelerator
from ..dictionary.cache import cache_limit, cached_files
from ..errors import InputError
from ..parallel import n_workers

_WAY_OUT = f"set {VARIABLE} to a folder that can be written"

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
        f"compiled code: {_compiled_code()}",
        f"dictionary cache: {_dictionaries()}",
        f"fonts of matplotlib: {fonts_folder() or f'none kept, found anew each time; {_WAY_OUT}'}",
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


def _compiled_code() -> str:
    from ..simd.compiled import compiled_folder

    folder = compiled_folder()
    if folder is None:
        return f"none kept, kernels are compiled anew by every command; {_WAY_OUT}"
    if not writable(folder):
        return f"{folder} (read only: what is not there is compiled anew by every command)"
    return f"{folder} (writable)"


def _dictionaries() -> str:
    """Where dictionaries are kept, how large they are and may be."""
    folder = cache_folder()
    if folder is None:
        place = os.environ.get(VARIABLE) or "no folder"
        return f"{place} cannot be written: dictionaries are built anew each time; {_WAY_OUT}"
    access = "writable" if writable(folder) else "read only: what is not there is built each time"
    try:
        limit = _size(cache_limit())
    except InputError as error:
        limit = f"a limit that is wrong: {error}"
    held = cached_files(folder)
    size = _size(sum(size for _, size in held))
    return f"{folder} ({access}): {size} in {len(held)} files, of at most {limit}"


def _size(n_bytes: int) -> str:
    return ByteSize(n_bytes).human_readable(decimal=True, separator=" ")
