"""Series in two files: found by their names, joined as what they are, or refused."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.errors import SeriesError
from spinprint.io import Series, read_series

Data = NDArray[np.complex64]


@pytest.fixture
def data() -> Data:
    """Many enough samples for phases to fill a turn, shape (4, 3, 2, 50)."""
    draw = np.random.default_rng(3).standard_normal((2, 4, 3, 2, 50))
    return (draw[0] + 1j * draw[1]).astype(np.complex64)


def save(path: Path, array: Any, **sidecar: Any) -> Path:
    nib.Nifti1Image(array, np.eye(4)).to_filename(path)
    if sidecar:
        stem = path.name.removesuffix(".gz").removesuffix(".nii")
        path.with_name(f"{stem}.json").write_text(json.dumps(sidecar))
    return path


def halves(data: Data) -> dict[str, NDArray[np.float32]]:
    return {
        "real": np.ascontiguousarray(data.real),
        "imaginary": np.ascontiguousarray(data.imag),
        "magnitude": np.abs(data),
        "phase": np.angle(data),
    }


def refused(match: str, *arguments: Any, **options: Any) -> None:
    with pytest.raises(SeriesError, match=match) as caught:
        read_series(*arguments, **options)
    assert "\n" not in str(caught.value)


def turned(series: Series, data: Data, tolerance: float) -> None:
    """The same up to a phase that all samples share, as M0 takes it up."""
    factor = np.vdot(data, series.data)
    np.testing.assert_allclose(series.data, data * factor / abs(factor), atol=tolerance)


PAIRS = [
    ("sub-1_part-real_mrf.nii.gz", "sub-1_part-imag_mrf.nii.gz", "real", "imaginary"),
    ("sub-1_part-mag_mrf.nii.gz", "sub-1_part-phase_mrf.nii.gz", "magnitude", "phase"),
    ("sub-1_run-2_part-mag.nii", "sub-1_run-2_part-phase.nii.gz", "magnitude", "phase"),
    ("scan_7_real.nii.gz", "scan_7_imaginary.nii.gz", "real", "imaginary"),
    ("scan_7.nii.gz", "scan_7_ph.nii.gz", "magnitude", "phase"),
    ("scan_e1.nii", "scan_e1_ph.nii", "magnitude", "phase"),
    ("mrf_mag.npy", "mrf_phase.npy", "magnitude", "phase"),
]


@pytest.mark.parametrize(("first", "second", "one", "other"), PAIRS)
def test_either_half_finds_the_other(
    tmp_path: Path, data: Data, first: str, second: str, one: str, other: str
) -> None:
    parts = halves(data)
    for name, part in ((first, one), (second, other)):
        if name.endswith(".npy"):
            np.save(tmp_path / name, parts[part])
        else:
            save(tmp_path / name, parts[part])
    for name in (first, second):
        series = read_series(tmp_path / name)
        np.testing.assert_allclose(series.data, data, atol=2e-6)
        assert series.sources == (tmp_path / first, tmp_path / second)
        assert len(series.remarks) == (other == "phase")


@pytest.mark.parametrize("name", ["s_part-mag_x.nii", "s_part-phase_x.nii", "s_real.nii"])
def test_a_half_without_the_other_is_refused(tmp_path: Path, data: Data, name: str) -> None:
    path = save(tmp_path / name, halves(data)["magnitude"])
    refused("is not beside it: put it there or name it", path)


def test_a_phase_that_is_named(tmp_path: Path, data: Data) -> None:
    parts = halves(data)
    magnitude = save(tmp_path / "a.nii", parts["magnitude"])
    phase = save(tmp_path / "b.nii", np.degrees(parts["phase"]))
    series = read_series(magnitude, phase=phase)
    np.testing.assert_allclose(series.data, data, atol=1e-5)
    assert "in degrees by its range, values from -1" in series.remarks[0]


STORED = {
    "degrees": lambda phase: np.degrees(phase).astype(np.float32),
    "degrees from 0": lambda phase: np.degrees(phase % (2 * np.pi)).astype(np.float32),
    "Siemens, as stored": lambda phase: (2048 + np.round(phase / np.pi * 2047)).astype(np.int16),
    "Siemens, scaled": lambda phase: (2 * np.round(phase / np.pi * 2047)).astype(np.float32),
    "GE": lambda phase: np.round(1000 * phase).astype(np.int16),
    "16 bits": lambda phase: np.round(phase / np.pi * 32767).astype(np.int32),
}


@pytest.mark.parametrize("how", STORED)
def test_the_range_tells_the_unit(tmp_path: Path, data: Data, how: str) -> None:
    magnitude = save(tmp_path / "a.nii", np.abs(data))
    phase = save(tmp_path / "a_ph.nii", STORED[how](np.angle(data)))
    series = read_series(magnitude)
    turned(series, data, 1e-2)
    assert series.remarks[0].startswith("a_ph.nii: phase in ")
    assert "by its range" in series.remarks[0]
    assert series.sources == (magnitude, phase)


def test_signals_of_either_sign_span_half_a_turn(tmp_path: Path, data: Data) -> None:
    magnitude = save(tmp_path / "a.nii", np.abs(data))
    save(tmp_path / "a_ph.nii", np.angle(np.sign(data.real) + 0j).astype(np.float32))
    expected = np.abs(data) * np.sign(data.real)
    np.testing.assert_allclose(read_series(magnitude).data, expected, atol=2e-6)


def test_what_the_range_leaves_open_is_asked_for(tmp_path: Path, data: Data) -> None:
    narrow = np.angle(data) / 4
    magnitude = save(tmp_path / "a.nii", np.abs(data))
    phase = save(tmp_path / "a_ph.nii", narrow)
    refused("do not say what unit the phase is in: state Units.*--phase-unit rad", magnitude)
    series = read_series(magnitude, phase_unit="rad")
    np.testing.assert_allclose(series.data, np.abs(data) * np.exp(1j * narrow), atol=1e-5)
    assert "as --phase-unit says" in series.remarks[0]
    stored = np.round(narrow / np.pi * 2048).astype(np.int16)
    save(phase, stored)
    refused("how many steps one turn has", magnitude, phase_unit="scaled")
    expected = np.abs(data) * np.exp(2j * np.pi * stored / 4096)
    np.testing.assert_allclose(read_series(magnitude, phase_unit="4096").data, expected, atol=1e-5)
    refused("the unit 'turns' of a phase is unknown", magnitude, phase_unit="turns")


def test_the_sidecar_comes_first(tmp_path: Path, data: Data) -> None:
    magnitude = save(tmp_path / "a_part-mag_x.nii", np.abs(data))
    narrow = np.degrees(np.angle(data) / 4)
    phase = save(tmp_path / "a_part-phase_x.nii", narrow, Units="degrees")
    series = read_series(magnitude)
    expected = np.abs(data) * np.exp(1j * np.radians(narrow))
    np.testing.assert_allclose(series.data, expected, atol=1e-5)
    assert "in degrees by its sidecar" in series.remarks[0]
    refused("sidecar says .* degrees, --phase-unit radians", magnitude, phase_unit="rad")
    save(phase, np.degrees(np.angle(data)), Units="rad")
    refused("sidecar says .* radians, but values from -1.* are degrees", magnitude)
    save(phase, np.degrees(np.angle(data)), Units="Hz")
    refused("Units 'hz', which is none of a phase", magnitude)
    save(phase, np.degrees(np.angle(data)), Units="arbitrary")
    np.testing.assert_allclose(read_series(magnitude).data, data, atol=1e-5)


def test_where_there_is_no_signal_the_phase_may_be_nan(tmp_path: Path, data: Data) -> None:
    data[0, 0] = 0
    phase = np.angle(data)
    phase[0, 0] = np.nan
    phase[1, 1, 1, 3] = np.nan
    magnitude = save(tmp_path / "a.nii", np.abs(data))
    save(tmp_path / "a_ph.nii", phase)
    series = read_series(magnitude)
    assert (series.data[0, 0] == 0).all()
    assert np.argwhere(~np.isfinite(series.data)).tolist() == [[1, 1, 1, 3]]


@pytest.mark.parametrize(
    ("first", "second", "sidecar"),
    [
        ("a_part-mag_x.nii", "a_part-phase_x.nii", {}),
        ("a.nii", "other_ph.nii", {}),
        ("a.nii", "b.nii", {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}),
    ],
)
def test_a_phase_named_as_imaginary_part_is_joined_as_what_it_is(
    tmp_path: Path, data: Data, first: str, second: str, sidecar: dict[str, Any]
) -> None:
    magnitude = save(tmp_path / first, np.abs(data))
    phase = save(tmp_path / second, np.angle(data), **sidecar)
    series = read_series(magnitude, phase)
    np.testing.assert_allclose(series.data, data, atol=2e-6)
    assert series.remarks[0] == f"{second} is no imaginary part: it is joined as a phase."


@pytest.mark.parametrize("how", ["radians", *STORED])
def test_a_phase_that_only_its_values_betray_is_no_imaginary_part(
    tmp_path: Path, data: Data, how: str
) -> None:
    magnitude = save(tmp_path / "a.nii", np.abs(data))
    stored = STORED.get(how, lambda phase: phase)(np.angle(data))
    phase = save(tmp_path / "b.nii", stored)
    for pair in ((magnitude, phase), (phase, magnitude)):
        refused(r"b.nii: values from .* are a phase, and a.nii is never neg.*--phase", *pair)


def test_real_parts_that_are_never_negative_are_joined(tmp_path: Path, data: Data) -> None:
    """As of a simulation without noise, whose signals have one phase."""
    positive = np.abs(data.real)
    real = save(tmp_path / "a.nii", positive)
    for factor in (0, 0.7, -0.2, 400):
        imaginary = save(tmp_path / "b.nii", (factor * positive).astype(np.float32))
        np.testing.assert_allclose(
            read_series(real, imaginary).data, positive * (1 + 1j * factor), rtol=1e-6
        )


def test_names_that_contradict_the_options(tmp_path: Path, data: Data) -> None:
    parts = halves(data)
    real = save(tmp_path / "s_part-real_x.nii", parts["real"])
    imaginary = save(tmp_path / "s_part-imag_x.nii", parts["imaginary"])
    phase = save(tmp_path / "s_part-phase_x.nii", parts["phase"])
    np.testing.assert_array_equal(read_series(imaginary, real).data, data)
    refused("s_part-phase_x.nii: its name says phase", real, phase)
    refused("s_part-real_x.nii: its name says real part", real, phase=phase)
    refused("not both", real, imaginary, phase=phase)
    refused("--phase-unit was given, but no phase is read", real, phase_unit="rad")
    refused("holds negative values, which no magnitude has", save(tmp_path / "a.nii", data.real),
            phase=phase)  # fmt: skip


def test_magnitudes_on_purpose(tmp_path: Path, data: Data) -> None:
    parts = halves(data)
    magnitude = save(tmp_path / "s_part-mag_x.nii", parts["magnitude"])
    alone = read_series(magnitude, magnitude=True)
    assert alone.magnitude
    assert alone.data.dtype == np.float32
    np.testing.assert_array_equal(alone.data, parts["magnitude"])
    assert alone.remarks == ()
    phase = save(tmp_path / "s_part-phase_x.nii", parts["phase"])
    beside = read_series(magnitude, magnitude=True)
    assert beside.sources == (magnitude,)
    assert beside.remarks == ("The phase s_part-phase_x.nii is not used.",)
    refused("s_part-phase_x.nii: is a phase", phase, magnitude=True)
    signed = save(tmp_path / "signed.nii", parts["real"])
    refused("holds negative values", signed, magnitude=True)
    real = save(tmp_path / "s_real.nii", parts["real"])
    save(tmp_path / "s_imaginary.nii", parts["imaginary"])
    whole = save(tmp_path / "whole.nii", data)
    for path in (real, whole):
        moduli = read_series(path, magnitude=True).data
        np.testing.assert_allclose(moduli, parts["magnitude"], rtol=1e-6)
    for option in ({"conjugate": True}, {"phase": phase}, {"phase_unit": "rad"}):
        refused("magnitudes have no phase", magnitude, magnitude=True, **option)


def test_the_sense_of_the_phase_can_be_turned(tmp_path: Path, data: Data) -> None:
    path = save(tmp_path / "whole.nii", data)
    np.testing.assert_array_equal(read_series(path, conjugate=True).data, data.conj())


def test_a_sidecar_that_is_no_json_names_no_role(tmp_path: Path, data: Data) -> None:
    real = save(tmp_path / "a.nii", np.ascontiguousarray(data.real))
    imaginary = save(tmp_path / "b.nii", np.ascontiguousarray(data.imag))
    (tmp_path / "b.json").write_text("not JSON")
    np.testing.assert_array_equal(read_series(real, imaginary).data, data)
