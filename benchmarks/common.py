"""What the benchmarks share: workers in their own environments, interleaved timing, records.

A worker is one library in its own process and environment. It reads one request a line,
`{"task": ..., "save": ..., ...}`, and answers with the seconds the task took and its memory.
This file is imported by the workers too: the standard library and numpy must do.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

HERE = Path(__file__).parent

Task = Callable[..., Mapping[str, Any]]
"""Does the work to be timed and returns arrays by name."""

TURN = 0.5
"""How long a package runs before its time is taken, and then while it is taken [s], in whole
runs. A virtual machine gives up memory that lies unused while others run and is slow to get it
back, and one run of some milliseconds says more of that than of the package."""


# In the worker ------------------------------------------------------------------------------


def serve(tasks: Mapping[str, Task], packages: tuple[str, ...]) -> None:
    """Answer requests until standard input ends; what libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)
        versions = {name: metadata.version(name) for name in packages}
        versions["python"] = platform.python_version()
        print(json.dumps({"versions": versions, "memory": peak_memory()}), file=answers)
        for line in sys.stdin:
            request = json.loads(line)
            task, save = tasks[request.pop("task")], request.pop("save")
            start = time.perf_counter()
            result = task(**request)
            seconds = time.perf_counter() - start
            if save:
                np.savez(save, **result)
            del result  # or the next run would hold two
            print(json.dumps({"seconds": seconds, "memory": peak_memory()}), file=answers)


def peak_memory() -> int:
    """The most memory this process has held so far [bytes]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


# In the benchmark ---------------------------------------------------------------------------


class Worker:
    """A running worker script; a context manager that ends it."""

    def __init__(self, python: Path, script: str, *arguments: Any, **environment: str) -> None:
        """Start a script of this folder; `environment` adds to the environment variables."""
        self.script = script
        self._process = subprocess.Popen(
            [str(python), str(HERE / script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        first = self._answer()
        self.versions: dict[str, str] = first["versions"]
        self.memory_at_start = self.memory = int(first["memory"])  # peak [bytes]

    def run(self, task: str, save: Path | None = None, **arguments: Any) -> float:
        """Run a task once; returns its seconds and, with `save`, writes its arrays to a file."""
        assert self._process.stdin is not None
        request = {"task": task, "save": save and str(save), **arguments}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        self.memory = int(answer["memory"])
        return float(answer["seconds"])

    def arrays(self, task: str, **arguments: Any) -> dict[str, np.ndarray]:
        """Run a task once and return what it computed."""
        with tempfile.TemporaryDirectory() as folder:
            self.run(task, Path(folder) / "arrays.npz", **arguments)
            with np.load(Path(folder) / "arrays.npz") as held:
                return dict(held)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.script} ended: its error stands above")
        return json.loads(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()


def peak_flops() -> float:
    """The machine's fused multiply-adds on all cores [operations/s]; see `fma.py`."""
    with Worker(Path(sys.executable), "fma.py") as worker:
        return float(worker.arrays("peak")["flops"])


def interleave(runs: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each run, taking turns so that all see the same machine; a number a turn."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            _lasting(run)  # does not count: see TURN
            seconds[name].append(mean(_lasting(run)))
    return seconds


def _lasting(run: Callable[[], float]) -> list[float]:
    """Run again and again until `TURN` has passed, at least once; seconds of each."""
    seconds = [run()]
    while sum(seconds) < TURN:
        seconds.append(run())
    return seconds


def environment(name: str, python: Path | None) -> Path:
    """The Python of a library's environment; made once from its requirements where not given."""
    if python:
        return python
    from platformdirs import user_cache_path

    requirements = HERE / f"requirements-{name}.txt"
    folder = user_cache_path("spinprint") / "benchmarks" / name
    made = folder / "made-from.txt"
    python = folder / "bin" / "python"
    if not made.exists() or made.read_text() != requirements.read_text():
        print(f"making the environment of {name} in {folder} (once; a few minutes)")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(install, check=True)
        made.write_text(requirements.read_text())
    return python


def row(
    work: str,
    against: str,
    items: str,
    counts: tuple[int, int],
    ours: list[float],
    theirs: list[float],
    at_least: float,
    aim: float,
    operations: int,
    peak: float,
) -> dict[str, Any]:
    """One ratio of rates with what was asked for.

    Parameters
    ----------
    work, against, items
        What was done, by which other package, and what is counted.
    counts
        Items in a run, ours and theirs.
    ours, theirs
        Seconds of the runs.
    at_least, aim
        What the ratio is to be.
    operations, peak
        Useful operations an item, and operations a second of the machine.
    """
    rate, rate_against = counts[0] / median(ours), counts[1] / median(theirs)
    return {
        "work": work,
        "against": against,
        "items": items,
        "counts": counts,
        "runs": len(ours),
        "rate": rate,
        "rate_against": rate_against,
        "ratio": rate / rate_against,
        "ratio_of_fastest": (counts[0] / min(ours)) / (counts[1] / min(theirs)),
        "at_least": at_least,
        "aim": aim,
        "share_of_peak": operations * rate / peak,
    }


def show(one: Mapping[str, Any]) -> str:
    """A row as a line of text."""
    return (
        f"{one['work']}: {one['ratio']:.1f} x {one['against']}"
        f" (at least {one['at_least']:g}, aim {one['aim']:g});"
        f" {one['rate']:,.0f} against {one['rate_against']:,.0f} {one['items']}/s;"
        f" {one['share_of_peak']:.0%} of the multiply-add peak"
    )


class Watch:
    """How busy others keep the machine: the load before, and the cores they use meanwhile."""

    def __init__(self) -> None:
        """Begin to watch."""
        self.load_before = os.getloadavg()[0]
        self._start = time.monotonic(), self._others()

    def seen(self) -> dict[str, float]:
        """The load before, and the cores others used on average since."""
        seconds = time.monotonic() - self._start[0]
        cores = (self._others() - self._start[1]) / seconds
        return {"load_before": self.load_before, "cores_of_others": max(cores, 0.0)}

    def _others(self) -> float:
        """Seconds of all cores, less those of this process and its ended children."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return math.nan
        ticks = [int(one) for one in stat.read_text().splitlines()[0].split()[1:]]
        idle, waiting = ticks[3:5]
        used = (sum(ticks[:8]) - idle - waiting) / os.sysconf("SC_CLK_TCK")
        return used - sum(os.times()[:4])


def record(benchmark: str, watch: Watch, **held: Any) -> Path:
    """Append a result, with commit, date and machine, to the benchmark's file."""
    machine = {"cpu": _cpu(), "cores": n_cores(), **watch.seen()}
    date = datetime.now(UTC).isoformat(timespec="seconds")
    entry = {"commit": _commit(), "date": date, "machine": machine, **held}
    path = HERE / "results" / f"{benchmark}.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(_short(entry)) + "\n")
    return path


def n_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _short(value: Any) -> Any:
    """Numbers with five digits: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _short(one) for key, one in value.items()}
    return [_short(one) for one in value] if isinstance(value, list | tuple) else value


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.check_output(["git", "-C", str(HERE), *words], text=True).strip()

    changed = git("status", "--porcelain", "--", str(HERE.parent / "src"))
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")


def _cpu() -> str:
    """Name of the processor; with family and model where the name leaves the kind open."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in info.read_text().split("\n\n")[0].splitlines())
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    if "model name" not in fields:
        return platform.machine()
    return "{model name}, family {cpu family}, model {model}".format(**fields)
