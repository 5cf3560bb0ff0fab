"""What a machine has for spinprint, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from pydantic import ByteSize

from ..cache import VARIABLE, cache_folder, fonts_folder, is_temporary, writable
from ..device import accelerator
from ..dictionary.cache import cache_limit, cached_files
from ..errors import InputError
from ..parallel import n_workers

_WAY_OUT = f"set {VARIABLE} to a folder you can write"

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
        f"fonts of matplotlib: {_fonts()}",
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
    """Where compiled code is kept."""
    from ..simd.compiled import compiled_folder

    folder = compiled_folder()
    if folder is None:
        return f"{_refused(VARIABLE)}: kernels are compiled anew each time; {_WAY_OUT}"
    return f"{folder} ({_access(folder)})"


def _dictionaries() -> str:
    """Where dictionaries are kept, how large they are and may be."""
    folder = cache_folder()
    if folder is None:
        return f"{_refused(VARIABLE)}: dictionaries are built anew each time; {_WAY_OUT}"
    try:
        limit = f"of at most {_size(cache_limit())}"
    except InputError as error:
        limit = f"({error})"
    held = sum(size for _, size in cached_files(folder))
    return f"{folder} ({_access(folder)}): {_size(held)} {limit}"


def _fonts() -> str:
    """Where matplotlib keeps the fonts it found."""
    folder = fonts_folder()
    if folder is None:
        return (
            f"{_refused('MPLCONFIGDIR', VARIABLE)}: they are looked for anew each time; {_WAY_OUT}"
        )
    return f"{folder} ({_access(folder)})"


def _refused(*variables: str) -> str:
    chosen = next(filter(None, map(os.environ.get, variables)), None)
    return f"{chosen} cannot be written" if chosen else "no folder can be written"


def _access(folder: Path) -> str:
    if not writable(folder):
        return "read only: nothing is added"
    if is_temporary(folder):
        return f"writable, but temporary: there is no cache folder of yours; {_WAY_OUT}"
    return "writable"


def _size(n_bytes: int) -> str:
    return ByteSize(n_bytes).human_readable(decimal=True, separator=" ")
