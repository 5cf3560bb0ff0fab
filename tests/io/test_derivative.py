import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.errors import OutputError, SeriesError
from spinprint.io import (
    Series,
    check_derivative,
    read_maps,
    read_series,
    write_maps,
)
from spinprint.maps import Maps, Status
from spinprint.sequence import ReadoutTrain, Sequence

SHAPE = (3, 5, 2)
SEQUENCE = Sequence(
    name="seven", blocks=(ReadoutTrain(flip=[0.2] * 7, tr=0.01, te=0.002),), field_strength=2.9
)


def make_maps(*names: str, affine: NDArray[np.float64] | None = None, **changes: Any) -> Maps:
    rng = np.random.default_rng(5)
    status = rng.integers(0, 6, SHAPE).astype(np.uint8)

    def draw() -> NDArray[np.float32]:
        values = rng.uniform(0.01, 3, SHAPE).astype(np.float32)
        values[status == Status.OUTSIDE] = np.nan
        return values

    names = names or ("t1", "t2", "t1rho", "adc")
    maps = Maps(
        values={name: draw() for name in names},
        sd={name: draw() for name in names},
        m0=(draw() * np.exp(1j * draw())).astype(np.complex64),
        status=status,
        sigma=draw(),
        extra={"score": draw(), "t1_low": draw()},
        affine=affine,
        provenance={"estimator": "DictionaryMatching", "seed": 7, "rank": np.int64(10)},
    )
    return maps.replace(**changes)


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def sidecar(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_names(tmp_path: Path) -> None:
    paths = write_maps(make_maps(), tmp_path / "out", sequence=SEQUENCE, subject="k7")
    stems = [
        *(f"anat/sub-k7_{entity}{suffix}" for suffix in ("T1map", "T2map", "T1rho")
          for entity in ("", "desc-sd_")),
        "dwi/sub-k7_ADC",
        "dwi/sub-k7_desc-sd_ADC",
        *(f"anat/sub-k7_{ending}" for ending in (
            "M0map", "desc-phase_M0map", "desc-status_dseg", "desc-sigma_map", "desc-score_map",
            "desc-t1Low_map")),
    ]  # fmt: skip
    expected = {f"sub-k7/{stem}{suffix}" for stem in stems for suffix in (".nii.gz", ".json")}
    expected |= {"sub-k7/anat/sub-k7_desc-status_dseg.tsv"}
    expected |= {"dataset_description.json", "README", ".bidsignore"}
    assert set(contents(tmp_path / "out")) == expected
    assert {path.relative_to(tmp_path / "out").as_posix() for path in paths} == expected
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_names_of_fields(tmp_path: Path) -> None:
    write_maps(make_maps("t1", "b1", "b0"), tmp_path, sequence=SEQUENCE)
    names = {path.name for path in (tmp_path / "sub-01/fmap").glob("*.nii.gz")}
    suffixes = ("TB1map", "desc-sd_TB1map", "fieldmap", "desc-sd_fieldmap", "magnitude")
    assert names == {f"sub-01_{suffix}.nii.gz" for suffix in suffixes}
    magnitude, m0 = (
        nib.Nifti1Image.from_filename(tmp_path / f"sub-01/{name}.nii.gz").get_fdata()
        for name in ("fmap/sub-01_magnitude", "anat/sub-01_M0map")
    )
    assert np.array_equal(magnitude, m0, equal_nan=True)
    assert set(read_maps(tmp_path)) == {"t1", "b1", "b0"}


def test_round_trip(tmp_path: Path, series: Series) -> None:
    maps = make_maps(affine=series.affine)
    write_maps(maps, tmp_path / "out", sequence=SEQUENCE, reference=series)
    back = read_maps(tmp_path / "out")
    for kind in ("values", "sd", "extra"):
        written, read = getattr(maps, kind), getattr(back, kind)
        assert set(read) == set(written)
        for name in written:
            assert read[name].dtype == np.float32
            assert np.array_equal(read[name], written[name], equal_nan=True)
    assert np.array_equal(back.status, maps.status)
    assert np.array_equal(back.sigma, maps.sigma, equal_nan=True)
    np.testing.assert_allclose(back.m0, maps.m0, rtol=1e-6)
    assert np.array_equal(back.affine, maps.affine)  # type: ignore[arg-type]
    assert back.provenance == {"estimator": "DictionaryMatching", "seed": 7, "rank": 10}


def raw_geometry(path: Path) -> dict[str, Any]:
    header: Any = nib.load(path).header
    names = [name for name in header if name[:4] in ("qfor", "sfor", "quat", "qoff", "srow")]
    fields = {name: header[name].tolist() for name in names}
    return fields | {"pixdim": header["pixdim"][:4].tolist()}


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize(("qform", "sform"), [(1, 0), (0, 2), (1, 4), (3, 1), (0, 0)])
def test_geometry_is_taken_over_bit_for_bit(
    tmp_path: Path, series: Series, kind: Any, qform: int, sform: int
) -> None:
    turn = np.deg2rad(31.7)
    rotated = np.eye(4)
    rotated[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    rotated = rotated @ np.diag([0.7, 1.1, 3.3, 1])
    image = kind(series.data, rotated)
    image.set_qform(rotated, code=qform)
    # A header may hold two transforms that differ; both have to survive.
    image.set_sform(rotated + np.eye(4, k=3), code=sform)
    image.header.set_xyzt_units("micron" if qform == 3 else "mm", "sec")
    image.to_filename(tmp_path / "series.nii.gz")
    reference = read_series(tmp_path / "series.nii.gz")
    maps = make_maps(affine=reference.affine)
    write_maps(maps, tmp_path / "out", sequence=SEQUENCE, reference=reference)
    path = tmp_path / "out/sub-01/anat/sub-01_T1map.nii.gz"
    written = nib.load(path)
    assert isinstance(written, kind)
    assert raw_geometry(path) == raw_geometry(tmp_path / "series.nii.gz")
    assert np.array_equal(written.affine, nib.load(tmp_path / "series.nii.gz").affine)  # type: ignore[attr-defined]
    assert written.header.get_xyzt_units()[0] == ("micron" if qform == 3 else "mm")


def test_affine_without_a_reference(tmp_path: Path, oblique: NDArray[np.float64]) -> None:
    def write(affine: NDArray[np.float64] | None) -> Any:
        write_maps(make_maps(affine=affine), tmp_path, sequence=SEQUENCE)
        return nib.load(tmp_path / "sub-01/anat/sub-01_T2map.nii.gz")

    sheared = write(oblique)
    assert np.array_equal(sheared.affine, oblique)
    assert (int(sheared.header["sform_code"]), int(sheared.header["qform_code"])) == (1, 0)
    plain = write(np.diag([-2.0, 3, 4, 1]))
    assert np.array_equal(plain.header.get_qform(), np.diag([-2.0, 3, 4, 1]))
    assert plain.header.get_zooms() == (2, 3, 4)
    nowhere = write(None)
    assert (int(nowhere.header["sform_code"]), int(nowhere.header["qform_code"])) == (0, 0)
    assert read_maps(tmp_path).affine is None


def test_voxels_are_stored_as_they_are(tmp_path: Path) -> None:
    write_maps(make_maps(), tmp_path, sequence=SEQUENCE)
    for path in tmp_path.rglob("*.nii.gz"):
        image: Any = nib.load(path)
        status = "status" in path.name
        assert image.get_data_dtype() == (np.uint8 if status else np.float32)
        slope, intercept = np.frombuffer(gzip.decompress(path.read_bytes())[112:120], "<f4")
        assert (slope, intercept) in ((0, 0), (1, 0)) or np.isnan(slope)
        assert image.header.get_xyzt_units()[0] == "mm"


def test_sidecars(tmp_path: Path, series_path: Path, series: Series) -> None:
    out = tmp_path / "deep" / "out"
    write_maps(
        make_maps(), out, sequence=SEQUENCE, reference=series, sources=[series_path, "gone.npy"]
    )
    units = {
        "anat/sub-01_T1map": "s",
        "anat/sub-01_desc-sd_T1rho": "s",
        "dwi/sub-01_ADC": "mm2/s",
        "anat/sub-01_M0map": "arbitrary",
        "anat/sub-01_desc-phase_M0map": "rad",
        "anat/sub-01_desc-score_map": "1",
        "anat/sub-01_desc-t1Low_map": "s",
        "anat/sub-01_desc-sigma_map": "arbitrary",
    }
    for stem, unit in units.items():
        assert sidecar(out / f"sub-01/{stem}.json")["Units"] == unit
    for path in (out / "sub-01").rglob("*.json"):
        content = sidecar(path)
        assert content["EstimationAlgorithm"] == "DictionaryMatching"
        assert content["SequenceHash"] == SEQUENCE.digest
        assert content["SequenceName"] == "seven"
        assert content["MagneticFieldStrength"] == 2.9
        assert content["Seed"] == 7
        assert content["SkullStripped"] is False
        assert content["Provenance"]["rank"] == 10
        source = content["Sources"][0]
        assert (out / source).resolve() == series_path.resolve()
        assert len(content["SourceHashes"][source]) == 64
        assert list(content["SourceHashes"].values())[1] is None
    status = out / "sub-01/anat/sub-01_desc-status_dseg.json"
    assert set(sidecar(status)["Levels"]) == {str(int(status)) for status in Status}
    heading, *rows = status.with_suffix(".tsv").read_text().splitlines()
    assert heading == "index\tname"
    assert [row.split("\t")[0] for row in rows] == list(sidecar(status)["Levels"])
    assert rows[Status.NO_SIGNAL] == "2\tno signal"
    description = sidecar(out / "dataset_description.json")
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "spinprint"
    assert {"Name", "BIDSVersion"} <= set(description)


def test_provenance_that_json_cannot_hold(tmp_path: Path) -> None:
    provenance = {"axis": np.arange(2.0), "path": Path("a"), "worst": np.inf, "pair": (1, None)}
    write_maps(make_maps(provenance=provenance), tmp_path, sequence=SEQUENCE)
    expected = {"axis": [0.0, 1.0], "path": "a", "worst": "inf", "pair": [1, None]}
    assert read_maps(tmp_path).provenance == expected


def test_same_maps_give_the_same_bytes(tmp_path: Path, series: Series) -> None:
    for name in "ab":
        write_maps(make_maps(), tmp_path / name, sequence=SEQUENCE, reference=series)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_second_run_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_maps(make_maps(), out, sequence=SEQUENCE, subject="other")
    write_maps(make_maps(), out, sequence=SEQUENCE)
    (out / "sub-01/anat/sub-01_T2w.json").write_text("{}")
    unpacked = out / "sub-01/anat/sub-01_T1map.nii"
    nib.Nifti1Image.from_filename(f"{unpacked}.gz").to_filename(unpacked)
    write_maps(make_maps("t1", "t2", extra={}), out, sequence=SEQUENCE)
    maps = read_maps(out, "01")
    assert (set(maps.values), set(maps.extra)) == ({"t1", "t2"}, set())
    assert not list(out.rglob("sub-01_*T1rho*"))
    assert not unpacked.exists()
    assert (out / "sub-01/anat/sub-01_T2w.json").exists()
    assert set(read_maps(out, "other").values) == {"t1", "t2", "t1rho", "adc"}


def written_by_0_1_0(maps: Maps, out: Path) -> Path:
    """The dataset as version 0.1.0 would have left it."""
    write_maps(maps, out, sequence=SEQUENCE)
    anat = out / "sub-01/anat"
    for new, old in {"desc-status_dseg": "desc-status_mask", "desc-phase": "part-phase"}.items():
        for path in anat.glob(f"*{new}*"):
            path.rename(path.with_name(path.name.replace(new, old)))
    (anat / "sub-01_desc-status_mask.tsv").unlink()
    (out / "README").unlink()
    ignored = ("ADC", "TB1map", "fieldmap", "part-phase_M0map", "desc-status_mask", "map")
    (out / ".bidsignore").write_text("mine/\n" + "".join(f"*_{one}.*\n" for one in ignored))
    return out


def test_maps_of_0_1_0_are_read_as_those_of_today(tmp_path: Path) -> None:
    maps = make_maps()
    back = read_maps(written_by_0_1_0(maps, tmp_path / "old"))
    assert np.array_equal(back.status, maps.status)
    np.testing.assert_allclose(back.m0, maps.m0, rtol=1e-6)
    assert set(back.extra) == set(maps.extra)


def test_a_run_into_a_folder_of_0_1_0_leaves_no_name_of_then(tmp_path: Path) -> None:
    old = written_by_0_1_0(make_maps(), tmp_path / "old")
    write_maps(make_maps(), old, sequence=SEQUENCE)
    write_maps(make_maps(), tmp_path / "new", sequence=SEQUENCE)
    mine, *ours = (old / ".bidsignore").read_text().splitlines(keepends=True)
    assert mine == "mine/\n"
    (old / ".bidsignore").write_text("".join(ours))
    assert contents(old) == contents(tmp_path / "new")


def test_what_somebody_wrote_of_the_dataset_stays(tmp_path: Path) -> None:
    write_maps(make_maps(), tmp_path, sequence=SEQUENCE)
    path, readme = tmp_path / "dataset_description.json", tmp_path / "README"
    first, text = sidecar(path), readme.read_bytes()
    makers = [{"Name": "spinprint", "Version": "0.0.1"}, {"Name": "Manual"}]
    theirs = {"Name": "Knees", "Authors": ["Félix Bloch"], "License": "CC0", "Funding": []}
    changed = {**first, **theirs, "BIDSVersion": "1.0.0", "GeneratedBy": makers}
    path.write_text(json.dumps(changed), encoding="utf-8")
    readme.write_bytes(text + b"Sunday's scan is the second one.\n")
    (tmp_path / ".bidsignore").write_bytes(b"caf\xe9/\n")
    write_maps(make_maps(), tmp_path, sequence=SEQUENCE, subject="other")
    makers[0] = first["GeneratedBy"][0]
    assert sidecar(path) == {**first, **theirs, "GeneratedBy": makers}
    assert readme.read_bytes() == text + b"Sunday's scan is the second one.\n"
    assert (tmp_path / ".bidsignore").read_bytes().startswith(b"caf\xe9/\n#")


@pytest.mark.parametrize("name", ["README.md", "README.rst", "README.txt"])
def test_a_second_readme_is_not_written(tmp_path: Path, name: str) -> None:
    """BIDS allows one, whatever its suffix."""
    (tmp_path / name).write_text("Mine")
    paths = write_maps(make_maps(), tmp_path, sequence=SEQUENCE)
    assert [path.name for path in tmp_path.glob("README*")] == [name]
    assert all(path.exists() for path in paths)


def test_a_truth_is_no_estimate(tmp_path: Path) -> None:
    """The names of a dataset that nobody has touched follow what is in it."""
    names = []
    for truth in (False, True, False):
        write_maps(make_maps(), tmp_path, sequence=SEQUENCE, truth=truth)
        names.append(sidecar(tmp_path / "dataset_description.json")["Name"])
        assert (tmp_path / "README").read_text().startswith(f"{names[-1]}\n===")
    assert names[0] == names[2] != names[1] == "True maps of a simulated phantom"


def test_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    write_maps(make_maps("t1", "t2"), out, sequence=SEQUENCE)
    before = contents(out)
    real, left = nib.Nifti1Image.to_filename, [9]

    def to_filename(image: Any, *args: Any) -> None:
        left[0] -= 1
        if left[0] % 5 == 0:
            raise OSError(28, "No space left on device") if left[0] else KeyboardInterrupt
        real(image, *args)

    monkeypatch.setattr(nib.Nifti1Image, "to_filename", to_filename)
    with pytest.raises(OutputError, match=r"out: cannot be written \(No space left"):
        write_maps(make_maps(), out, sequence=SEQUENCE)
    assert contents(out) == before
    with pytest.raises(KeyboardInterrupt):
        write_maps(make_maps(), tmp_path / "new" / "out", sequence=SEQUENCE)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("subject", ["", "a-b", "a_b", "../x", "a b", "ü", "1\n"])
def test_subject_label(tmp_path: Path, subject: str) -> None:
    with pytest.raises(OutputError, match="must be letters and digits"):
        write_maps(make_maps(), tmp_path, sequence=SEQUENCE, subject=subject)
    assert not list(tmp_path.iterdir())


def test_a_dataset_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "dataset_description.json"
    for text in ('{"Name": "raw data"}', '{"GeneratedBy": [{"Name": "x"}]}', "[]", "{"):
        path.write_text(text)
        with pytest.raises(OutputError, match="a dataset of another program"):
            check_derivative(tmp_path)
        assert path.read_text() == text


def test_maps_must_fit_the_reference(tmp_path: Path, series: Series) -> None:
    flat = make_maps(affine=np.eye(4))
    with pytest.raises(SeriesError, match=r"affine of the maps is not that of .*series.nii.gz"):
        write_maps(flat, tmp_path / "out", sequence=SEQUENCE, reference=series)
    smaller = Series(data=series.data[:2])
    with pytest.raises(SeriesError, match=r"maps of shape \(3, 5, 2\) cannot belong to"):
        write_maps(flat, tmp_path / "out", sequence=SEQUENCE, reference=smaller)
    assert not (tmp_path / "out").exists()


def test_maps_without_a_name(tmp_path: Path) -> None:
    score = make_maps().extra["score"]
    clash = {"t1_low": score, "t1Low": score}
    with pytest.raises(OutputError, match=r"would be called …_desc-t1Low_map.nii.gz"):
        write_maps(make_maps(extra=clash), tmp_path, sequence=SEQUENCE)
    with pytest.raises(OutputError, match="'kappa' has no name in BIDS"):
        write_maps(make_maps(values={"kappa": score}, sd={}), tmp_path, sequence=SEQUENCE)
    assert not list(tmp_path.iterdir())


def test_fewer_axes(tmp_path: Path) -> None:
    line = np.linspace(1, 2, 4).astype(np.float32)
    maps = Maps(
        values={"t1": line, "t2": line},
        sd={},
        m0=line.astype(np.complex64),
        status=np.ones(4, np.uint8),
        sigma=line,
    )
    write_maps(maps, tmp_path, sequence=SEQUENCE)
    back = read_maps(tmp_path)
    assert back.shape == (4, 1, 1)
    assert back.sd == {}


def test_maps_of_other_programs(tmp_path: Path) -> None:
    folder = tmp_path / "sub-x" / "anat"
    folder.mkdir(parents=True)
    values = np.ones(SHAPE, dtype=np.float32)
    values[0, 0, 0] = np.nan
    nib.Nifti1Image(values, np.eye(4)).to_filename(folder / "sub-x_T1map.nii")
    maps = read_maps(tmp_path)
    assert maps.counts() == {Status.OUTSIDE: 1, Status.OK: values.size - 1}
    assert np.isnan(maps.m0).all()
    assert np.isnan(maps.sigma).all()
    (folder / "sub-x_T1map.json").write_text('{"Units": "ms"}')
    with pytest.raises(SeriesError, match=r"T1map.nii: is in ms: convert it to s"):
        read_maps(tmp_path)
    (folder / "sub-x_T1map.json").write_text("{")
    with pytest.raises(SeriesError, match=r"T1map.json: cannot be read as JSON"):
        read_maps(tmp_path)


def test_read_maps_refuses(tmp_path: Path) -> None:
    with pytest.raises(SeriesError, match="no such folder"):
        read_maps(tmp_path / "missing")
    with pytest.raises(SeriesError, match="name one subject; there is no sub-… folder"):
        read_maps(tmp_path)
    (tmp_path / "sub-empty").mkdir()
    with pytest.raises(SeriesError, match="sub-empty: holds no map"):
        read_maps(tmp_path)
    for subject in ("a", "b"):
        write_maps(make_maps(), tmp_path, sequence=SEQUENCE, subject=subject)
    with pytest.raises(SeriesError, match="name one subject; there is a, b, empty"):
        read_maps(tmp_path)
    with pytest.raises(SeriesError, match="has no subject 'c'; there is a, b, empty"):
        read_maps(tmp_path, "c")
    path = tmp_path / "sub-a/anat/sub-a_T2map.nii.gz"
    nib.Nifti1Image(np.ones((2, 2, 2), np.float32), np.eye(4)).to_filename(path)
    with pytest.raises(SeriesError, match=r"sub-a_T2map.nii.gz: shape \(2, 2, 2\) is not that"):
        read_maps(tmp_path, "a")
    path = tmp_path / "sub-b/anat/sub-b_desc-status_dseg.nii.gz"
    nib.Nifti1Image(np.full(SHAPE, 6, np.uint8), np.eye(4)).to_filename(path)
    with pytest.raises(SeriesError, match=r"status_dseg.nii.gz: holds codes other than 0 to 5"):
        read_maps(tmp_path, "b")
    path.unlink()
    path = tmp_path / "sub-b/anat/sub-b_desc-score_map.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SeriesError, match=r"score_map.nii.gz: cut short or damaged"):
        read_maps(tmp_path, "b")


def test_importing_loads_no_file_library() -> None:
    check = "import sys, spinprint.io; print({'nibabel', 'h5py', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
