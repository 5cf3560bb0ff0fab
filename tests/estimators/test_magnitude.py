"""Magnitudes mapped on purpose: unbiased and calibrated under Rician noise, whatever the ratio."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint import Axis, Dictionary, ParameterGrid, Sequence, Status, Tissue, cramer_rao
from spinprint.estimators import DictionaryMatching, LeastSquares, PosteriorMean
from spinprint.estimators.mask import find_mask
from spinprint.physics.noise import add_noise, add_rician_noise, snr_to_sigma
from spinprint.physics.simulate import simulate
from spinprint.sequence import Inversion, ReadoutTrain

ESTIMATORS: dict[str, Any] = {
    "match": DictionaryMatching,
    "least squares": LeastSquares,
    "posterior": PosteriorMean,
}
FLIP = np.radians(10 + 45 * np.abs(np.sin(np.linspace(0, 4 * np.pi, 160))))
SEQUENCE = Sequence(
    name="inverted",
    field_strength=3.0,
    blocks=(Inversion(delay=0.02), ReadoutTrain(flip=FLIP, tr=0.012, te=0.002)),
)
GRID = ParameterGrid({"t1": Axis.geometric(0.2, 4, 1.1), "t2": Axis.geometric(0.01, 0.4, 1.1)})
N = 700


@cache
def moduli() -> Dictionary:
    return Dictionary.build(SEQUENCE, GRID, magnitude=True)


@cache
def signals() -> tuple[Tissue, NDArray[np.complex64]]:
    rng = np.random.default_rng(21)
    tissue = Tissue(
        t1=rng.uniform(0.8, 1.7, N),
        t2=rng.uniform(0.035, 0.11, N),
        m0=rng.uniform(0.5, 3, N) * np.exp(1j * rng.uniform(-3, 3, N)),
    )
    return tissue, simulate(SEQUENCE, tissue)


@pytest.mark.parametrize("known", [True, False], ids=["sigma given", "sigma estimated"])
@pytest.mark.parametrize("which", ESTIMATORS)
def test_rician_noise_leaves_no_bias_and_the_deviations_are_right(which: str, known: bool) -> None:
    """68.3 % lie within one deviation; the median error is 0.674 of it, the mean error none."""
    tissue, clean = signals()
    scores = []
    for snr_db in (12, 15, 20, 30):
        sigma = snr_to_sigma(clean, snr_db)
        series = add_rician_noise(clean, sigma, np.random.default_rng(snr_db))
        maps = ESTIMATORS[which](moduli()).predict(series, sigma=sigma if known else None)
        assert np.mean(maps.status == Status.OK) > 0.99
        np.testing.assert_allclose(np.nanmedian(maps.sigma / sigma), 1, atol=0.01)
        bound = cramer_rao(SEQUENCE, tissue, sigma, magnitude=True).sd
        for name in ("t1", "t2"):
            np.testing.assert_allclose(np.nanmedian(maps.sd[name] / bound[name]), 1, atol=0.03)
            scores.append((maps[name] - tissue.get(name)) / maps.sd[name])
            assert abs(np.nanmean(scores[-1])) < 0.15, (snr_db, name)
    errors = np.concatenate(scores)
    errors = np.abs(errors[np.isfinite(errors)])
    assert 0.65 <= np.mean(errors < 1) <= 0.71
    assert np.median(errors) <= 0.74


@pytest.mark.parametrize("which", ESTIMATORS)
def test_without_noise_the_truth_is_found(which: str) -> None:
    tissue, clean = signals()
    maps = ESTIMATORS[which](moduli()).predict(np.abs(clean))
    assert (maps.status == Status.OK).all()
    for name in ("t1", "t2"):
        np.testing.assert_allclose(maps[name], tissue.get(name), rtol=1e-3)
    # The phase of M0 cannot be told and is left at 0.
    np.testing.assert_allclose(maps.m0, np.abs(tissue.get("m0")), rtol=1e-3)


@pytest.mark.parametrize("which", ESTIMATORS)
def test_only_the_modulus_counts(which: str) -> None:
    _, clean = signals()
    series = add_noise(clean[:50], snr_to_sigma(clean[:50], 20), np.random.default_rng(1))
    estimator = ESTIMATORS[which](moduli())
    complex_, real = (estimator.predict(one) for one in (series, np.abs(series)))
    for name in real:
        np.testing.assert_array_equal(complex_[name], real[name])
    assert real.provenance["magnitude"] is True


def test_a_scale_goes_to_m0_alone() -> None:
    _, clean = signals()
    series = add_rician_noise(clean[:50], snr_to_sigma(clean[:50], 15), np.random.default_rng(1))
    one, other = (LeastSquares(moduli()).predict(f * series) for f in (np.float32(1), 1e9))
    for name in one:
        assert (np.abs(other[name] - one[name]) / one.sd[name]).max() < 0.02
    np.testing.assert_allclose(other.sigma, 1e9 * one.sigma, rtol=1e-4)


@pytest.mark.parametrize("sigma", [None, 1.0])
def test_noise_alone_is_no_signal_though_its_magnitude_has_a_mean(sigma: float | None) -> None:
    noise = add_rician_noise(np.zeros((20_000, 160)), 1.0, np.random.default_rng(8))
    assert DictionaryMatching(moduli()).predict(noise[:500], sigma=sigma).counts() == {
        Status.NO_SIGNAL: 500
    }
    assert not find_mask(noise.reshape(100, 200, 1, 160), moduli().basis).any()


def test_a_signal_that_hardly_changes_is_found_by_its_mean() -> None:
    steady = add_rician_noise(np.full((300, 160), 5.0), 1.0, np.random.default_rng(8))
    assert find_mask(steady.reshape(20, 15, 1, 160), moduli().basis).all()


def test_zero_and_broken_voxels_are_marked() -> None:
    _, clean = signals()
    series = np.abs(clean[:6])
    series[0], series[1, 3] = 0, np.nan
    status = PosteriorMean(moduli()).predict(series).status
    np.testing.assert_array_equal(status[:2], [Status.NO_SIGNAL, Status.NOT_FINITE])
    assert (status[2:] == Status.OK).all()


def test_the_inverted_part_of_a_signal_is_read_through_its_modulus() -> None:
    """What atoms of signals make of magnitudes is why they are refused."""
    _, clean = signals()
    plain = Dictionary.build(SEQUENCE, GRID)
    index, score = plain.match(np.abs(clean))
    right, _ = moduli().match(np.abs(clean))
    t1 = signals()[0].get("t1")
    assert np.median(np.abs(plain.tissue.t1[index] / t1 - 1)) > 0.5
    assert np.median(np.abs(plain.tissue.t1[right] / t1 - 1)) < 0.06
    assert np.median(score) < 0.97
