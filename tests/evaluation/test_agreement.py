"""Agreement against published examples, statsmodels and scipy, and against simulation."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from spinprint.errors import InputError
from spinprint.evaluation.agreement import (
    FORMULAS,
    bland_altman,
    concordance,
    holm,
    intraclass_correlation,
    regression,
    repeatability,
    signed_rank,
)

# Peak expiratory flow [l/min] of 17 subjects, twice by each meter: Bland and Altman, Lancet
# 1986;327:307, table 1.
WRIGHT = np.array(
    [
        [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427],
        [490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421],
    ]
).T
MINI = np.array(
    [
        [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451],
        [525, 415, 508, 444, 500, 625, 460, 390, 642, 432, 420, 605, 227, 467, 268, 370, 443],
    ]
).T

UNKNOWN: Any = "unknown"

# Four judges rate six targets: Shrout and Fleiss, Psychol Bull 1979;86:420, table 2.
JUDGES: Any = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_bland_altman_of_the_peak_flow_meters() -> None:
    found = bland_altman(WRIGHT[:, 0], MINI[:, 0])
    assert found.n == 17
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    # The paper rounds 1.96 to 2: -79.7 and 75.5.
    assert found.lower.value == pytest.approx(-79.7 + 0.04 * 38.8, abs=0.1)
    assert found.upper.value == pytest.approx(75.5 - 0.04 * 38.8, abs=0.1)
    # Its approximate intervals, -114.3 to -45.1 and 40.9 to 110.1, lie inside out of exact ones.
    assert found.upper.low == pytest.approx(40.9, abs=8)
    assert found.upper.high == pytest.approx(110.1, abs=12)
    assert found.upper.high - found.upper.value > found.upper.value - found.upper.low


def test_the_intervals_of_the_limits_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(1500):
        found = bland_altman(rng.normal(1.0, 2.0, 8), np.zeros(8))
        limit = 1 + 1.959964 * 2
        hits.append(found.upper.low <= limit <= found.upper.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.017)  # three standard errors


def test_bland_altman_on_relative_scales() -> None:
    rng = np.random.default_rng(2)
    true = rng.uniform(0.1, 3.0, 4000)
    a = 1.02 * true * np.exp(0.03 * rng.normal(size=true.size))
    ratio = bland_altman(a, true, scale="ratio")
    assert ratio.bias.value == pytest.approx(1.02, abs=0.002)
    assert ratio.lower.value == pytest.approx(1.02 * math.exp(-1.96 * 0.03), abs=0.003)
    assert ratio.upper.low < 1.02 * math.exp(1.96 * 0.03) < ratio.upper.high
    percent = bland_altman(a, true, scale="percent")
    assert percent.bias.value == pytest.approx(100 * math.log(1.02), abs=0.2)
    assert percent.sd == pytest.approx(3.0, abs=0.1)


def test_concordance_is_its_definition_and_its_interval_that_of_the_delta_method() -> None:
    # Shifted, so that every term of the variance counts.
    a, b = WRIGHT[:, 0].astype(float), MINI[:, 0] + 90.0
    found = concordance(a, b)
    cov = np.mean((a - a.mean()) * (b - b.mean()))
    expected = 2 * cov / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert found.ccc.value == pytest.approx(expected)
    assert found.pearson * found.accuracy == pytest.approx(expected)
    assert found.pearson == pytest.approx(scipy.stats.pearsonr(a, b).statistic)
    reach = delta_method_error(a, b) / math.sqrt(a.size - 2) * 1.959964
    ends = np.tanh(math.atanh(expected) + np.array([-reach, reach]))
    assert (found.ccc.low, found.ccc.high) == pytest.approx(tuple(ends), abs=1e-6)


def delta_method_error(a: Any, b: Any) -> float:
    """sqrt(n) times the standard error of Fisher's z of the concordance, numerically.

    For a bivariate normal law the estimates of means and covariances have known covariances; the
    gradient is by finite differences.
    """
    law = np.cov(a, b, ddof=0)
    at = np.array([a.mean(), b.mean(), law[0, 0], law[1, 1], law[0, 1]])

    def z(p: Any) -> float:
        return math.atanh(2 * p[4] / (p[2] + p[3] + (p[0] - p[1]) ** 2))

    steps = 1e-5 * np.abs(at)
    gradient = np.array([(z(at + one) - z(at - one)) / (2 * one.sum()) for one in np.diag(steps)])
    sides = [(0, 0), (1, 1), (0, 1)]
    spread = np.zeros((5, 5))
    spread[:2, :2] = law
    for i, (j, k) in enumerate(sides):
        for m, (p, q) in enumerate(sides):
            spread[2 + i, 2 + m] = law[j, p] * law[k, q] + law[j, q] * law[k, p]
    return float(np.sqrt(gradient @ spread @ gradient))


def test_concordance_of_shifted_and_of_equal_measurements() -> None:
    x = np.arange(20.0)
    assert concordance(x, x).ccc.low == pytest.approx(1)
    shifted = concordance(x, x + 10)
    assert shifted.pearson == pytest.approx(1)
    assert shifted.ccc.value == pytest.approx(2 * x.var() / (2 * x.var() + 100))
    assert shifted.ccc.low < shifted.ccc.value < shifted.ccc.high


@pytest.mark.parametrize(
    ("model", "value", "low", "high"),
    [
        # The paper has 0.17, 0.29 and 0.71 (table 4); intervals as psych 2.4 of R prints them.
        ("ICC(1,1)", 0.166, -0.133, 0.723),
        ("ICC(2,1)", 0.290, 0.019, 0.761),
        ("ICC(3,1)", 0.715, 0.342, 0.946),
    ],
)
def test_the_judges_of_shrout_and_fleiss(model: Any, value: float, low: float, high: float) -> None:
    found = intraclass_correlation(JUDGES, model)
    assert (found.model, found.n_targets, found.n_raters) == (model, 6, 4)
    got = (found.icc.value, found.icc.low, found.icc.high)
    assert got == pytest.approx((value, low, high), abs=0.0006)


@pytest.mark.parametrize("model", ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"])
def test_intraclass_intervals_cover(model: Any) -> None:
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(400):
        ratings = rng.normal(size=(12, 1)) + 0.5 * rng.normal(size=(12, 3))
        found = intraclass_correlation(ratings, model)
        hits.append(found.icc.low <= 1 / 1.25 <= found.icc.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.035)


def test_a_rater_who_reads_high_lowers_agreement_but_not_consistency() -> None:
    rng = np.random.default_rng(5)
    ratings = rng.normal(size=(30, 1)) + 0.1 * rng.normal(size=(30, 2)) + [0, 2]
    assert intraclass_correlation(ratings, "ICC(3,1)").icc.value > 0.97
    assert intraclass_correlation(ratings, "ICC(2,1)").icc.value < 0.5


def test_least_squares_is_that_of_statsmodels() -> None:
    x, y = WRIGHT[:, 0].astype(float), MINI[:, 0].astype(float)
    found = regression(x, y)
    fit = OLS(y, np.column_stack([np.ones_like(x), x])).fit()
    (low, high), (slope_low, slope_high) = fit.conf_int()
    assert (found.intercept.value, found.slope.value) == pytest.approx(tuple(fit.params))
    assert (found.intercept.low, found.intercept.high) == pytest.approx((low, high))
    assert (found.slope.low, found.slope.high) == pytest.approx((slope_low, slope_high))
    assert found.r_squared == pytest.approx(fit.rsquared)


def test_deming_is_not_flattened_by_errors_of_x() -> None:
    rng = np.random.default_rng(6)
    hits, slopes, flat = [], [], []
    for _ in range(300):
        true = rng.uniform(0, 3, 40)
        x, y = true + 0.5 * rng.normal(size=40), 1.2 * true + 0.5 * rng.normal(size=40)
        found = regression(x, y, "deming")
        slopes.append(found.slope.value)
        flat.append(regression(x, y).slope.value)
        hits.append(found.slope.low <= 1.2 <= found.slope.high)
    assert np.median(slopes) == pytest.approx(1.2, abs=0.03)
    assert np.mean(flat) < 1.0
    assert np.mean(hits) == pytest.approx(0.95, abs=0.04)


def test_deming_is_the_principal_axis_and_its_jackknife_leaves_pairs_out() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=15)
    y = 0.8 * x + 0.3 * rng.normal(size=15) + 1
    found = regression(x, y, "deming")

    def axis(x: Any, y: Any) -> float:
        first = np.linalg.eigh(np.cov(x, y))[1][:, -1]
        return first[1] / first[0]

    assert found.slope.value == pytest.approx(axis(x, y))
    without = [axis(np.delete(x, i), np.delete(y, i)) for i in range(15)]
    pseudo = 15 * axis(x, y) - 14 * np.array(without)
    reach = scipy.stats.t.ppf(0.975, 13) * pseudo.std(ddof=1) / math.sqrt(15)
    assert found.slope.high - found.slope.value == pytest.approx(reach)


def test_passing_bablok_is_symmetric_and_bears_outliers() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 3, 31)
    y = 1.1 * x + 0.05 + 0.05 * rng.normal(size=31)
    found, swapped = regression(x, y, "passing-bablok"), regression(y, x, "passing-bablok")
    assert found.slope.value == pytest.approx(1 / swapped.slope.value, rel=1e-3)
    assert found.slope.low == pytest.approx(1 / swapped.slope.high, rel=1e-3)
    # Without slopes below -1 it is Theil and Sen's median of the slopes.
    theil = scipy.stats.theilslopes(y, x)
    steep = (
        np.subtract.outer(y, y)[np.triu_indices(31, 1)]
        / np.subtract.outer(x, x)[np.triu_indices(31, 1)]
    )
    if (steep > -1).all():
        assert found.slope.value == pytest.approx(theil.slope)
    y[:3] = 30
    spoilt = regression(x, y, "passing-bablok")
    assert spoilt.slope.value == pytest.approx(1.1, abs=0.06)
    assert abs(regression(x, y).slope.value - 1.1) > 1


def test_repeatability_of_the_peak_flow_meters() -> None:
    # Bland and Altman 1986 give 2 SD of the differences about 0: 43.2 and 56.4 l/min.
    for meter, twice in ((WRIGHT, 43.2), (MINI, 56.4)):
        found = repeatability(meter)
        assert found.within_sd.value == pytest.approx(twice / 2 / math.sqrt(2), abs=0.05)
        assert found.coefficient.value == pytest.approx(2.77 * found.within_sd.value, rel=1e-3)


def test_the_cv_within_subjects_is_the_root_mean_square() -> None:
    rng = np.random.default_rng(9)
    found = repeatability(
        rng.uniform(0.5, 2, (20_000, 1)) * (1 + 0.05 * rng.normal(size=(20_000, 2)))
    )
    assert found.within_cv_percent.value == pytest.approx(5.0, abs=0.06)
    assert found.within_cv_percent.low < 5.0 < found.within_cv_percent.high
    assert found.coefficient_percent.value == pytest.approx(13.86, abs=0.2)
    assert set(FORMULAS) == {"within_sd", "coefficient", "within_cv_percent", "coefficient_percent"}


def test_the_interval_of_the_deviation_is_chi_squared() -> None:
    rng = np.random.default_rng(10)
    hits = []
    for _ in range(120):
        found = repeatability(rng.normal(10, 1, (6, 3)), seed=0, level=0.9)
        hits.append(found.within_sd.low <= 1 <= found.within_sd.high)
    assert np.mean(hits) == pytest.approx(0.9, abs=0.082)  # three standard errors


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    p = np.random.default_rng(11).uniform(0, 0.2, 9)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm([0.6, 0.7]).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("correction", "name"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")]
)
def test_signed_rank_is_scipys_adjusted(correction: Any, name: str) -> None:
    rng = np.random.default_rng(12)
    pairs = {
        key: (rng.normal(shift, 1, 14), rng.normal(0, 1, 14))
        for key, shift in (("t1", 1.2), ("t2", 0.0), ("t1rho", 0.7))
    }
    tests = signed_rank(pairs, correction)
    alone = [scipy.stats.wilcoxon(a, b).pvalue for a, b in pairs.values()]
    assert [test.name for test in tests] == list(pairs)
    assert [test.p for test in tests] == pytest.approx(alone)
    assert [test.p_adjusted for test in tests] == pytest.approx(
        multipletests(alone, method=name)[1]
    )
    assert tests[0].median.low < tests[0].median.value < tests[0].median.high


def test_equal_measurements_do_not_differ() -> None:
    (test,) = signed_rank({"t1": ([1, 2, 3], [1, 2, 3])})
    assert (test.p, test.p_adjusted, test.median.value) == (1, 1, 0)


def test_pairs_that_are_not_finite_are_left_out() -> None:
    a, b = [1, np.nan, 2, 3, 4.0], [1.1, 2, np.inf, 3.2, 3.9]
    assert bland_altman(a, b).n == concordance(a, b).n == regression(a, b).n == 3
    assert intraclass_correlation(np.column_stack([a, b])).n_targets == 3
    assert repeatability(np.column_stack([a, b])).n_subjects == 3


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: bland_altman([1, 2], [1, 2]), "2 finite pairs.*at least 3"),
        (lambda: bland_altman([1, 2, 3], [1, 2]), r"shape \(3,\) and \(2,\) are no pairs"),
        (lambda: bland_altman([1, 2, -3], [1, 2, 3], scale="ratio"), "needs measurements above 0"),
        (
            lambda: bland_altman([1, 2, 3], [1, 2, 3], scale=UNKNOWN),
            "must be difference, percent or",
        ),
        (lambda: bland_altman([1, 2, 3], [1, 2, 3], level=95), "level = 95 must lie"),
        (lambda: concordance([1, 2, 3], [1, 2, 3], level=0), "level = 0 must lie"),
        (lambda: intraclass_correlation([[1], [2]]), r"axes \(target, rater\)"),
        (lambda: intraclass_correlation(JUDGES, UNKNOWN), r"must be one of ICC\(1,1\)"),
        (lambda: intraclass_correlation(np.array([[1, np.nan], [2, 3]])), "1 finite targets"),
        (lambda: regression([1, 1, 1], [1, 2, 3]), "all 3 x are 1"),
        (lambda: regression([1, 2, 3], [1, 2, 3], UNKNOWN), "must be one of least-squares"),
        (lambda: regression(np.arange(3000), np.arange(3000), "passing-bablok"), "too many"),
        (lambda: repeatability([1, 2, 3]), r"axes \(subject, repeat\)"),
        (lambda: signed_rank({}), "nothing to compare"),
        (lambda: signed_rank({"t1": ([1], [2])}, UNKNOWN), "must be holm or"),
    ],
)
def test_what_cannot_be_compared_is_refused(call: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()
