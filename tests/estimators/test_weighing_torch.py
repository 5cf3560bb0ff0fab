"""Weighing by torch, run on the processor, agrees with the kernel."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from spinprint.device import VARIABLE
from spinprint.dictionary import layout, matching_torch
from spinprint.estimators import weighing_torch
from spinprint.estimators.weighing import weigher_for
from spinprint.estimators.weighing_cpu import CpuWeigher
from spinprint.estimators.weighing_torch import TorchWeigher
from spinprint.estimators.weights import Weighed, WeightedAtoms

DEVICE = torch.device("cpu")
BOUNDS = np.zeros(2), np.ones(2)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching_torch, "ATOMS", 100)
    monkeypatch.setattr(weighing_torch, "VOXELS", 8)


def atoms(number: int, *, as_complex: bool) -> WeightedAtoms:
    rng = np.random.default_rng(number)
    coefficients = rng.normal(size=(number, 3))
    if as_complex:
        coefficients = coefficients + 1j * rng.normal(size=(number, 3))
    coefficients[number // 2] = 0
    log_weights = rng.normal(size=number)
    log_weights[number // 3] = -np.inf
    theta = rng.uniform(size=(number, 2))
    return WeightedAtoms(coefficients, theta, log_weights, BOUNDS)


def voxels(number: int) -> tuple[Any, Any]:
    """Unit-norm signals, and energies: float32 leaves 1e-7 of them in the logarithms."""
    rng = np.random.default_rng(1)
    unit = rng.normal(size=(number, 3)) + 1j * rng.normal(size=(number, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return unit, np.geomspace(0.1, 500, number)


def assert_same(result: Weighed, expected: Weighed) -> None:
    np.testing.assert_array_equal(result.best, expected.best)
    one, two = result.belief, expected.belief
    np.testing.assert_allclose(one.mean, two.mean, rtol=1e-4)
    np.testing.assert_allclose(one.sd, two.sd, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(one.ess, two.ess, rtol=1e-3)
    # A level may be reached a bin earlier or later where next to nothing weighs between.
    assert (np.abs(one.quantiles - two.quantiles) < 1e-3).mean() > 0.98


@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize(("number", "slab"), [(3, 64), (37, 64), (1600, 2000), (1600, 300)])
def test_sums_equal_those_of_the_processor(
    number: int, slab: int, as_complex: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "SLAB", slab)
    given, seen = atoms(number, as_complex=as_complex), voxels(21)
    by_torch = TorchWeigher(given, DEVICE)
    expected = CpuWeigher(given).weigh(*seen)
    assert_same(by_torch.weigh(*seen), expected)
    assert_same(by_torch.weigh(*seen), expected)  # now laid out


def test_impossible_atoms_weigh_nothing() -> None:
    given = replace(atoms(20, as_complex=False), log_weights=np.full(20, -np.inf))
    result, expected = TorchWeigher(given, DEVICE), CpuWeigher(given)
    assert_same(result.weigh(*voxels(3)), expected.weigh(*voxels(3)))
    assert not result.weigh(*voxels(3)).belief.ess.any()


def test_no_voxels_give_empty_results() -> None:
    result = TorchWeigher(atoms(20, as_complex=False), DEVICE).weigh(*voxels(0))
    assert (result.best.shape, result.belief.mean.shape) == ((0,), (0, 2))


@pytest.mark.parametrize(("choice", "expected"), [("cpu", CpuWeigher), ("torch-cpu", TorchWeigher)])
def test_the_device_decides(choice: str, expected: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, choice)
    assert type(weigher_for(atoms(9, as_complex=False))) is expected
