"""Noise that lies inside the signals' subspace is noticed; white noise is never taken for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

from spinprint import Axis, Dictionary, ParameterGrid, Sequence, Tissue, simulate
from spinprint.estimators import DictionaryMatching, PosteriorMean
from spinprint.estimators.hidden_noise import INSIDE, HiddenNoise, find_hidden
from spinprint.estimators.refinement import leave_over
from spinprint.physics.own_unit import own_unit

Array = Any


@pytest.fixture(scope="module")
def dictionary(short: Sequence) -> Dictionary:
    grid = {"t1": Axis.geometric(0.2, 4, 1.1), "t2": Axis.geometric(0.005, 2, 1.1)}
    return Dictionary.build(short, ParameterGrid(grid))


def tissue(count: int, seed: int = 0) -> Tissue:
    rng = np.random.default_rng(seed)
    t2 = 10 ** rng.uniform(-1.6, -0.7, count)
    return Tissue(t1=t2 * rng.uniform(5, 20, count), t2=t2)


def noise(shape: tuple[int, ...], times: int, seed: int, *, shared: float = 0.0) -> Array:
    """Complex white noise over time, sigma 1 per channel, smoothed in space: `(voxel, time)`."""
    draws = np.random.default_rng(seed).standard_normal((2, *shape, times))
    if shared:
        draws = scipy.ndimage.gaussian_filter(draws, (0, *(shared for _ in shape), 0), mode="wrap")
        draws /= draws.std()
    return (draws[0] + 1j * draws[1]).reshape(-1, times)


def signals(short: Sequence, count: int, seed: int = 0) -> Array:
    """Of rms 1, `(voxel, time)`."""
    clean = simulate(short, tissue(count, seed)).astype(complex)
    return clean / np.sqrt(np.mean(np.abs(clean) ** 2, axis=1, keepdims=True))


def sigma_at(snr_db: float) -> float:
    return float(10 ** (-snr_db / 20) / np.sqrt(2))


def measured(short: Sequence, snr_db: float, count: int) -> Array:
    """Signals with white noise, `(voxel, time)`."""
    return signals(short, count) + sigma_at(snr_db) * noise((count,), short.n_samples, 1)


def find(dictionary: Dictionary, series: Array, *, cut_off: bool = False) -> HiddenNoise | None:
    voxels, exponent = own_unit(series)
    return find_hidden(voxels, exponent, leave_over(dictionary, voxels, {}, cut_off=cut_off))


@pytest.mark.parametrize("snr_db", [0, 30, 60])
@pytest.mark.parametrize("cut_off", [False, True])
@pytest.mark.parametrize(
    ("shape", "shared"),
    [((1,), 0), ((3,), 0), ((6, 4), 0), ((6, 4), 1), ((6, 4), 3), ((16, 8), 0), ((16, 8), 2)],
)
def test_white_noise_is_not_taken_for_hidden(
    short: Sequence,
    dictionary: Dictionary,
    snr_db: float,
    cut_off: bool,
    shape: tuple[int, ...],
    shared: float,
) -> None:
    """Whatever the voxels share of it in space."""
    for seed in range(1 if shape == (16, 8) else 3):
        white = noise(shape, short.n_samples, 10 * seed, shared=shared)
        series = signals(short, len(white), seed) + sigma_at(snr_db) * white
        assert find(dictionary, series, cut_off=cut_off) is None


def subspace(dictionary: Dictionary, rank: int) -> Callable[[Array], Array]:
    """A projection on the subspace of another, coarser dictionary."""
    grid = {"t1": Axis.geometric(0.1, 5, 1.3), "t2": Axis.geometric(0.01, 1, 1.3)}
    basis = Dictionary.build(dictionary.sequence, ParameterGrid(grid), rank).basis.astype(float)
    return lambda series: series @ basis @ basis.T


def low_rank(series: Array) -> Array:
    """Patches of voxels of rank 3."""
    patches = np.array_split(series, len(series) // 16)
    factors = [np.linalg.svd(patch, full_matrices=False) for patch in patches]
    return np.concatenate([(u[:, :3] * s[:3]) @ v[:3] for u, s, v in factors])


@pytest.mark.parametrize("count", [24, 128])
@pytest.mark.parametrize("what", ["8", "12", "20", "40", "low rank"])
def test_noise_of_a_few_dimensions_is_noticed(
    short: Sequence, dictionary: Dictionary, count: int, what: str
) -> None:
    make = low_rank if what == "low rank" else subspace(dictionary, int(what))
    series = make(measured(short, 20, count))
    assert find(dictionary, series) is not None
    assert find(dictionary, series, cut_off=True) is not None


def test_noise_of_repeated_frames_is_noticed(short: Sequence, dictionary: Dictionary) -> None:
    frames = np.arange(short.n_samples) // 3 * 3
    series = signals(short, 60) + 0.05 * noise((60,), short.n_samples, 1)[:, frames]
    assert find(dictionary, series) is not None


@pytest.mark.parametrize("rank", [8, 12, 20, 40])
def test_deviations_fit_errors_though_no_noise_lies_outside(
    short: Sequence, dictionary: Dictionary, rank: int
) -> None:
    """Also where the series fills fewer dimensions than the basis."""
    truth = tissue(400)
    series = subspace(dictionary, rank)(measured(short, 25, 400))
    for estimator in (DictionaryMatching(dictionary), PosteriorMean(dictionary)):
        maps = estimator.predict(series)
        assert maps.provenance["sigma"] == INSIDE
        np.testing.assert_allclose(np.median(maps.sigma), sigma_at(25), rtol=0.15)
        over = np.abs(maps["t2"] - truth.t2) / maps.sd["t2"]
        assert 0.55 < np.median(over) < 0.8


def test_noise_that_differs_between_voxels_is_followed(
    short: Sequence, dictionary: Dictionary
) -> None:
    factor = np.where(np.arange(200) < 60, 0.05, 0.005)
    series = signals(short, 200) + factor[:, None] * noise((200,), short.n_samples, 1)
    maps = DictionaryMatching(dictionary).predict(subspace(dictionary, 12)(series))
    assert np.median(maps.sigma[:60]) / np.median(maps.sigma[60:]) == pytest.approx(10, rel=0.25)


def test_some_voxels_that_the_model_does_not_explain_do_not_count(
    short: Sequence, dictionary: Dictionary
) -> None:
    series = measured(short, 40, 24)
    series[:9] = series[:9, ::-1]
    assert find(dictionary, series) is None


def test_the_unit_does_not_matter(short: Sequence, dictionary: Dictionary) -> None:
    series = subspace(dictionary, 12)(measured(short, 30, 24))
    one, other = find(dictionary, series), find(dictionary, series * 2.0**90)
    assert one is not None
    assert other is not None
    assert other.typical == pytest.approx(one.typical * 2.0**90, rel=1e-9)


def test_where_nothing_can_tell_nothing_is_said(short: Sequence, dictionary: Dictionary) -> None:
    series = subspace(dictionary, 12)(measured(short, 30, 24))
    few = Dictionary.build(short, dictionary.tissue, rank=2)  # as many numbers as are fitted
    whole = Dictionary.build(short, dictionary.tissue, rank=short.n_samples)
    for one in (few, whole):
        assert find(one, series) is None
    assert DictionaryMatching(dictionary).predict(series[:0]).shape == (0,)
