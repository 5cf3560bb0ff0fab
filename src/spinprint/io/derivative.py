"""Maps as a BIDS derivative on disk: written all or not at all, and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError, SeriesError
from ..files import (
    check_output_folder,
    check_replaceable,
    read_whole,
    settle,
    staging,
)
from ..maps import UNITS, Maps, Status
from ..parameters import PARAMETERS
from ..paths import entries, exists, is_folder
from ..sequence import Sequence
from ..text import read_json
from . import bids
from .arrays import read_array
from .dataset import earlier_dataset, write_dataset
from .geometry import Geometry
from .series import Series
from .sidecar import (
    RUN,
    is_ours,
    read_sidecar,
    shared_sidecar,
    sidecar_path,
    write_json,
)

_ALWAYS = ("t1", "t2")  # what every run maps


def check_derivative(out: str | Path, subject: str = "01") -> None:
    """Find out before long work whether `write_maps` will be able to write.

    Raises
    ------
    OutputError
        The subject label is no BIDS label, the folder cannot be written, or it holds a dataset
        or maps of another program.
    """
    out = Path(out)
    if not re.fullmatch(r"[0-9A-Za-z]+", subject):
        raise OutputError(f"subject label {subject!r} must be letters and digits only, as in BIDS")
    check_output_folder(out)
    description = out / bids.DESCRIPTION
    if description.exists() and not is_ours(description):
        raise OutputError(f"{out}: holds a dataset of another program: choose another folder")
    places = (PARAMETERS[name].bids for name in _ALWAYS)
    stems = [f"sub-{subject}/{folder}/sub-{subject}_{suffix}" for folder, suffix in places]
    names = [f"{stem}{suffix}" for stem in stems for suffix in (".nii.gz", ".json")]
    check_replaceable(out, names, lambda: earlier_maps(out, subject))


def write_maps(
    maps: Maps,
    out: str | Path,
    *,
    sequence: Sequence,
    subject: str = "01",
    reference: Series | None = None,
    sources: Iterable[str | Path] = (),
    truth: bool = False,
) -> list[Path]:
    """Write maps as a BIDS derivative: everything, or nothing.

    Earlier maps of the same subject are replaced once all new files are complete. Those without
    a successor are removed, so that maps of two runs never lie side by side. The same maps give
    the same bytes.

    Parameters
    ----------
    maps
        Maps of shape `(x, y, z)`; with fewer axes, the missing ones get length 1.
    out
        The folder of the dataset; made if it is missing, may hold other subjects.
    sequence
        What the series was measured with.
    subject
        The BIDS label, letters and digits.
    reference
        The series: the maps take over its geometry bit for bit. Without it, or where its file
        has no geometry, they are placed by `maps.affine`, stored in float32.
    sources
        The files the maps were computed from; written relative to `out`, with their SHA-256.
    truth
        Whether the maps are the truth of a simulation, and no estimates: the dataset is named so.

    Returns
    -------
    paths
        All files written.

    Raises
    ------
    OutputError
        As in `check_derivative`; or a map has no BIDS name, or a file cannot be written.
    SeriesError
        The reference has another shape or place than the maps.
    """
    out = Path(out)
    check_derivative(out, subject)
    read = [Path(source) for source in sources]
    keep = [*read, *map(sidecar_path, read)]
    with staging(
        out, run=run_name(subject), earlier=lambda: earlier_maps(out, subject), keep=keep
    ) as stage:
        written = stage_maps(
            stage, maps, out,
            sequence=sequence, subject=subject, reference=reference, sources=read, truth=truth,
        )  # fmt: skip
    return [out / name for name in written]


def stage_maps(
    stage: Path,
    maps: Maps,
    out: Path,
    *,
    sequence: Sequence,
    subject: str = "01",
    reference: Series | None = None,
    sources: Iterable[Path] = (),
    truth: bool = False,
) -> list[str]:
    """Write into `stage` what is to go to `out`; for the rest, see `write_maps`.

    Returns
    -------
    The names of the files, relative to the dataset.
    """
    files = bids.map_files(maps)
    geometry = _geometry(maps, reference, shape=files[0].voxels.shape)
    shared = shared_sidecar(maps, sequence, sources, out)
    written = write_dataset(stage, out, truth=truth)
    for file in files:
        stem = file.stem(subject)
        (stage / stem).parent.mkdir(parents=True, exist_ok=True)
        geometry.image(file.voxels).to_filename(stage / f"{stem}.nii.gz")
        write_json(stage / f"{stem}.json", {**file.sidecar, **shared})
        written += [f"{stem}.nii.gz", f"{stem}.json"]
        if file.table:
            (stage / f"{stem}.tsv").write_text(file.table, encoding="utf-8")
            written.append(f"{stem}.tsv")
    return written


def read_maps(directory: str | Path, subject: str | None = None) -> Maps:
    """Read the maps that `write_maps` wrote, now or in 0.1.0, or another program.

    Without a status map, a voxel counts as mapped where all values are finite; where M0 or sigma
    are missing they are NaN.

    Parameters
    ----------
    directory
        The folder of the dataset.
    subject
        The BIDS label; needed where the dataset holds several subjects.

    Returns
    -------
    maps
        Shape `(x, y, z)`, in SI units, with the affine of the first map.

    Raises
    ------
    SeriesError
        No map is there, or one is damaged, of another shape or in another unit.
    """
    settle(directory)
    folder = _subject_folder(Path(directory), subject)
    return read_whole(folder, lambda: _read_maps(folder))


def _read_maps(folder: Path) -> Maps:
    _require_one_run(folder)
    found = {
        name: path
        for name, parameter in PARAMETERS.items()
        if (path := _find(folder, *parameter.bids))
    }
    if not found:
        names = ", ".join(parameter.bids[1] for parameter in PARAMETERS.values())
        raise SeriesError(f"{folder}: holds no map {folder.name}_….nii.gz with … one of {names}")
    first = next(iter(found.values()))
    voxels, geometry = read_array(first)
    shape = voxels.shape
    values = {name: _finite(_read_map(path, shape, UNITS[name])) for name, path in found.items()}
    return Maps(
        values=values,
        sd=_read_deviations(folder, found, shape),
        m0=_read_m0(folder, shape),
        status=_read_status(folder, values),
        sigma=_read_or_nan(_find(folder, "anat", bids.extra_ending(bids.SIGMA)), shape),
        extra={name: _read_map(path, shape) for name, path in _find_extra(folder)},
        affine=geometry.affine if geometry else None,
        provenance=_provenance(first),
    )


def read_origin(directory: str | Path, subject: str | None = None) -> dict[str, Any]:
    """What the sidecar of the first map says of how the maps were made; empty without sidecar.

    Of our own maps it holds `SequenceHash`, `SourceHashes`, `EstimationAlgorithm` and
    `MagneticFieldStrength` among others.

    Raises
    ------
    SeriesError
        As for `read_maps`.
    """
    settle(directory)
    folder = _subject_folder(Path(directory), subject)
    found = (_find(folder, *parameter.bids) for parameter in PARAMETERS.values())
    first = next((path for path in found if path), None)
    return read_sidecar(first) if first else {}


def _geometry(maps: Maps, reference: Series | None, shape: tuple[int, ...]) -> Geometry:
    """Where the maps lie: where the reference does, if it knows."""
    if reference is not None and reference.shape != shape:
        raise SeriesError(
            f"maps of shape {shape} cannot belong to {reference.name} of shape {reference.shape}"
        )
    if reference is None or reference.geometry is None:
        return Geometry.from_affine(maps.affine)
    if reference.geometry.offset(maps.affine, shape) > 1e-3:
        raise SeriesError(f"the affine of the maps is not that of {reference.name}")
    return reference.geometry


def run_name(subject: str) -> str:
    """What the files of a subject are known as: those of several may be written at a time."""
    return f"sub-{subject}"


def earlier_maps(out: Path, subject: str = "01") -> list[Path]:
    """What an earlier run wrote for the subject, under whatever names, and for all of them."""
    sidecars = [path for path in (out / f"sub-{subject}").glob("*/*.json") if is_ours(path)]
    suffixes = (".json", ".nii.gz", ".nii", ".tsv")
    maps = [path.with_suffix(suffix) for path in sidecars for suffix in suffixes]
    return [*earlier_dataset(out), *maps]


def _require_one_run(folder: Path) -> None:
    """Refuse maps of several runs: a version that was killed while it wrote may have mixed them."""
    told: dict[str, Path] = {}
    for path in sorted(folder.glob("*/*.json")):
        if is_ours(path):
            stated = read_json(path)
            told[json.dumps([stated.get(key) for key in RUN], sort_keys=True)] = path
    if len(told) > 1:
        first, second, *_ = told.values()
        raise SeriesError(
            f"{folder}: {first.name} and {second.name} are of different runs"
            f" ({' or '.join(RUN)} differs): map again, or take the files of one run away"
        )


def _subject_folder(directory: Path, subject: str | None) -> Path:
    if not is_folder(directory, SeriesError):
        raise SeriesError(f"{directory}: no such folder: give one that holds maps")
    folders = [path for path in entries(directory, SeriesError) if path.name.startswith("sub-")]
    labels = [path.name.removeprefix("sub-") for path in folders if is_folder(path, SeriesError)]
    listed = ", ".join(labels) or "no sub-… folder"
    if subject is None and len(labels) != 1:
        raise SeriesError(f"{directory}: name one subject; there is {listed}")
    if subject is not None and subject not in labels:
        raise SeriesError(f"{directory}: has no subject {subject!r}; there is {listed}")
    return directory / f"sub-{subject or labels[0]}"


def _find(folder: Path, kind: str, ending: str) -> Path | None:
    endings = [ending, bids.FORMER[ending]] if ending in bids.FORMER else [ending]
    names = (f"{folder.name}_{one}{end}" for one in endings for end in (".nii.gz", ".nii"))
    paths = (folder / kind / name for name in names)
    return next((path for path in paths if exists(path, SeriesError)), None)


def _find_extra(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((folder / "anat").glob(f"{folder.name}_desc-*_map.nii.gz")):
        name = read_sidecar(path).get("Name")
        if isinstance(name, str) and name != bids.SIGMA:
            yield name, path


def _provenance(first: Path) -> dict[str, Any]:
    """How the maps were made, as the sidecar of the first of them states it."""
    stated = read_sidecar(first).get("Provenance", {})
    if not isinstance(stated, dict):
        raise SeriesError(f"{first}: Provenance in its sidecar must be a JSON object")
    return stated


def _read_voxels(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    voxels, _ = read_array(path)
    if voxels.shape != shape:
        raise SeriesError(f"{path}: shape {voxels.shape} is not that of the other maps, {shape}")
    return voxels


def _read_map(path: Path, shape: tuple[int, ...], unit: str | None = None) -> NDArray[np.float32]:
    stated = read_sidecar(path).get("Units", unit)
    if unit is not None and stated != unit:
        raise SeriesError(f"{path}: is in {stated}: convert it to {unit} and say so in Units")
    with np.errstate(over="ignore"):
        return _read_voxels(path, shape).astype(np.float32)


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values with NaN, which stands for none, in place of Inf."""
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def _read_or_nan(path: Path | None, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return _read_map(path, shape) if path else np.full(shape, np.nan, dtype=np.float32)


def _read_deviations(
    folder: Path, found: Mapping[str, Path], shape: tuple[int, ...]
) -> dict[str, NDArray[np.float32]]:
    names = {name: PARAMETERS[name].bids for name in found}
    paths = {name: _find(folder, kind, bids.SD + suffix) for name, (kind, suffix) in names.items()}
    return {name: _read_map(path, shape, UNITS[name]) for name, path in paths.items() if path}


def _read_m0(folder: Path, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    magnitude = _read_or_nan(_find(folder, "anat", bids.M0_MAGNITUDE), shape)
    phase = _find(folder, "anat", bids.M0_PHASE)
    turn = np.exp(1j * _finite(_read_map(phase, shape, "rad"))) if phase else 1
    return (_finite(magnitude) * turn).astype(np.complex64)


def _read_status(folder: Path, values: Mapping[str, NDArray[np.float32]]) -> NDArray[np.uint8]:
    arrays = list(values.values())
    path = _find(folder, "anat", bids.STATUS)
    if path:
        codes = _read_voxels(path, arrays[0].shape)
        if not np.isin(codes, list(Status)).all():
            raise SeriesError(f"{path}: holds codes other than 0 to {max(Status)}: no status map")
        return codes.astype(np.uint8)
    mapped = np.isfinite(arrays).all(axis=0)
    return np.where(mapped, Status.OK, Status.OUTSIDE).astype(np.uint8)
