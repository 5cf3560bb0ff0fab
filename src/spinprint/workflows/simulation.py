"""A sequence and a phantom in, a noisy series with known truth out."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SequenceError
from ..files import check_replaceable, claim, staging
from ..io import Geometry, check_derivative, earlier_maps, stage_maps, write_series
from ..io.bids import DESCRIPTION
from ..io.sidecar import has_keys, is_ours, write_json
from ..maps import Maps, Status
from ..physics.noise import add_noise, sigma_to_snr, snr_to_sigma
from ..room import require_room
from ..sequence import Sequence, format_sequence, load_sequence
from ..simulation.acquisition import Sampling, scan
from ..simulation.phantoms import PHANTOMS, Fields, Phantom
from ..streams import phantom_stream
from .stages import StageDisplay, silent

SNR_CONVENTION = "rms"
TRUTH = "truth"
"""Folder of the true maps, a BIDS derivative."""

RUN = "simulation"
"""What the files of a simulation are known as in their folder."""

_SERIES, _SEQUENCE, _LEGEND = "series.nii.gz", "sequence.toml", "labels.json"
_VOLUMES = ("labels", "purity", "b1", "b0")

Noise = Literal["complex", "rician"]
NOISES: tuple[Noise, ...] = ("complex", "rician")
"""What becomes of the noise: it stays complex, or its images are magnitudes."""

_MOST_DB = 200.0  # beyond what single precision can hold


@dataclass(frozen=True, eq=False, kw_only=True)
class Simulation:
    """A simulated measurement."""

    phantom: Phantom
    """What was imaged."""
    series: NDArray[np.complex64] | NDArray[np.float32]
    """Noisy images, `(x, y, z, time)`; real where they are magnitudes."""
    sigma: float
    """Noise per real and imaginary channel of the images [unit of the series]."""
    snr_db: float
    """Median over tissue of the rms of the signal over the noise, fully sampled [dB]."""
    seed: int
    """Seed of phantom and noise."""
    noise: Noise = "complex"
    """One of `NOISES`."""
    sampling: Sampling | None = None
    """How each frame was sampled and reconstructed; None where fully."""


def simulate_phantom(
    sequence: Sequence,
    phantom: str = "knee",
    *,
    snr_db: float | None = None,
    sigma: float | None = None,
    seed: int = 0,
    matrix: int = 112,
    slices: int = 3,
    b1_range: tuple[float, float] | None = None,
    b0_range: tuple[float, float] | None = None,
    partial_volume: bool = True,
    rescan: bool = False,
    noise: Noise = "complex",
    sampling: Sampling | None = None,
    stage: StageDisplay = silent,
    **options: Any,
) -> Simulation:
    """Image a phantom.

    Parameters
    ----------
    sequence
        What is played.
    phantom
        A name in `PHANTOMS`.
    snr_db
        Median over tissue of 20 log10(rms over time / (sqrt(2) sigma)) [dB]; 30 where neither
        this nor sigma is given.
    sigma
        Noise per channel instead, relative to M0 = 1; 0 adds none.
    seed
        Seed of the phantom's tissue, of the fields and of the noise.
    matrix, slices
        Voxels along each edge of a slice, and number of slices.
    b1_range, b0_range
        Bounds of smooth fields of relative B1 [-] and of off-resonance [Hz]; None for none.
    partial_volume
        Voxels at borders give the sum of the signals of what they hold; otherwise that of one
        tissue.
    rescan
        The same object on another visit: lying a little otherwise, with other fields and noise.
    noise
        One of `NOISES`. With "rician" the series holds magnitudes, real numbers: only a dictionary
        of moduli fits them. Mapped as complex numbers, T1 of cartilage in the preset
        knee_t1_t2_t1rho would come out 96 % too low.
    sampling
        Sample each frame along spirals or spokes and reconstruct it; None samples fully. `snr_db`
        and `sigma` stay those of fully sampled images: undersampled ones have more noise.
    stage
        Hears of the stages of the work.
    options
        What else the phantom takes: `volunteer` (knee), `field_strength` and `batch` (nist),
        `brainweb` and `download` (brain).
        None counts as not given.

    Raises
    ------
    InputError
        The phantom is unknown or does not take an option, or the noise, the size or an option is
        impossible.
    """
    if phantom not in PHANTOMS:
        raise InputError(f"phantom {phantom!r} must be one of {', '.join(PHANTOMS)}")
    options = {name: value for name, value in options.items() if value is not None}
    _check_options(phantom, options)
    _check_noise(snr_db, sigma, noise)
    if matrix < 8 or slices < 1:
        raise InputError(
            f"--matrix = {matrix}, --slices = {slices}: a phantom needs at least 8 x 8 voxels"
            " and one slice"
        )
    _check_room(matrix, slices, sequence.n_samples, sampling)
    with stage("Simulating the phantom"):
        body = PHANTOMS[phantom](
            shape=(matrix, matrix, slices), seed=seed, fields=Fields(b1=b1_range, b0=b0_range),
            partial_volume=partial_volume, rescan=rescan, **options,
        )  # fmt: skip
        series = body.image(sequence)
        signals = series[body.mask]
        if sigma is None:
            wanted = 30.0 if snr_db is None else snr_db
            sigma = float(np.median(snr_to_sigma(signals, wanted, SNR_CONVENTION)))
        ratio = float(np.median(sigma_to_snr(signals, sigma, SNR_CONVENTION))) if sigma else np.inf
    # Every visit of every volunteer has noise of its own.
    rng = phantom_stream(seed, "noise", options.get("volunteer", -1) + 1, int(rescan))
    if sampling is None:
        series = add_noise(series, sigma, rng)
    else:
        with stage("Sampling and reconstructing") as progress:
            series = scan(series, sequence, sampling, rng, sigma=sigma, progress=progress)
        sigma = sampling.image_sigma(sigma, matrix)
    return Simulation(
        phantom=body, series=np.abs(series) if noise == "rician" else series, sigma=sigma,
        snr_db=ratio, seed=seed, noise=noise, sampling=sampling,
    )  # fmt: skip


def _check_options(phantom: str, options: dict[str, Any]) -> None:
    """Refuse what only another phantom takes."""
    for name in options:
        takers = [key for key, make in PHANTOMS.items() if name in signature(make).parameters]
        if phantom not in takers:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} does not apply to the phantom {phantom}"
                + (f", only to {' and '.join(takers)}" if takers else "")
            )


def _check_room(matrix: int, slices: int, frames: int, sampling: Sampling | None) -> None:
    """Refuse a series that cannot fit in memory: it is there twice, with and without noise."""
    what = f"--matrix = {matrix}, --slices = {slices}: a series of {frames} images"
    require_room(2 * 8 * matrix**2 * slices * frames, what, InputError, "make it smaller")
    if sampling is not None:
        what = (
            f"one slice of {sampling.trajectory.interleaves} interleaves and {sampling.coils} coils"
        )
        require_room(sampling.memory(matrix, frames), what, InputError, "take fewer")


def _check_noise(snr_db: float | None, sigma: float | None, noise: str) -> None:
    if noise not in NOISES:
        raise InputError(f"noise {noise!r} must be one of {', '.join(NOISES)}")
    if snr_db is not None and sigma is not None:
        raise InputError("give --snr-db or --sigma, not both: one follows from the other")
    if snr_db is not None and not abs(snr_db) <= _MOST_DB:
        raise InputError(
            f"--snr-db = {snr_db:g} must lie from {-_MOST_DB:g} to {_MOST_DB:g};"
            " --sigma 0 adds no noise"
        )
    if sigma is not None and not (np.isfinite(sigma) and sigma >= 0):
        raise InputError(f"--sigma = {sigma:g} must be at least 0: it is the noise per channel")


def run_simulation(
    sequence: Sequence,
    out: Path,
    phantom: str = "knee",
    *,
    stage: StageDisplay = silent,
    **options: Any,
) -> tuple[Simulation, Path]:
    """Image a phantom and write all of it; options as for `simulate_phantom`.

    Returns
    -------
    The simulation and the path of its series.

    Raises
    ------
    InputError
        As for `simulate_phantom` and `write_simulation`; nothing was written.
    """
    check_simulation(out)
    with claim(out, RUN):
        made = simulate_phantom(sequence, phantom, stage=stage, **options)
        with stage("Writing the series and the truth"):
            return made, write_simulation(made, sequence, out)[0]


def check_simulation(out: Path) -> None:
    """Find out before long work whether `write_simulation` will be able to write.

    Raises
    ------
    OutputError
        The folder cannot be written, or it or its folder `truth` is another program's dataset.
    """
    check_derivative(out)
    check_derivative(out / TRUTH)
    # The sequence may lie there already: it is looked at when it is written.
    names = [_SERIES, _LEGEND, f"{_VOLUMES[0]}.nii.gz"]
    check_replaceable(out, names, lambda: earlier_simulation(out))


def write_simulation(simulation: Simulation, sequence: Sequence, out: Path) -> list[Path]:
    """Write series, sequence, labels, fields and truth; the truth is a BIDS derivative.

    `purity.nii.gz` tells how much of a voxel belongs to its label, where voxels are mixed;
    `b1.nii.gz` (relative) and `b0.nii.gz` (Hz) are there where the fields are not neutral.
    What an earlier simulation left in the folder is replaced, or removed.

    Raises
    ------
    OutputError
        As in `check_simulation`, or a file cannot be written.
    """
    check_simulation(out)
    phantom = simulation.phantom
    image = Geometry.from_affine(phantom.affine).image
    volumes = {"labels": phantom.labels} | _known_fields(phantom)
    names = [_SERIES, _SEQUENCE, _LEGEND, *(f"{volume}.nii.gz" for volume in volumes)]
    # A file of the same sequence, maybe written by hand, is left as it is.
    keep = [out / _SEQUENCE] if _holds(out / _SEQUENCE, sequence) else []
    with staging(out, run=RUN, earlier=lambda: earlier_simulation(out), keep=keep) as folder:
        if np.iscomplexobj(simulation.series):
            write_series(folder / _SERIES, simulation.series, phantom.affine)
        else:  # left real, so that nobody takes magnitudes for a complex series
            image(simulation.series).to_filename(folder / _SERIES)
        if not keep:
            (folder / _SEQUENCE).write_text(format_sequence(sequence), encoding="utf-8")
        for name, volume in volumes.items():
            image(volume).to_filename(folder / f"{name}.nii.gz")
        write_json(folder / _LEGEND, legend(phantom))
        (folder / TRUTH).mkdir()
        maps = truth_maps(simulation, sequence)
        truth = stage_maps(folder / TRUTH, maps, out / TRUTH, sequence=sequence, truth=True)
    return [*(out / name for name in names), *(out / TRUTH / name for name in truth)]


def earlier_simulation(out: Path) -> list[Path]:
    """What an earlier simulation wrote, where its legend or its truth say that there was one."""
    legend = ("Description", "FieldStrengthTesla", "Labels", "Regions")
    if not (is_ours(out / TRUTH / DESCRIPTION) or has_keys(out / _LEGEND, legend)):
        return []
    files = [_SERIES, _SEQUENCE, _LEGEND, *(f"{volume}.nii.gz" for volume in _VOLUMES)]
    return [*(out / name for name in files), *earlier_maps(out / TRUTH)]


def _holds(path: Path, sequence: Sequence) -> bool:
    """Whether a file states the sequence."""
    try:
        return path.is_file() and load_sequence(path) == sequence
    except SequenceError:
        return False


def _known_fields(phantom: Phantom) -> dict[str, NDArray[np.float32]]:
    volumes = {"purity": phantom.purity} if phantom.mixture is not None else {}
    for name, neutral in (("b1", 1.0), ("b0", 0.0)):
        field = phantom.tissue.get(name)
        if (field != neutral).any():
            volumes[name] = np.broadcast_to(field, phantom.shape).astype(np.float32)
    return volumes


def legend(phantom: Phantom) -> dict[str, Any]:
    """What the labels mean: names, sources of the values, and regions of several labels."""
    return {
        "Description": phantom.description,
        "FieldStrengthTesla": phantom.field_strength,
        "Labels": {str(label): name for label, name in phantom.names.items()},
        "Sources": dict(phantom.sources),
        "Regions": {name: list(labels) for name, labels in phantom.regions.items()},
    }


def truth_maps(simulation: Simulation, sequence: Sequence) -> Maps:
    """The phantom's own values as maps, without deviations."""
    phantom = simulation.phantom
    return Maps(
        values=phantom.truth(sequence.unknowns),
        sd={},
        m0=np.where(phantom.mask, phantom.tissue.get("m0"), np.nan).astype(np.complex64),
        status=np.where(phantom.mask, Status.OK, Status.OUTSIDE).astype(np.uint8),
        sigma=np.full(phantom.shape, simulation.sigma, np.float32),
        affine=phantom.affine,
        provenance={
            "estimator": "none: the truth of a phantom",
            "phantom": phantom.name,
            "description": phantom.description,
            "seed": simulation.seed,
            "snr_db": simulation.snr_db,
            "snr_convention": f"{SNR_CONVENTION} over time, median over tissue",
            "noise": simulation.noise,
            **_sampled(simulation),
        },
    )


def _sampled(simulation: Simulation) -> dict[str, Any]:
    """How an undersampled series was sampled."""
    if simulation.sampling is None:
        return {}
    return {"sampling": simulation.sampling.describe(max(simulation.phantom.shape[:2]))}
