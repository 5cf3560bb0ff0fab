"""Errors of known size come out as the numbers they are."""

import json
import math
from typing import Any

import numpy as np
import pytest

from spinprint.errors import SeriesError
from spinprint.evaluation import Row, compare, table
from spinprint.maps import Maps, Status


def make_maps(values: dict[str, Any], sd: dict[str, Any] | None = None, status: Any = None) -> Maps:
    arrays = {name: np.asarray(value, dtype=np.float32) for name, value in values.items()}
    shape = next(iter(arrays.values())).shape
    return Maps(
        values=arrays,
        sd={name: np.asarray(value, dtype=np.float32) for name, value in (sd or {}).items()},
        m0=np.ones(shape, dtype=np.complex64),
        status=np.full(shape, Status.OK, np.uint8)
        if status is None
        else np.array(status, np.uint8),
        sigma=np.ones(shape, dtype=np.float32),
    )


def by_name(rows: list[Row], parameter: str = "t1") -> dict[str, Row]:
    return {row.name: row for row in rows if row.parameter == parameter}


def test_statistics_worked_out_by_hand() -> None:
    # Errors 0.1, -0.1, 0.3, of truth 1, 1, 2: relative 10, -10, 15 %.
    maps = make_maps({"t1": [1.1, 0.9, 2.3]}, sd={"t1": [0.2, 0.05, 0.1]})
    (row,) = compare(maps, {"t1": [1.0, 1.0, 2.0]})
    assert (row.name, row.label, row.n, row.n_estimated) == ("all", None, 3, 3)
    expected = {
        "mean_truth": 4 / 3,
        "mean_estimate": 4.3 / 3,
        "bias": 0.1,
        "bias_percent": 5.0,
        "median_bias": 0.1,
        "median_bias_percent": 10.0,
        "median_truth": 1.0,
        "median_estimate": 1.1,
        "trimmed_bias": 0.1,
        "sd": 0.2,
        "robust_sd": 1.4826 * 0.2,  # of 0, 0.2 and 0.2 about the median 0.1
        "rmse": math.sqrt(0.11 / 3),
        "nrmse_by_mean": math.sqrt(0.11 / 3) / (4 / 3),
        "nrmse_by_range": math.sqrt(0.11 / 3),
        "mape": 35 / 3,
        "median_ape": 10.0,
        "median_error_over_sd": 2.0,  # of 0.5, 2, 3
        "coverage": 1 / 3,
        "at_edge": 0.0,
        "failed": 0.0,
    }
    for name, value in expected.items():
        assert getattr(row, name) == pytest.approx(value, rel=1e-5), name


def test_an_efficient_estimator_with_honest_deviations() -> None:
    rng = np.random.default_rng(3)
    sd = rng.uniform(0.01, 0.05, size=40_000)
    maps = make_maps({"t2": 1 + sd * rng.normal(size=sd.size)}, sd={"t2": sd})
    (row,) = compare(maps, {"t2": np.ones(sd.size)})
    assert row.median_error_over_sd == pytest.approx(0.6745, abs=0.012)
    assert row.coverage == pytest.approx(0.6827, abs=0.008)
    # Claiming half the deviation shows in both.
    (bold,) = compare(maps.replace(sd={"t2": maps.sd["t2"] / 2}), {"t2": np.ones(sd.size)})
    assert bold.median_error_over_sd == pytest.approx(1.349, abs=0.024)
    assert bold.coverage == pytest.approx(0.3829, abs=0.008)


def test_rows_per_label_and_over_all_without_background() -> None:
    labels = np.array([[0, 1, 1], [3, 3, 0]])
    maps = make_maps({"t1": [[9, 1.1, 1.1], [2.4, 2.4, 9]], "t2": np.ones((2, 3))})
    truth = {"t1": np.array([[1, 1, 1], [2, 2, 1.0]]), "t2": np.ones((2, 3))}
    rows = compare(maps, truth, labels, names={1: "gel", 2: "never seen"})
    assert [(row.parameter, row.label, row.name) for row in rows] == [
        (parameter, *which)
        for parameter in ("t1", "t2")
        for which in ((1, "gel"), (3, "3"), (None, "all"))
    ]
    t1 = by_name(rows)
    assert t1["gel"].bias == pytest.approx(0.1, rel=1e-5)
    assert t1["3"].bias_percent == pytest.approx(20, rel=1e-5)
    assert t1["all"].n == 4
    assert t1["all"].bias == pytest.approx(0.25, rel=1e-5)


def test_failures_are_counted_and_do_not_spoil_the_rest() -> None:
    nan = np.nan
    status = [
        Status.OK, Status.AT_EDGE, Status.NOT_CONVERGED, Status.NO_SIGNAL, Status.NOT_FINITE,
        Status.OUTSIDE,
    ]  # fmt: skip
    maps = make_maps({"t1": [1.1, 1.2, 1.3, nan, nan, nan]}, status=status)
    (row,) = compare(maps, {"t1": np.ones(6)})
    assert (row.n, row.n_estimated, row.n_outside) == (5, 3, 1)
    assert row.bias == pytest.approx(0.2, rel=1e-5)
    assert row.at_edge == pytest.approx(1 / 5)
    assert row.failed == pytest.approx(3 / 5)
    assert math.isnan(row.coverage)  # no deviation was stated


def test_a_label_that_failed_everywhere_keeps_its_row() -> None:
    maps = make_maps({"t1": [np.nan, np.nan]}, status=[Status.NO_SIGNAL, Status.NOT_FINITE])
    (row,) = compare(maps, {"t1": [1.0, 1.0]})
    assert (row.n, row.n_estimated, row.failed) == (2, 0, 1.0)
    assert math.isnan(row.bias)
    assert math.isnan(row.rmse)


def test_voxels_without_a_truth_do_not_count_and_empty_labels_have_no_row() -> None:
    maps = make_maps({"t1": [1.0, 1.5, 1.0]})
    rows = compare(maps, {"t1": [1.0, np.nan, np.nan]}, labels=[1, 1, 2])
    assert [(row.name, row.n) for row in rows] == [("1", 1), ("all", 1)]
    assert rows[0].bias == 0
    assert math.isnan(rows[0].sd)  # of a single voxel


def test_relative_errors_leave_out_a_truth_of_zero() -> None:
    maps = make_maps({"adc": [1e-3, 1.1e-3]})
    (row,) = compare(maps, {"adc": [0.0, 1e-3]})
    assert row.mape == pytest.approx(10, rel=1e-4)
    assert row.bias == pytest.approx(0.55e-3, rel=1e-4)


def test_a_deviation_of_zero_is_a_claim_of_certainty() -> None:
    maps = make_maps({"t1": [1.0, 1.5, 1.5]}, sd={"t1": [0.0, 0.0, 0.0]})
    (row,) = compare(maps, {"t1": np.ones(3)})
    assert row.coverage == pytest.approx(1 / 3)
    assert row.median_error_over_sd == math.inf


def test_the_table_is_valid_json_with_units() -> None:
    maps = make_maps({"t1": [1.1], "adc": [1e-3]})
    rows = table(compare(maps, {"t1": [1.0], "adc": [1e-3]}))
    again = json.loads(json.dumps(rows, allow_nan=False))
    assert [(row["parameter"], row["unit"]) for row in again] == [("t1", "s"), ("adc", "mm2/s")]
    assert again[0]["sd_in_unit"] is None
    assert {"n_voxels", "mape_percent", "coverage_share", "snr_db"} < again[0].keys()
    assert again[0]["bias_percent"] == pytest.approx(10, rel=1e-5)


def test_errors_over_the_bounds_of_an_efficient_and_of_a_worse_estimator() -> None:
    rng = np.random.default_rng(8)
    bound = rng.uniform(0.01, 0.03, size=30_000)
    noise = rng.normal(size=bound.size)
    for factor in (1.0, 1.3):
        maps = make_maps({"t1": 1 + factor * bound * noise})
        (row,) = compare(
            maps, {"t1": np.ones(bound.size)}, bound={"t1": bound}, bayes_risk={"t1": bound**2}
        )
        assert row.median_error_over_bound == pytest.approx(0.6745 * factor, rel=0.02)
        assert row.rmse_over_bound == pytest.approx(factor, rel=0.02)
        assert row.mse_over_bayes_risk == pytest.approx(factor**2, rel=0.03)
    (row,) = compare(maps, {"t1": np.ones(bound.size)}, bound={"t2": bound})
    assert math.isnan(row.median_error_over_bound)
    assert math.isnan(row.mse_over_bayes_risk)


def test_where_the_bound_is_infinite_no_error_counts() -> None:
    maps = make_maps({"t1": [1.2, 9.0]})
    (row,) = compare(maps, {"t1": np.ones(2)}, bound={"t1": [0.1, np.inf]}, bayes_risk={"t1": 0.02})
    assert row.rmse_over_bound == pytest.approx(2, rel=1e-5)
    assert row.mse_over_bayes_risk == pytest.approx((0.04 + 64) / 2 / 0.02, rel=1e-5)


def test_outliers_move_means_but_not_robust_statistics() -> None:
    rng = np.random.default_rng(9)
    value = 1 + 0.1 * rng.normal(size=5000)
    value[:100] = 50.0
    (row,) = compare(make_maps({"t1": value}), {"t1": np.ones(5000)})
    assert row.bias > 0.9
    assert row.sd > 5
    assert abs(row.median_bias) < 0.01
    assert abs(row.trimmed_bias) < 0.01
    assert row.robust_sd == pytest.approx(0.1, rel=0.08)


def test_intervals_are_those_of_theory_and_go_into_the_table() -> None:
    rng = np.random.default_rng(10)
    maps = make_maps({"t1": 2 + 0.1 * rng.normal(size=400)}, sd={"t1": np.full(400, 0.1)})
    truth = {"t1": np.full(400, 2.0)}
    (row,) = compare(maps, truth, n_bootstrap=800, snr_db=25)
    low, high = row.intervals["bias"]
    assert low < row.bias < high
    assert high - low == pytest.approx(2 * 1.96 * row.sd / 20, rel=0.1)
    low, high = row.intervals["sd"]
    assert high - low == pytest.approx(2 * 1.96 * row.sd / math.sqrt(800), rel=0.15)
    (line,) = table([row])
    assert line["bias_in_unit_low"] == row.intervals["bias"][0]
    assert line["coverage_share_high"] == row.intervals["coverage"][1]
    assert line["snr_db"] == 25
    assert "nrmse_by_range_low" not in line  # of a constant truth
    (again,) = compare(maps, truth, n_bootstrap=800, snr_db=25)
    assert again.intervals == row.intervals
    assert not compare(maps, truth)[0].intervals


@pytest.mark.parametrize(
    ("truth", "labels", "rule"),
    [
        ({"t1": np.ones(3)}, None, r"true t1 has shape \(3,\)"),
        ({"t2": np.ones(2)}, None, "share no parameter"),
        ({"t1": np.ones(2)}, np.ones(3), "labels have shape"),
        ({"t1": np.ones(2)}, np.array([0.5, 1]), "whole numbers"),
        ({"t1": np.ones(2)}, np.array([np.nan, 1]), "whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused(truth: Any, labels: Any, rule: str) -> None:
    with pytest.raises(SeriesError, match=rule):
        compare(make_maps({"t1": [1.0, 1.0]}), truth, labels)


def test_a_bound_of_another_shape_is_refused() -> None:
    with pytest.raises(SeriesError, match=r"the bound of t1 has shape \(3,\)"):
        compare(make_maps({"t1": [1.0, 1.0]}), {"t1": np.ones(2)}, bound={"t1": np.ones(3)})
