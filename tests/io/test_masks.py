"""Masks as programs write them: of 0 and 1, of bytes, of labels, soft and ringing."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from spinprint.errors import SeriesError
from spinprint.io import Series, read_mask

SHAPE = (3, 5, 2)


def save(path: Path, array: Any, affine: NDArray[np.float64] | None) -> Path:
    nib.Nifti1Image(array, affine).to_filename(path)
    return path


@pytest.fixture
def inside() -> NDArray[np.bool_]:
    """Ten of thirty voxels."""
    mask = np.zeros(SHAPE, bool)
    mask[1] = True
    return mask


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (np.uint8, 1), (np.float32, 1), (np.int8, -1), (np.uint8, 100), (np.uint8, 255),
        (np.int16, 4096), (np.float32, 1 / 255),
    ],
)  # fmt: skip
def test_one_value_other_than_zero_is_inside(
    tmp_path: Path, series: Series, inside: NDArray[Any], dtype: Any, value: float
) -> None:
    said: list[str] = []
    path = save(tmp_path / "mask.nii", (inside * value).astype(dtype), series.affine)
    assert np.array_equal(read_mask(path, series, said.append), inside)
    assert (said == []) == (value == 1)
    if said:
        assert "is inside, 10 of 30 voxels" in said[0]


def test_ringing_of_interpolation_is_not_inside(
    tmp_path: Path, series: Series, inside: NDArray[Any]
) -> None:
    said: list[str] = []
    rng = np.random.default_rng(0)
    ringing = inside + rng.uniform(-0.08, 0.08, SHAPE)
    path = save(tmp_path / "mask.nii", ringing.astype(np.float32), series.affine)
    assert np.array_equal(read_mask(path, series, said.append), inside)
    assert "0.5 and more is inside, 10 of 30 voxels" in said[0]
    scaled = save(tmp_path / "scaled.nii", (255 * ringing).astype(np.float32), series.affine)
    assert np.array_equal(read_mask(scaled, series, said.append), inside)
    assert "half of the maximum" in said[1]
    said.clear()
    grey = np.clip(np.round(255 * (inside + 0.3 * rng.uniform(0, 1, SHAPE))), 0, 255)
    stored = save(tmp_path / "bytes.nii", grey.astype(np.uint8), series.affine)
    assert np.array_equal(read_mask(stored, series, said.append), inside)
    assert "half of the maximum (127.5) and more" in said[0]


def test_a_probability_of_half_is_inside(tmp_path: Path, series: Series) -> None:
    values = np.zeros((*SHAPE, 1), dtype=np.float32)
    values[0, 1, 0], values[2, 4, 1], values[1, 0, 0], values[1, 1, 0] = 1, 0.5, np.nan, 0.49
    mask = read_mask(save(tmp_path / "mask.nii.gz", values, series.affine), series)
    assert mask.shape == SHAPE
    assert mask.dtype == bool
    assert np.argwhere(mask).tolist() == [[0, 1, 0], [2, 4, 1]]


def test_all_labels_are_inside(tmp_path: Path, series: Series) -> None:
    labels = np.arange(30).reshape(SHAPE) % 4 - 1  # -1, 0, 1 and 2
    said: list[str] = []
    path = save(tmp_path / "mask.nii", labels.astype(np.int16), series.affine)
    assert np.array_equal(read_mask(path, series, said.append), labels > 0)
    assert "every label above 0 is inside" in said[0]
    labels = np.where(labels > 0, 254 + labels, 0)
    labels[0, 0, 0] = 256  # beyond 8 bits, so labels again
    path = save(tmp_path / "high.nii", labels.astype(np.int16), series.affine)
    assert np.array_equal(read_mask(path, series), labels > 0)


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


def test_mask_must_mask_something(tmp_path: Path, series: Series, series_path: Path) -> None:
    with pytest.raises(SeriesError, match="no voxel is inside"):
        read_mask(save(tmp_path / "a.nii", np.zeros(SHAPE, np.uint8), series.affine), series)
    with pytest.raises(SeriesError, match="is complex: a mask is real"):
        read_mask(series_path, series)
    with pytest.raises(SeriesError, match=r"missing.nii: no such file"):
        read_mask(tmp_path / "missing.nii", series)
