"""Dictionaries on disk: whole, of the right sequence, or refused in one line."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint import Dictionary, DictionaryError, OutputError, ParameterGrid, Sequence, Tissue
from spinprint.dictionary import store


@pytest.fixture(scope="module")
def dictionary(with_phases: Sequence, grid: ParameterGrid) -> Dictionary:
    return Dictionary.build(with_phases, grid, rank=6)


@pytest.fixture
def path(dictionary: Dictionary, tmp_path: Path) -> Path:
    dictionary.save(tmp_path / "saved.h5")
    return tmp_path / "saved.h5"


def refusal(path: Path, sequence: Sequence | None = None) -> str:
    """What is said, checked to be one line that names the file."""
    with pytest.raises(DictionaryError) as caught:
        Dictionary.load(path, sequence)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


def test_round_trip(dictionary: Dictionary, path: Path) -> None:
    loaded = Dictionary.load(path, dictionary.sequence)
    assert loaded.sequence == dictionary.sequence
    assert loaded.digest == dictionary.digest
    for name in ("basis", "coefficients", "singular_values"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(dictionary, name), strict=True)
    assert loaded.grid is not None
    assert dictionary.grid is not None
    assert loaded.grid.to_dict() == dictionary.grid.to_dict()
    assert loaded.parameters == ("t1", "t2")
    series = np.exp(1j * np.arange(180)).reshape(2, 90)
    np.testing.assert_array_equal(loaded.match(series), dictionary.match(series))


def test_round_trip_of_atoms_off_any_grid(sequence: Sequence, tmp_path: Path) -> None:
    tissue = Tissue(t1=np.array([0.5, 1.1]), t2=np.array(0.04), b1=np.array([0.9, 1.0]))
    Dictionary.build(sequence, tissue, rank=2).save(tmp_path / "two.h5")
    loaded = Dictionary.load(tmp_path / "two.h5")
    assert loaded.grid is None
    for name, values in tissue.flat().given().items():
        np.testing.assert_array_equal(loaded.tissue.get(name), values)


def test_saving_again_replaces_the_file(dictionary: Dictionary, path: Path) -> None:
    Dictionary.build(dictionary.sequence, dictionary.tissue, rank=3).save(path)
    assert Dictionary.load(path).rank == 3
    assert list(path.parent.iterdir()) == [path]


def test_renaming_the_sequence_keeps_its_dictionary(dictionary: Dictionary, path: Path) -> None:
    played = dictionary.sequence
    renamed = Sequence(name="other name", field_strength=3.0, blocks=played.blocks)
    assert Dictionary.load(path, renamed).digest == dictionary.digest


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such dictionary file" in refusal(tmp_path / "nothing.h5")


def test_another_sequence_is_refused(path: Path, sequence: Sequence) -> None:
    message = refusal(path, sequence)
    assert "made for another sequence ('phases', 90 samples)" in message
    assert "('one axis', 90 samples)" in message


def test_require_refuses_another_sequence(dictionary: Dictionary, sequence: Sequence) -> None:
    dictionary.require(dictionary.sequence)
    with pytest.raises(DictionaryError, match="made for another sequence"):
        dictionary.require(sequence)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.97])
def test_a_truncated_file_is_refused(part: float, path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    refusal(path)


def test_a_flipped_byte_is_refused(dictionary: Dictionary, path: Path) -> None:
    """Wherever it falls in the data: the checksum covers every number."""
    whole = path.read_bytes()
    for array in (dictionary.coefficients, dictionary.singular_values, dictionary.tissue.t1):
        at = whole.index(np.ascontiguousarray(array).tobytes()[:64]) + 9
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert "does not fit its checksum" in refusal(path)


def test_a_bit_flipped_anywhere_is_refused_or_harmless(
    dictionary: Dictionary, tmp_path: Path
) -> None:
    """The padding of HDF5 may change; what is read never does without being refused."""
    path = tmp_path / "small.h5"
    small = Dictionary.build(dictionary.sequence, dictionary.tissue.take(slice(5)), rank=2)
    small.save(path)
    whole = path.read_bytes()
    refusals: list[str] = []
    for at in np.random.default_rng(0).choice(len(whole), 150, replace=False):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        try:
            assert Dictionary.load(path).digest == small.digest
        except DictionaryError as error:
            refusals.append(str(error))
    assert len(refusals) > 15
    assert not any("\n" in message for message in refusals)


def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.h5"
    path.write_text("T1,T2\n1.0,0.1\n" * 100)
    assert "not a whole dictionary file" in refusal(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


def test_hdf5_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["coefficients"] = np.ones(3)
    assert "its format is None, not 'spinprint-dictionary/1'" in refusal(path)


def drop_basis(file: h5py.File) -> None:
    del file["basis"]


def drop_sequence(file: h5py.File) -> None:
    del file.attrs["sequence"]


def drop_digest(file: h5py.File) -> None:
    del file.attrs["digest"]


def drop_tissue(file: h5py.File) -> None:
    del file["tissue"]


def spoil_sequence(file: h5py.File) -> None:
    file.attrs["sequence"] = file.attrs["sequence"].replace(b"tr_ms", b"tr_s")


def spoil_grid(file: h5py.File) -> None:
    file.attrs["grid"] = "{"


def spoil_t2(file: h5py.File) -> None:
    file["tissue/t2"][0] = -1


def rename_parameter(file: h5py.File) -> None:
    file.move("tissue/t2", "tissue/t3")


def number_for_sequence(file: h5py.File) -> None:
    file.attrs["sequence"] = 3


def list_for_grid(file: h5py.File) -> None:
    file.attrs["grid"] = "[1, 2]"


def group_for_basis(file: h5py.File) -> None:
    del file["basis"]
    file.create_group("basis")


def array_for_tissue(file: h5py.File) -> None:
    del file["tissue"]
    file["tissue"] = np.ones(3)


@pytest.mark.parametrize(
    "damage",
    [
        drop_basis,
        drop_sequence,
        drop_digest,
        drop_tissue,
        spoil_sequence,
        spoil_grid,
        spoil_t2,
        rename_parameter,
        number_for_sequence,
        list_for_grid,
        group_for_basis,
        array_for_tissue,
    ],
)
def test_a_damaged_part_is_refused(damage: Callable[[h5py.File], None], path: Path) -> None:
    with h5py.File(path, "r+") as file:
        damage(file)
    refusal(path)


def sealed(path: Path, dictionary: Dictionary, name: str, array: Any) -> None:
    """Put another array into a file (None: take it out), and the checksum that then is right."""
    with h5py.File(path, "r+") as file:
        del file[name]
        if array is not None:
            file[name] = array
    stored = {one: getattr(dictionary, one) for one in store.ARRAYS}
    tissue = dictionary.tissue
    if name in stored and array is not None:
        stored[name] = np.asarray(array)
    forged = dataclasses.replace(dictionary, tissue=tissue, **stored)
    with h5py.File(path, "r+") as file:
        file.attrs["digest"] = np.bytes_(forged.digest.encode())


def changed(index: Any, value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        array = array.copy()
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("coefficients", lambda a: a[:-1], "belong to no dictionary|are no dictionary"),
        ("coefficients", lambda a: a[:, :-1], "belong to no dictionary of .* rank 5"),
        ("coefficients", lambda a: a.astype(np.complex128), "type complex128"),
        ("coefficients", lambda a: a.real.astype(np.int32), "type int32"),
        ("coefficients", lambda a: a[0], "is no array as it should be"),
        ("coefficients", lambda a: a[:0], "are no dictionary|belong to no"),
        ("coefficients", lambda a: a[:, :0], "are no dictionary|belong to no"),
        ("coefficients", changed((-1, -1), np.nan), "atoms hold numbers that are not finite"),
        ("coefficients", changed((0, 0), np.inf), "atoms hold numbers that are not finite"),
        ("basis", lambda a: a[:-1], "basis has shape .* belong to no dictionary of .* 90 samples"),
        ("basis", lambda a: a.T.copy(), "basis has shape"),
        ("basis", lambda a: 2 * a, "basis is not orthonormal"),
        ("basis", changed((0, 0), np.nan), "basis is not orthonormal"),
        ("singular_values", lambda a: a[:5], "singular_values has shape"),
        ("singular_values", lambda a: a.astype(np.float32), "type float32"),
    ],
)
def test_arrays_that_go_with_no_dictionary_are_refused_whatever_the_checksum(
    dictionary: Dictionary, path: Path, name: str, change: Any, match: str
) -> None:
    sealed(path, dictionary, name, change(getattr(dictionary, name)))
    assert re.search(match, refusal(path))


@pytest.mark.parametrize("name", ["t1", "t2"])
@pytest.mark.parametrize("change", [lambda a: a[:-1], lambda a: a[:, None], lambda _: "text"])
def test_tissue_of_another_shape_is_refused(
    dictionary: Dictionary, path: Path, name: str, change: Any
) -> None:
    sealed(path, dictionary, f"tissue/{name}", change(dictionary.tissue.get(name)))
    refusal(path)


def test_an_array_of_any_size_takes_no_memory(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        rank = file["coefficients"].shape[1]
        del file["coefficients"]
        file.create_dataset("coefficients", (10**13, rank), "c8", chunks=(1000, rank))
    assert "belong to no dictionary" in refusal(path)
    with h5py.File(path, "r+") as file:  # now all of them are as many, and none is there
        for name in ("t1", "t2"):
            del file[f"tissue/{name}"]
            file.create_dataset(f"tissue/{name}", (10**13,), "f8", chunks=(1000,))
        del file.attrs["grid"]
    assert "of memory and" in refusal(path)


def test_an_array_made_of_itself_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        shape = file["basis"].shape
        del file["basis"]
        layout = h5py.VirtualLayout(shape, np.complex64)
        layout[...] = h5py.VirtualSource(".", "basis", shape)
        file.create_virtual_dataset("basis", layout)
    assert "is no array as it should be" in refusal(path)


def test_a_place_that_cannot_be_written_is_refused(dictionary: Dictionary, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        dictionary.save(tmp_path / "file" / "saved.h5")
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_dictionary_of_moduli_is_one_again_and_another_than_of_signals(
    dictionary: Dictionary, tmp_path: Path
) -> None:
    assert dictionary.grid is not None
    moduli = Dictionary.build(dictionary.sequence, dictionary.grid, rank=6, magnitude=True)
    assert moduli.digest != dictionary.digest
    assert not np.iscomplexobj(moduli.coefficients)
    moduli.save(tmp_path / "moduli.h5")
    loaded = Dictionary.load(tmp_path / "moduli.h5")
    assert loaded.magnitude
    assert loaded.digest == moduli.digest
    series = np.exp(1j * np.arange(180)).reshape(2, 90) * np.linspace(1, 3, 90)
    np.testing.assert_array_equal(loaded.match(series), moduli.match(np.abs(series)))
