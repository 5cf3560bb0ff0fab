from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from spinprint.errors import SeriesError
from spinprint.io import Series, read_field, read_mask, write_series

SHAPE = (3, 5, 2)


def save(path: Path, array: Any, affine: NDArray[np.float64] | None) -> Path:
    nib.Nifti1Image(array, affine).to_filename(path)
    return path


def relative_b1() -> NDArray[np.float64]:
    return np.linspace(0.5, 1.25, 30).reshape(SHAPE)


def test_mask_is_what_is_not_zero(tmp_path: Path, series: Series) -> None:
    values = np.zeros((*SHAPE, 1), dtype=np.float32)
    values[0, 1, 0], values[2, 4, 1], values[1, 0, 0] = 1, 0.5, np.nan
    mask = read_mask(save(tmp_path / "mask.nii.gz", values, series.affine), series)
    assert mask.shape == SHAPE
    assert mask.dtype == bool
    assert np.argwhere(mask).tolist() == [[0, 1, 0], [2, 4, 1]]


def test_masks_of_other_formats(tmp_path: Path, series: Series) -> None:
    inside = np.zeros(SHAPE, dtype=bool)
    inside[1, 2] = True
    np.save(tmp_path / "a.npy", inside)
    scipy.io.savemat(tmp_path / "a.mat", {"mask": inside, "signal": inside * 1j})
    for name in ("a.npy", "a.mat"):
        assert np.array_equal(read_mask(tmp_path / name, series), inside)


def test_mask_of_one_slice_needs_no_third_axis(tmp_path: Path) -> None:
    series = Series(data=np.ones((3, 5, 1, 7), dtype=np.complex64))
    np.save(tmp_path / "a.npy", np.eye(3, 5))
    assert read_mask(tmp_path / "a.npy", series).sum() == 3


def test_mask_must_fit(tmp_path: Path, series: Series) -> None:
    assert series.affine is not None
    ones = np.ones(SHAPE, dtype=np.uint8)
    moved = series.affine.copy()
    moved[0, 3] += 0.5
    close = series.affine + 1e-4
    close[3] = 0, 0, 0, 1
    flipped = series.affine @ np.diag([-1, 1, 1, 1])
    swapped = save(tmp_path / "swapped.nii", ones.transpose(1, 0, 2), series.affine)
    with pytest.raises(SeriesError, match=r"mask has shape \(5, 3, 2\), the series \(3, 5, 2\)"):
        read_mask(swapped, series)
    for affine in (moved, flipped):
        with pytest.raises(SeriesError, match=r"mask lies up to .* voxels off the series"):
            read_mask(save(tmp_path / "moved.nii", ones, affine), series)
    assert read_mask(save(tmp_path / "close.nii", ones, close), series).all()
    unplaced = nib.Nifti1Image(ones, None)
    unplaced.to_filename(tmp_path / "unplaced.nii")
    assert read_mask(tmp_path / "unplaced.nii", series).all()


def test_mask_must_mask_something(tmp_path: Path, series: Series, series_path: Path) -> None:
    with pytest.raises(SeriesError, match="no voxel is inside"):
        read_mask(save(tmp_path / "a.nii", np.zeros(SHAPE, np.uint8), series.affine), series)
    with pytest.raises(SeriesError, match="is complex: a mask is real"):
        read_mask(series_path, series)
    with pytest.raises(SeriesError, match=r"missing.nii: no such file"):
        read_mask(tmp_path / "missing.nii", series)


def test_fields_keep_their_values(tmp_path: Path, series: Series) -> None:
    values = relative_b1()
    values[0, 0, 0] = np.inf
    values[0, 0, 1] = 0
    path = save(tmp_path / "b1.nii.gz", values, series.affine)
    b1 = read_field(path, series, "b1")
    assert b1.dtype == np.float32
    assert np.isnan(b1[0, 0, 0])
    assert np.array_equal(b1.ravel()[1:], values.astype(np.float32).ravel()[1:])
    path = save(tmp_path / "b0.nii.gz", -40 * relative_b1(), series.affine)
    assert read_field(path, series, "b0").min() == -50


@pytest.mark.parametrize(
    ("factor", "match"),
    [
        (100, r"b1.nii: the B1 map looks like percent \(median 87.*divide by 100"),
        (-1, "holds -1.25: relative B1 is at least 0"),
        (0, "is 0 everywhere"),
        (np.nan, "B1 map holds no finite value"),
    ],
)
def test_b1_that_cannot_be_relative(
    tmp_path: Path, series: Series, factor: float, match: str
) -> None:
    path = save(tmp_path / "b1.nii", factor * relative_b1(), series.affine)
    with pytest.raises(SeriesError, match=match):
        read_field(path, series, "b1")


def test_percent_is_seen_through_a_zero_background(tmp_path: Path, series: Series) -> None:
    values = 100 * relative_b1()
    values[:2] = 0
    with pytest.raises(SeriesError, match="percent"):
        read_field(save(tmp_path / "b1.nii", values, series.affine), series, "b1")


def test_field_must_fit(tmp_path: Path, series: Series) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 5, 7)))
    with pytest.raises(SeriesError, match=r"B0 map has shape \(3, 5, 7\)"):
        read_field(tmp_path / "a.npy", series, "b0")
    path = write_series(tmp_path / "a.nii", series.data)
    with pytest.raises(SeriesError, match="is complex: a B0 map is real"):
        read_field(path, series, "b0")
