"""Commands that look at sequences and at the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rich.console import Console

from ..sequence import load_sequence
from ..sequence.presets import PRESETS
from .app import app, sequence_app


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
    from ..report import describe_precision, describe_sequence

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
