"""Exact complex matching, against complex matmul, abs and arg max in torch, chunk by chunk.

    python benchmarks/matching.py --torch-python PATH

Without a path, torch's environment is made from its requirements file. The two must find the
same atoms before any ratio is taken.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
import numpy as np

from common import Watch, Worker, environment, interleave, peak_flops, record, row, show

TIE = 1e-6
"""Scores, of unit voxels and atoms, that differ by less need not give the same atom."""


@dataclass(frozen=True)
class Options:
    """What is matched, and how often."""

    atoms: int = 100_000
    """Atoms of the dictionary, on a grid of all the sequence's unknowns."""
    voxels: int = 20_000
    """Voxels, of tissues between the atoms."""
    rank: int = 10
    """Numbers kept of each signal."""
    kind: Literal["real", "complex"] = "real"
    """Of the dictionary; voxels are always complex."""
    sequence: str = "fisp_cao500"
    """Preset or sequence file."""
    snr_db: float = 30.0
    """Noise: rms over time of |signal| over sqrt(2) sigma."""
    seed: int = 0
    """Of voxels and noise."""
    chunk: int = 256
    """Voxels that torch takes at a time; of 16 to 1024 the fastest."""
    repeats: int = 3
    """Turns of each; medians count."""


def main(
    options: Annotated[Options, cyclopts.Parameter(name="*")] = Options(),
    *,
    torch_python: Path | None = None,
) -> None:
    """Measure, print and append to results/matching.jsonl.

    Parameters
    ----------
    options
        What is matched, and how often.
    torch_python
        Python with torch; an environment is made on first use where not given.
    """
    watch = Watch()
    python = environment("torch", torch_python)
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.npz"
        with Worker(Path(sys.executable), "matching_case.py") as drawing:
            drawing.run("draw", case, **case_options(options))
        with (
            Worker(Path(sys.executable), "matching_spinprint.py", case) as ours,
            Worker(python, "matching_torch.py", case, options.chunk) as torch,
        ):
            lay_out = ours.run("lay_out")
            matches = agree(case, ours.arrays("match"), torch.arrays("match"))
            peak = peak_flops()
            runs = {"spinprint": partial(ours.run, "match"), "torch": partial(torch.run, "match")}
            seconds = interleave(runs, options.repeats)
    counts = options.voxels, options.voxels
    one = row(
        f"matching, {options.kind} atoms", "torch", "voxels", counts, seconds["spinprint"],
        seconds["torch"], 20, 100, operations(options), peak,
    )  # fmt: skip
    print(show(one))
    memory = {"spinprint": memory_of(ours), "torch": memory_of(torch)}
    for name, held in memory.items():
        print(f"{name} held {held['peak'] / 1e6:.0f} MB, {held['matching'] / 1e6:.0f} by matching")
    print(f"laying out the atoms, once for a dictionary: {lay_out:.2f} s")
    path = record(
        "matching",
        watch,
        versions=torch.versions | ours.versions,
        options=asdict(options),
        matches=matches,
        lay_out_seconds=lay_out,
        memory_bytes=memory,
        peak_flops=peak,
        rows=[one],
    )
    print(f"appended to {path}")


def case_options(options: Options) -> dict[str, Any]:
    """The options that say what is matched."""
    return {name: one for name, one in asdict(options).items() if name not in ("chunk", "repeats")}


def agree(case: Path, ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, int]:
    """How many voxels differ; ends the benchmark where one does that is no tie."""
    with np.load(case) as held:
        atoms, voxels = held["atoms"].astype(complex), held["voxels"].astype(complex)
    differ = np.flatnonzero(ours["index"] != theirs["index"])
    voxels = voxels[differ] / np.linalg.norm(voxels[differ], axis=1, keepdims=True)

    def scores(index: np.ndarray) -> np.ndarray:
        atom = atoms[index[differ]]
        return np.abs((atom.conj() * voxels).sum(axis=1)) / np.linalg.norm(atom, axis=1)

    gap = np.abs(scores(ours["index"]) - scores(theirs["index"])).max(initial=0)
    print(f"{len(differ)} of {len(ours['index'])} voxels differ, in scores by at most {gap:.1e}")
    if not gap <= TIE:
        raise SystemExit("the two do not find the same atoms: no ratio would mean anything")
    return {"voxels": len(ours["index"]), "ties": len(differ)}


def operations(options: Options) -> int:
    """Operations a voxel needs where every atom is tried: inner product and squared modulus."""
    products = 4 if options.kind == "real" else 8
    return options.atoms * (products * options.rank + 3)


def memory_of(worker: Worker) -> dict[str, int]:
    """Peak memory [bytes], and what matching added to libraries, atoms and voxels."""
    return {"peak": worker.memory, "matching": worker.memory - worker.memory_at_start}


if __name__ == "__main__":
    cyclopts.run(main)
