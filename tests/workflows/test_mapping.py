"""Maps from files of every kind, in the place and the units they belong to."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

import spinprint as sp
from spinprint.physics.noise import add_noise
from spinprint.sequence import Inversion, ReadoutTrain
from spinprint.workflows.dictionary import build_dictionary
from spinprint.workflows.mapping import MapResult, map_series

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
OBLIQUE = np.array(
    [[1.75, -0.5, 0.25, -60.1], [0.6, 1.5, -0.375, 31.3], [-0.1, 0.25, 4.5, 12.7], [0, 0, 0, 1]]
)


@pytest.fixture
def data(scan: Path) -> NDArray[Any]:
    return np.asarray(nib.Nifti1Image.from_filename(scan / "series.nii.gz").dataobj)


def error(result: MapResult, truth: sp.Maps, name: str) -> float:
    """Median relative error where a voxel was mapped."""
    inside = result.maps.status == sp.Status.OK
    return float(np.median((result.maps[name] / truth[name] - 1)[inside]))


def test_a_series_alone_becomes_maps(short: sp.Sequence, scan: Path, tmp_path: Path) -> None:
    result = map_series(scan / "series.nii.gz", short, tmp_path)
    truth = sp.read_maps(scan / "truth")
    assert abs(error(result, truth, "t1")) < 0.005
    assert abs(error(result, truth, "t2")) < 0.01
    endings = ("T1map", "T2map", "desc-sd_T1map", "desc-sd_T2map", "M0map", "desc-status_dseg")
    names = {path.name for path in result.files}
    assert {f"sub-01_{ending}.nii.gz" for ending in endings} < names
    read = sp.read_maps(tmp_path)
    assert np.array_equal(read["t1"], result.maps["t1"], equal_nan=True)
    assert np.array_equal(read.status, result.maps.status)


def test_an_array_without_a_place_gives_maps_without(
    short: sp.Sequence, data: NDArray[Any], tmp_path: Path
) -> None:
    np.save(tmp_path / "series.npy", data)
    result = map_series(tmp_path / "series.npy", short, tmp_path / "maps")
    assert "The series states no place in space: the maps have none either." in result.remarks
    image = nib.Nifti1Image.from_filename(tmp_path / "maps/sub-01/anat/sub-01_T1map.nii.gz")
    assert image.header["sform_code"] == image.header["qform_code"] == 0


@pytest.mark.parametrize("named", [True, False])
def test_two_real_files_and_their_oblique_place(
    short: sp.Sequence, scan: Path, data: NDArray[Any], tmp_path: Path, named: bool
) -> None:
    parts = [tmp_path / f"s_part-{part}_x.nii" for part in ("real", "imag")]
    for path, values in zip(parts, (data.real, data.imag), strict=True):
        nib.Nifti1Image(np.ascontiguousarray(values), OBLIQUE).to_filename(path)
    imaginary = parts[1] if named else None
    result = map_series(parts[0], short, tmp_path / "maps", imaginary=imaginary)
    whole = map_series(scan / "series.nii.gz", short, tmp_path / "whole")
    assert np.array_equal(result.maps["t1"], whole.maps["t1"], equal_nan=True)
    series, mapped = (
        nib.Nifti1Image.from_filename(path).header
        for path in (parts[0], tmp_path / "maps/sub-01/anat/sub-01_T1map.nii.gz")
    )
    for field in ("srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c", "quatern_d", "qoffset_x"):
        assert series[field].tobytes() == mapped[field].tobytes()


@pytest.mark.parametrize("estimator", ["match", "least-squares"])
def test_a_b1_map_takes_the_bias_away(short: sp.Sequence, tmp_path: Path, estimator: str) -> None:
    shape = (12, 12, 1)
    b1 = np.broadcast_to(np.linspace(0.85, 1.15, 12)[:, None, None], shape)
    tissue = sp.Tissue(t1=np.full(shape, 0.9), t2=np.full(shape, 0.06), b1=b1)
    series = add_noise(sp.simulate(short, tissue), 1e-4, np.random.default_rng(2))
    sp.write_series(tmp_path / "series.nii", series, np.eye(4))
    stray = b1.astype(np.float32)
    stray[0, 0] = 40  # one voxel that was measured wrongly must not need atoms up to there
    nib.Nifti1Image(stray, np.eye(4)).to_filename(tmp_path / "b1.nii")

    def worst(result: MapResult) -> float:
        return float(np.nanmax(np.abs(result.maps["t2"] / 0.06 - 1)[1:]))

    arguments = (tmp_path / "series.nii", short)
    known = map_series(
        *arguments, tmp_path / "known", estimator=estimator, b1_path=tmp_path / "b1.nii"
    )
    ignored = map_series(*arguments, tmp_path / "ignored", estimator=estimator)
    assert worst(known) < 0.02
    assert worst(ignored) > 0.1
    assert known.dictionary is not None
    assert ignored.dictionary is not None
    assert known.dictionary.n_atoms < 9 * ignored.dictionary.n_atoms


def test_where_b1_was_not_measured_nothing_is_mapped(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    b1 = np.ones((24, 24, 1), np.float32)
    b1[12, 12] = 0
    nib.Nifti1Image(b1, nib.Nifti1Image.from_filename(scan / "series.nii.gz").affine).to_filename(
        tmp_path / "b1.nii"
    )
    result = map_series(
        scan / "series.nii.gz", short, tmp_path / "maps", b1_path=tmp_path / "b1.nii"
    )
    assert result.maps.counts()[sp.Status.NOT_FINITE] == 1
    assert result.maps.status[12, 12, 0] == sp.Status.NOT_FINITE
    assert any(remark.startswith("1 of ") for remark in result.remarks)


def test_a_mask_says_where(short: sp.Sequence, scan: Path, tmp_path: Path) -> None:
    mask = (nib.Nifti1Image.from_filename(scan / "labels.nii.gz").get_fdata() == 3).astype(np.uint8)
    affine = nib.Nifti1Image.from_filename(scan / "series.nii.gz").affine
    nib.Nifti1Image(mask, affine).to_filename(tmp_path / "mask.nii.gz")
    result = map_series(
        scan / "series.nii.gz", short, tmp_path / "maps", mask_path=tmp_path / "mask.nii.gz"
    )
    assert np.array_equal(np.isfinite(result.maps["t1"]), mask == 1)
    assert not any("No mask" in remark for remark in result.remarks)
    assert result.maps.provenance["mask"] == str(tmp_path / "mask.nii.gz")


def test_a_dictionary_file_is_used(short: sp.Sequence, scan: Path, tmp_path: Path) -> None:
    path = build_dictionary(short, tmp_path / "d.h5", rank=7)
    result = map_series(scan / "series.nii.gz", short, tmp_path / "maps", dictionary_path=path)
    assert result.maps.provenance["rank"] == 7


def test_a_dictionary_that_keeps_everything_leaves_the_noise_to_the_fit(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    path = build_dictionary(short, tmp_path / "d.h5", rank=short.n_samples)
    arguments = (scan / "series.nii.gz", short, tmp_path / "maps")
    fitted = map_series(*arguments, dictionary_path=path)
    assert np.isfinite(fitted.maps.sd["t1"][fitted.maps.has_value()]).all()
    with pytest.raises(sp.InputError, match="sigma"):
        map_series(*arguments, dictionary_path=path, estimator="posterior")


def test_a_dictionary_of_one_tissue_has_nothing_to_map(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    sp.Dictionary.build(short, sp.Tissue(t1=1.0, t2=0.1)).save(tmp_path / "d.h5")
    with pytest.raises(sp.DictionaryError, match=r"d.h5: all atoms are the same tissue"):
        map_series(
            scan / "series.nii.gz", short, tmp_path / "maps", dictionary_path=tmp_path / "d.h5"
        )
    assert not (tmp_path / "maps").exists()


def test_maps_of_an_earlier_run_survive_a_refusal(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    map_series(scan / "series.nii.gz", short, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(sp.SeriesError, match="above the noise"):
        map_series(scan / "series.nii.gz", short, tmp_path, sigma=1e9)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("sequence", "name", "file", "unit", "bound"),
    [
        ("short_knee", "t1rho", "anat/sub-01_T1rho", "s", 0.02),
        ("short_diffusion", "adc", "dwi/sub-01_ADC", "mm2/s", 0.03),
    ],
)
def test_what_else_a_sequence_encodes(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sequence: Any,
    name: str,
    file: str,
    unit: str,
    bound: float,
) -> None:
    sequence = request.getfixturevalue(sequence)
    values = {"t1": 1.0, "t2": 0.045, "t1rho": 0.06, "adc": 1.3e-3}
    tissue = sp.Tissue(**{key: np.full((4, 4, 1), value) for key, value in values.items()})
    series = add_noise(sp.simulate(sequence, tissue), 2e-4, np.random.default_rng(4))
    sp.write_series(tmp_path / "series.nii", series, np.eye(4))
    grid = tmp_path / "grid.toml"
    extra = {"t1rho": "t1rho_ms = { start = 20, stop = 200, factor = 1.25 }"}
    grid.write_text(
        'format = "spinprint-grid/1"\n'
        "t1_ms = { start = 300, stop = 3000, factor = 1.25 }\n"
        "t2_ms = { start = 15, stop = 150, factor = 1.25 }\n"
        + extra.get(name, "adc_mm2_per_s = { start = 0, stop = 3e-3, step = 5e-4 }")
    )
    dictionary = build_dictionary(sequence, tmp_path / "d.h5", grid)
    map_series(tmp_path / "series.nii", sequence, tmp_path / "maps", dictionary_path=dictionary)
    image = nib.Nifti1Image.from_filename(tmp_path / f"maps/sub-01/{file}.nii.gz")
    assert np.median(image.get_fdata()) == pytest.approx(values[name], rel=bound)
    assert f'"Units": "{unit}"' in (tmp_path / f"maps/sub-01/{file}.json").read_text()
    assert sp.read_maps(tmp_path / "maps").sd[name].max() < 0.1 * values[name]


def test_voxels_without_a_number_do_not_count_as_signal(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    whole = map_series(scan / "series.nii.gz", short, tmp_path / "whole")
    series = sp.read_series(scan / "series.nii.gz").data.copy()
    outside = whole.maps.status == sp.Status.OUTSIDE
    series[outside] = np.nan
    np.save(tmp_path / "series.npy", series)
    result = map_series(tmp_path / "series.npy", short, tmp_path / "maps")
    assert result.remarks[0] == whole.remarks[0]
    assert result.maps.counts()[sp.Status.NOT_FINITE] == np.count_nonzero(outside)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared brain series")
def test_a_brain_of_another_simulator_is_mapped_to_the_bound(tmp_path: Path) -> None:
    """The median errors of an efficient estimate on these tissues, and three times its chance.

    Draws of normal errors with the deviations of the Cramér-Rao bound have medians of
    0.476 +- 0.014 % of T1 and 0.872 +- 0.024 % of T2.
    """
    sequence = sp.load_sequence(SHARED / "brain_sequence.toml")
    mask = SHARED / "brain_mask.nii.gz"
    maps = map_series(SHARED / "brain_series.nii.gz", sequence, tmp_path, mask_path=mask).maps
    for name, limit in {"t1": 0.0052, "t2": 0.0094}.items():
        image = nib.Nifti1Image.from_filename(SHARED / f"brain_true_{name.upper()}map.nii.gz")
        truth = np.asarray(image.dataobj)
        inside = maps.status != sp.Status.OUTSIDE
        error = np.abs(maps[name] - truth)[inside] / truth[inside]
        assert np.median(error) <= limit


def save(path: Path, array: NDArray[Any]) -> Path:
    nib.Nifti1Image(array, np.eye(4)).to_filename(path)
    return path


@pytest.mark.parametrize("estimator", ["match", "least-squares", "posterior"])
def test_magnitudes_are_mapped_on_purpose_alone(
    short: sp.Sequence, scan: Path, data: NDArray[Any], tmp_path: Path, estimator: str
) -> None:
    truth = sp.read_maps(scan / "truth")
    stored = save(tmp_path / "m.nii", np.abs(data).astype(np.complex64))
    with pytest.raises(sp.SeriesError, match=r"m.nii: along time all values .* are magnitudes"):
        map_series(stored, short, tmp_path / "maps", estimator=estimator)
    assert not (tmp_path / "maps").exists()
    result = map_series(stored, short, tmp_path / "maps", estimator=estimator, magnitude=True)
    assert abs(error(result, truth, "t1")) < 0.005
    assert abs(error(result, truth, "t2")) < 0.01
    (told,) = (one for one in result.remarks if one.startswith("Magnitudes were mapped"))
    assert "SDs are 1.0" in told
    assert "(T1)" in told
    read = sp.read_maps(tmp_path / "maps")
    assert read.provenance["magnitude"] is True
    assert read.provenance["lost"] == told
    phase = tmp_path / "maps/sub-01/anat/sub-01_desc-phase_M0map.json"
    assert "not known, as magnitudes were mapped" in phase.read_text()


def test_half_of_the_mask_of_a_series_is_found_in_its_magnitudes(
    short: sp.Sequence, scan: Path, data: NDArray[Any], tmp_path: Path
) -> None:
    whole = map_series(scan / "series.nii.gz", short, tmp_path / "whole").maps
    path = save(tmp_path / "m.nii", np.abs(data))
    maps = map_series(path, short, tmp_path / "maps", magnitude=True).maps
    np.testing.assert_array_equal(maps.has_value(), whole.has_value())


def test_magnitude_and_phase_are_joined(
    short: sp.Sequence, scan: Path, data: NDArray[Any], tmp_path: Path
) -> None:
    path = save(tmp_path / "s_part-mag_x.nii", np.abs(data))
    save(tmp_path / "s_part-phase_x.nii", np.round(1000 * np.angle(data)).astype(np.int16))
    result = map_series(path, short, tmp_path / "maps")
    whole = map_series(scan / "series.nii.gz", short, tmp_path / "whole")
    np.testing.assert_allclose(result.maps["t1"], whole.maps["t1"], rtol=2e-3)
    assert "s_part-phase_x.nii: phase in milliradians by its range" in result.remarks[0]


def test_a_dictionary_file_is_of_signals_or_of_moduli(
    short: sp.Sequence, scan: Path, tmp_path: Path
) -> None:
    signals = build_dictionary(short, tmp_path / "s.h5")
    moduli = build_dictionary(short, tmp_path / "m.h5", magnitude=True)
    arguments = (scan / "series.nii.gz", short, tmp_path / "maps")
    map_series(*arguments, dictionary_path=moduli, magnitude=True)
    with pytest.raises(sp.DictionaryError, match=r"m.h5: its atoms are moduli"):
        map_series(*arguments, dictionary_path=moduli)
    with pytest.raises(sp.DictionaryError, match=r"s.h5: its atoms are signals.*dictionary --mag"):
        map_series(*arguments, dictionary_path=signals, magnitude=True)


def test_a_series_that_turns_the_wrong_way_is_told_and_turned(tmp_path: Path) -> None:
    flip = np.radians(10 + 45 * np.abs(np.sin(np.linspace(0, 3 * np.pi, 120))))
    phase = np.radians(117 * np.arange(120) ** 2 / 2) % (2 * np.pi)
    train = ReadoutTrain(flip=flip, phase=phase, tr=0.012, te=0.002)
    blocks = (Inversion(delay=0.02), train)
    sequence = sp.Sequence(name="turned", field_strength=3.0, blocks=blocks)
    tissue = sp.Tissue(t1=np.full((4, 4, 1), 0.9), t2=np.full((4, 4, 1), 0.06))
    series = add_noise(sp.simulate(sequence, tissue), 1e-3, np.random.default_rng(2))
    wrong = save(tmp_path / "wrong.nii", series.conj())
    seen = map_series(wrong, sequence, tmp_path / "seen")
    assert any("Try --conjugate" in remark for remark in seen.remarks)
    assert np.median(np.abs(seen.maps["t2"] / 0.06 - 1)) > 0.05
    turned = map_series(wrong, sequence, tmp_path / "turned", conjugate=True)
    assert not any("conjugate" in remark.lower() for remark in turned.remarks)
    assert np.median(np.abs(turned.maps["t2"] / 0.06 - 1)) < 0.01
    assert turned.maps.provenance["conjugated"] is True
    right = save(tmp_path / "right.nii", series)
    remarks = map_series(right, sequence, tmp_path / "over", conjugate=True).remarks
    assert any("better without --conjugate" in remark for remark in remarks)


def test_a_frame_that_takes_all_voxels_is_named_and_one_that_takes_most_is_told(
    short: sp.Sequence, data: NDArray[Any], tmp_path: Path
) -> None:
    data = data.copy()
    data[..., 17] = np.nan
    with pytest.raises(sp.SeriesError, match=r"frame 17 of 80 .* is NaN in every voxel"):
        map_series(save(tmp_path / "s.nii", data), short, tmp_path / "maps")
    data[12, :, :, 17] = 1e-6
    remarks = map_series(save(tmp_path / "s.nii", data), short, tmp_path / "maps").remarks
    assert any("Frame 17 of 80 (counted from 0) holds NaN in most" in one for one in remarks)
    assert any(": 552 of 576 voxels are lost" in one for one in remarks)


# Numbers ------------------------------------------------------------------------------------


ESTIMATORS = pytest.mark.parametrize("estimator", ["match", "least-squares", "posterior"])


@ESTIMATORS
def test_a_series_of_a_subspace_is_noticed_and_sigma_is_asked_for(
    short: sp.Sequence, data: NDArray[Any], tmp_path: Path, estimator: str
) -> None:
    grid = {"t1": sp.Axis.geometric(0.1, 4, 1.2), "t2": sp.Axis.geometric(0.01, 1, 1.2)}
    basis = sp.Dictionary.build(short, sp.ParameterGrid(grid), rank=12).basis.astype(float)
    path = save(tmp_path / "s.nii", (data @ basis @ basis.T).astype(np.complex64))
    found = map_series(path, short, tmp_path / "found", estimator=estimator)
    assert any("give --sigma" in remark for remark in found.remarks)
    truth = float(np.nanmedian(sp.read_maps(tmp_path / "found").sigma))
    given = map_series(path, short, tmp_path / "given", estimator=estimator, sigma=truth)
    assert not any("--sigma" in remark for remark in given.remarks)
    whole = map_series(save(tmp_path / "w.nii", data), short, tmp_path / "w", estimator=estimator)
    assert not any("--sigma" in remark for remark in whole.remarks)
    ok = found.maps.status == sp.Status.OK
    assert truth == pytest.approx(np.median(whole.maps.sigma[ok]), rel=0.15)
    for name in found.maps:
        ratio = found.maps.sd[name][ok] / whole.maps.sd[name][ok]
        assert np.median(ratio) == pytest.approx(1, abs=0.2)


@ESTIMATORS
@pytest.mark.parametrize("factor", [2.0**-70, 2.0**90, 2.0**-200, 1e20, 1e-30])
def test_the_unit_of_a_series_does_not_matter(
    short: sp.Sequence, data: NDArray[Any], tmp_path: Path, estimator: str, factor: float
) -> None:
    data = data[8:14, 8:14]
    np.save(tmp_path / "one.npy", data)
    np.save(tmp_path / "other.npy", data.astype(complex) * factor)
    one, other = (
        map_series(tmp_path / f"{name}.npy", short, tmp_path / name, estimator=estimator)
        for name in ("one", "other")
    )
    np.testing.assert_array_equal(one.maps.status, other.maps.status)
    exact = np.log2(factor).is_integer()
    for name in one.maps:
        off = np.abs(one.maps[name] - other.maps[name]) / one.maps.sd[name]
        assert np.nanmax(off) <= (0 if exact else 0.1)
    lost = any("beyond single precision" in remark for remark in other.remarks)
    assert lost == (factor == 2.0**-200)


@ESTIMATORS
def test_a_voxel_of_large_values_stops_nothing(
    short: sp.Sequence, scan: Path, data: NDArray[Any], tmp_path: Path, estimator: str
) -> None:
    spoilt = data.copy()
    spoilt[12, 12, 0] = 1e38
    place = sp.read_series(scan / "series.nii.gz").affine
    path = sp.write_series(tmp_path / "s.nii", spoilt, place)
    labels = scan / "labels.nii.gz"
    for mask in (None, labels):
        maps = map_series(path, short, tmp_path / "s", estimator=estimator, mask_path=mask).maps
        expected = map_series(
            scan / "series.nii.gz", short, tmp_path / "e", estimator=estimator, mask_path=mask
        ).maps
        assert maps.status[12, 12, 0] != sp.Status.OUTSIDE
        others = np.ones(maps.shape, bool)
        others[12, 12, 0] = False
        np.testing.assert_array_equal(maps.status[others], expected.status[others])
        np.testing.assert_array_equal(maps["t1"][others], expected["t1"][others])


CASE = SHARED.parent / "cases" / "subspace_series" / "series.nii.gz"


@pytest.mark.skipif(not CASE.exists(), reason="needs the shared cases")
@ESTIMATORS
def test_the_case_of_a_subspace_has_the_deviations_of_its_noise(
    tmp_path: Path, estimator: str
) -> None:
    sequence = sp.load_sequence("fisp_cao500")
    result = map_series(CASE, sequence, tmp_path, estimator=estimator)
    maps = result.maps
    assert any("give --sigma" in remark for remark in result.remarks)
    assert (maps.status == sp.Status.OK).all()
    np.testing.assert_allclose(maps.sigma, 0.158, rtol=0.1)
    truth = {"t1": (0.85, 1.35, 1.2, 1.0, 0.37, 3.0), "t2": (65, 95, 40, 35, 60, 800)}
    for name, values in truth.items():
        true = np.reshape(values, (6, 1, 1)) * (1 if name == "t1" else 1e-3)
        over = np.abs(maps[name].reshape(6, 4, 1) - true) / maps.sd[name].reshape(6, 4, 1)
        assert np.median(over) == pytest.approx(0.67, abs=0.35)
        assert over.max() < 4.5
