"""Maps: shapes that agree, and the status of every voxel."""

from typing import Any

import numpy as np
import pytest

from spinprint import Maps, SeriesError, Status

CODES = np.array([[0, 1, 1], [3, 4, 5]], dtype=np.uint8)


def maps(**changes: Any) -> Maps:
    one = np.ones(CODES.shape, np.float32)
    given: dict[str, Any] = {
        "values": {"t1": one, "t2": 0.1 * one},
        "sd": {"t1": 0.01 * one, "t2": 0.001 * one},
        "m0": one.astype(np.complex64),
        "status": CODES,
        "sigma": one,
    }
    return Maps(**(given | changes))


def test_maps_are_read_by_name() -> None:
    made = maps()
    assert list(made) == ["t1", "t2"]
    assert made["t2"][0, 0] == np.float32(0.1)
    assert made.shape == (2, 3)


def test_counts_list_only_what_occurs() -> None:
    assert maps().counts() == {
        Status.OUTSIDE: 1,
        Status.OK: 2,
        Status.AT_EDGE: 1,
        Status.NOT_CONVERGED: 1,
        Status.NOT_FINITE: 1,
    }


def test_voxels_with_a_value() -> None:
    np.testing.assert_array_equal(
        maps().has_value(), [[False, True, True], [True, True, False]], strict=True
    )


def test_every_status_has_a_meaning_of_its_own() -> None:
    assert len({status.meaning for status in Status}) == len(Status)


def test_replace_leaves_the_original() -> None:
    made = maps()
    assert made.replace(affine=np.eye(4)).affine is not None
    assert made.affine is None


SMALL = np.ones((2, 2), np.float32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": {"t1": SMALL}, "sd": {}}, r"the map t1 has shape \(2, 2\) where the status"),
        ({"sd": {"t1": SMALL}}, r"the map sd of t1 has shape \(2, 2\)"),
        ({"m0": SMALL}, r"the map m0 has shape \(2, 2\)"),
        ({"sigma": np.float32(1)}, r"the map sigma has shape \(\)"),
        ({"sd": {"adc": np.ones((2, 3))}}, r"sd of 'adc' belongs to no map; there are \['t1', 't2"),
        ({"affine": np.eye(3)}, r"the affine has shape \(3, 3\); it must be \(4, 4\)"),
    ],
)
def test_maps_that_do_not_fit_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SeriesError, match=f"^{message}"):
        maps(**changes)
