"""One check of place for all images that share voxels, and transforms that give no place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.errors import SeriesError
from spinprint.io import (
    Geometry,
    MapPlace,
    Remark,
    Series,
    read_field,
    read_labels,
    read_mask,
    read_purity,
    read_series,
)

SHAPE = (3, 5, 2)


def save(path: Path, array: Any, affine: Any, *, code: int = 1) -> Path:
    """An image whose header holds the affine as it is, however broken."""
    image = nib.Nifti1Image(array, None)
    image.header["sform_code"] = code
    for row, name in zip(np.asarray(affine, float), ("srow_x", "srow_y", "srow_z"), strict=False):
        image.header[name] = row
    image.to_filename(path)
    return path


Read = Callable[[Path, Series, Remark], Any]

READERS: dict[str, Read] = {
    "mask": read_mask,
    "b1": lambda path, series, remark: read_field(path, series, "b1", remark=remark),
    "b0": lambda path, series, remark: read_field(path, series, "b0", remark=remark),
    "labels": lambda path, series, remark: read_labels(path, SHAPE, series.affine, remark)[0],
    "purity": lambda path, series, remark: read_purity(
        path, MapPlace(SHAPE, series.affine), remark
    ),
}


@pytest.fixture(params=READERS)
def read(request: pytest.FixtureRequest) -> Read:
    return READERS[request.param]


@pytest.fixture
def said() -> list[str]:
    return []


ONES = np.ones(SHAPE, np.uint8)


def test_every_image_has_one_tolerance(tmp_path: Path, series: Series, read: Read) -> None:
    assert series.affine is not None
    step = np.linalg.norm(series.affine[:3, 0])  # the shortest edge is that of the second axis
    assert step > np.linalg.norm(series.affine[:3, 1])
    edge = np.linalg.norm(series.affine[:3, 1])
    near, far = series.affine.copy(), series.affine.copy()
    near[0, 3] += 0.09 * edge
    far[0, 3] += 0.11 * edge
    assert read(save(tmp_path / "near.nii", ONES, near), series, print).all()
    with pytest.raises(SeriesError, match=r"far.nii: the .* lies up to 0.11 voxels off the"):
        read(save(tmp_path / "far.nii", ONES, far), series, print)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_transform_that_is_not_finite_places_nothing(
    tmp_path: Path, series: Series, read: Read, said: list[str], value: float
) -> None:
    assert series.affine is not None
    broken = series.affine.copy()
    broken[1, 3] = value
    path = save(tmp_path / "broken.nii", ONES, broken)
    with pytest.raises(SeriesError, match="could lie anywhere, as its affine holds NaN or Inf"):
        read(path, series, said.append)


def test_a_singular_transform_places_nothing(
    tmp_path: Path, series: Series, read: Read, said: list[str]
) -> None:
    path = save(tmp_path / "zeros.nii", ONES, np.zeros((4, 4)))
    with pytest.raises(SeriesError, match="could lie anywhere, as its affine is singular"):
        read(path, series, said.append)


def test_an_image_that_states_no_place_is_said(
    tmp_path: Path, series: Series, read: Read, said: list[str]
) -> None:
    path = save(tmp_path / "none.nii", ONES, np.zeros((4, 4)), code=0)
    assert read(path, series, said.append).all()
    assert len(said) == 1
    assert "states no place in space" in said[0]
    np.save(tmp_path / "a.npy", ONES)  # of a format that has none
    assert read(tmp_path / "a.npy", series, said.append).all()
    assert len(said) == 1


def test_a_series_without_a_place_is_mapped_and_said(
    tmp_path: Path, data: NDArray[Any], series: Series, said: list[str]
) -> None:
    assert series.affine is not None
    broken = series.affine.copy()
    broken[0, 0] = np.nan
    lost = read_series(save(tmp_path / "lost.nii", data, broken))
    assert lost.affine is None
    assert lost.geometry is not None
    assert lost.geometry.defect == "holds NaN or Inf"
    for affine in (series.affine, broken):  # what any reader did before
        assert read_mask(save(tmp_path / "m.nii", ONES, affine), lost, said.append).all()
    assert len(said) == 2
    assert "m.nii: the mask may lie elsewhere than the series" in said[0]
    # What is written for it keeps its header.
    image = lost.geometry.image(ONES)
    image.to_filename(tmp_path / "out.nii")
    written = nib.Nifti1Image.from_filename(tmp_path / "out.nii").header
    assert np.array_equal(written["srow_x"], broken[0].astype(np.float32), equal_nan=True)


def test_a_single_slice_without_thickness_has_a_place(tmp_path: Path) -> None:
    flat = np.diag([2.0, 2.0, 0.0, 1.0])
    data = np.ones((3, 5, 1, 7), np.complex64)
    series = read_series(save(tmp_path / "s.nii", data, flat))
    assert series.affine is not None
    np.testing.assert_array_equal(series.affine, np.diag([2.0, 2.0, 1.0, 1.0]))
    mask = np.ones((3, 5, 1), np.uint8)
    assert read_mask(save(tmp_path / "m.nii", mask, flat), series).all()
    moved = flat.copy()
    moved[0, 3] = 1
    with pytest.raises(SeriesError, match="lies up to 1 voxels off"):  # edges are 2, 2 and 1 mm
        read_mask(save(tmp_path / "m.nii", mask, moved), series)


def test_a_mask_must_fit(tmp_path: Path, series: Series) -> None:
    assert series.affine is not None
    ones = ONES
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


def test_an_affine_for_files_is_checked() -> None:
    with pytest.raises(SeriesError, match="finite"):
        Geometry.from_affine(np.full((4, 4), np.nan))
