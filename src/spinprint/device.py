"""Where heavy work runs: on the processor, or by torch on a CUDA GPU where there is one.

`SPINPRINT_DEVICE` decides otherwise: `cpu` never uses a GPU, `cuda` insists on one, and
`torch-cpu` runs what a GPU would run on the processor, to test it. Torch is imported only where
a CUDA driver finds a device, or where it was asked for.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import torch

VARIABLE = "SPINPRINT_DEVICE"
"""The environment variable that chooses."""

_CHOICES = ("", "cpu", "cuda", "torch-cpu")


def accelerator() -> torch.device | None:
    """Where torch runs what it can run; None where the kernels of the processor do all.

    Raises
    ------
    InputError
        `SPINPRINT_DEVICE` is not cpu, cuda or torch-cpu, or is cuda without a CUDA GPU.
    """
    return _accelerator(os.environ.get(VARIABLE, ""))


@lru_cache
def _accelerator(choice: str) -> torch.device | None:
    if choice not in _CHOICES:
        raise InputError(
            f"{VARIABLE} = {choice!r} must be cpu, cuda or torch-cpu: unset it to use a GPU"
            " where there is one"
        )
    if choice == "cpu" or (not choice and not _driver_finds_a_gpu()):
        return None
    import torch

    if choice == "torch-cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if choice == "cuda":
        raise InputError(
            f"{VARIABLE} = 'cuda', but torch {torch.__version__} finds no CUDA GPU here:"
            " unset it, or install a driver and a CUDA build of torch"
        )
    return None


def _driver_finds_a_gpu() -> bool:
    """Ask the CUDA driver itself: importing torch to hear of no GPU would take seconds."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return driver.cuInit(0) == 0


@contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 matrices in float32, never rounded to TF32, whatever was set."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
