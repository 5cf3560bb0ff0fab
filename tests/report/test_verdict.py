"""The words agree with the numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spinprint.evaluation import Row, compare
from spinprint.maps import Maps, Status
from spinprint.report.quantities import listed, shown
from spinprint.report.verdict import ErrorBars, failures, is_biased, judge, verdict


def drawn(stated: float, bias: float = 0.0, n: int = 4000) -> tuple[list[Row], Maps]:
    """Rows of T1 = 1 s with errors of SD 0.01 about a bias, and a stated SD [both s]."""
    error = 0.01 * np.random.default_rng(7).standard_normal(n) + bias
    maps = Maps(
        values={"t1": (1 + error).astype(np.float32)},
        sd={"t1": np.full(n, stated, np.float32)},
        m0=np.ones(n, np.complex64),
        status=np.full(n, Status.OK, np.uint8),
        sigma=np.ones(n, np.float32),
    )
    return compare(maps, {"t1": np.ones(n)}, np.ones(n), {1: "gel"}), maps


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        (0.01, ErrorBars.RIGHT),
        (0.007, ErrorBars.TOO_SMALL),
        (0.014, ErrorBars.TOO_LARGE),
        (np.nan, ErrorBars.UNKNOWN),
    ],
)
def test_error_bars_are_judged_by_their_coverage(stated: float, kind: ErrorBars) -> None:
    rows, maps = drawn(stated)
    assert judge(rows[0]) is kind
    said = [sentence for sentence in verdict(rows, maps) if "stated standard" in sentence]
    assert len(said) == (kind is not ErrorBars.UNKNOWN)
    assert all(f"of T1 are {kind.value}:" in sentence for sentence in said)


def test_few_voxels_are_not_judged_and_chance_is_allowed_for() -> None:
    row = drawn(0.01)[0][0]
    assert judge(replace(row, coverage=0.55)) is ErrorBars.TOO_SMALL
    assert judge(replace(row, coverage=0.55, n_estimated=40)) is ErrorBars.RIGHT
    assert judge(replace(row, coverage=0.2, n_estimated=5)) is ErrorBars.UNKNOWN


def test_a_bias_counts_beyond_three_standard_errors() -> None:
    # The standard error of 4000 voxels is 0.00016 s.
    assert not is_biased(drawn(0.01, bias=0.0002)[0][0])
    assert is_biased(drawn(0.01, bias=0.001)[0][0])
    assert not is_biased(replace(drawn(0.01, bias=0.001)[0][0], n_estimated=9))


def test_the_sentences() -> None:
    rows, maps = drawn(0.01, bias=-0.005)
    sentences = verdict(rows, maps)
    gel = rows[0]
    assert sentences[0] == f"Half of all voxels lie within {gel.median_ape:.2f} % of the true T1."
    bias = f"−{-gel.bias_percent:.2f} %"
    assert sentences[-2] == (
        f"The mean error is {bias} in T1; the largest bias of a structure beyond chance is"
        f" {bias} in T1 of gel."
    )
    assert sentences[-1] == "All 4000 voxels were mapped."


def test_failures_are_counted() -> None:
    _, maps = drawn(0.01, n=6)
    status = np.array([0, 1, 2, 3, 4, 5], np.uint8)
    assert failures(maps.replace(status=status)) == (
        "Of 5 voxels, 1 were mapped, 1 have no signal above the noise, 1 lie at the edge of the"
        " range of the search, 1 did not converge and 1 hold NaN or Inf in the series."
    )


@pytest.mark.parametrize(
    ("value", "settings", "text"),
    [
        (1234.5, {}, "1234"),
        (12.34, {}, "12.3"),
        (-1.234, {}, "−1.23"),
        (-0.001, {"sign": True}, "0.00"),
        (0.5, {"sign": True}, "+0.50"),
        (0.6745, {"decimals": 3}, "0.674"),
        (float("nan"), {}, "–"),
        (float("-inf"), {}, "−∞"),
    ],
)
def test_numbers_for_people(value: float, settings: dict[str, Any], text: str) -> None:
    assert shown(value, **settings) == text


def test_lists_for_people() -> None:
    assert [listed(list("abc")[:n]) for n in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
