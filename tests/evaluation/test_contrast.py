"""Two estimators on the same signals, and how far estimates follow the truth."""

import math
from typing import Any

import numpy as np
import pytest

from spinprint.errors import InputError
from spinprint.evaluation.monte_carlo import (
    CONTRASTS,
    Estimates,
    MonteCarlo,
    Outcome,
    contrast_estimators,
    shrinkage,
)
from spinprint.maps import Status
from spinprint.prior import Prior, Uniform
from spinprint.sequence import Inversion, ReadoutTrain, Sequence

PRIOR = Prior({"t1": Uniform(0.5, 2.0, log=True), "t2": Uniform(0.03, 0.2, log=True)})
SHAPE = (2, 30, 4, 2)  # ratio, tissue, draw, parameter


def outcome(**logs: Any) -> Outcome:
    """Estimates that are the truth times the exponentials of what is given."""
    train = ReadoutTrain(flip=np.full(5, 0.3), tr=0.012, te=0.003)
    sequence = Sequence(name="short", field_strength=3.0, blocks=(Inversion(delay=0.02), train))
    plan = MonteCarlo.of_prior(sequence, PRIOR, n=SHAPE[1], snrs_db=(15, 35), draws=SHAPE[2])
    truth = np.stack([plan.tissue.t1, plan.tissue.t2], axis=1)[:, None]
    nothing = np.full(SHAPE, np.nan, np.float32)
    ok = np.full(SHAPE[:3], int(Status.OK), np.uint8)
    return Outcome(
        plan=plan,
        sigma=np.ones(SHAPE[:2]),
        bound=np.ones((*SHAPE[:2], 2)),
        estimates={
            name: Estimates(
                values=(truth * np.exp(np.broadcast_to(log, SHAPE))).astype(np.float32),
                sd=nothing,
                status=ok,
            )
            for name, log in logs.items()
        },
        posterior=None,
    )


def noise(seed: int = 0) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_normal(SHAPE)


def test_half_the_error_is_a_quarter_of_the_squared_error_and_half_of_the_others() -> None:
    drawn = noise()
    found = contrast_estimators(outcome(a=drawn / 2, b=drawn), "a", "b", n=50)
    assert len(found) == 2 * len(CONTRASTS) * 3  # parameters, measures, two ratios and both
    for one in found:
        wanted = 0.25 if one.measure == "scaled_mse" else 0.5
        assert one.ratio.value == pytest.approx(wanted, rel=0.02)
        # Errors that go together leave no chance in the ratio.
        assert one.ratio.high - one.ratio.low < 0.02


def test_errors_of_other_noise_leave_the_ratio_open_and_both_ratios_are_pooled() -> None:
    first, second = noise(1), noise(2)
    first[1] *= 3
    found = contrast_estimators(outcome(a=first, b=second), "a", "b", n=100)
    mape = {one.snr_db: one.ratio for one in found
            if (one.measure, one.parameter) == ("mape", "t1")}  # fmt: skip
    low, high = mape[15.0], mape[35.0]
    (pooled,) = (ratio for snr, ratio in mape.items() if math.isnan(snr))
    assert low.low < 1 < low.high
    assert high.low > 2
    assert pooled.value == pytest.approx(math.sqrt(low.value * high.value))
    assert pooled.low > low.low


def test_signals_without_an_estimate_of_one_count_for_neither() -> None:
    drawn = noise()
    worse = drawn.copy()
    worse[:, :, 0] = np.nan
    drawn[:, :, 0] = 5.0
    found = contrast_estimators(outcome(a=worse, b=drawn), "a", "b", n=20)
    assert all(one.ratio.value == pytest.approx(1) for one in found)


def test_an_unknown_estimator_is_refused() -> None:
    with pytest.raises(InputError, match="estimator 'c' must be one of a"):
        contrast_estimators(outcome(a=noise()), "a", "c")


def test_the_slope_tells_how_far_estimates_keep_to_the_middle() -> None:
    plan = outcome(a=noise()).plan
    middle = math.log(math.sqrt(0.5 * 2.0))
    shrunk = noise()
    shrunk[1, :, :, 0] += 0.2 * (middle - np.log(plan.tissue.t1))[:, None]
    slopes = {(one.snr_db, one.parameter): one.slope for one in shrinkage(outcome(a=shrunk), n=50)}
    assert slopes[15.0, "t1"].value == pytest.approx(1, abs=0.02)
    assert slopes[35.0, "t1"].value == pytest.approx(0.8, abs=0.02)
    assert slopes[35.0, "t1"].high < 0.85
    assert slopes[35.0, "t2"].low < 1 < slopes[35.0, "t2"].high
