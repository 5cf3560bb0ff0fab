"""Field maps and masks through whole jobs: units, voxels without a value, and lost places."""

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

import spinprint as sp
from spinprint.errors import SeriesError
from spinprint.physics.noise import add_noise
from spinprint.workflows.evaluation_input import EvaluationInput, read_input
from spinprint.workflows.mapping import map_series

CASES = Path(__file__).parents[2].parent / "shared" / "cases"
SHAPE = (8, 8, 1)


def field(path: Path, values: Any, affine: Any = np.eye(4)) -> Path:  # noqa: B008
    nib.Nifti1Image(np.asarray(values, np.float32), affine).to_filename(path)
    return path


@pytest.fixture
def series(short: sp.Sequence, tmp_path: Path) -> Path:
    """A series of one tissue, with four fifths of the flip angle everywhere; 64 voxels."""
    tissue = sp.Tissue(t1=np.full(SHAPE, 0.9), t2=np.full(SHAPE, 0.06), b1=np.full(SHAPE, 0.8))
    noisy = add_noise(sp.simulate(short, tissue), 1e-4, np.random.default_rng(2))
    return sp.write_series(tmp_path / "series.nii", noisy, np.eye(4))


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        (80, {"b1_unit": "percent"}),
        (48, {"b1_unit": "degrees", "b1_nominal_deg": 60}),
        (8, {"b1_unit": "tenths"}),
        (800, {"b1_unit": "permille"}),
        (640, {"b1_unit": "decidegrees", "b1_nominal_deg": 80}),
    ],
)
def test_a_stated_unit_gives_the_right_tissue(
    short: sp.Sequence, series: Path, tmp_path: Path, value: float, stated: dict[str, Any]
) -> None:
    b1 = field(tmp_path / "b1.nii", np.full(SHAPE, value))
    with pytest.raises(SeriesError, match=r"b1.nii: the B1 map is not clearly relative"):
        map_series(series, short, tmp_path / "maps", b1_path=b1)
    assert not (tmp_path / "maps").exists()
    result = map_series(series, short, tmp_path / "maps", b1_path=b1, **stated)
    np.testing.assert_allclose(result.maps["t2"], 0.06, rtol=0.02)
    np.testing.assert_allclose(result.maps["t1"], 0.9, rtol=0.02)
    assert any("is 0.8 times nominal" in remark for remark in result.remarks)
    provenance = sp.read_maps(tmp_path / "maps").provenance
    assert {key: provenance[key] for key in stated} == stated


def test_one_stray_voxel_of_64_is_not_mapped_and_all_others_are(
    short: sp.Sequence, series: Path, tmp_path: Path
) -> None:
    values = np.full(SHAPE, 0.8)
    values[3, 4] = 50
    b1 = field(tmp_path / "b1.nii", values)
    result = map_series(series, short, tmp_path / "maps", b1_path=b1)
    assert result.maps.status[3, 4, 0] == sp.Status.NOT_FINITE
    assert result.maps.counts() == {sp.Status.OK: 63, sp.Status.NOT_FINITE: 1}
    assert any(
        "of 64 voxels with signal the B1 map has no value in 0, and one outside 0.1 to 3" in remark
        for remark in result.remarks
    )


def test_the_sidecar_of_a_map_states_its_unit(
    short: sp.Sequence, series: Path, tmp_path: Path
) -> None:
    b1 = field(tmp_path / "b1.nii.gz", np.full(SHAPE, 80.0))
    (tmp_path / "b1.json").write_text(json.dumps({"Units": "percent"}))
    result = map_series(series, short, tmp_path / "maps", b1_path=b1)
    np.testing.assert_allclose(result.maps["t2"], 0.06, rtol=0.02)


def inputs(maps: Path, truth: Path, **options: Any) -> EvaluationInput:
    names = ("phantom", "labels", "sequence", "subject", "purity", "b1_map", "b0_map")
    given: dict[str, Any] = {**dict.fromkeys(names), "batch": "K3290", "erode": 0}
    return read_input(maps, truth=truth, **{**given, **options})


def test_an_evaluation_takes_the_same_units(
    short: sp.Sequence, series: Path, tmp_path: Path
) -> None:
    percent = field(tmp_path / "percent.nii", np.full(SHAPE, 80.0))
    relative = field(tmp_path / "relative.nii", np.full(SHAPE, 0.8))
    maps = tmp_path / "maps"
    map_series(series, short, maps, b1_path=relative)
    with pytest.raises(SeriesError, match="not clearly relative"):
        inputs(maps, maps, b1_map=percent)
    with pytest.raises(SeriesError, match="--b1-unit has no use without --b1-map"):
        inputs(maps, maps, b1_unit="percent")
    stated = inputs(maps, maps, b1_map=percent, b1_unit="percent")
    known = inputs(maps, maps, b1_map=relative)
    np.testing.assert_allclose(stated.fields["b1"], known.fields["b1"], rtol=1e-6)
    assert any("taken to be in percent" in remark for remark in stated.remarks)
    # Hertz and ppm of the 3 T of the sequence.
    b0 = field(tmp_path / "b0.nii", np.full(SHAPE, 0.1))
    ppm = inputs(maps, maps, b1_map=relative, b0_map=b0, b0_unit="ppm")
    np.testing.assert_allclose(ppm.fields["b0"], 0.3 * 42.577478518, rtol=1e-6)


def lose_place(path: Path) -> None:
    """Write NaN into the transform of an image."""
    image = nib.Nifti1Image.from_filename(path)
    data = np.asarray(image.dataobj)
    lost = nib.Nifti1Image(data, None, image.header)
    lost.header["sform_code"], lost.header["srow_x"] = 1, np.nan
    lost.to_filename(path)


def test_a_series_without_a_place_is_mapped_and_evaluated(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    for name in ("series.nii.gz", "labels.nii.gz", "sequence.toml"):
        shutil.copy(scan / name, tmp_path)
    mask = tmp_path / "labels.nii.gz"
    series = tmp_path / "series.nii.gz"
    lose_place(mask)
    with pytest.raises(SeriesError, match="the mask could lie anywhere, as its affine holds NaN"):
        map_series(series, short, tmp_path / "maps", mask_path=mask)
    lose_place(series)
    result = map_series(series, short, tmp_path / "maps", mask_path=mask)
    assert any("the mask may lie elsewhere than the series" in one for one in result.remarks)
    assert any("affine of the series holds NaN or Inf: where it" in one for one in result.remarks)
    given = inputs(tmp_path / "maps", scan / "truth", labels=mask)
    assert given.maps.affine is None
    assert given.labels is not None
    whole = map_series(
        scan / "series.nii.gz", short, tmp_path / "whole", mask_path=scan / mask.name
    )
    assert np.array_equal(whole.maps["t1"], result.maps["t1"], equal_nan=True)


def relative_error(case: Path, out: Path, name: str) -> NDArray[np.float64]:
    truth = json.loads((case / "truth.json").read_text())
    maps = sp.read_maps(out)
    return np.asarray(np.nanmedian(maps[name][:, :, 0], axis=1) / truth[name] - 1)


@pytest.mark.skipif(not CASES.exists(), reason="needs the shared cases")
@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("b1_map_in_degrees", {"b1_unit": "degrees", "b1_nominal_deg": 60}),
        ("b1_map_of_8", {"b1_unit": "tenths"}),
    ],
)
def test_b1_of_the_shared_cases(tmp_path: Path, name: str, stated: dict[str, Any]) -> None:
    case, sequence = CASES / name, sp.load_sequence("fisp_cao500")
    files = (case / "series.nii.gz", sequence, tmp_path / "maps")
    with pytest.raises(SeriesError, match="not clearly relative"):
        map_series(*files, b1_path=case / "b1.nii.gz")
    map_series(*files, b1_path=case / "b1.nii.gz", **stated)
    for parameter in ("t1", "t2"):
        assert np.abs(relative_error(case, tmp_path / "maps", parameter)).max() < 0.02
