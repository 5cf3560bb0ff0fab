"""Simulation by extended phase graphs, against torchsim and mrpro on the same atoms and train.

    python benchmarks/epg.py --torchsim-python PATH --mrpro-python PATH

Without a path, a peer's environment is made from its requirements file. The sequence is an
inversion and a spoiled train that is sampled right after each pulse, as torchsim has it. All
must agree before any ratio is taken.
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

TOLERANCE = {"signal": 1e-5, "jacobian": 1e-4, "timed": 1e-4}
"""Largest difference between packages, all in float32, relative to the largest value. The timed
run of torchsim rounds the times of its train, so that its exact train is compared as well."""

RASTER = 10e-6
"""All times are multiples of this [s], as on a scanner; in microseconds float32 holds them."""

OPERATIONS = {"signal": 8, "jacobian": 8 + 10 + 12}
"""Real operations an order and pulse takes, as in `pulsed` of physics/kernels/epg.py: the sum of F+
and F- 1, E 2, what they move by 1, F+ and F- 2, Z 2. A derivative takes these again; T1 adds the
change of Z's relaxation 2, T2 that of F+ and of F- 4."""


@dataclass(frozen=True)
class Options:
    """What is simulated, and how often."""

    atoms: int = 20_000
    """Atoms of the dictionary."""
    pulses: int = 1000
    """Pulses of the train."""
    states: int = 20
    """Configuration orders kept."""
    tr: Literal["constant", "varying"] = "varying"
    """Whether all pulses share one TR."""
    seed: int = 0
    """Of atoms and train."""
    mrpro_atoms: int = 2000
    """Atoms for mrpro, in place of all: it is slow, and slower with more."""
    repeats: int = 5
    """Turns of each; medians count."""


@dataclass(frozen=True)
class Workers:
    """The packages, ready to simulate."""

    spinprint: Worker
    torchsim: Worker
    mrpro: Worker


def main(
    options: Annotated[Options, cyclopts.Parameter(name="*")] = Options(),
    *,
    torchsim_python: Path | None = None,
    mrpro_python: Path | None = None,
) -> None:
    """Measure, print and append to results/epg.jsonl.

    Parameters
    ----------
    options
        What is simulated, and how often.
    torchsim_python, mrpro_python
        Python with the package; an environment is made on first use where not given.
    """
    watch = Watch()
    pythons = environment("torchsim", torchsim_python), environment("mrpro", mrpro_python)
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.npz"
        np.savez(case, **draw(options))
        compiling = compile_seconds(case, Path(folder) / "numba")
        with (
            Worker(Path(sys.executable), "epg_spinprint.py", case) as spinprint,
            Worker(pythons[0], "epg_torchsim.py", case) as torchsim,
            Worker(pythons[1], "epg_mrpro.py", case) as mrpro,
        ):
            workers = Workers(spinprint, torchsim, mrpro)
            differences = agree(workers)
            peak = peak_flops()
            rows = measure(workers, options, peak)
    for one in rows:
        print(show(one))
    print(f"multiply-add peak: {peak / 1e9:.0f} billion operations a second")
    path = record(
        "epg",
        watch,
        versions=mrpro.versions | torchsim.versions | spinprint.versions,
        options=asdict(options),
        differences=differences,
        compile_seconds=compiling,
        peak_flops=peak,
        rows=rows,
    )
    print(f"appended to {path}")


def draw(options: Options) -> dict[str, Any]:
    """Random atoms and a random smooth train, in SI units."""
    random = np.random.default_rng(options.seed)
    knots = random.uniform(5, 70, 2 + options.pulses // 50)
    place = np.linspace(0, len(knots) - 1, options.pulses)
    varying = random.uniform(0.010, 0.015, options.pulses)
    tr = varying if options.tr == "varying" else np.full(options.pulses, 0.012)
    t1 = 0.1 * 40 ** random.random(options.atoms)  # from 0.1 to 4 s
    t2 = 0.01 * 100 ** random.random(options.atoms)  # from 0.01 to 1 s
    return {
        "flip": np.deg2rad(np.interp(place, np.arange(len(knots)), knots)),
        "tr": np.round(tr / RASTER) * RASTER,
        "delay": 0.020,
        "states": options.states,
        "t1": t1,
        "t2": np.minimum(t1, t2),
    }


def compile_seconds(case: Path, cache: Path) -> dict[str, float]:
    """First calls of a fresh process, with an empty cache of compiled code and with a full one.

    Real states come first and bring the import of numba with them; complex ones follow.
    """
    seconds = {}
    for when in ("first", "later"):
        python = Path(sys.executable)
        with Worker(python, "epg_spinprint.py", case, NUMBA_CACHE_DIR=str(cache)) as worker:
            for states, task in (("real", "jacobian"), ("complex", "off_resonance")):
                seconds[f"{when}, {states}"] = worker.run(task, atoms=16)
    for call, one in seconds.items():
        print(f"{call} call in a fresh process: {one:.2f} s")
    return seconds


def agree(workers: Workers) -> dict[str, float]:
    """Largest differences relative to the peak; ends the benchmark where one is too large."""
    expected = workers.spinprint.arrays("jacobian", atoms=128)
    alone = workers.spinprint.arrays("signal", atoms=128)
    torchsim = workers.torchsim.arrays("jacobian", atoms=128, exact=True)
    timed = workers.torchsim.arrays("signal", atoms=128)
    mrpro = workers.mrpro.arrays("signal", atoms=128)
    for_t1, for_t2 = expected["jacobian"][:, 0], expected["jacobian"][:, 1]
    differences = {
        "signal of torchsim": difference(torchsim["signal"], expected["signal"]),
        "timed signal of torchsim": difference(timed["signal"], expected["signal"]),
        "signal of mrpro": difference(1j * mrpro["signal"], expected["signal"]),
        "signal without derivatives": difference(alone["signal"], expected["signal"]),
        "jacobian for T1 of torchsim": difference(1e3 * torchsim["jacobian"][:, 0], for_t1),
        "jacobian for T2 of torchsim": difference(1e3 * torchsim["jacobian"][:, 1], for_t2),
    }
    for name, one in differences.items():
        print(f"difference from the {name}: {one:.1e} of the peak")
        if not one <= TOLERANCE[name.split()[0]]:
            raise SystemExit("the packages do not agree: no ratio would mean anything")
    return differences


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference relative to the largest value."""
    return float(np.abs(got - expected).max() / np.abs(expected).max())


def measure(workers: Workers, options: Options, peak: float) -> list[dict[str, Any]]:
    """All ratios, each from runs that took turns."""
    full, few = options.atoms, min(options.mrpro_atoms, options.atoms)
    tasks = {
        "signal": (workers.spinprint, "signal", full),
        "torchsim": (workers.torchsim, "signal", full),
        "fresh": (workers.spinprint, "fresh", full),
        "flat": (workers.spinprint, "flat", full),
        "mrpro": (workers.mrpro, "signal", few),
        "jacobian": (workers.spinprint, "jacobian", full),
        "torchsim jacobian": (workers.torchsim, "jacobian", full),
        "small": (workers.spinprint, "signal", 64),
        "torchsim small": (workers.torchsim, "signal", 64),
    }
    runs = {name: partial(one.run, task, atoms=n) for name, (one, task, n) in tasks.items()}
    times = interleave(runs, options.repeats)

    def compare(work: str, ours: str, theirs: str, at_least: float, aim: float) -> dict[str, Any]:
        counts = tasks[ours][2], tasks[theirs][2]
        needed = operations(options, tasks[ours][1])
        pair = times[ours], times[theirs]
        return row(work, theirs.split()[0], "atoms", counts, *pair, at_least, aim, needed, peak)

    return [
        compare("dictionary", "signal", "torchsim", 20, 40),
        compare("dictionary", "signal", "mrpro", 200, 400),
        compare("dictionary, in fresh memory", "fresh", "torchsim", 20, 40),
        compare("dictionary, in fresh memory", "fresh", "mrpro", 200, 400),
        compare("dictionary, real numbers out", "flat", "torchsim", 20, 40),
        compare("dictionary, real numbers out", "flat", "mrpro", 200, 400),
        compare("dictionary with derivatives", "jacobian", "torchsim jacobian", 30, 60),
        compare("64 atoms, warm", "small", "torchsim small", 5, 20),
    ]


def operations(options: Options, task: str) -> int:
    """Operations an atom needs, over the orders that exist and can still reach a sample."""
    pulse = np.arange(options.pulses)
    orders = np.minimum(np.minimum(pulse + 1, options.pulses - pulse), options.states)
    return int(orders.sum()) * OPERATIONS["jacobian" if task == "jacobian" else "signal"]


if __name__ == "__main__":
    cyclopts.run(main)
