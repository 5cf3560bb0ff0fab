import gzip
import shutil
from pathlib import Path
from typing import Any

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

import spinprint as sp
from spinprint.errors import OutputError, SeriesError
from spinprint.io import Series, read_series, write_series
from spinprint.sequence import ReadoutTrain

SHARED = Path(__file__).parents[2].parent / "shared"
Data = NDArray[np.complex64]
Affine = NDArray[np.float64]
IDENTITY = np.eye(4)


def save_nifti(path: Path, array: Any, affine: Any = IDENTITY) -> Path:
    nib.Nifti1Image(array, affine).to_filename(path)
    return path


def refused(path: Path, match: str, imaginary: Path | None = None) -> None:
    with pytest.raises(SeriesError, match=match) as caught:
        read_series(path, imaginary)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message or (imaginary and imaginary.name in message)
    assert len(message) < 400 + len(str(path))


def test_nifti_round_trip(series_path: Path, data: Data, oblique: Affine) -> None:
    series = read_series(series_path)
    assert np.array_equal(series.data, data)
    assert series.data.dtype == np.complex64
    assert series.affine is not None
    assert np.array_equal(series.affine, oblique)
    assert series.shape == (3, 5, 2)
    assert series.length == 7
    assert series.source == series_path


def test_same_series_gives_the_same_bytes(
    tmp_path: Path, series_path: Path, data: Data, oblique: Affine
) -> None:
    again = write_series(tmp_path / "other-name.nii.gz", data, oblique)
    assert again.read_bytes() == series_path.read_bytes()
    assert (
        gzip.decompress(again.read_bytes())
        == write_series(tmp_path / "plain.nii", data, oblique).read_bytes()
    )


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_nifti_versions(
    tmp_path: Path, data: Data, kind: Any, suffix: str, oblique: Affine
) -> None:
    affine = oblique + 1e-9 * (kind is nib.Nifti2Image) * np.eye(4, k=1)
    affine[3] = 0, 0, 0, 1
    path = tmp_path / f"series{suffix}"
    kind(data.astype(np.complex128), affine).to_filename(path)
    series = read_series(path)
    assert np.array_equal(series.data, data)
    assert np.array_equal(series.affine, affine)  # type: ignore[arg-type]


def test_content_decides_over_the_suffix(tmp_path: Path, series_path: Path, data: Data) -> None:
    names = ["plain.nii.gz", "packed.nii", "array.mat", "matlab.h5", "none"]
    (tmp_path / names[0]).write_bytes(gzip.decompress(series_path.read_bytes()))
    shutil.copy(series_path, tmp_path / names[1])
    with (tmp_path / names[2]).open("wb") as file:
        np.save(file, data)
    with (tmp_path / names[3]).open("wb") as file:
        scipy.io.savemat(file, {"images": data})
    shutil.copy(series_path, tmp_path / names[4])
    for name in names:
        assert np.array_equal(read_series(tmp_path / name).data, data), name


def test_a_nifti_that_places_nothing_has_no_affine(tmp_path: Path, data: Data) -> None:
    assert read_series(write_series(tmp_path / "a.nii", data)).affine is None
    assert read_series(write_series(tmp_path / "b.nii", data, np.eye(4))).affine is not None


def save_scaled(path: Path, stored: NDArray[np.int16]) -> Path:
    """Integers as they are, with slope 0.002 and intercept 0.5 in the header."""
    content = bytearray(nib.Nifti1Image(stored, IDENTITY).to_bytes())
    content[112:120] = np.array([0.002, 0.5], "<f4").tobytes()
    path.write_bytes(gzip.compress(content))
    return path


def test_real_and_imaginary_integers_are_scaled(tmp_path: Path) -> None:
    stored = np.random.default_rng(1).integers(-3000, 3000, (2, 3, 5, 2, 7), dtype=np.int16)
    real, imaginary = (save_scaled(tmp_path / f"{i}.nii.gz", stored[i]) for i in range(2))
    series = read_series(real, imaginary)
    assert series.sources == (real, imaginary)
    np.testing.assert_allclose(series.data.real, stored[0] * 0.002 + 0.5, atol=1e-6)
    np.testing.assert_allclose(series.data.imag, stored[1] * 0.002 + 0.5, atol=1e-6)


def test_bids_parts_find_each_other(tmp_path: Path, data: Data) -> None:
    real = save_nifti(tmp_path / "sub-01_part-real_mrf.nii.gz", data.real)
    refused(real, "sub-01_part-imag_mrf.nii.gz is not beside it")
    imaginary = save_nifti(tmp_path / "sub-01_part-imag_mrf.nii.gz", data.imag)
    series = read_series(real)
    assert np.array_equal(series.data, data)
    assert series.sources == (real, imaginary)


def test_parts_must_fit(tmp_path: Path, data: Data, series_path: Path) -> None:
    real = save_nifti(tmp_path / "re.nii.gz", data.real)
    short = save_nifti(tmp_path / "short.nii.gz", data.imag[..., :-1])
    moved = save_nifti(tmp_path / "moved.nii.gz", data.imag, IDENTITY + 5 * np.eye(4, k=3))
    refused(real, "values are real.*the imaginary part.*--phase.*alone.*--magnitude")
    refused(real, r"short.nii.gz: shape \(3, 5, 2, 6\) is not that of the real part", short)
    refused(real, "moved.nii.gz: the imaginary part lies up to", moved)
    refused(real, "series.nii.gz: is complex", series_path)
    refused(series_path, "is complex already", real)


@pytest.mark.parametrize("shape", [(30, 7), (6, 5, 7), (3, 5, 2, 7)])
def test_time_is_the_last_axis(tmp_path: Path, data: Data, shape: tuple[int, ...]) -> None:
    array = data.reshape(shape)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", images=array, tr=np.arange(7.0))
    scipy.io.savemat(tmp_path / "a.mat", {"images": array, "tr": np.arange(7.0), "note": "x"})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["recon/images"] = array
        file["recon/mask"] = np.ones(shape[:-1])
    expected = array.reshape(*shape[:-1], *(1,) * (4 - len(shape)), 7)
    for suffix in ("npy", "npz", "mat", "h5"):
        series = read_series(tmp_path / f"a.{suffix}")
        assert np.array_equal(series.data, expected), suffix
        assert series.affine is None


def test_compressed_matlab(tmp_path: Path, data: Data) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"images": data}, do_compression=True)
    assert np.array_equal(read_series(tmp_path / "a.mat").data, data)


def save_matlab73(path: Path, array: Data) -> None:
    """As MATLAB writes it: axes reversed, a compound of real and imag, a preamble of 512 bytes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        pair = np.empty(array.T.shape, dtype=[("real", "<f8"), ("imag", "<f8")])
        pair["real"], pair["imag"] = array.T.real, array.T.imag
        file["images"] = pair
        file["images"].attrs["MATLAB_class"] = np.bytes_("double")
        file["#refs#/a"] = pair
        file["tr"] = np.zeros((7, 1))
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\x02IM")


def test_matlab_73_has_its_axes_reversed(tmp_path: Path, data: Data) -> None:
    save_matlab73(tmp_path / "a.mat", data)
    assert np.array_equal(read_series(tmp_path / "a.mat").data, data)


@pytest.mark.parametrize("suffix", ["npz", "mat", "h5"])
def test_several_arrays_are_listed(tmp_path: Path, data: Data, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    arrays: dict[str, Any] = {"first": data, "second": data[..., :4]}
    if suffix == "npz":
        np.savez(path, **arrays)
    elif suffix == "mat":
        scipy.io.savemat(path, arrays)
    else:
        with h5py.File(path, "w") as file:
            file.update(arrays)
    refused(path, r"several arrays \(first \(3, 5, 2, 7\) complex64, second \(3, 5, 2, 4\)")


def test_nothing_to_choose(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"note": "text", "cell": {"a": 1}})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["text"] = "text"
        file["none"] = h5py.Empty("f")
    np.save(tmp_path / "a.npy", np.zeros(9, complex))
    for name in ("a.mat", "a.h5", "a.npy"):
        refused(tmp_path / name, "holds no array of numbers with two axes or more")


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    objects = np.array([[{}, {}]], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", a=objects)
    for name in ("a.npy", "a.npz"):
        refused(tmp_path / name, "holds Python objects")


def test_wrong_axes(tmp_path: Path, data: Data) -> None:
    refused(save_nifti(tmp_path / "three.nii.gz", data[:, :, 0]), r"has 3 axes, shape \(3, 5, 7\)")
    np.save(tmp_path / "five.npy", np.stack([data, data]))
    refused(tmp_path / "five.npy", "has 5 axes")
    refused(save_nifti(tmp_path / "five.nii", data.reshape(3, 5, 1, 2, 7)), "has 5 axes")


@pytest.mark.parametrize(
    "shape", [(3, 5, 2, 1, 7), (3, 5, 2, 7, 1), (3, 5, 2, 1, 1, 7), (3, 5, 2, 1, 7, 1, 1)]
)
def test_axes_of_length_1_say_nothing(tmp_path: Path, data: Data, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", data.reshape(shape))
    for path in (tmp_path / "a.npy", save_nifti(tmp_path / "a.nii.gz", data.reshape(shape))):
        assert np.array_equal(read_series(path).data, data)
    real, imaginary = (np.ascontiguousarray(part).reshape(shape) for part in (data.real, data.imag))
    real_path = save_nifti(tmp_path / "a_real.nii", real)
    save_nifti(tmp_path / "a_imaginary.nii", imaginary)
    assert np.array_equal(read_series(real_path).data, data)


def test_space_keeps_its_axes_of_length_1(tmp_path: Path, data: Data) -> None:
    flat = data[:, :1, :1]
    path = save_nifti(tmp_path / "a.nii.gz", flat.reshape(3, 1, 1, 1, 7))
    assert read_series(path).data.shape == (3, 1, 1, 7)
    np.save(tmp_path / "a.npy", data[None, :, :, None])
    assert read_series(tmp_path / "a.npy").data.shape == (1, 3, 5, 2, 7)[1:]


@pytest.mark.parametrize("keep", [0, 1, 12, 200, 400, -9, -1])
def test_truncated_gzip(tmp_path: Path, series_path: Path, keep: int) -> None:
    content = series_path.read_bytes()
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(content[:keep])
    reason = {0: "is empty", 1: "is no NIfTI"}.get(keep, "cut short or damaged")
    refused(path, reason)


def test_damaged_gzip(tmp_path: Path, series_path: Path) -> None:
    content = bytearray(series_path.read_bytes())
    path = tmp_path / "bad.nii.gz"
    path.write_bytes(content[:-6] + bytes([content[-6] ^ 1]) + content[-5:])
    refused(path, r"cut short or damaged \(CRC")
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    refused(path, "cut short or damaged")


@pytest.mark.parametrize("suffix", ["nii", "npy", "npz", "mat", "h5", "v73.mat"])
def test_cut_short(tmp_path: Path, data: Data, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    match suffix:
        case "nii":
            write_series(path, data)
        case "npy":
            np.save(path, data)
        case "npz":
            np.savez(path, data)
        case "mat":
            scipy.io.savemat(path, {"a": data})
        case "h5":
            with h5py.File(path, "w") as file:
                file["a"] = data
        case _:
            save_matlab73(path, data)
    path.write_bytes(path.read_bytes()[:-700])
    refused(path, "cut short or damaged")


def test_damaged_header(tmp_path: Path, data: Data) -> None:
    path = write_series(tmp_path / "a.nii", data)
    content = bytearray(path.read_bytes())
    content[70:72] = b"\xff\x7f"  # an unknown datatype
    path.write_bytes(content)
    refused(path, "may be cut short or damaged")


def test_remarks_on_a_header_are_not_printed(
    tmp_path: Path, data: Data, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_series(tmp_path / "a.nii", data)
    content = bytearray(path.read_bytes())
    content[252:254] = np.array([65], "<i2").tobytes()  # an unknown qform_code
    path.write_bytes(content)
    assert np.array_equal(read_series(path).data, data)
    assert not caplog.records
    nib.load(path)
    assert caplog.records


def test_what_is_no_series(tmp_path: Path) -> None:
    refused(tmp_path / "missing.nii.gz", "no such file")
    refused(tmp_path, "is a folder")
    (tmp_path / "page.nii.gz").write_text("<html>not found</html>")
    refused(tmp_path / "page.nii.gz", "is no NIfTI .* file")
    (tmp_path / "image.dcm").write_bytes(bytes(128) + b"DICM" + bytes(600))
    refused(tmp_path / "image.dcm", "is DICOM")
    (tmp_path / "pair.hdr").write_bytes(bytes(344) + b"ni1\0")
    refused(tmp_path / "pair.hdr", "half of a NIfTI pair")
    colours = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    refused(save_nifti(tmp_path / "rgb.nii", colours), "colours")


def test_nan_and_inf_are_left_to_the_estimators(tmp_path: Path, data: Data) -> None:
    data[0, 0, 0, 2], data[1, 0, 0, 3] = np.nan, np.inf
    huge = data.astype(np.complex128)
    huge[2, 0, 0, 0] = 1e300
    series = read_series(save_nifti(tmp_path / "a.nii.gz", huge))
    bad = ~np.isfinite(series.data).all(axis=-1)
    assert np.argwhere(bad).tolist() == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]


def test_signalling_nan(tmp_path: Path, data: Data) -> None:
    data.view(np.uint32)[0, 0, 0, 0] = 0x7F800001
    np.save(tmp_path / "a.npy", data)
    assert np.isnan(read_series(tmp_path / "a.npy").data[0, 0, 0, 0])


@pytest.mark.parametrize("value", [0, np.nan])
def test_nothing_to_map(tmp_path: Path, data: Data, value: float) -> None:
    path = write_series(tmp_path / "a.nii.gz", np.full_like(data, value))
    refused(path, "no value is finite and other than 0")


def test_length_must_be_the_sequences(series: Series) -> None:
    def sequence(pulses: int) -> sp.Sequence:
        train = ReadoutTrain(flip=[0.2] * pulses, tr=0.01, te=0.002)
        return sp.Sequence(name="short", blocks=(train,), field_strength=3.0)

    series.require_length(sequence(7))
    with pytest.raises(SeriesError, match=r"series.nii.gz: 7 time points.*'short' has 8 samples"):
        series.require_length(sequence(8))
    with pytest.raises(SeriesError, match="time must be the last axis"):
        Series(data=np.moveaxis(series.data, -1, 0)).require_length(sequence(7))


def test_series_in_memory_is_checked(data: Data) -> None:
    assert Series(data=data.astype(np.complex128)).data.dtype == np.complex64
    with pytest.raises(SeriesError, match="must be complex"):
        Series(data=data.real)
    assert np.array_equal(Series(data=data, magnitude=True).data, np.abs(data))
    with pytest.raises(SeriesError, match="axes"):
        Series(data=data[0])


def test_write_series_refuses(tmp_path: Path, data: Data) -> None:
    with pytest.raises(OutputError, match=r"end the name in .nii or .nii.gz"):
        write_series(tmp_path / "a.mat", data)
    with pytest.raises(SeriesError, match="must have the axes"):
        write_series(tmp_path / "a.nii", data[0])
    for affine in (np.zeros((4, 4)), np.eye(3), np.full((4, 4), np.nan)):
        with pytest.raises(SeriesError, match="affine"):
            write_series(tmp_path / "a.nii", data, affine)
    assert not list(tmp_path.iterdir())


def test_axes_beyond_nifti_1(tmp_path: Path) -> None:
    long = np.ones((40_000, 1, 1, 2), dtype=np.complex64)
    path = write_series(tmp_path / "a.nii.gz", long, np.eye(4))
    assert isinstance(nib.load(path), nib.Nifti2Image)
    assert np.array_equal(read_series(path).data, long)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared brain series")
def test_real_brain() -> None:
    path = SHARED / "data" / "brain_series.nii.gz"
    series = read_series(path)
    assert series.data.shape == (64, 64, 1, 500)
    assert np.array_equal(series.affine, nib.load(path).affine)  # type: ignore
    series.require_length(sp.load_sequence(SHARED / "data" / "brain_sequence.toml"))
