"""The bootstrap against scipy's, its pairing, its coverage, and what it refuses."""

import numpy as np
import pytest
import scipy.stats

from spinprint import InputError
from spinprint.evaluation.statistic import bootstrap


def test_it_is_the_percentile_interval() -> None:
    x = np.random.default_rng(0).gamma(2, size=60)
    low, high = bootstrap(np.mean, x, n=20_000, seed=1)
    expected = scipy.stats.bootstrap(
        (x,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = expected.high - expected.low
    assert low == pytest.approx(expected.low, abs=0.02 * width)
    assert high == pytest.approx(expected.high, abs=0.02 * width)


def test_cases_stay_together() -> None:
    x = np.random.default_rng(0).normal(size=30)
    low, high = bootstrap(lambda a, b: np.corrcoef(a, b)[0, 1], x, 2 * x, n=50)
    assert low == pytest.approx(1)
    assert high == pytest.approx(1)


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    data = np.random.default_rng(5).normal(3, 1, size=(400, 40))
    ends = [bootstrap(np.mean, row, n=200, level=0.8) for row in data]
    covered = np.mean([low <= 3 <= high for low, high in ends])
    assert covered == pytest.approx(0.8, abs=0.06)  # three standard errors


def test_statistics_may_be_arrays_and_may_fail() -> None:
    x = np.random.default_rng(3).normal(size=(25, 3))
    x[:, 1] = np.nan
    low, high = bootstrap(lambda a: a.mean(axis=0), x, n=40)
    assert low.shape == high.shape == (3,)
    assert np.isnan([low[1], high[1]]).all()
    assert (low[[0, 2]] < high[[0, 2]]).all()
    assert bootstrap(np.median, x[:, 0], n=40, seed=4) == bootstrap(
        np.median, x[:, 0], n=40, seed=4
    )


@pytest.mark.parametrize(
    ("arrays", "options", "match"),
    [
        ((), {}, "shapes none"),
        (([1, 2], [1]), {}, r"\(2,\), \(1,\): their first axes must be equally long"),
        (([],), {}, "one case at least"),
        (([1, 2],), {"n": 0}, "n must be at least 1"),
        (([1, 2],), {"level": 1.0}, "between 0 and 1"),
    ],
)
def test_what_it_refuses(arrays: tuple, options: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        bootstrap(np.mean, *arrays, **options)
