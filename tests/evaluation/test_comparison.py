"""Maps beside a truth, a repeat and another estimate: each is judged by what it can tell."""

import json
from typing import Any

import numpy as np
import pytest

from spinprint.errors import SeriesError, TissueError
from spinprint.evaluation import Comparison, Reference, Role, compare_maps, cramer_rao, erode_labels
from spinprint.evaluation.agreement import agree, agreement_table
from spinprint.evaluation.bounds import map_bound
from spinprint.maps import UNITS, Maps, Status
from spinprint.sequence import Sequence
from spinprint.tissue import Tissue

SHAPE = (30, 20, 2)
SD = 0.02
LABELS = np.repeat(np.arange(5), 6)[:, None, None] * np.ones(SHAPE, int)  # 0 is background


def noisy(true: Any, seed: int, sd: float = SD) -> Maps:
    """An honest estimate with relative deviations."""
    rng = np.random.default_rng(seed)
    values = true * (1 + sd * rng.normal(size=SHAPE))
    return Maps(
        values={"t1": values.astype(np.float32)},
        sd={"t1": (sd * true).astype(np.float32)},
        m0=np.ones(SHAPE, np.complex64),
        status=np.full(SHAPE, Status.OK, np.uint8),
        sigma=np.full(SHAPE, 0.01, np.float32),
    )


@pytest.fixture(scope="module")
def true() -> Any:
    return np.linspace(0.5, 2.0, 30)[:, None, None] * np.ones(SHAPE)


def compared(true: Any, role: Role, **options: Any) -> Comparison:
    maps = noisy(true, 1)
    if role is Role.TRUTH:
        reference = Reference(role=role, name="truth", values={"t1": true})
    else:
        other = noisy(true, 2)
        sd = {name: sd.astype(float) for name, sd in other.sd.items()}
        values = {"t1": other["t1"].astype(float)}
        reference = Reference(role=role, name="other", values=values, sd=sd)
    return compare_maps(maps, reference, LABELS, {1: "one"}, n_bootstrap=50, **options)


@pytest.mark.parametrize(
    ("role", "spread", "covered"),
    [
        (Role.TRUTH, SD, 0.683),
        (Role.REPEAT, SD * 2**0.5, 0.683),
        (Role.ESTIMATE, SD * 2**0.5, None),
    ],
)
def test_the_role_decides_what_is_claimed(
    true: Any, role: Role, spread: float, covered: float | None
) -> None:
    comparison = compared(true, role, bound={"t1": SD * true})
    rows = {row.name: row for row in comparison.rows}
    assert list(rows) == ["one", "2", "3", "4", "all"]
    whole = rows["all"]
    assert whole.n == np.count_nonzero(LABELS)
    assert whole.sd / whole.mean_truth == pytest.approx(spread, rel=0.15)
    assert whole.rmse_over_bound == pytest.approx(spread / SD, rel=0.1)
    low, high = whole.intervals["rmse_over_bound"]
    assert low < whole.rmse_over_bound < high
    if covered is None:
        assert np.isnan(whole.coverage)
    else:
        assert whole.coverage == pytest.approx(covered, abs=0.04)
    over = comparison.agreement("t1", "voxels")
    assert over is not None
    assert (over.repeatability is None) == (role is Role.TRUTH)
    assert over.line is not None
    assert over.line.method == ("least-squares" if role is Role.TRUTH else "deming")
    regions = comparison.agreement("t1", "regions")
    assert regions is not None
    assert (regions.difference.n, regions.line and regions.line.method) == (4, "passing-bablok")
    if over.repeatability:
        assert over.repeatability.within_cv_percent.value == pytest.approx(100 * SD, rel=0.1)


def test_background_and_voxels_outside_the_mask_take_no_part(true: Any) -> None:
    maps = noisy(true, 1)
    maps.status[:, :3] = Status.OUTSIDE
    reference = Reference(role=Role.TRUTH, name="truth", values={"t1": true, "t2": true})
    comparison = compare_maps(maps, reference, LABELS, n_bootstrap=0)
    estimate, known = comparison.pair("t1")
    assert comparison.parameters == ["t1"]
    assert estimate.size == known.size == np.count_nonzero(LABELS[:, 3:])
    assert comparison.medians("t1")[0] == [1, 2, 3, 4]
    whole = compare_maps(maps, reference, n_bootstrap=0)
    assert whole.pair("t1")[0].size == 30 * 17 * 2
    assert whole.medians("t1")[0] == []
    assert {one.cases for one in whole.agreements} == {"voxels"}


def test_nothing_to_compare_is_an_error(true: Any) -> None:
    nothing = {"t1": np.where(LABELS == 0, true, np.nan)}
    reference = Reference(role=Role.TRUTH, name="truth", values=nothing)
    maps = noisy(true, 1)
    with pytest.raises(SeriesError, match="no labelled voxel holds both"):
        compare_maps(maps, reference, LABELS)


def test_the_agreement_table_is_valid_json_with_units(true: Any) -> None:
    rows = agreement_table(compared(true, Role.REPEAT).agreements, UNITS)
    again = json.loads(json.dumps(rows, allow_nan=False))
    assert [(row["parameter"], row["unit"], row["cases"]) for row in again] == [
        ("t1", "s", "voxels"),
        ("t1", "s", "regions"),
    ]
    assert again[0]["icc_model"] == "ICC(2,1)"
    assert again[0]["bias_percent_low"] < again[0]["bias_percent"] < again[0]["bias_percent_high"]
    assert again[0]["wilcoxon_p_holm"] >= again[0]["wilcoxon_p"]
    assert list(again[0]) == list(again[1])


def test_agreement_copes_with_few_pairs_constants_and_signs() -> None:
    x = np.arange(5.0)
    found = agree(
        {"few": ([1, 2], [1, 2]), "flat": (x, np.ones(5)), "b0": (x - 2, x - 2.5)}, "voxels"
    )
    assert [one.name for one in found] == ["flat", "b0"]
    assert found[0].line is None
    assert found[1].percent is None
    assert agree({"few": ([1], [1])}, "voxels") == []


def test_the_bound_of_a_map_is_that_of_its_voxels(short: Sequence) -> None:
    t1, t2 = np.array([[0.8, 1.2, 1.5]]), np.array([[0.05, 0.08, np.nan]])
    maps = Maps(
        values={"t1": t1.astype(np.float32), "t2": np.array([[0.05, 0.09, np.nan]], np.float32)},
        sd={},
        m0=np.array([[2, 1j, 1]], np.complex64),
        status=np.array([[1, 1, 5]], np.uint8),
        sigma=np.full((1, 3), 0.01, np.float32),
    )
    bound = map_bound(maps, short, {"t2": t2})
    alone = cramer_rao(short, Tissue(t1=t1[:, :2], t2=t2[:, :2]), 1.0).sd
    for name in ("t1", "t2"):
        assert bound[name][0, 0] == pytest.approx(alone[name][0, 0] * 0.01 / 2, rel=1e-3)
        assert bound[name][0, 1] == pytest.approx(alone[name][0, 1] * 0.01, rel=1e-3)
        assert np.isnan(bound[name][0, 2])
    part = map_bound(maps, short, {"t2": t2}, np.array([[False, True, True]]))
    assert np.isnan(part["t1"][0, 0])
    assert part["t1"][0, 1] == bound["t1"][0, 1]


def test_a_sequence_that_needs_more_than_is_known_has_no_bound(short_knee: Sequence) -> None:
    maps = noisy(np.ones(SHAPE), 1)
    with pytest.raises(TissueError, match="depends on t2, of which there is neither"):
        map_bound(maps, short_knee)


def test_erosion_leaves_voxels_among_their_like() -> None:
    labels = np.zeros((7, 7, 2), int)
    labels[1:6, 1:6] = 1
    labels[3:6, 1:6] = 2
    eroded = erode_labels(labels, 1, np.diag([1.0, 1.0, 10.0, 1.0]))
    assert set(map(tuple, np.argwhere(eroded[..., 0] == 2))) == {(4, 2), (4, 3), (4, 4)}
    assert not (eroded == 1).any()
    assert (eroded[..., 0] == eroded[..., 1]).all()
    assert (erode_labels(labels, 0) == labels).all()
    filled = np.ones((4, 4, 4), int)
    assert (erode_labels(filled, 2) == filled).all()  # the rim of the image is no border
    cube = np.zeros((5, 5, 5), int)
    cube[1:4, 1:4, 1:4] = 3
    assert np.argwhere(erode_labels(cube, 1)).tolist() == [[2, 2, 2]]
