import json
from pathlib import Path
from typing import Any, get_args

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.cli.measuring import B0Unit, B1Unit
from spinprint.errors import SeriesError
from spinprint.io import FieldFiles, Series, StatedUnit, read_field, write_series
from spinprint.io.field_units import B0_UNITS, B1_UNITS

SHAPE = (3, 5, 2)


def save(path: Path, array: Any, affine: NDArray[np.float64] | None) -> Path:
    nib.Nifti1Image(array, affine).to_filename(path)
    return path


def relative_b1() -> NDArray[np.float64]:
    return np.linspace(0.5, 1.25, 30).reshape(SHAPE)


def test_fields_keep_their_values(tmp_path: Path, series: Series) -> None:
    values = relative_b1()
    values[0, 0, 0] = np.inf
    values[0, 0, 1] = 0
    path = save(tmp_path / "b1.nii.gz", values, series.affine)
    b1 = read_field(path, series, "b1")
    assert b1.dtype == np.float32
    assert np.isnan(b1[0, 0]).all()  # neither was measured
    assert np.array_equal(b1.ravel()[2:], values.astype(np.float32).ravel()[2:])
    path = save(tmp_path / "b0.nii.gz", -40 * relative_b1(), series.affine)
    assert read_field(path, series, "b0").min() == -50


@pytest.mark.parametrize(
    ("factor", "match"),
    [
        (0, "B1 map is 0 everywhere"),
        (np.nan, "B1 map holds no finite value"),
        (100, r"b1.nii: the B1 map is not clearly relative .*median 87.5.*--b1-unit"),
        (48, "not clearly relative"),
        (8, "not clearly relative"),
        (800, "not clearly relative"),
        (0.1, "not clearly relative"),
        (-1, "not clearly relative"),
    ],
)
def test_b1_that_is_not_clearly_relative(
    tmp_path: Path, series: Series, factor: float, match: str
) -> None:
    path = save(tmp_path / "b1.nii", factor * relative_b1(), series.affine)
    with pytest.raises(SeriesError, match=match) as refusal:
        read_field(path, series, "b1")
    assert "divide" not in str(refusal.value)


@pytest.mark.parametrize(
    ("factor", "stated"),
    [
        (1, StatedUnit(unit="relative")),
        (10, StatedUnit(unit="tenths")),
        (100, StatedUnit(unit="percent")),
        (1000, StatedUnit(unit="permille")),
        (60, StatedUnit(unit="degrees", nominal_deg=60)),
        (60, StatedUnit(nominal_deg=60)),
        (80 * 10, StatedUnit(unit="decidegrees", nominal_deg=80)),
        (np.pi / 3, StatedUnit(unit="radians", nominal_deg=60)),
    ],
)
def test_a_stated_unit_gives_relative_b1(
    tmp_path: Path, series: Series, factor: float, stated: StatedUnit
) -> None:
    said: list[str] = []
    path = save(tmp_path / "b1.nii", factor * relative_b1(), series.affine)
    b1 = read_field(path, series, "b1", stated, remark=said.append)
    np.testing.assert_allclose(b1, relative_b1(), rtol=1e-6)
    assert (said == []) == (stated.unit == "relative")


@pytest.mark.parametrize(
    ("units", "factor"), [("percent", 100), ("%", 100), ("1", 1), ("arbitrary", 1), ("", 1)]
)
def test_the_units_of_a_sidecar_count(
    tmp_path: Path, series: Series, units: str, factor: float
) -> None:
    path = save(tmp_path / "b1.nii.gz", factor * relative_b1(), series.affine)
    (tmp_path / "b1.json").write_text(json.dumps({"Units": units}))
    np.testing.assert_allclose(read_field(path, series, "b1"), relative_b1(), rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"Units": "uT"}, "states Units 'uT', which is none of relative, tenths, percent"),
        ({"Units": ["percent"]}, r"states Units \['percent'\]"),
        ({"Units": 100}, "states Units 100"),
        ({"Units": "degrees"}, "needs the nominal flip angle: give it with --b1-nominal-deg"),
        ({"Units": "permille"}, "cannot be in permille"),
        ([], "holds no JSON object"),
    ],
)
def test_a_sidecar_that_states_no_unit_of_b1(
    tmp_path: Path, series: Series, content: Any, match: str
) -> None:
    path = save(tmp_path / "b1.nii.gz", relative_b1(), series.affine)
    (tmp_path / "b1.json").write_text(json.dumps(content))
    with pytest.raises(SeriesError, match=match):
        read_field(path, series, "b1")
    stated = StatedUnit(unit="relative")  # what the user says stands above the sidecar
    np.testing.assert_allclose(read_field(path, series, "b1", stated), relative_b1(), rtol=1e-6)


def test_a_wrong_unit_breaks_the_bounds(tmp_path: Path, series: Series) -> None:
    path = save(tmp_path / "b1.nii", 48 * relative_b1(), series.affine)
    for stated in (StatedUnit(unit="relative"), StatedUnit(nominal_deg=5)):
        with pytest.raises(SeriesError, match=r"cannot be in .* 0\.1 to 3 times nominal"):
            read_field(path, series, "b1", stated)


@pytest.mark.parametrize("stray", [50, -1, 0, np.nan, 3e38, 0.01])
def test_one_stray_voxel_costs_itself_alone(tmp_path: Path, series: Series, stray: float) -> None:
    said: list[str] = []
    values = np.ones(SHAPE)
    values[1, 2, 1] = stray
    path = save(tmp_path / "b1.nii", values, series.affine)
    b1 = read_field(path, series, "b1", remark=said.append)
    assert np.argwhere(np.isnan(b1)).tolist() == [[1, 2, 1]]
    assert len(said) == 1
    assert "of 30 voxels with signal the B1 map has no value in" in said[0]


def test_strays_are_counted_where_there_is_signal(tmp_path: Path, series: Series) -> None:
    values, where = relative_b1(), np.zeros(SHAPE, bool)
    where[0] = True
    values[1:] = 1e4  # noise of the air
    path = save(tmp_path / "b1.nii", values, series.affine)
    b1 = read_field(path, series, "b1", where=where)
    assert np.isfinite(b1).sum() == where.sum()
    with pytest.raises(SeriesError, match="not clearly relative"):
        read_field(path, series, "b1")
    values[0] = 0
    with pytest.raises(SeriesError, match="no value where there is signal"):
        read_field(save(path, values, series.affine), series, "b1", where=where)


def test_b1_rounded_to_whole_numbers_is_not_guessed(tmp_path: Path, series: Series) -> None:
    values = np.round(2 * relative_b1()).astype(np.uint8)  # 1 and 2
    path = save(tmp_path / "b1.nii", values, series.affine)
    with pytest.raises(SeriesError, match="whole numbers"):
        read_field(path, series, "b1")
    assert (read_field(path, series, "b1", StatedUnit(unit="relative")) == values).all()
    ones = save(tmp_path / "ones.nii", np.ones(SHAPE, np.uint8), series.affine)
    assert (read_field(ones, series, "b1") == 1).all()


def test_percent_is_seen_through_a_zero_background(tmp_path: Path, series: Series) -> None:
    values = 100 * relative_b1()
    values[:2] = 0
    with pytest.raises(SeriesError, match="percent"):
        read_field(save(tmp_path / "b1.nii", values, series.affine), series, "b1")


@pytest.mark.parametrize(
    ("size", "stated"),
    [
        (1, StatedUnit()),
        (2 * np.pi, StatedUnit(unit="rad/s")),
        (1 / (42.577478518 * 3), StatedUnit(unit="ppm", field_strength=3)),
        (1 / 42.577478518e6, StatedUnit(unit="tesla")),
    ],
)
def test_b0_of_any_unit_is_read_in_hertz(
    tmp_path: Path, series: Series, size: float, stated: StatedUnit
) -> None:
    hertz = np.linspace(-120, 200, 30).reshape(SHAPE)
    path = save(tmp_path / "b0.nii", size * hertz, series.affine)
    np.testing.assert_allclose(read_field(path, series, "b0", stated), hertz, rtol=1e-5, atol=1e-4)


def test_b0_that_is_not_in_hertz(tmp_path: Path, series: Series) -> None:
    scanner = np.linspace(-4096, 4094, 30).reshape(SHAPE)  # a phase as scanners store it
    path = save(tmp_path / "b0.nii.gz", scanner, series.affine)
    with pytest.raises(SeriesError, match=r"not in Hz .*-2000 to 2000 Hz.* phase must be unw"):
        read_field(path, series, "b0")
    (tmp_path / "b0.json").write_text('{"Units": "rad"}')
    with pytest.raises(SeriesError, match="none of hz, rad/s, ppm, tesla"):
        read_field(path, series, "b0")
    with pytest.raises(SeriesError, match="ppm needs the field strength"):
        read_field(path, series, "b0", StatedUnit(unit="ppm"))
    said: list[str] = []
    phase = np.linspace(-np.pi, np.pi, 30).reshape(SHAPE)
    path = save(tmp_path / "phase.nii.gz", phase, series.affine)
    read_field(path, series, "b0", remark=said.append)
    assert "as phase in radians does" in said[0]
    read_field(path, series, "b0", StatedUnit(unit="hz"), remark=said.append)
    assert len(said) == 1
    values = np.zeros(SHAPE)
    values[0, 0, 0] = 1e5
    b0 = read_field(save(tmp_path / "stray.nii", values, series.affine), series, "b0")
    assert np.isnan(b0[0, 0, 0])
    assert (b0.ravel()[1:] == 0).all()


def test_what_is_said_of_no_map_is_refused() -> None:
    with pytest.raises(SeriesError, match="--b1-nominal-deg has no use without --b1-map"):
        FieldFiles(b1_nominal_deg=60)
    with pytest.raises(SeriesError, match="--b0-unit has no use without --b0-map"):
        FieldFiles(b1=Path("b1.nii"), b0_unit="hz")
    with pytest.raises(SeriesError, match="no use with --b1-unit percent"):
        StatedUnit(unit="percent", nominal_deg=60)
    for angle in (0, -60, np.nan, np.inf):
        with pytest.raises(SeriesError, match="must be a positive angle"):
            StatedUnit(nominal_deg=angle)


def test_the_command_line_names_the_units_of_the_table() -> None:
    assert list(get_args(B1Unit)) == list(B1_UNITS)
    assert list(get_args(B0Unit)) == list(B0_UNITS)


def test_field_must_fit(tmp_path: Path, series: Series) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 5, 7)))
    with pytest.raises(SeriesError, match=r"B0 map has shape \(3, 5, 7\)"):
        read_field(tmp_path / "a.npy", series, "b0")
    path = write_series(tmp_path / "a.nii", series.data)
    with pytest.raises(SeriesError, match="is complex: a B0 map is real"):
        read_field(path, series, "b0")
