"""Estimates off the grid: as good as the Cramér-Rao bound allows, and honest about it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from spinprint import Axis, Dictionary, ParameterGrid, Sequence, Status, Tissue, presets
from spinprint.estimators import DictionaryMatching, Estimator, LeastSquares
from spinprint.physics.noise import add_noise, snr_to_sigma
from spinprint.physics.simulate import simulate
from spinprint.sequence import Inversion, ReadoutTrain

ESTIMATORS: dict[str, Callable[[Dictionary], Estimator]] = {
    "match": DictionaryMatching,
    "least squares": LeastSquares,
}

T1, T2 = Axis.geometric(0.4, 3.0, 1.2), Axis.geometric(0.02, 0.25, 1.25)

PROBLEMS: dict[str, tuple[Callable[[], Sequence], dict[str, Axis]]] = {
    "T1, T2": (presets.fisp_cao500, {"t1": T1, "t2": T2}),
    "T1, T2, T1rho": (
        presets.knee_t1_t2_t1rho,
        {"t1": T1, "t2": T2, "t1rho": Axis.geometric(0.02, 0.5, 1.25)},
    ),
    "T1, T2, ADC": (
        presets.diffusion_fisp,
        {"t1": T1, "t2": T2, "adc": Axis.linear(0, 3e-3, 3e-4)},
    ),
}


@dataclass(frozen=True)
class Problem:
    """Tissue off the grid, its signals without noise, and a coarse dictionary."""

    dictionary: Dictionary
    tissue: Tissue
    signals: Any


@cache
def problem(name: str) -> Problem:
    make, axes = PROBLEMS[name]
    sequence, rng, n = make(), np.random.default_rng(21), 400
    t2 = rng.uniform(0.035, 0.11, n)
    tissue = Tissue(
        t1=rng.uniform(0.8, 1.7, n),
        t2=t2,
        t1rho=t2 * rng.uniform(1.3, 2.5, n) if "t1rho" in axes else None,
        adc=rng.uniform(0.6e-3, 2e-3, n) if "adc" in axes else None,
        m0=rng.uniform(0.5, 3, n) * np.exp(1j * rng.uniform(-3, 3, n)),
    )
    signals = simulate(sequence, tissue, n_states=10_000)
    return Problem(Dictionary.build(sequence, ParameterGrid(axes)), tissue, signals)


def cramer_rao(one: Problem, sigma: Any) -> Any:
    """The least deviation of each unknown, `(voxel, parameter)`, M0 unknown, from all samples."""
    unknowns = one.dictionary.sequence.unknowns
    _, slopes = simulate(one.dictionary.sequence, one.tissue, wrt=unknowns)
    signals = one.signals[:, None].astype(complex)
    columns = np.concatenate([slopes, signals, 1j * signals], axis=1)
    columns = np.concatenate([columns.real, columns.imag], axis=2)
    size = np.linalg.norm(columns, axis=2, keepdims=True)
    information = (columns / size) @ (columns / size).swapaxes(1, 2)
    variance = np.diagonal(np.linalg.inv(information), axis1=1, axis2=2) / size[..., 0] ** 2
    return sigma[:, None] * np.sqrt(variance)[:, : len(unknowns)]


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("which", ESTIMATORS)
def test_reaches_the_cramer_rao_bound_and_states_it(name: str, which: str) -> None:
    """An efficient estimator has a median |error| of 0.674 deviations, and 68.3 % within one."""
    one = problem(name)
    sigma = snr_to_sigma(one.signals, 30)
    series = add_noise(one.signals, sigma, np.random.default_rng(6))
    maps = ESTIMATORS[which](one.dictionary).predict(series)
    assert np.mean(maps.status == Status.OK) > 0.99
    bounds = cramer_rao(one, sigma)
    for unknown, bound in zip(one.dictionary.sequence.unknowns, bounds.T, strict=True):
        error = np.abs(maps[unknown] - one.tissue.get(unknown))
        assert np.nanmedian(error / bound) <= 0.74, unknown
        assert 0.62 <= np.nanmean(error <= maps.sd[unknown]) <= 0.74, unknown
        np.testing.assert_allclose(np.nanmedian(maps.sd[unknown] / bound), 1, atol=0.05)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("which", ESTIMATORS)
def test_without_noise_the_truth_is_found_between_the_atoms(name: str, which: str) -> None:
    one = problem(name)
    maps = ESTIMATORS[which](one.dictionary).predict(one.signals)
    assert (maps.status == Status.OK).all()
    for unknown in one.dictionary.sequence.unknowns:
        np.testing.assert_allclose(maps[unknown], one.tissue.get(unknown), rtol=1e-3)
    np.testing.assert_allclose(maps.m0, one.tissue.get("m0"), rtol=1e-3)
    assert maps.extra["score"].min() > 0.9999


@pytest.mark.parametrize("which", ESTIMATORS)
@pytest.mark.parametrize(("t1", "t2"), [(4.5, 0.1), (0.3, 0.1), (1.2, 0.4), (1.2, 0.012)])
def test_tissue_beyond_the_grid_is_marked(which: str, t1: float, t2: float) -> None:
    dictionary = problem("T1, T2").dictionary
    tissue = Tissue(t1=np.array([t1, 1.0]), t2=np.array([t2, 0.08]))
    maps = ESTIMATORS[which](dictionary).predict(simulate(dictionary.sequence, tissue))
    assert maps.status.tolist() == [Status.AT_EDGE, Status.OK]
    assert T1.values[0] * 0.9999 <= maps["t1"][0] <= T1.values[-1] * 1.0001
    assert T2.values[0] * 0.9999 <= maps["t2"][0] <= T2.values[-1] * 1.0001


def test_tissue_at_a_relation_between_parameters_is_marked() -> None:
    """T2 above T1 cannot be: fitted where noise would have it so, T2 stays at T1."""
    dictionary = problem("T1, T2, T1rho").dictionary
    tissue = Tissue(t1=np.array([1.0]), t2=np.array([0.1]), t1rho=np.array([0.09]))
    maps = DictionaryMatching(dictionary).predict(simulate(dictionary.sequence, tissue))
    assert maps.status.tolist() == [Status.AT_EDGE]
    assert maps["t2"] <= maps["t1rho"] * (1 + 1e-6)


@pytest.mark.parametrize("which", ESTIMATORS)
@pytest.mark.parametrize("snr_db", [20, 40, 60])
def test_sigma_is_found_where_it_is_not_given(which: str, snr_db: float) -> None:
    one = problem("T1, T2")
    sigma = snr_to_sigma(one.signals, snr_db)
    series = add_noise(one.signals, sigma, np.random.default_rng(9))
    estimator = ESTIMATORS[which](one.dictionary)
    found, given = estimator.predict(series), estimator.predict(series, sigma=sigma)
    np.testing.assert_allclose(given.sigma, sigma, rtol=1e-6)
    # 500 complex samples know sigma to 1 / sqrt(2 * 500) or 3 %.
    assert np.nanmedian(found.sigma / sigma) == pytest.approx(1, abs=0.05)
    assert np.nanstd(found.sigma / sigma) < 0.05
    np.testing.assert_allclose(found["t2"], given["t2"], rtol=1e-6)
    ratio = found.sd["t2"] / given.sd["t2"]
    np.testing.assert_allclose(ratio, found.sigma / given.sigma, rtol=1e-5)


def test_a_whole_basis_leaves_sigma_to_the_residual_of_the_fit() -> None:
    one = problem("T1, T2")
    train = ReadoutTrain(flip=np.linspace(0.2, 0.9, 60), tr=0.012, te=0.003)
    sequence = Sequence(name="short", field_strength=3, blocks=(Inversion(delay=0.02), train))
    whole = Dictionary.build(sequence, one.dictionary.tissue, rank=60)
    clean = simulate(sequence, one.tissue.take(slice(5)))
    series = add_noise(clean, 1e-4, np.random.default_rng(0))
    maps = DictionaryMatching(whole).predict(series)
    assert (maps.status == Status.OK).all()
    np.testing.assert_allclose(maps.sigma, 1e-4, rtol=0.25)
    atoms = DictionaryMatching(whole, refine=False).predict(series)
    assert np.isnan(atoms.sigma).all()
    assert np.isposinf(atoms.sd["t1"]).all()
    given = DictionaryMatching(whole, refine=False).predict(series, sigma=1e-4)
    assert np.isfinite(given.sd["t1"]).all()


def test_refinement_beats_the_grid_it_starts_from() -> None:
    one = problem("T1, T2")
    refined, atoms = (
        DictionaryMatching(one.dictionary, refine=refine).predict(one.signals)
        for refine in (True, False)
    )
    for name in refined:
        assert np.isin(atoms[name], one.dictionary.tissue.get(name).astype(np.float32)).all()
        errors = [np.median(np.abs(m[name] / one.tissue.get(name) - 1)) for m in (refined, atoms)]
        assert errors[0] < errors[1] / 100
    assert (refined.extra["score"] >= atoms.extra["score"] - 1e-6).all()
