"""Damage files of every format that spinprint reads, and see that each gives an answer or one line.

    python tests/fuzz.py --count 5000 --seed 1 [--only "MATLAB 5"] [--keep folder]

Each file is changed in a few bytes, cut short or stretched, and read in a process of its own that
may take a few seconds and a gigabyte. It has to give what it holds or an `InputError` of one line;
a crash, a hang, another exception or a message of several lines is a finding. What is found comes
again from the same seed and format; `--keep` saves the files. Exit status 1 says that something
was found. The tests run a few hundred files of each format.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import resource
import signal
import struct
import sys
import tempfile
import traceback
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import nibabel as nib
import numpy as np
import scipy.io

from spinprint import Sequence
from spinprint.dictionary import Dictionary
from spinprint.errors import InputError
from spinprint.io.arrays import read_array
from spinprint.sequence.blocks import Inversion, ReadoutTrain
from spinprint.tissue import Axis, ParameterGrid

SECONDS = 20
MEMORY = 1 << 30

Write = Callable[[], bytes]
Wrap = Callable[[bytes], bytes]
Read = Callable[[Path], object]


class Format(NamedTuple):
    """A kind of file."""

    write: Write
    """A whole one; what it returns is damaged."""
    wrap: Wrap = bytes
    """What becomes of the damaged bytes before they are a file, as packing or a new checksum."""
    read: Read = lambda path: read_array(path, want_complex=True)


def array(shape: tuple[int, ...] = (3, 4, 2, 7), dtype: Any = np.complex64) -> np.ndarray:
    draw = np.random.default_rng(0).standard_normal((2, *shape)) * 50
    values = draw[0] + 1j * draw[1] if np.dtype(dtype).kind == "c" else draw[0]
    return values.astype(dtype)


def nifti(kind: Any = nib.Nifti1Image, dtype: Any = np.complex64, extension: bool = False) -> Write:
    def write() -> bytes:
        image = kind(array(dtype=dtype), np.diag([2.0, 2, 3, 1]))
        if extension:
            image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 40))
        if np.dtype(dtype).kind != "c":
            image.header.set_slope_inter(0.5, 3)
        return bytes(image.to_bytes())

    return write


def npy(dtype: Any = np.complex64) -> Write:
    def write() -> bytes:
        stream = io.BytesIO()
        np.save(stream, array(dtype=dtype))
        return stream.getvalue()

    return write


def npz(save: Callable[..., None]) -> Write:
    def write() -> bytes:
        stream = io.BytesIO()
        save(stream, images=array(), tr=np.arange(7.0))
        return stream.getvalue()

    return write


BESIDE: dict[str, Any] = {
    "note": "some text",
    "tr": np.arange(7.0),
    "cells": np.array([np.arange(3), "text", np.eye(2)], dtype=object),
    "records": {"a": 1, "b": {"c": "deep", "d": np.eye(3)}},
    "flags": np.array([[True, False]]),
}


def matlab(compressed: bool = False, **values: Any) -> Write:
    def write() -> bytes:
        stream = io.BytesIO()
        scipy.io.savemat(stream, values, do_compression=compressed)
        return stream.getvalue()

    return write


def packed_variables(content: bytes) -> bytes:
    """A MATLAB file with each variable compressed again, as far as its tags lead."""
    out, place = bytearray(content[:128]), 128
    while place + 8 <= len(content):
        _, size = struct.unpack_from("<II", content, place)
        packed = zlib.compress(content[place : place + 8 + size])
        out += struct.pack("<II", 15, len(packed)) + packed
        place += 8 + size
    return bytes(out)


def hdf5(preamble: bytes = b"", libver: str | None = None, **options: Any) -> Write:
    def write() -> bytes:
        stream = io.BytesIO()
        size = 512 if preamble else 0
        with h5py.File(stream, "w", userblock_size=size, libver=libver) as file:
            file.create_dataset("recon/images", data=array(), **options)
            file["recon/mask"] = np.ones((3, 4), bool)
            file["note"] = "text"
            file["link"] = h5py.SoftLink("/recon")
            file["references"] = np.array([file["recon"].ref], h5py.ref_dtype)
            file.attrs["text"] = "of variable length"
        return preamble.ljust(124) + stream.getvalue()[124:] if preamble else stream.getvalue()

    return write


def short_sequence() -> Sequence:
    train = ReadoutTrain(flip=np.radians(np.linspace(5, 60, 20)), tr=0.012, te=0.002)
    return Sequence(name="short", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


def dictionary() -> bytes:
    grid = ParameterGrid({"t1": Axis((0.5, 1.0, 2.0)), "t2": Axis((0.05, 0.1))})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.h5"
        Dictionary.build(short_sequence(), grid, rank=3).save(path)
        return path.read_bytes()


class ModelFormat:
    """The weights of a model, beside a description whose checksum is made to fit them."""

    description: dict[str, Any]

    def write(self) -> bytes:
        from spinprint import Mlp, Model, NetworkConfig

        network = NetworkConfig(core=Mlp(rank=4, width=8, blocks=1))
        with tempfile.TemporaryDirectory() as folder:
            Model.create(short_sequence(), config=network).save(folder)
            self.description = json.loads((Path(folder) / "model.json").read_text())
            return (Path(folder) / "model.safetensors").read_bytes()

    def read(self, path: Path) -> object:
        from spinprint import Model
        from spinprint.networks._store import _SEAL, _seal

        weights = path.read_bytes()
        path.with_name("model.safetensors").write_bytes(weights)
        told = {name: value for name, value in self.description.items() if name != _SEAL}
        told[_SEAL] = _seal(told, weights)
        path.with_name("model.json").write_text(json.dumps(told))
        return Model.load(path.parent)


MODEL = ModelFormat()

FORMATS: dict[str, Format] = {
    "NIfTI-1": Format(nifti()),
    "NIfTI-1 with an extension": Format(nifti(extension=True)),
    "NIfTI-1 of scaled integers": Format(nifti(dtype=np.int16)),
    "NIfTI-2": Format(nifti(nib.Nifti2Image)),
    "NIfTI-1, then packed": Format(nifti(), gzip.compress),
    "packed NIfTI-1": Format(lambda: gzip.compress(nifti()())),
    "npy": Format(npy()),
    "npz": Format(npz(np.savez)),
    "packed npz": Format(npz(np.savez_compressed)),
    "MATLAB 5": Format(matlab(images=array())),
    "MATLAB 5, double": Format(matlab(images=array(dtype=np.float64))),
    "MATLAB 5, int16": Format(matlab(images=array(dtype=np.int16))),
    "MATLAB 5, a single number": Format(matlab(images=np.array([[3]], np.uint8))),
    "MATLAB 5 with more": Format(matlab(**BESIDE, images=array())),
    "MATLAB 5 with more, then packed": Format(matlab(**BESIDE, images=array()), packed_variables),
    "MATLAB 7": Format(matlab(True, **BESIDE, images=array())),
    "MATLAB 7.3": Format(hdf5(b"MATLAB 7.3 MAT-file")),
    "HDF5": Format(hdf5()),
    "HDF5, new layout": Format(hdf5(libver="latest")),
    "HDF5, packed pieces": Format(hdf5(chunks=(2, 2, 2, 3), compression="gzip", shuffle=True)),
    "dictionary": Format(dictionary, read=Dictionary.load),
    "model": Format(MODEL.write, read=MODEL.read),
}

EXTREME = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """A few changed bytes, mostly in the first kilobyte; or the file cut short or stretched."""
    damaged = bytearray(content)
    reach = len(damaged) if rng.random() < 0.4 else min(len(damaged), 1024)
    place = int(rng.integers(reach))
    match rng.integers(6):
        case 0:
            del damaged[place:]
        case 1:
            damaged[place:place] = rng.bytes(int(rng.integers(1, 32)))
        case 2:
            del damaged[place : place + int(rng.integers(1, 32))]
        case 3:
            place -= place % 4
            size = int(rng.choice((2, 4, 8)))
            value = int(rng.choice(EXTREME)) % (1 << 8 * size)
            damaged[place : place + size] = value.to_bytes(size, sys.byteorder)
        case _:
            for _ in range(int(rng.integers(1, 3))):
                near = min(len(damaged) - 1, place + int(rng.integers(64)))
                damaged[near] = int(rng.integers(256))
    return bytes(damaged)


class Case(NamedTuple):
    """One damaged file."""

    name: str
    content: bytes
    seed: int
    number: int

    def file(self) -> bytes:
        form = list(FORMATS).index(self.name)
        rng = np.random.default_rng((self.seed, form, self.number))
        return FORMATS[self.name].wrap(damage(self.content, rng))


def read(case: Case, folder: Path) -> str | None:
    """None where the file gives an answer or a line, else what it gives."""
    form = FORMATS[case.name]
    path = folder / "damaged"
    path.write_bytes(case.file())
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            form.read(path)
    except InputError as error:
        if "\n" in str(error) or len(str(error)) > 900:
            return f"a message of several lines: {error}"
    except Exception:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return None


def work(cases: list[Case], first: int, tell: int) -> None:
    """Read cases in this process and tell by a pipe which is at work, and what is found."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    with tempfile.TemporaryDirectory() as folder, os.fdopen(tell, "w") as pipe:
        for number, case in enumerate(cases[first:], first):
            print(json.dumps([number, None]), file=pipe, flush=True)
            found = read(case, Path(folder))
            if found:
                print(json.dumps([number, found]), file=pipe, flush=True)


def findings(cases: list[Case]) -> dict[int, str]:
    """What is wrong with the reading of cases, by their number."""
    found: dict[int, str] = {}
    first = 0
    while first < len(cases):
        back, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(back)
            work(cases, first, tell)
            os._exit(0)
        os.close(tell)
        with os.fdopen(back) as pipe:
            for line in pipe:
                first, said = json.loads(line)
                if said:
                    found[first] = said
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            found[first] = f"it ends the process: {name}" + " (a hang)" * (name == "SIGALRM")
        first += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="files of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=FORMATS, action="append")
    parser.add_argument("--keep", type=Path, help="folder for the files that gave a finding")
    options = parser.parse_args()
    total = 0
    for name in options.only or FORMATS:
        content = FORMATS[name].write()
        cases = [Case(name, content, options.seed, number) for number in range(options.count)]
        found = findings(cases)
        total += len(found)
        print(f"{name}: {len(found)} findings in {options.count} files", flush=True)
        for number, said in found.items():
            print(f"--- {name}, file {number}\n{said}")
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                label = "".join(letter if letter.isalnum() else "_" for letter in name)
                (options.keep / f"{label}-{number}").write_bytes(cases[number].file())
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
