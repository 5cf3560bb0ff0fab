"""Matching by torch, run on the processor, agrees with the kernel for all sizes."""

from typing import Any

import numpy as np
import pytest
import torch

from spinprint.device import VARIABLE
from spinprint.dictionary import layout, matching_torch
from spinprint.dictionary.matching import matcher_for
from spinprint.dictionary.matching_cpu import CpuMatcher
from spinprint.dictionary.matching_torch import TorchMatcher

DEVICE = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching_torch, "ATOMS", 100)
    monkeypatch.setattr(matching_torch, "VOXELS", 8)
    monkeypatch.setattr(matching_torch, "FEWER_VOXELS", 5)


@pytest.fixture(params=[1 << 20, 250], ids=["one slab", "slabs"])
def slab(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SLAB", request.param)


def draw(shape: tuple[int, int], seed: int, *, as_complex: bool = True) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if as_complex:
        return (values + 1j * rng.standard_normal(shape)).astype(np.complex64)
    return values.astype(np.float32)


def assert_same_atoms(result: Any, expected: Any) -> None:
    """Index and score alike; indices may differ where scores do not to 1e-6."""
    np.testing.assert_allclose(result[1], expected[1], rtol=2e-6)
    assert (result[0].dtype, result[1].dtype) == (np.int64, np.float32)
    assert (result[0] == expected[0]).mean() > 0.99


@pytest.mark.usefixtures("slab")
@pytest.mark.parametrize("n_atoms", [1, 100, 531])
@pytest.mark.parametrize("n_voxels", [0, 1, 29])
@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
def test_best_atoms_equal_those_of_the_processor(
    n_atoms: int, n_voxels: int, as_complex: bool
) -> None:
    atoms, series = draw((n_atoms, 7), 1, as_complex=as_complex), draw((n_voxels, 7), 2)
    atoms[n_atoms // 2 + 1 :: 5] = 0
    plain, by_torch = CpuMatcher(atoms), TorchMatcher(atoms, DEVICE)
    if n_voxels:
        assert_same_atoms(by_torch.best(series), plain.best(series))
        assert_same_atoms(by_torch.best(series), plain.best(series))  # now laid out
    else:
        assert [one.shape for one in by_torch.best(series)] == [(0,), (0,)]


@pytest.mark.usefixtures("slab")
@pytest.mark.parametrize("count", [1, 3, 120])
@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
def test_the_best_atoms_come_in_the_same_order(count: int, as_complex: bool) -> None:
    atoms, series = draw((531, 6), 3, as_complex=as_complex), draw((13, 6), 4)
    result, expected = (
        m.top(series, count) for m in (TorchMatcher(atoms, DEVICE), CpuMatcher(atoms))
    )
    assert_same_atoms(result, expected)


@pytest.mark.usefixtures("slab")
@pytest.mark.parametrize("copies", [(0, 40), (3, 4), (5, 99, 100, 301), (2, 530)])
def test_of_equal_atoms_the_first_wins(copies: tuple[int, ...]) -> None:
    atoms = draw((531, 5), 5, as_complex=False)
    atoms[list(copies)] = atoms[copies[0]]
    matcher, series = TorchMatcher(atoms, DEVICE), 1j * atoms[copies[:1],].astype(np.complex64)
    assert matcher.best(series)[0].tolist() == [copies[0]]
    assert matcher.top(series, len(copies))[0].tolist() == [list(copies)]


@pytest.mark.usefixtures("slab")
@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
def test_the_extent_is_the_same(as_complex: bool) -> None:
    atoms, series = draw((531, 6), 6, as_complex=as_complex), draw((13, 6), 7)
    theta = draw((531, 2), 8, as_complex=False).astype(np.float64)
    plain = CpuMatcher(atoms)
    floor = (0.9 * plain.best(series)[1].astype(np.float64)) ** 2
    floor[3] = np.inf
    matchers = TorchMatcher(atoms, DEVICE), plain
    result, expected = (matcher.extent(series, floor, theta) for matcher in matchers)
    np.testing.assert_array_equal(result, expected)
    assert np.isinf(result[0][3]).all()


def test_products_are_never_rounded_to_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    product = torch.Tensor.__matmul__

    def watched(one: Any, other: Any) -> Any:
        seen.append(torch.get_float32_matmul_precision())
        return product(one, other)

    monkeypatch.setattr(torch.Tensor, "__matmul__", watched)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        TorchMatcher(draw((9, 3), 9), DEVICE).best(draw((2, 3), 10))
    finally:
        torch.set_float32_matmul_precision(before)
    assert set(seen) == {"highest"}


def test_progress_is_reported() -> None:
    reported: list[tuple[int, int]] = []
    TorchMatcher(draw((20, 4), 6), DEVICE).best(
        draw((20, 4), 7), lambda done, total: reported.append((done, total))
    )
    assert reported == [(8, 20), (16, 20), (20, 20)]


@pytest.mark.parametrize(("choice", "expected"), [("cpu", CpuMatcher), ("torch-cpu", TorchMatcher)])
def test_the_device_decides(choice: str, expected: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, choice)
    assert type(matcher_for(draw((9, 3), 9))) is expected
