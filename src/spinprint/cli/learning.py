"""Commands that train networks, search settings and run studies."""

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
