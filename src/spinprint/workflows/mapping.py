"""A series and a sequence in, maps with error bars out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from ..dictionary import Dictionary
from ..dictionary.cache import build_cached
from ..dictionary.defaults import default_grid
from ..errors import DictionaryError, ModelError, SeriesError
from ..estimators import (
    DictionaryMatching,
    Estimator,
    LeastSquares,
    NetworkRegression,
    PosteriorMean,
)
from ..estimators.convention import conjugate_fits_better, require_phase
from ..estimators.hidden_noise import INSIDE
from ..estimators.mask import DESCRIPTION, find_bright, find_mask
from ..files import claim
from ..io import (
    FieldFiles,
    Series,
    check_derivative,
    read_mask,
    read_series,
    run_name,
    write_maps,
)
from ..maps import Maps, Status
from ..physics.engine import signal_type
from ..sequence import Sequence
from .lost_voxels import lost_voxels
from .magnitudes import what_is_lost
from .stages import StageDisplay, silent

ESTIMATORS: dict[str, Callable[[Dictionary], Estimator]] = {
    "match": DictionaryMatching,
    "least-squares": LeastSquares,
    "posterior": PosteriorMean,
}
"""The estimators of the command line that are made from a dictionary, by name."""

NETWORK = "network"
"""The one that is made from models."""

Fields = Mapping[str, NDArray[np.float32]]

_Given = ParamSpec("_Given")

_AGAINST = (
    "The conjugate of the series fits clearly better: its phase seems to turn against that of the"
    " model, or the B0 map has the other sign. Try --conjugate.",
    "The series fits clearly better without --conjugate: leave it out.",
)
"""What to say of a series that turns the wrong way, as it was read and as it was conjugated."""

_WIDEST = 2000.0
"""How far the values of a B0 map may lie apart [Hz]; the atoms have to cover them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MapResult:
    """What a mapping made."""

    maps: Maps
    """The maps, `(x, y, z)`."""
    dictionary: Dictionary | None
    """The dictionary that was used; None where networks were."""
    files: list[Path]
    """All files written."""
    remarks: tuple[str, ...]
    """What the user should know, a sentence each."""


def _claiming(work: Callable[_Given, MapResult]) -> Callable[_Given, MapResult]:
    """Keep other processes from the output for as long as the work goes on."""

    @wraps(work)
    def claimed(*arguments: _Given.args, **options: _Given.kwargs) -> MapResult:
        given = signature(work).bind(*arguments, **options)
        given.apply_defaults()
        out, subject = given.arguments["out"], given.arguments["subject"]
        check_derivative(out, subject)
        with claim(out, run_name(subject)):
            return work(*arguments, **options)

    return claimed


@_claiming
def map_series(
    series_path: Path,
    sequence: Sequence,
    out: Path,
    *,
    estimator: str = "match",
    imaginary: Path | None = None,
    phase: Path | None = None,
    phase_unit: str | None = None,
    magnitude: bool = False,
    conjugate: bool = False,
    dictionary_path: Path | None = None,
    model_paths: Several[Path] = (),
    mask_path: Path | None = None,
    b1_path: Path | None = None,
    b0_path: Path | None = None,
    b1_unit: str | None = None,
    b1_nominal_deg: float | None = None,
    b0_unit: str | None = None,
    sigma: float | None = None,
    subject: str = "01",
    stage: StageDisplay = silent,
) -> MapResult:
    """Map a series file and write a BIDS derivative.

    Everything is checked before long work begins, and nothing is written before all of it is
    done. Arguments as on the command line (`spinprint map --help`).

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    given = FieldFiles(
        b1=b1_path, b0=b0_path, b1_unit=b1_unit, b1_nominal_deg=b1_nominal_deg, b0_unit=b0_unit
    )
    _check_source(estimator, dictionary_path, model_paths, magnitude=magnitude)
    if sigma is not None and not (np.isfinite(sigma) and sigma > 0):
        raise SeriesError(
            f"--sigma = {sigma:g} must be a positive number: it is the noise per channel"
        )
    with stage("Reading the series"):
        series = read_series(
            series_path, imaginary, phase=phase, phase_unit=phase_unit, magnitude=magnitude,
            conjugate=conjugate,
        )  # fmt: skip
        series.require_length(sequence)
        said: list[str] = []
        mask = read_mask(mask_path, series, said.append) if mask_path else None
        bright = find_bright(series.data) if mask is None and given.paths else mask
        fields: Fields = {}
        if bright is not None:
            fields = given.read(series, bright, sequence.field_strength, said.append)
        lost = lost_voxels(series, mask)
    method: Estimator
    dictionary = None
    if estimator == NETWORK:
        with stage("Reading the network"):
            method = _load_network(model_paths, sequence, fields)
        require_phase(series.data, sequence, method.tissue, mask, name=series.name)
        basis = method.basis
    else:
        with stage("Preparing the dictionary") as progress:
            if dictionary_path:
                dictionary = Dictionary.load(dictionary_path, sequence)
                _require_axes(dictionary, fields, dictionary_path)
                _require_atoms(dictionary, dictionary_path, magnitude=magnitude)
                tissue = dictionary.tissue
            else:
                grid = default_grid(sequence, _ranges(fields, bright))
                tissue = grid.tissue()
            if not magnitude:
                require_phase(series.data, sequence, tissue, mask, name=series.name)
            if dictionary is None:
                dictionary = build_cached(sequence, grid, progress, magnitude=magnitude)
        method, basis = ESTIMATORS[estimator](dictionary), dictionary.basis
    with stage("Mapping") as progress:
        found = mask is None
        inside = find_mask(series.data, basis) if mask is None else mask
        maps = method.predict(
            series.data,
            inside,
            b1=fields.get("b1"),
            b0=fields.get("b0"),
            sigma=sigma,
            progress=progress,
        )
    if not maps.has_value().any():
        raise SeriesError(
            f"{series_path}: no voxel holds a signal of {sequence.name!r} above the noise:"
            " check that series, sequence and mask belong together"
        )
    remarks = [*series.remarks, *lost, *said]
    atoms = dictionary or _atoms_of(method, fields)
    if atoms and conjugate_fits_better(series.data, atoms, inside, fields):
        remarks.append(_AGAINST[conjugate])
    made: dict[str, Any] = {"conjugated": conjugate} if conjugate else {}
    if magnitude:
        made["lost"] = what_is_lost(maps, sequence, fields)
        remarks.append(made["lost"])
    made |= {"mask": DESCRIPTION if found else str(mask_path)}
    made |= {f"{name}_map": str(path) for name, path in given.paths.items()} | given.units
    maps = maps.replace(provenance={**maps.provenance, **made}, affine=series.affine)
    sources = [*series.sources, *([mask_path] if mask_path else []), *given.paths.values()]
    with stage("Writing the maps"):
        files = write_maps(
            maps, out, sequence=sequence, subject=subject, reference=series, sources=sources
        )
    remarks += _remarks(maps, series, mask_found=found)
    return MapResult(maps=maps, dictionary=dictionary, files=files, remarks=tuple(remarks))


def _check_source(
    estimator: str, dictionary: Path | None, models: Several[Path], *, magnitude: bool
) -> None:
    """Refuse what the estimator has no use for, and a network that is not given."""
    if estimator == NETWORK and magnitude:
        raise ModelError(
            "--magnitude has no use with --estimator network, which is trained on complex signals:"
            " choose match, least-squares or posterior"
        )
    if estimator != NETWORK and models:
        raise ModelError(
            f"--model has no use with --estimator {estimator}: a model serves --estimator network"
        )
    if estimator == NETWORK and dictionary:
        raise DictionaryError(
            "--dictionary has no use with --estimator network: give --model, a folder that"
            " `spinprint train` has written"
        )
    if estimator == NETWORK and not models:
        raise ModelError(
            "--estimator network needs --model, a folder that `spinprint train` has written"
        )


def _load_network(paths: Several[Path], sequence: Sequence, fields: Fields) -> NetworkRegression:
    """The mean of the models of some folders."""
    from ..networks.model import Model  # with torch, which no other estimator needs

    network = NetworkRegression([Model.load(path, sequence) for path in paths])
    network.require_fields(fields)
    return network


def _atoms_of(network: Estimator, fields: Fields) -> Dictionary | None:
    """Signals that a network was trained on; None where one phase would do for all of each.

    Nor are there any for known fields, of which no two drawn tissues have the same.
    """
    assert isinstance(network, NetworkRegression)
    if fields or signal_type(network.sequence, network.tissue, ()) is np.float32:
        return None
    return Dictionary.build(network.sequence, network.tissue)


def _require_axes(dictionary: Dictionary, fields: Fields, path: Path) -> None:
    """Refuse a dictionary of a file that has nothing to look for, or none of the known fields."""
    for name in fields:
        if name not in dictionary.parameters:
            raise DictionaryError(
                f"{path}: all atoms have one {name}, but a map of it is given:"
                f" build the dictionary on a grid with an axis {name}"
            )
    if set(dictionary.parameters) <= set(fields):
        raise DictionaryError(
            f"{path}: all atoms are the same tissue, so that there is nothing to map:"
            " build it on a grid with an axis of several values"
        )


def _require_atoms(dictionary: Dictionary, path: Path, *, magnitude: bool) -> None:
    """Refuse moduli for a complex series, and signals for magnitudes."""
    if dictionary.magnitude and not magnitude:
        raise DictionaryError(
            f"{path}: its atoms are moduli, for magnitudes: build it without --magnitude, or map"
            " with it"
        )
    if magnitude and not dictionary.magnitude:
        raise DictionaryError(
            f"{path}: its atoms are signals, not the moduli that --magnitude compares: build it"
            " with `spinprint dictionary --magnitude`"
        )


def _ranges(fields: Fields, bright: NDArray[np.bool_] | None) -> dict[str, tuple[float, float]]:
    """The range of each field where there is signal, but for 2 % of the voxels.

    Atoms need not reach out to stray values: there the nearest ones compete all the same.
    """
    ranges = {}
    for name, values in fields.items():
        low, high = np.percentile(values[np.isfinite(values) & bright], (1, 99))
        if name == "b0" and high - low > _WIDEST:
            raise SeriesError(
                f"the b0 map spans {low:g} to {high:g} Hz where there is signal, more than"
                f" {_WIDEST:g}: check its unit"
            )
        ranges[name] = (float(low), float(high))
    return ranges


def _remarks(maps: Maps, series: Series, *, mask_found: bool) -> list[str]:
    """What is unusual about a run."""
    counts: dict[Any, int] = maps.counts()
    asked = maps.status.size - counts.get(Status.OUTSIDE, 0)
    remarks = []
    if mask_found:
        # Voxels that hold NaN or Inf are in the mask to be reported, not for their signal.
        suspects = series.data[maps.status == Status.NOT_FINITE]
        bright = asked - np.count_nonzero(~np.isfinite(suspects).all(axis=-1))
        remarks.append(f"No mask was given: {bright} of {maps.status.size} voxels hold signal.")
    remarks += _about_noise(maps, asked)
    if series.geometry and series.geometry.defect:
        remarks.append(
            f"The affine of the series {series.geometry.defect}: where it lies is not known, and"
            " the maps repeat its header."
        )
    elif series.affine is None:
        remarks.append("The series states no place in space: the maps have none either.")
    for status, count in counts.items():
        if status not in (Status.OUTSIDE, Status.OK):
            remarks.append(f"{count} of {asked} voxels: {status.meaning}.")
    return remarks


def _about_noise(maps: Maps, asked: int) -> list[str]:
    """That sigma came from an unusual place, or that the unit of the series is one."""
    remarks = []
    if maps.provenance.get("sigma") == INSIDE:
        remarks.append(
            "The series holds too little noise outside what signals of the sequence span, as after"
            " a reconstruction in a temporal subspace or denoising: sigma was taken from what fits"
            " leave over inside. For exact error bars give --sigma, the noise per channel."
        )
    lost = np.count_nonzero(maps.has_value() & ~(np.isfinite(maps.m0) & np.isfinite(maps.sigma)))
    if lost:
        remarks.append(
            f"{lost} of {asked} voxels: M0 or sigma is beyond single precision and left out: scale"
            " the series."
        )
    return remarks
