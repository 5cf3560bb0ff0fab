"""Commands that map series and judge maps."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..sequence import load_sequence
from .app import Flag, Paths, Whole, app
from .progress import console, stage

B1Unit = Literal["relative", "tenths", "percent", "permille", "degrees", "decidegrees", "radians"]
B0Unit = Literal["hz", "rad/s", "ppm", "tesla"]


@app.command(name="map")
def map_(
    series: Path,
    *,
    sequence: str,
    out: Path,
    estimator: Literal["match", "least-squares", "posterior", "network"] = "match",
    imaginary: Path | None = None,
    phase: Path | None = None,
    phase_unit: str | None = None,
    magnitude: Flag = False,
    conjugate: Flag = False,
    dictionary: Path | None = None,
    model: Paths = (),
    mask: Path | None = None,
    b1_map: Path | None = None,
    b0_map: Path | None = None,
    b1_unit: B1Unit | None = None,
    b1_nominal_deg: float | None = None,
    b0_unit: B0Unit | None = None,
    sigma: float | None = None,
    subject: str = "01",
) -> None:
    """Map a series: T1, T2 and what else the sequence encodes, each with its deviation.

    Example: spinprint map series.nii.gz --sequence sequence.toml --out maps

    Parameters
    ----------
    series
        Complex series: NIfTI (4-D complex, or one half of it: real, imaginary, magnitude or
        phase), .npy, .mat or HDF5.
    sequence
        The sequence file it was measured with, or the name of a preset.
    out
        Folder of the BIDS derivative to write.
    estimator
        match: dictionary matching refined between the atoms; least-squares: maximum likelihood
        on all samples; posterior: mean and spread over the range of the dictionary; network:
        what a trained network says.
    imaginary
        The imaginary part, where the series holds the real one. Halves that BIDS or dcm2niix
        names are found without it.
    phase
        The phase, where the series holds magnitudes; found like the imaginary part.
    phase_unit
        What the phase is in, where its sidecar does not state it: rad, deg, mrad, scaled (integers
        whose range is one turn), or the steps of one turn, as 4096. Told by the range if not given.
    magnitude
        Map magnitudes as such: sign and phase of the signal are lost, noise is Rician (match,
        least-squares, posterior).
    conjugate
        Turn the sense of the phase. In the model B0 > 0 turns it by exp(+2 pi i B0 t).
    dictionary
        A dictionary file; without it one is built on a default grid and cached.
    model
        A folder that `spinprint train` has written; given several times, the answers are averaged
        (network).
    mask
        Where to map: values above 0 of labels, from 0.5 on of probabilities; without it voxels
        with signal are found.
    b1_map
        Flip angle relative to nominal, or as --b1-unit says; 0 where it was not measured.
    b0_map
        Off-resonance in Hz, or as --b0-unit says.
    b1_unit
        What the values of the B1 map are: relative (near 1), tenths (near 10), percent, permille
        (1000, Siemens' percent x 10), or angles: degrees, decidegrees (degrees x 10), radians.
        Without it the Units of the JSON file beside the map count; no unit is guessed.
    b1_nominal_deg
        Nominal flip angle of a B1 map of angles.
    b0_unit
        What the values of the B0 map are: hz, rad/s, ppm or tesla; else as for --b1-unit.
    sigma
        Noise per real and imaginary channel in the unit of the series; estimated if not given,
        which a reconstruction in a temporal subspace or denoising makes less exact.
    subject
        BIDS label of the subject.
    """
    from ..workflows.mapping import map_series

    result = map_series(
        series, load_sequence(sequence), out, estimator=estimator, imaginary=imaginary,
        phase=phase, phase_unit=phase_unit, magnitude=magnitude, conjugate=conjugate,
        dictionary_path=dictionary, model_paths=model, mask_path=mask, b1_path=b1_map,
        b0_path=b0_map, b1_unit=b1_unit, b1_nominal_deg=b1_nominal_deg, b0_unit=b0_unit,
        sigma=sigma, subject=subject, stage=stage,
    )  # fmt: skip
    for remark in result.remarks:
        console.print(remark)
    print(out)


@app.command
def evaluate(
    maps_dir: Path,
    *,
    out: Path,
    truth: Path | None = None,
    phantom: Literal["nist"] | None = None,
    batch: Literal["K3290", "PLL2020"] = "K3290",
    labels: Path | None = None,
    erode: Whole = 0,
    purity: Path | None = None,
    b1_map: Path | None = None,
    b0_map: Path | None = None,
    b1_unit: B1Unit | None = None,
    b1_nominal_deg: float | None = None,
    b0_unit: B0Unit | None = None,
    sequence: str | None = None,
    bayes_risk: Flag = False,
    prior: Path | None = None,
    subject: str | None = None,
    resamples: Whole = 500,
    seed: Whole = 0,
) -> None:
    """Compare maps with the truth, with other maps, or with the tables of a phantom.

    Example: spinprint evaluate maps --truth simulated/truth --labels labels.nii.gz --out evaluation

    Parameters
    ----------
    maps_dir
        Folder of the maps, as `spinprint map` writes it.
    out
        Folder for report.html, tables (CSV, JSON) and figures (PNG, SVG).
    truth
        Folder of the true maps, or of other maps: a repeat, or another estimator's.
    phantom
        Instead of --truth, a phantom with published values; its spheres are found in the maps.
    batch
        Which copy of the NIST phantom: K3290 up to serial number 130-0041, else PLL2020.
    labels
        Image of structures, named in a JSON file beside it; without it all voxels are one.
    erode
        Layers of voxels to leave out at the borders of structures, where tissues mix.
    purity
        Image of the part of each voxel that its label fills: mixed voxels are left out and counted
        apart. purity.nii.gz beside the labels is taken if it is there.
    b1_map
        Flip angle relative to nominal as it was given to `spinprint map`, for the bound.
    b0_map
        Off-resonance in Hz as it was given to `spinprint map`, for the bound.
    b1_unit
        Unit of the B1 map, as for `spinprint map`.
    b1_nominal_deg
        Nominal flip angle of a B1 map of angles.
    b0_unit
        Unit of the B0 map, as for `spinprint map`.
    sequence
        What the maps were measured with, for the Cramér-Rao bound; found by its hash where it is a
        preset or lies beside the maps or the truth.
    bayes_risk
        Also compute the least mean squared error over a prior at the noise of the maps, in about
        half a minute. The prior is that of the maps where they state one, else all tissue.
    prior
        A training file (TOML) whose [prior] is taken for the Bayes risk instead.
    subject
        BIDS label of the subject, where the maps hold several.
    resamples
        How often voxels are resampled for the intervals.
    seed
        Seed of the resampling.
    """
    from ..workflows.evaluation import evaluate_maps

    result = evaluate_maps(
        maps_dir, out, truth=truth, phantom=phantom, batch=batch, labels=labels,
        erode=erode, purity=purity, b1_map=b1_map, b0_map=b0_map, b1_unit=b1_unit,
        b1_nominal_deg=b1_nominal_deg, b0_unit=b0_unit, sequence=sequence,
        bayes_risk=bayes_risk, prior=prior, subject=subject, resamples=resamples, seed=seed,
        stage=stage, log=console.print,
    )  # fmt: skip
    for remark in result.remarks:
        console.print(remark)
    print(result.report)
