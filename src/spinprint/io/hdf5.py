"""HDF5 and MATLAB v7.3 files: the datasets of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .stored import Array, Stored

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MATLAB_PREAMBLE = 512
"""Bytes of text before the HDF5 part of a MATLAB v7.3 file."""


@contextmanager
def hdf5_arrays(path: Path) -> Iterator[dict[str, Stored]]:
    """The datasets of a file by name; links to other files are not followed."""
    import h5py

    with h5py.File(path, "r") as file:
        found: dict[str, Stored] = {}

        def collect(name: str, item: Any) -> None:
            # MATLAB keeps the cells of cell arrays, which are no variables, below #refs#.
            if isinstance(item, h5py.Dataset) and not name.startswith("#"):
                one = _stored(item, file.userblock_size == MATLAB_PREAMBLE)
                if one is not None:
                    found[name] = one

        file.visititems(collect)
        yield found


def _stored(dataset: Any, matlab: bool) -> Stored | None:
    """What a dataset declares; None where it has no values that numpy knows."""
    try:
        shape, dtype = dataset.shape, dataset.dtype
    except TypeError:
        return None
    if shape is None:  # a dataset of nothing
        return None
    # MATLAB stores the first index fastest, so that HDF5 sees its axes the other way round.
    turned = matlab or "MATLAB_class" in dataset.attrs

    def load() -> Array:
        if dataset.is_virtual:
            _require_parts(dataset)
        array = np.asarray(dataset[()])
        return array.T if turned else array

    empty = dataset.id.get_storage_size() == 0 and not dataset.is_virtual
    return Stored(shape=shape, dtype=dtype, load=load, held=0 if empty else None)


def _require_parts(dataset: Any) -> None:
    """Make sure that a dataset put together from others has them, and is none of them itself.

    HDF5 reads zeros for what is missing, and follows a circle until the process dies.
    """
    import h5py

    path = Path(dataset.file.filename)
    for part in dataset.virtual_sources():
        where = path if part.file_name == "." else path.parent / part.file_name
        with h5py.File(where, "r") as file:
            if file[part.dset_name].is_virtual:
                raise ValueError(f"{part.dset_name} is put together from others in its turn")
