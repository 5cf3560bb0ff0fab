"""The object in a series, found without a mask."""

import numpy as np
import pytest

import spinprint as sp
from spinprint.estimators.mask import find_bright, find_mask
from spinprint.workflows.simulation import Simulation, simulate_phantom


@pytest.fixture(scope="module")
def dictionary(short: sp.Sequence) -> sp.Dictionary:
    grid = {"t1": sp.Axis.geometric(0.2, 4, 1.2), "t2": sp.Axis.geometric(0.005, 2, 1.2)}
    return sp.Dictionary.build(short, sp.ParameterGrid(grid))


@pytest.fixture(scope="module")
def knee(short: sp.Sequence) -> Simulation:
    return simulate_phantom(short, matrix=48, slices=1, snr_db=20, partial_volume=False)


def test_the_mask_is_the_phantom_on_a_noisy_background(
    knee: Simulation, dictionary: sp.Dictionary
) -> None:
    mask, truth = find_mask(knee.series, dictionary.basis), knee.phantom.mask
    overlap = 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
    assert overlap > 0.99
    assert not (mask & ~truth).any()


def test_noise_alone_is_no_object(short: sp.Sequence, dictionary: sp.Dictionary) -> None:
    draw = np.random.default_rng(1).standard_normal((2, 60, 60, 4, short.n_samples))
    assert not find_mask((draw[0] + 1j * draw[1]).astype(np.complex64), dictionary.basis).any()


def test_voxels_without_numbers_are_kept_to_be_reported(
    knee: Simulation, dictionary: sp.Dictionary
) -> None:
    series = knee.series.copy()
    series[0, 0, 0, 3], series[24, 24, 0, :] = np.nan, np.inf
    mask = find_mask(series, dictionary.basis)
    assert mask[0, 0, 0]
    assert mask[24, 24, 0]
    rest = find_mask(knee.series, dictionary.basis)
    assert np.argwhere(mask != rest).tolist() == [[0, 0, 0]]


def test_the_scale_of_a_series_does_not_matter(knee: Simulation, dictionary: sp.Dictionary) -> None:
    mask = find_mask(knee.series, dictionary.basis)
    for scale in (1e-15, 1e20):
        scaled = (scale * knee.series).astype(np.complex64)
        assert np.array_equal(find_mask(scaled, dictionary.basis), mask)
        assert np.array_equal(find_bright(scaled), find_bright(knee.series))


def test_small_islands_are_noise_but_a_single_voxel_is_a_series(
    short: sp.Sequence, dictionary: sp.Dictionary
) -> None:
    signal = sp.simulate(short, sp.Tissue(t1=1.0, t2=0.1))
    series = np.zeros((12, 12, 1, short.n_samples), np.complex64)
    series[2:5, 2:5], series[9, 9] = signal, signal
    mask = find_mask(series, dictionary.basis)
    assert mask[2:5, 2:5].all()
    assert mask.sum() == 9
    assert find_mask(series[9:10, 9:10], dictionary.basis).all()


def test_bright_is_most_of_what_will_be_found(knee: Simulation, dictionary: sp.Dictionary) -> None:
    bright, mask = find_bright(knee.series), find_mask(knee.series, dictionary.basis)
    assert (bright & mask).sum() > 0.99 * mask.sum()
    assert not find_bright(np.full((2, 2, 1, 3), np.nan, np.complex64)).any()
