"""A sequence and a phantom in, a noisy series with known truth out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation.phantoms import PHANTOMS, Phantom
from ..files import check_output_folder, replacing
from ..io import Geometry, check_derivative, write_maps, write_series
from ..maps import Maps, Status
from ..physics.noise import add_noise, sigma_to_snr, snr_to_sigma
from ..physics.simulate import simulate
from ..sequence import Sequence, format_sequence
from .stages import Stage, silent

SNR_CONVENTION = "rms"


@dataclass(frozen=True, eq=False, kw_only=True)
class Simulation:
    """A simulated measurement."""

    phantom: Phantom
    """What was imaged."""
    series: NDArray[np.complex64]
    """Noisy images, `(x, y, z, time)`."""
    sigma: float
    """Noise per real and imaginary channel [unit of the series]."""
    snr_db: float
    """Median over tissue of the rms of the signal over the noise [dB]."""
    seed: int
    """Seed of phantom and noise."""


def simulate_phantom(
    sequence: Sequence,
    phantom: str = "knee",
    *,
    snr_db: float | None = None,
    sigma: float | None = None,
    seed: int = 0,
    matrix: int = 112,
    slices: int = 1,
    stage: Stage = silent,
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
        Seed of the phantom's tissue and of the noise.
    matrix, slices
        Voxels along each edge of a slice, and number of slices.
    stage
        Hears of the stages of the work.

    Raises
    ------
    InputError
        The phantom is unknown, or both noise levels are given.
    """
    if phantom not in PHANTOMS:
        raise InputError(f"phantom {phantom!r} must be one of {', '.join(PHANTOMS)}")
    if snr_db is not None and sigma is not None:
        raise InputError("give --snr-db or --sigma, not both: one follows from the other")
    if sigma is not None and not (np.isfinite(sigma) and sigma >= 0):
        raise InputError(f"--sigma = {sigma:g} must be at least 0")
    if matrix < 8 or slices < 1:
        raise InputError("a phantom needs at least 8 x 8 voxels and one slice")
    with stage("Simulating the phantom"):
        body = PHANTOMS[phantom](shape=(matrix, matrix, slices), seed=seed)
        # Of one tissue a voxel, only those with tissue are simulated.
        inside = body.mask
        tissue = type(body.tissue)(**{n: v[inside] for n, v in body.tissue.given().items()})
        signals = simulate(sequence, tissue)
        if sigma is None:
            wanted = 30.0 if snr_db is None else snr_db
            sigma = float(np.median(snr_to_sigma(signals, wanted, SNR_CONVENTION)))
        clean = np.zeros((*body.shape, sequence.n_samples), np.complex64)
        clean[inside] = signals
        series = add_noise(clean, sigma, np.random.default_rng(seed))
        ratio = float(np.median(sigma_to_snr(signals, sigma, SNR_CONVENTION))) if sigma else np.inf
    return Simulation(phantom=body, series=series, sigma=sigma, snr_db=ratio, seed=seed)


def write_simulation(simulation: Simulation, sequence: Sequence, out: Path) -> list[Path]:
    """Write series, sequence, labels and truth; the truth is a BIDS derivative.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    check_output_folder(out)
    check_derivative(out / "truth")
    phantom = simulation.phantom
    series = write_series(out / "series.nii.gz", simulation.series, phantom.affine)
    with replacing(out / "sequence.toml") as temporary:
        temporary.write_text(format_sequence(sequence), encoding="utf-8")
    labels = Geometry.from_affine(phantom.affine).image(phantom.labels)
    with replacing(out / "labels.nii.gz") as temporary:
        labels.to_filename(temporary)
    with replacing(out / "labels.json") as temporary:
        names = {str(label): name for label, name in phantom.names.items()}
        temporary.write_text(json.dumps({"Labels": names, "Sources": dict(phantom.sources)}))
    truth = write_maps(truth_maps(simulation, sequence), out / "truth", sequence=sequence)
    own = ("sequence.toml", "labels.nii.gz", "labels.json")
    return [series, *(out / name for name in own), *truth]


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
            "seed": simulation.seed,
            "snr_db": simulation.snr_db,
            "snr_convention": f"{SNR_CONVENTION} over time, median over tissue",
        },
    )
