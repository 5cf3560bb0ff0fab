"""NaN, Inf and empty frames: named by frame and slice."""

import numpy as np
import pytest

from spinprint import SeriesError
from spinprint.io import Series
from spinprint.workflows.lost_voxels import lost_voxels

SHAPE = (4, 3, 2, 30)


def series(*holes: tuple[object, complex]) -> Series:
    draw = np.random.default_rng(0).standard_normal((2, *SHAPE))
    data = (draw[0] + 1j * draw[1]).astype(np.complex64)
    for where, value in holes:
        data[where] = value
    return Series(data=data)


def refusal(one: Series, mask: np.ndarray | None = None) -> str:
    with pytest.raises(SeriesError) as caught:
        lost_voxels(one, mask)
    return str(caught.value)


def test_a_whole_series_loses_nothing() -> None:
    assert lost_voxels(series(), None) == ()


def test_a_frame_of_nan_is_named() -> None:
    message = refusal(series((np.s_[..., 17], np.nan)))
    assert message.startswith("series: frame 17 of 30 (counted from 0) is NaN in every voxel")
    assert "frame 3, 17 of 30" in refusal(series((np.s_[..., [3, 17]], np.nan)))
    assert "frame 0 of 30 (counted from 0) is Inf" in refusal(series((np.s_[..., 0], np.inf)))
    many = refusal(series((np.s_[..., 5:20], np.nan)))
    assert "frame 5, 6, 7, 8, 9 and 10 more of 30" in many


def test_frames_that_together_leave_no_voxel_are_named() -> None:
    message = refusal(series((np.s_[:3, ..., 17], np.nan), (np.s_[3:, ..., 4], np.nan)))
    assert "frame 17 of 30 (counted from 0) is NaN in 18 of 24 voxels" in message


def test_voxels_that_a_frame_takes_are_counted() -> None:
    one = series((np.s_[:3, ..., 17], np.nan))
    (remark,) = lost_voxels(one, None)
    assert remark == (
        "Frame 17 of 30 (counted from 0) holds NaN in most voxels: 18 of 24 voxels are lost."
    )
    mask = np.zeros(SHAPE[:3], bool)
    mask[3] = True
    assert lost_voxels(one, mask) == ()
    assert "in every voxel" in refusal(one, ~mask)


def test_a_lost_slice_is_named() -> None:
    for where in (np.s_[:, :, 1], np.s_[:, :, 1, 4]):
        (remark,) = lost_voxels(series((where, np.nan)), None)
        assert remark == "Slice 1 of 2 (counted from 0) holds NaN in every voxel and is lost."


def test_a_background_of_nan_is_nothing_lost() -> None:
    assert lost_voxels(series((np.s_[2:], np.nan), (np.s_[0, 0, 0, 3], np.nan)), None) == ()


def test_an_empty_frame_is_told() -> None:
    (remark,) = lost_voxels(series((np.s_[..., 9], 0)), None)
    assert remark.startswith("Frame 9 of 30 (counted from 0) is 0 in every voxel")


def test_a_mask_without_a_number_is_refused() -> None:
    mask = np.zeros(SHAPE[:3], bool)
    mask[0] = True
    assert "no value inside the mask is finite" in refusal(series((np.s_[0], np.nan)), mask)
