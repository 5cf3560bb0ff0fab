"""Torch is used if requested or if it finds a GPU, and is not loaded otherwise."""

import subprocess
import sys

import pytest
import torch

from spinprint import InputError, device
from spinprint.device import VARIABLE, accelerator


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_accelerator", device._accelerator.__wrapped__)


def test_an_impossible_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "gpu")
    with pytest.raises(InputError, match="'gpu' must be cpu, cuda or torch-cpu"):
        accelerator()


def test_cuda_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="finds no CUDA GPU here"):
        accelerator()


@pytest.mark.parametrize(
    ("choice", "driver", "works", "expected"),
    [
        ("", True, True, "cuda"),
        ("", True, False, None),
        ("", False, True, None),
        ("cpu", True, True, None),
        ("cuda", False, True, "cuda"),
        ("torch-cpu", True, True, "cpu"),
    ],
)
def test_a_gpu_is_used_where_driver_and_torch_find_one(
    choice: str, driver: bool, works: bool, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, choice)
    monkeypatch.setattr(device, "_driver_finds_a_gpu", lambda: driver)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: works)
    result = accelerator()
    assert (result and result.type) == expected


def test_the_processor_alone_never_loads_torch() -> None:
    code = (
        "import sys, numpy as np, spinprint as sp;"
        "from spinprint.physics import engine; engine.WORTH_A_GPU = 1;"
        "grid = sp.ParameterGrid({'t1': sp.Axis((0.5, 1.0)), 't2': sp.Axis((0.05, 0.1))});"
        "train = sp.sequence.ReadoutTrain(flip=np.full(8, 0.5), tr=0.01, te=0.003);"
        "sequence = sp.Sequence(name='few', field_strength=3.0, blocks=(train,));"
        "dictionary = sp.Dictionary.build(sequence, grid, rank=2);"
        "sp.DictionaryMatching(dictionary).predict(np.ones((2, 8), np.complex64));"
        "print('torch' in sys.modules)"
    )
    environment = {VARIABLE: "cpu", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "False"


def test_full_precision_restores_the_setting() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with device.full_precision():
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
