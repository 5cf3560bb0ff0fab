"""Commands that make data: the demo, simulated series, dictionaries."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..sequence import load_sequence
from .app import Bounds, Flag, Whole, app
from .progress import console, stage


@app.command
def demo(*, out: Path = Path("demo"), seed: Whole = 0) -> None:
    """Run the whole pipeline on a synthetic knee and write a report.

    Example: spinprint demo --out demo

    Parameters
    ----------
    out
        Folder for series, maps and report.html.
    seed
        Seed of the knee's tissue and of the noise.
    """
    from ..workflows.demo import run_demo

    print(run_demo(out, seed=seed, stage=stage))


@app.command
def simulate(
    sequence: str,
    *,
    out: Path,
    phantom: Literal["knee", "brain", "nist"] = "knee",
    snr_db: float | None = None,
    sigma: float | None = None,
    seed: Whole = 0,
    matrix: Whole = 112,
    slices: Whole = 3,
    volunteer: Whole | None = None,
    rescan: Flag = False,
    field_strength: float | None = None,
    batch: str | None = None,
    brainweb: Whole | None = None,
    download: Flag = False,
    b1_range: Bounds | None = None,
    b0_range: Bounds | None = None,
    partial_volume: bool = True,
    noise: Literal["complex", "rician"] = "complex",
    sampling: Literal["none", "spiral", "radial"] = "none",
    interleaves: Whole | None = None,
    coils: Whole | None = None,
    reconstruction: Literal["gridding", "subspace"] | None = None,
    rank: Whole | None = None,
) -> None:
    """Simulate a noisy series of a phantom with known truth.

    Example: spinprint simulate knee_t1_t2_t1rho --phantom knee --snr-db 30 --out simulated

    Parameters
    ----------
    sequence
        A sequence file, or the name of a preset (`spinprint sequence list`).
    out
        Folder for series.nii.gz, sequence.toml, labels.nii.gz, labels.json and the truth.
    phantom
        A knee, a brain, or the ISMRM/NIST system phantom.
    snr_db
        20 log10(rms over time of the signal / (sqrt(2) sigma)), median over tissue; 30 if
        neither this nor --sigma is given.
    sigma
        Noise per real and imaginary channel instead, relative to M0 = 1.
    seed
        Seed of the phantom's tissue, of the fields and of the noise.
    matrix
        Voxels along each edge of a slice.
    slices
        Number of slices; few lie apart, so that they show all regions, many touch.
    volunteer
        Draw a person of this number, with sizes and tissue of their own (knee).
    rescan
        The same object once more: moved a little, with other fields and noise.
    field_strength
        1.5 or 3 T, 3 if not given (nist).
    batch
        K3290 or PLL2020, K3290 if not given (nist).
    brainweb
        A head of the BrainWeb database by its number, instead of the drawn one (brain).
    download
        Fetch that head from brainweb.bic.mni.mcgill.ca if it is not on this machine (brain).
    b1_range
        Lowest and highest relative B1 of a smooth field, say 0.85 1.15.
    b0_range
        Lowest and highest off-resonance of a smooth field in Hz, say -40 40.
    partial_volume
        Whether voxels at borders hold several tissues.
    noise
        complex, or rician: magnitudes, which `spinprint map --magnitude` takes.
    sampling
        Sample each frame along spirals (24 would do for all of k-space) or radial spokes, turned
        from frame to frame by the golden angle; none samples fully. SNR and sigma stay those of
        fully sampled images.
    interleaves
        Spirals or spokes of each frame, 1 if not given (spiral, radial).
    coils
        Receive coils of known sensitivity, 8 if not given (spiral, radial).
    reconstruction
        gridding: each frame alone, aliases and all, if not given; subspace: all frames together
        in the basis of the default dictionary (spiral, radial).
    rank
        Coefficients of the subspace, as many as the dictionary's if not given.
    """
    from ..simulation.acquisition import choose_sampling
    from ..workflows.simulation import run_simulation

    made, series = run_simulation(
        load_sequence(sequence), out, phantom, snr_db=snr_db, sigma=sigma, seed=seed,
        matrix=matrix, slices=slices, volunteer=volunteer, rescan=rescan,
        field_strength=field_strength, batch=batch, brainweb=brainweb, download=download or None,
        b1_range=b1_range, b0_range=b0_range,
        partial_volume=partial_volume, noise=noise, stage=stage,
        sampling=choose_sampling(
            sampling, interleaves=interleaves, coils=coils, reconstruction=reconstruction,
            rank=rank,
        ),
    )  # fmt: skip
    console.print(f"sigma {made.sigma:.3g} per channel; SNR {made.snr_db:.1f} dB (rms over time)")
    if made.sampling and made.sigma:
        console.print(
            f"undersampled {made.sampling.trajectory.acceleration(matrix):.3g} times: the ratio is"
            f" that of full sampling, and map needs --sigma {made.sigma:.3g}"
        )
    print(series)


@app.command
def dictionary(
    sequence: str,
    *,
    out: Path,
    grid: Path | None = None,
    rank: Whole | None = None,
    energy: float | None = None,
    magnitude: Flag = False,
) -> None:
    """Build a dictionary, of any size; started again, a stopped build goes on where it was.

    Example: spinprint dictionary knee.toml --out knee.h5

    Parameters
    ----------
    sequence
        A sequence file, or the name of a preset.
    out
        The HDF5 file to write.
    grid
        A grid file (TOML, spinprint-grid/1); without it the grid of `spinprint map`.
    rank
        Number of SVD components.
    energy
        Part of the signals' energy to keep instead, 0.99999 if neither is given.
    magnitude
        Make it for magnitudes, `spinprint map --magnitude`: its atoms are the moduli of signals.
    """
    from ..workflows.dictionary import build_dictionary

    made = build_dictionary(
        load_sequence(sequence), out, grid, rank, energy, magnitude=magnitude, stage=stage
    )
    print(made)
