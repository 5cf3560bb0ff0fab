"""Mapping a volume with a network, against exact matching of the same compressed voxels.

The network has the default shape. Time does not depend on what it has learned, so it is not
trained; `learning.py` measures how good it is.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import cyclopts

from common import Watch, Worker, interleave, peak_flops, record, row, show


@dataclass(frozen=True)
class Options:
    """What is mapped, and how often."""

    atoms: int = 100_000
    """Atoms of the dictionary."""
    voxels: int = 20_000
    """Voxels that are matched."""
    slices: int = 100
    """Slices of 256 x 256 voxels that the network maps."""
    rank: int = 10
    """Numbers kept of each signal."""
    blocks: int = 4
    """Residual blocks of the network; 4 by default."""
    sequence: str = "fisp_cao500"
    """Preset or sequence file."""
    seed: int = 0
    """Of voxels and noise."""
    repeats: int = 3
    """Turns of each; medians count."""


def main(options: Annotated[Options, cyclopts.Parameter(name="*")] = Options()) -> None:
    """Measure, print and append to results/network.jsonl."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.npz"
        drawn = {name: getattr(options, name) for name in ("atoms", "voxels", "rank", "sequence")}
        with Worker(Path(sys.executable), "matching_case.py") as drawing:
            drawing.run("draw", case, **drawn, kind="real", snr_db=30.0, seed=options.seed)
        with (
            Worker(
                Path(sys.executable), "network_spinprint.py", case, options.sequence, options.blocks
            ) as ours,
            Worker(Path(sys.executable), "matching_spinprint.py", case) as matching,
        ):
            weights = int(ours.arrays("weights")["weights"])
            peak = peak_flops()
            runs = {
                "network": partial(ours.run, "map", slices=options.slices),
                "matching": partial(matching.run, "match"),
            }
            seconds = interleave(runs, options.repeats)
    one = row(
        "mapping with a network", "exact matching", "voxels",
        (options.slices << 16, options.voxels), seconds["network"], seconds["matching"], 10, 20,
        2 * weights, peak,
    )  # fmt: skip
    print(show(one))
    held = (ours.memory - ours.memory_at_start) / 1e6
    print(f"{weights} weights; mapping held {held:.0f} MB")
    path = record(
        "network",
        watch,
        versions=ours.versions,
        options=asdict(options),
        weights=weights,
        memory_bytes={"spinprint": {"peak": ours.memory, "mapping": held * 1e6}},
        peak_flops=peak,
        rows=[one],
    )
    print(f"appended to {path}")


if __name__ == "__main__":
    cyclopts.run(main)
