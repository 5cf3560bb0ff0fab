"""The device for heavy work: the processor, or a CUDA GPU, if available, through torch.

`SPINPRINT_DEVICE` overrides this: `cpu` never uses a GPU, `cuda` requires one, and `torch-cpu`
runs the code for GPUs on the processor, for tests. Torch is imported only if a CUDA driver finds
a device or the variable asks for torch.
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
"""The environment variable that chooses the device."""

_CHOICES = ("", "cpu", "cuda", "torch-cpu")


def accelerator() -> torch.device | None:
    """Choose the torch device for heavy work; None means the processor's own kernels.

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
    """Ask the CUDA driver directly: importing torch only to find no GPU would take seconds."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return driver.cuInit(0) == 0


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 matrices in float32, never rounded to TF32, whatever the global setting."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
