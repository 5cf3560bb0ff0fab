"""The commands. Each parses, makes one library call and prints the path of the result."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError
from rich.console import Console

from ..errors import InputError
from ..sequence import load_sequence
from ..sequence.presets import PRESETS
from .progress import console, stage

app = App(
    name="spinprint",
    help="MR fingerprinting: from a pulse sequence to trusted quantitative maps.",
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # told below, in our words
)
sequence_app = App(name="sequence", help="Look at sequences and convert them.")
app.command(sequence_app)


def _whole_number(type_: Any, tokens: Any) -> int:  # noqa: ARG001
    """An integer as it is written; the parser's own conversion would round 1.5."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value!r} must be a whole number") from None


Whole = Annotated[int, Parameter(converter=_whole_number)]
Flag = Annotated[bool, Parameter(negative=())]
Paths = Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False)]
Bounds = Annotated[tuple[float, float], Parameter(negative=())]


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
        complex, or rician: magnitudes, which no estimator takes, as sign and phase are lost.
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
    from ..evaluation.acquisition import choose_sampling
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
    """
    from ..workflows.dictionary import build_dictionary

    print(build_dictionary(load_sequence(sequence), out, grid, rank, energy, stage=stage))


@app.command
def train(
    sequence: str,
    *,
    out: Path,
    config: Path | None = None,
    seed: Whole | None = None,
) -> None:
    """Train a network to map; started again, a stopped training goes on where it was.

    Example: spinprint train knee_t1_t2_t1rho --out network

    Parameters
    ----------
    sequence
        A sequence file, or the name of a preset.
    out
        Folder for the model, and its log while it is trained.
    config
        A training file (TOML, spinprint-train/1): prior, network, stages of training.
    seed
        Of weights, tissue and noise, instead of that of the file; 0 if neither states one.
    """
    from ..workflows.training import train_network

    result = train_network(load_sequence(sequence), out, config, seed, stage=stage)
    for remark in result.remarks:
        console.print(remark)
    print(out)


@app.command
def tune(
    sequence: str,
    *,
    out: Path,
    config: Path | None = None,
    trials: Whole | None = None,
    what: Literal["network", "matching"] = "network",
    workers: Whole = 1,
    storage: str | None = None,
) -> None:
    """Search for good settings of a network or of matching; started again, a search goes on.

    Example: spinprint tune knee_t1_t2_t1rho --trials 40 --out tuning

    Parameters
    ----------
    sequence
        A sequence file, or the name of a preset.
    out
        Folder for best.toml, trials.csv, trials.json, importances.json and report.html.
    config
        A tuning file (TOML, spinprint-tune/1); without it a default space is searched.
    trials
        Settings to try in all, those of earlier runs counted; 40 if the file says nothing.
    what
        network: best.toml is for `spinprint train --config`; matching: grid, rank and refinement
        against error, time and memory, and best.toml is for `spinprint dictionary --grid`.
    workers
        Processes that share the trials and the cores.
    storage
        URL of a database, say postgresql://..., through which several machines share the trials.
    """
    from ..workflows.tuning import tune as run_tuning

    result = run_tuning(
        load_sequence(sequence), out, config, trials, what=what, workers=workers, storage=storage,
        stage=stage, tell=console.print,
    )  # fmt: skip
    for remark in result.remarks:
        console.print(remark)
    print(result.best)


@app.command
def export(model: Path, *, out: Path) -> None:
    """Write a trained network as ONNX, to run it in other programs.

    Example: spinprint export network --out network.onnx

    Parameters
    ----------
    model
        A folder that `spinprint train` has written.
    out
        The ONNX file to write (needs the extra `onnx`).
    """
    from ..workflows.export import export_model

    print(export_model(model, out, stage=stage))


@app.command(name="map")
def map_(
    series: Path,
    *,
    sequence: str,
    out: Path,
    estimator: Literal["match", "least-squares", "posterior", "network"] = "match",
    imaginary: Path | None = None,
    dictionary: Path | None = None,
    model: Paths = (),
    mask: Path | None = None,
    b1_map: Path | None = None,
    b0_map: Path | None = None,
    sigma: float | None = None,
    subject: str = "01",
) -> None:
    """Map a series: T1, T2 and what else the sequence encodes, each with its deviation.

    Example: spinprint map series.nii.gz --sequence sequence.toml --out maps

    Parameters
    ----------
    series
        Complex series: NIfTI (4-D complex, or its real part), .npy, .mat or HDF5.
    sequence
        The sequence file it was measured with, or the name of a preset.
    out
        Folder of the BIDS derivative to write.
    estimator
        match: dictionary matching refined between the atoms; least-squares: maximum likelihood
        on all samples; posterior: mean and spread over the range of the dictionary; network:
        what a trained network says.
    imaginary
        The imaginary part, where the series holds the real one.
    dictionary
        A dictionary file; without it one is built on a default grid and cached.
    model
        A folder that `spinprint train` has written; given several times, the answers are averaged
        (network).
    mask
        Where to map; without it voxels with signal are found.
    b1_map
        Flip angle relative to nominal.
    b0_map
        Off-resonance in Hz.
    sigma
        Noise per real and imaginary channel in the unit of the series; estimated if not given.
    subject
        BIDS label of the subject.
    """
    from ..workflows.mapping import map_series

    result = map_series(
        series, load_sequence(sequence), out, estimator=estimator, imaginary=imaginary,
        dictionary_path=dictionary, model_paths=model, mask_path=mask, b1_path=b1_map,
        b0_path=b0_map, sigma=sigma, subject=subject, stage=stage,
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
        erode=erode, purity=purity, b1_map=b1_map, b0_map=b0_map, sequence=sequence,
        bayes_risk=bayes_risk, prior=prior, subject=subject, resamples=resamples, seed=seed,
        stage=stage, tell=console.print,
    )  # fmt: skip
    for remark in result.remarks:
        console.print(remark)
    print(result.report)


@app.command
def study(
    name: str,
    *,
    out: Path,
    scale: Literal["smoke", "quick", "full"] = "quick",
    seed: Whole = 0,
) -> None:
    """Run the experiment of a paper and judge its claims; stopped, it goes on where it was.

    Example: spinprint study finkelstein2022 --scale smoke --out study

    Parameters
    ----------
    name
        finkelstein2022: transfer learning of T1, T2 and ADC; zhang2025: networks beside matching
        for T1, T2 and T1rho.
    out
        Folder for report.html, tables.md, results.json and the networks.
    scale
        smoke: under 2 minutes on 2 cores; quick: under 30; full: hours.
    seed
        What all random numbers follow from.
    """
    from ..studies import find_study
    from ..studies.study import run_study

    result = run_study(
        find_study(name), out, scale=scale, seed=seed, stage=stage, tell=console.print
    )
    for verdict in result.verdicts:
        console.print(f"{verdict.outcome.value}: {verdict.claim}")
        console.print(f"    {verdict.measured} ({verdict.interval or 'no interval'})")
    print(result.report)


@sequence_app.command
def show(sequence: str, *, precision: Literal["knee", "brain"] | None = None) -> None:
    """Print the blocks of a sequence and draw its flip angles and repetition times.

    Example: spinprint sequence show knee_t1_t2_t1rho --precision knee

    Parameters
    ----------
    sequence
        A sequence file, or the name of a preset.
    precision
        Add how precisely each parameter of the tissues of this organ can be had at 20, 30 and
        40 dB: the Cramér-Rao bound.
    """
    from ..report.precision import describe_precision
    from ..report.terminal import describe_sequence

    played = load_sequence(sequence)
    page = Console(highlight=False)
    page.print(describe_sequence(played))
    if precision is not None:
        page.print("", describe_precision(played, precision), sep="\n")


@sequence_app.command
def convert(file: Path, *, out: Path) -> None:
    """Write a sequence as TOML, from a Pulseq file (.seq), a TOML file or a preset.

    Example: spinprint sequence convert scan.seq --out scan.toml

    Parameters
    ----------
    file
        The Pulseq file (needs the extra `pulseq`), sequence file or preset.
    out
        The TOML file to write.
    """
    from ..workflows.conversion import convert_sequence

    print(convert_sequence(file, out))


@sequence_app.command(name="list")
def list_() -> None:
    """Print the names of the presets and where they come from.

    Example: spinprint sequence list
    """
    for name, preset in PRESETS.items():
        print(f"{name}\n    {preset().citation}")


@app.command
def doctor() -> None:
    """Print what this machine has, what is missing and how to get it.

    Example: spinprint doctor
    """
    from ..workflows.doctor import examine

    for line in examine():
        print(line)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit status 0 done, 2 wrong input, 1 a defect of ours."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except InputError as error:
        _fail(str(error))
    except CycloptsError as error:
        _fail(_misuse(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain again when it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        console.print("spinprint: interrupted, nothing half-written was left")
        sys.exit(130)


def _misuse(error: CycloptsError) -> str:
    """What was wrong with the command itself, and where the right form stands."""
    if isinstance(error, UnusedCliTokensError):
        message = f"unexpected {' '.join(error.unused_tokens or ())!r}"
    elif isinstance(error, MissingArgumentError) and error.argument:
        message = f"{error.keyword or error.argument.name} needs a value"
    else:
        message = str(error).rstrip(".")
    command = " ".join(("spinprint", *(error.command_chain or ())))
    return f"{message} (see {command} --help)"


def _fail(message: str) -> None:
    line = " ".join(message.split())
    print(f"spinprint: {line}", file=sys.stderr)
    sys.exit(2)
