"""Commands that train and export networks, tune settings and run studies."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..sequence import load_sequence
from .app import Whole, app
from .progress import console, stage


@app.command
def train(
    sequence: str,
    *,
    out: Path,
    config: Path | None = None,
    seed: Whole | None = None,
) -> None:
    """Train a network; if it was stopped, the same command resumes it.

    Example: spinprint train knee_t1_t2_t1rho --out network

    Parameters
    ----------
    sequence
        Sequence file or name of a preset.
    out
        Folder for the model and the log of its training.
    config
        Training file (TOML, spinprint-train/1) with prior, network and stages.
    seed
        Seed of weights, tissue and noise, which replaces that of the file (default 0).
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
    """Tune the settings of networks or matching; the same command resumes a stopped search.

    Example: spinprint tune knee_t1_t2_t1rho --trials 40 --out tuning

    Parameters
    ----------
    sequence
        Sequence file or name of a preset.
    out
        Folder for best.toml, trials.csv, trials.json, importances.json and report.html.
    config
        Tuning file (TOML, spinprint-tune/1); the default is a built-in search space.
    trials
        Total number of trials, including those of earlier runs; 40 if the file sets none.
    what
        network: best.toml is an input of `spinprint train --config`; matching: grid, rank and
        refinement against error, time and memory; best.toml is an input of `spinprint dictionary
        --grid`.
    workers
        Number of processes that share the trials and the cores.
    storage
        URL of a database, e.g. postgresql://..., for trials shared by several machines.
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
    """Export a trained network as ONNX for other programs.

    Example: spinprint export network --out network.onnx

    Parameters
    ----------
    model
        Folder written by `spinprint train`.
    out
        ONNX file to write (requires the extra `onnx`).
    """
    from ..workflows.export import export_model

    print(export_model(model, out, stage=stage))


@app.command
def study(
    name: str,
    *,
    out: Path,
    scale: Literal["smoke", "quick", "full"] = "quick",
    seed: Whole = 0,
) -> None:
    """Run the experiment of a paper and assess its claims; the same command resumes it.

    Example: spinprint study finkelstein2022 --scale smoke --out study

    Parameters
    ----------
    name
        finkelstein2022: transfer learning for T1, T2 and ADC; zhang2025: networks and matching for
        T1, T2 and T1rho.
    out
        Folder for report.html, tables.md, results.json and the networks.
    scale
        smoke: under 2 minutes on 2 cores; quick: under 30 minutes; full: hours.
    seed
        Seed of all random numbers.
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
