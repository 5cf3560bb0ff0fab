"""The words agree with the numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spinprint.evaluation import Row, compare
from spinprint.maps import Maps, Status
from spinprint.report import Outcome
from spinprint.report.quantities import listed, shown
from spinprint.report.verdict import ErrorBars, claims, failures, is_biased, judge, verdict


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
    rows, _ = drawn(stated)
    assert judge(rows[0]) is kind
    said = [one for one in claims(rows) if one.claim.startswith("The stated SD of T1 is right")]
    assert len(said) == (kind is not ErrorBars.UNKNOWN)
    assert all((one.outcome is Outcome.HOLDS) == (kind is ErrorBars.RIGHT) for one in said)
    assert all(kind is ErrorBars.RIGHT or kind.value in one.reason for one in said)


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


@pytest.mark.parametrize(
    ("value", "interval", "outcome"),
    [
        (0.70, (0.69, 0.71), Outcome.HOLDS),
        (0.70, (0.66, 0.78), Outcome.OPEN),
        (0.80, (0.72, 0.90), Outcome.OPEN),
        (0.80, (0.79, 0.81), Outcome.FAILS),
        (0.70, None, Outcome.HOLDS),
        (0.80, None, Outcome.FAILS),
    ],
)
def test_a_claim_is_open_where_its_interval_reaches_beyond(
    value: float, interval: tuple[float, float] | None, outcome: Outcome
) -> None:
    name = "median_error_over_bound"
    row = replace(
        drawn(0.01)[0][-1], median_error_over_bound=value,
        intervals={} if interval is None else {name: interval},
    )  # fmt: skip
    found = next(one for one in claims([row]) if "as precise as the noise allows" in one.claim)
    assert found.outcome is outcome
    assert found.measured == f"{value:.3f} SD"
    assert found.interval == ("" if interval is None else "{:.3f} to {:.3f}".format(*interval))


def test_claims_are_made_of_what_is_known() -> None:
    rows, _ = drawn(0.01, bias=-0.02)
    assert [one.outcome for one in claims(rows)][-1] is Outcome.FAILS  # a mean error of 2 %
    assert not any("Cramér-Rao" in one.claim for one in claims(rows))
    assert not claims([row for row in rows if row.label is not None])


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


def test_an_interval_beyond_the_range_settles_coverage() -> None:
    """Even where 59 % of 465 voxels lie within three standard errors of the tolerance."""
    row = replace(drawn(0.01)[0][-1], coverage=0.596, n_estimated=465)
    assert judge(row) is ErrorBars.RIGHT
    for interval, outcome in (((0.56, 0.636), Outcome.FAILS), ((0.56, 0.66), Outcome.HOLDS)):
        told = replace(row, intervals={"coverage": interval})
        (found,) = [one for one in claims([told]) if one.claim.startswith("The stated SD")]
        assert found.outcome is outcome
        assert found.reason == ("It is too small." if outcome is Outcome.FAILS else "")


def test_structures_beyond_the_range_are_named() -> None:
    rows, maps = drawn(0.01)
    assert not any("edge of the range" in one for one in verdict(rows, maps))
    beyond = [replace(row, at_edge=0.9) for row in rows]
    assert verdict(beyond, maps)[-1].startswith("Most voxels of gel end at the edge of the range")
