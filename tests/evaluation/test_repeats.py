"""Estimators made several times: errors over repeats and tissue, and ratios in pairs."""

from typing import Any

import numpy as np
import pytest

from spinprint.errors import InputError
from spinprint.evaluation import MonteCarlo
from spinprint.evaluation.monte_carlo import (
    Estimates,
    Outcome,
    error_ratios,
    mean_errors,
    squared_errors,
)
from spinprint.evaluation.statistic import bootstrap, bootstrap_crossed
from spinprint.sequence.presets import fisp_cao500


def outcome(n: int = 40, draws: int = 3) -> Outcome:
    """Estimates off by a known part of the range of log T1 and log T2."""
    plan = MonteCarlo.of_prior(fisp_cao500(), n=n, snrs_db=(10, 30), draws=draws, seed=1)
    low, high = plan.coordinates.low, plan.coordinates.high
    truth = plan.coordinates.theta(plan.tissue)[None, :, None]

    def off(by: tuple[float, float], jitter: float, seed: int) -> Estimates:
        parts = np.array(by)[:, None, None, None] * np.ones((2, n, draws, 2))
        parts = parts * (1 + jitter * np.random.default_rng(seed).standard_normal((2, n, 1, 1)))
        values = np.exp(truth + parts * (high - low)).astype(np.float32)
        return Estimates(values=values, sd=values, status=np.ones((2, n, draws), np.uint8))

    estimates = {
        "a0": off((0.02, 0.01), 0, 0), "a1": off((0.04, 0.01), 0, 0),
        "b0": off((0.04, 0.02), 0, 0), "b1": off((0.08, 0.02), 0, 0),
        "noisy": off((0.02, 0.01), 0.5, 3),
    }  # fmt: skip
    return Outcome(
        plan=plan, sigma=np.ones((2, n)), bound=np.ones((2, n, 2)), estimates=estimates,
        posterior=None,
    )  # fmt: skip


def test_errors_are_meant_over_draws_ratios_and_parameters() -> None:
    errors = squared_errors(outcome(), ["a0", "a1"])
    assert errors.shape == (2, 40, 3, 3)
    np.testing.assert_allclose(errors[0, 0, :2, 0], [4e-4, 1e-4], rtol=1e-3)
    np.testing.assert_allclose(errors[1, 5, 2], (16e-4 + 1e-4) / 2, rtol=1e-3)
    table = mean_errors(outcome(), errors, n=50)
    assert table["all"]["10"].value == pytest.approx(10e-4, rel=1e-3)
    assert table["t1"]["sweep"].value == pytest.approx((10e-4 + 1e-4) / 2, rel=1e-3)
    assert table["all"]["10"].low == pytest.approx(4e-4, rel=1e-3)  # both draws of the first
    assert table["all"]["10"].high == pytest.approx(16e-4, rel=1e-3)


def test_ratios_are_of_pairs() -> None:
    made = outcome()
    a, b = (squared_errors(made, [f"{name}{k}" for k in (0, 1)]) for name in "ab")
    ratio = error_ratios(made, a, b, n=50)["all"]["10"]
    # The two repeats differ fourfold, but alike in both: the ratio is sure.
    assert [ratio.value, ratio.low, ratio.high] == pytest.approx([0.25] * 3, rel=1e-3)
    one = squared_errors(made, ["a0"])
    assert error_ratios(made, a, one, n=5)["t2"]["30"].value == pytest.approx(1, rel=1e-3)


def test_draws_without_an_estimate_do_not_count_unless_there_is_none() -> None:
    made = outcome()
    values = made.estimates["a0"].values
    values[0, 3, 1] = np.nan
    np.testing.assert_allclose(squared_errors(made, ["a0"])[0, 3, 0, 0], 4e-4, rtol=1e-3)
    values[0, 3] = np.nan
    with pytest.raises(InputError, match="'a0': of some tissue there is no estimate"):
        squared_errors(made, ["a0"])


def test_the_crossed_bootstrap_knows_of_both_spreads() -> None:
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(0, 1, (12, 1)), rng.normal(0, 2, (1, 50))
    low, high = bootstrap_crossed(np.mean, rows + columns, n=500)
    expected = 2 * 1.96 * np.hypot(rows.std() / 12**0.5, columns.std() / 50**0.5)
    assert high - low == pytest.approx(expected, rel=0.15)
    only_rows = bootstrap(np.mean, rows + columns, n=500)
    assert high - low > 1.2 * (only_rows[1] - only_rows[0])
    assert bootstrap_crossed(np.mean, rows + columns, n=20) == bootstrap_crossed(
        np.mean, rows + columns, n=20
    )


@pytest.mark.parametrize(
    "arrays", [(), (np.ones(3),), (np.ones((3, 2)), np.ones((2, 3))), (np.ones((3, 0)),)]
)
def test_arrays_that_are_not_crossed_are_refused(arrays: Any) -> None:
    with pytest.raises(InputError, match="first two axes must be alike"):
        bootstrap_crossed(np.mean, *arrays)
