"""Files that lie about what they hold: an array or one line, and no memory taken on their word."""

import gzip
import io
import os
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from spinprint import room
from spinprint.errors import SeriesError
from spinprint.io import Series, read_labels, read_series
from spinprint.io.arrays import read_array

ROOT = Path(__file__).parents[2]
Data = NDArray[np.complex64]


def refusal(path: Path) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(SeriesError) as caught:
        read_array(path, want_complex=True)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


def attempt(path: Path) -> NDArray[Any] | None:
    """What a file holds, or None where it is refused in one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read_array(path, want_complex=True)[0]
        except SeriesError as error:
            message = str(error)
    assert "\n" not in message
    return None


def saved(save: Callable[[Any], object]) -> bytes:
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


def hdf5(data: Data) -> bytes:
    def save(stream: Any) -> None:
        with h5py.File(stream, "w") as file:
            file["a"] = data

    return saved(save)


WRITERS: dict[str, Callable[[Data], bytes]] = {
    "NIfTI-1": lambda data: bytes(nib.Nifti1Image(data, np.eye(4)).to_bytes()),
    "NIfTI-2": lambda data: bytes(nib.Nifti2Image(data, np.eye(4)).to_bytes()),
    "npy": lambda data: saved(lambda stream: np.save(stream, data)),
    "npz": lambda data: saved(lambda stream: np.savez(stream, a=data)),
    "MATLAB 5": lambda data: saved(lambda stream: scipy.io.savemat(stream, {"a": data})),
    "MATLAB 7": lambda data: saved(
        lambda stream: scipy.io.savemat(stream, {"a": data}, do_compression=True)
    ),
    "HDF5": hdf5,
}


@pytest.mark.parametrize("form", WRITERS)
def test_cut_at_every_byte_of_the_header(tmp_path: Path, data: Data, form: str) -> None:
    whole, path = WRITERS[form](data), tmp_path / "cut"
    for length in range(min(len(whole), 560)):
        path.write_bytes(whole[:length])
        assert attempt(path) is None, length
    path.write_bytes(whole)
    np.testing.assert_array_equal(attempt(path), data)


def test_files_damaged_at_random() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "fuzz.py", "--count", "25", "--seed", "11"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": 0 findings in 25 files") > 20


# MATLAB


def matlab(path: Path, **arrays: Any) -> bytearray:
    scipy.io.savemat(path, arrays)
    return bytearray(path.read_bytes())


def element(content: bytearray, values: NDArray[Any]) -> int:
    """Where the tag of the element with these values begins."""
    return content.index(values.tobytes(order="F")) - 8


@pytest.mark.parametrize("part", ["real", "imag"])
@pytest.mark.parametrize("kind", [*range(256), 0xFFFF, 0x10000, 0xFFFFFFFF])
def test_every_type_of_the_values(tmp_path: Path, data: Data, part: str, kind: int) -> None:
    """Most end the process in scipy."""
    path = tmp_path / "a.mat"
    content = matlab(path, a=data)
    struct.pack_into("<I", content, element(content, getattr(data, part)), kind)
    path.write_bytes(content)
    array = attempt(path)
    # Of the types that single precision can be mistaken for, all have four bytes.
    assert array is None or kind in (5, 6, 7)


@pytest.mark.parametrize("size", [0, 1, 2**31 - 1, 2**32 - 1])
def test_sizes_beyond_the_variable(tmp_path: Path, data: Data, size: int) -> None:
    path = tmp_path / "a.mat"
    content = matlab(path, a=data)
    struct.pack_into("<I", content, element(content, data.real) + 4, size)
    path.write_bytes(content)
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("shape", [(-3, -5), (2**31 - 1, 2**31 - 1), (3, 5, 2, 8)])
def test_dimensions_that_are_not_those_of_the_values(
    tmp_path: Path, data: Data, shape: tuple[int, ...]
) -> None:
    path = tmp_path / "a.mat"
    content = matlab(path, a=data)
    at = content.index(struct.pack("<4i", *data.shape))
    struct.pack_into(f"<{len(shape)}i", content, at, *shape)
    path.write_bytes(content)
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.int16, np.uint8, np.complex128, np.int64, bool])
def test_all_that_matlab_holds_beside_an_array(tmp_path: Path, packed: bool, dtype: Any) -> None:
    wanted = np.arange(24).reshape(2, 3, 4).astype(dtype)
    beside = {
        "text": "a note",
        "cells": np.array([np.eye(2), "text", {"deep": np.eye(3)}], dtype=object),
        "record": {"name": "x", "values": np.eye(4)},
        "sparse": scipy.sparse.csc_matrix(np.eye(5)),
    }
    scipy.io.savemat(tmp_path / "a.mat", {**beside, "a": wanted}, do_compression=packed)
    array, _ = read_array(tmp_path / "a.mat", want_complex=wanted.dtype.kind == "c")
    np.testing.assert_array_equal(array, wanted)


def test_big_endian_matlab(tmp_path: Path) -> None:
    values = np.arange(6, dtype=">f8").reshape(2, 3)
    flags = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 2, 3)
    name = struct.pack(">HH4s", 1, 1, b"a")
    numbers = struct.pack(">II", 9, 48) + values.tobytes(order="F")
    body = flags + name + numbers
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "a.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    np.testing.assert_array_equal(read_array(tmp_path / "a.mat")[0], values)


def test_an_object_beside_the_array_is_passed_over(tmp_path: Path, data: Data) -> None:
    """As MATLAB stores strings, tables and dates: a variable without dimensions."""
    content = matlab(tmp_path / "a.mat", a=data)
    opaque = struct.pack("<IIII", 6, 8, 17, 0) + struct.pack("<HH4s", 1, 1, b"s")
    opaque += struct.pack("<II8s", 1, 4, b"MCOS") + struct.pack("<II8s", 1, 6, b"string")
    content[128:128] = struct.pack("<II", 14, len(opaque)) + opaque
    (tmp_path / "a.mat").write_bytes(content)
    np.testing.assert_array_equal(read_array(tmp_path / "a.mat", want_complex=True)[0], data)


def test_a_packed_variable_that_swells(tmp_path: Path) -> None:
    head = struct.pack("<IIII", 6, 8, 9, 0) + struct.pack("<IIii", 5, 8, 60000, 70000)
    head += struct.pack("<HH4s", 1, 1, b"a") + struct.pack("<II", 2, 60000 * 70000)
    swelling = zlib.compress(struct.pack("<II", 14, 2**32 - 8) + head + bytes(1 << 22), 9)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    path = tmp_path / "a.mat"
    path.write_bytes(header + struct.pack("<II", 15, len(swelling)) + swelling)
    assert "it states 4.2 GB of values" in refusal(path)


# Sizes


def declared(path: Path, form: str, shape: tuple[int, ...]) -> None:
    """A file of a few kilobytes that declares an array of any size."""
    header = {"descr": "<c8", "fortran_order": False, "shape": shape}
    match form:
        case "npy":
            with path.open("wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                file.write(bytes(4096))
        case "npz":
            stream = io.BytesIO()
            np.lib.format.write_array_header_1_0(stream, header)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.npy", stream.getvalue() + bytes(1 << 20))
        case "HDF5":
            with h5py.File(path, "w") as file:
                made = file.create_dataset("a", shape, "c8", chunks=(9,) * 4, compression="gzip")
                made[:2, :2, :2, :2] = 1
        case _:
            image = nib.Nifti1Header()
            image.set_data_dtype(np.complex64)
            image.set_data_shape(shape)
            image["magic"], image["vox_offset"] = b"n+1", 352
            content = image.binaryblock + bytes(4 + (1 << 20))
            path.write_bytes(gzip.compress(content) if form == "packed NIfTI" else content)


@pytest.mark.parametrize("form", ["NIfTI", "packed NIfTI", "npy", "npz", "HDF5"])
def test_sizes_that_no_file_and_no_memory_hold(tmp_path: Path, form: str) -> None:
    declared(tmp_path / "a", form, (30000, 20, 30000, 1000))
    message = refusal(tmp_path / "a")
    assert "144 TB" in message
    assert ("of memory" in message) == (form == "HDF5")


@pytest.mark.parametrize("form", WRITERS)
def test_what_the_memory_that_is_free_does_not_hold(
    tmp_path: Path, data: Data, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(WRITERS[form](data))
    monkeypatch.setattr(room, "free_memory", lambda: data.nbytes - 1)
    message = refusal(tmp_path / "a")
    assert "of memory and" in message
    assert message.endswith("are free: give a part of it")


def test_a_series_of_another_type_needs_room_twice(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: data.nbytes - 1)
    Series(data=data)
    with pytest.raises(SeriesError, match=r"needs 1\.68 kB of memory"):
        Series(data=data.astype(np.complex128))


def test_no_memory_is_one_line(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: Any, **__: Any) -> Any:
        raise MemoryError("Unable to allocate 3 GiB")

    (tmp_path / "a").write_bytes(WRITERS["npy"](data))
    monkeypatch.setattr(np.lib.format, "read_array", none_left)
    assert "does not fit in memory (Unable to allocate 3 GiB" in refusal(tmp_path / "a")


def test_only_the_array_that_is_meant_is_unpacked(tmp_path: Path, data: Data) -> None:
    other = np.zeros((100, 1000))
    np.savez(tmp_path / "a.npz", other=other, a=data)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(other.tobytes()) + other.nbytes // 2] ^= 1  # its sum would tell
    (tmp_path / "a.npz").write_bytes(content)
    np.testing.assert_array_equal(read_series(tmp_path / "a.npz").data, data)


# NIfTI

VOX_OFFSET, SLOPE, INTERCEPT, DIM, EXTENSION = 108, 112, 116, 40, 348


def edited(path: Path, data: NDArray[Any], form: str, place: int, *values: Any) -> Path:
    content = bytearray(nib.Nifti1Image(data, np.eye(4)).to_bytes())
    struct.pack_into(form, content, place, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("offset", [np.nan, np.inf, -np.inf, -1.0, 1e30, 1e6, 1.0])
def test_voxels_that_begin_nowhere(tmp_path: Path, data: Data, offset: float) -> None:
    refusal(edited(tmp_path / "a.nii", data, "<f", VOX_OFFSET, offset))


@pytest.mark.parametrize("lengths", [(-3, 5), (3, -5), (32767, 32767), (0, 5), (-3, -5)])
def test_lengths_of_axes_that_are_none(
    tmp_path: Path, data: Data, lengths: tuple[int, int]
) -> None:
    array = attempt(edited(tmp_path / "a.nii", data, "<2h", DIM + 2, *lengths))
    assert array is None or array.size == 0


@pytest.mark.parametrize("axes", [-1, 0, 8, 100, 32767])
def test_numbers_of_axes_that_are_none(tmp_path: Path, data: Data, axes: int) -> None:
    array = attempt(edited(tmp_path / "a.nii", data, "<h", DIM, axes))
    assert array is None or array.ndim < 4


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_scale_that_is_none_leaves_values_as_they_are(tmp_path: Path, value: float) -> None:
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = edited(tmp_path / "a.nii", stored, "<f", SLOPE, value)
    np.testing.assert_array_equal(read_array(path)[0], stored)
    refusal(edited(tmp_path / "b.nii", stored, "<2f", SLOPE, 1.0, np.inf))


@pytest.mark.parametrize("size", [0, -8, 8, 16, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("packed", [False, True])
def test_extensions_of_any_size_are_passed_over(
    tmp_path: Path, data: Data, size: int, packed: bool
) -> None:
    image = nib.Nifti1Image(data, np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 100))
    content = bytearray(image.to_bytes())
    struct.pack_into("<i", content, EXTENSION + 4, size)
    path = tmp_path / "a.nii"
    path.write_bytes(gzip.compress(content) if packed else content)
    np.testing.assert_array_equal(read_array(path)[0], data)


# HDF5


def test_whatever_else_hdf5_holds_is_passed_over(tmp_path: Path, data: Data) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = data
        file["circle"], file["there"] = h5py.SoftLink("/there"), h5py.SoftLink("/circle")
        file["far"] = h5py.ExternalLink("a.h5", "/far")
        file["group/again"] = file["/"]
        file["reference"] = np.array([[file["a"].ref]], h5py.ref_dtype)
        file["region"] = np.array([[file["a"].regionref[0]]], h5py.regionref_dtype)
        file["text"] = np.array([["a", "b"]], h5py.string_dtype())
        file.create_dataset("lists", (2, 2), h5py.vlen_dtype(np.int32))
        file["pairs"] = np.zeros((2, 2), [("r", "S3"), ("i", "S3")])
        file["vectors"] = np.zeros((2, 2), [("r", "f4", (3,)), ("i", "f4", (3,))])
        file["opaque"], file["none"] = np.zeros((2, 2), "V5"), h5py.Empty("f")
        file["type"] = np.dtype("f8")
        time = h5py.h5t.UNIX_D32LE.copy()
        h5py.h5d.create(file.id, b"time", time, h5py.h5s.create_simple((2, 2)))
    np.testing.assert_array_equal(read_array(tmp_path / "a.h5", want_complex=True)[0], data)


def virtual(path: Path, data: Data, source: h5py.VirtualSource) -> Path:
    with h5py.File(path, "w") as file:
        file["flat"] = data.ravel()
        layout = h5py.VirtualLayout(data.shape, data.dtype)
        layout[...] = source
        file.create_virtual_dataset("a", layout)
    return path


def test_an_array_made_of_others(tmp_path: Path, data: Data) -> None:
    shape, path = data.shape, tmp_path / "a.h5"
    made = virtual(path, data, h5py.VirtualSource(".", "flat", (data.size,)))
    np.testing.assert_array_equal(read_array(made, want_complex=True)[0], data)
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["x"] = data
    made = virtual(path, data, h5py.VirtualSource("part.h5", "x", shape))
    np.testing.assert_array_equal(read_array(made, want_complex=True)[0], data)
    # Of itself, the process would die; of what is missing, it would be zeros.
    assert "put together" in refusal(virtual(path, data, h5py.VirtualSource(".", "a", shape)))
    refusal(virtual(path, data, h5py.VirtualSource("missing.h5", "x", shape)))


def test_an_array_that_was_never_written(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", (1000, 7), "c8", chunks=(10, 7))
    assert "holds 0 bytes" in refusal(tmp_path / "a.h5")


# Names


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a device or a pipe: give one NIfTI" in refusal(tmp_path / "pipe")
    assert "no such file" in refusal(tmp_path / ("x" * 300))
    (tmp_path / "circle").symlink_to("circle")
    assert "cannot be reached" in refusal(tmp_path / "circle")


def test_an_image_whose_sidecar_can_have_no_name(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".nii")
    nib.Nifti1Image(np.ones((2, 3, 4), np.uint8), np.eye(4)).to_filename(path)
    labels, names = read_labels(path, (2, 3, 4), None)
    assert labels.all()
    assert names == {}
