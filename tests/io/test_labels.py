"""Labels with the names beside them, on the voxels of the maps."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.errors import SeriesError
from spinprint.io import read_labels, write_csv, write_labels

SHAPE = (3, 4, 2)


def test_labels_and_names_make_a_round_trip(tmp_path: Path, oblique: NDArray[Any]) -> None:
    labels = np.arange(24).reshape(SHAPE) % 5
    path = tmp_path / "labels.nii.gz"
    names = {1: "femoral cartilage, medial", 4: "膝"}
    assert [one.name for one in write_labels(path, labels, names, oblique)] == [
        "labels.nii.gz",
        "labels.json",
    ]
    read, named = read_labels(path, SHAPE, oblique)
    assert (read == labels).all()
    assert named == names
    (tmp_path / "labels.json").unlink()
    assert read_labels(path, SHAPE, None)[1] == {}


def test_arrays_without_a_place_and_with_an_axis_too_many(tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.ones((*SHAPE, 1)))
    assert read_labels(tmp_path / "l.npy", SHAPE, np.eye(4))[0].shape == SHAPE


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.ones((3, 4, 1)), r"has shape \(3, 4, 1\), the maps \(3, 4, 2\)"),
        (np.full(SHAPE, 0.5), "whole numbers"),
        (np.full(SHAPE, np.nan), "whole numbers"),
        (np.zeros(SHAPE), "labels no voxel"),
    ],
)
def test_what_labels_nothing_of_the_maps_is_refused(
    tmp_path: Path, array: NDArray[Any], match: str
) -> None:
    path = tmp_path / "l.nii"
    nib.Nifti1Image(array, np.eye(4)).to_filename(path)
    with pytest.raises(SeriesError, match=match):
        read_labels(path, SHAPE, np.eye(4))


def test_labels_of_another_place_and_damaged_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.nii.gz"
    write_labels(path, np.ones(SHAPE), {1: "gel"}, np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.5
    with pytest.raises(SeriesError, match=r"l.nii.gz: the label image lies up to 0.5 voxels off"):
        read_labels(path, SHAPE, moved)
    (tmp_path / "l.json").write_text(json.dumps({"Labels": {"one": "gel"}}))
    with pytest.raises(SeriesError, match="must name labels as"):
        read_labels(path, SHAPE, np.eye(4))


def test_a_table_has_all_columns_and_empty_fields(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, [{"a": 1, "b": None}, {"a": 'say "2", then', "c": 0.5}])
    assert path.read_text().splitlines() == ["a,b,c", "1,,", '"say ""2"", then",,0.5']
