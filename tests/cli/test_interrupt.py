"""Commands that are stopped while they work leave nothing half-written."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in background
import spinprint.{module} as module
from spinprint.cli import main
def stopped(*arguments, **options):
    print("at work", flush=True)
    time.sleep(60)
module.{name} = stopped
main(sys.argv[1:])
"""
"""The command with one step of its work held up, so that it can be stopped just there."""

SLOW_WRITE = """
import sys, time
import h5py
from spinprint.cli import main
close = h5py.File.__exit__
def slow(file, *arguments):
    close(file, *arguments)
    print("at work", flush=True)
    time.sleep(60)
h5py.File.__exit__ = slow
main(sys.argv[1:])
"""


@contextmanager
def working(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A command that has come to the step where it is held up."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "at work\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("module", "name"),
    [("workflows.mapping", "find_mask"), ("io.derivative", "write_dataset")],
)
def test_control_c_during_map(scan: Path, tmp_path: Path, module: str, name: str) -> None:
    out = tmp_path / "new" / "maps"
    arguments = ("--sequence", scan / "sequence.toml", "--out", out)
    program = PROGRAM.format(module=module, name=name)
    with working(program, "map", scan / "series.nii.gz", *arguments) as process:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.endswith("spinprint: interrupted, nothing half-written was left\n")
    assert list(tmp_path.iterdir()) == []


def test_control_c_during_demo(tmp_path: Path) -> None:
    program = PROGRAM.format(module="workflows.demo", name="write_simulation")
    with working(program, "demo", "--out", tmp_path / "demo") as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_kill_while_a_dictionary_is_written(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.h5"
    with working(SLOW_WRITE, "dictionary", scan / "sequence.toml", "--out", out) as process:
        process.kill()
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()


LOADING = """
import importlib.abc, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            print("at work", flush=True)
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                raise ImportError("as an extension module makes of it") from None
sys.meta_path.insert(0, Slow())
import spinprint.cli
spinprint.cli.main(sys.argv[1:])
"""
"""The command with the loading of one module held up."""


@pytest.mark.parametrize("module", ["cyclopts", "numpy", "spinprint.cli.looking"])
def test_control_c_while_the_command_is_loaded(module: str) -> None:
    with working(LOADING.format(module=module), "doctor") as process:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == "spinprint: interrupted, nothing half-written was left\n"


def test_control_c_keeps_its_status_where_text_is_executed(tmp_path: Path) -> None:
    """Python would end by the signal after an interrupt of `exec`, as in a dataclass."""
    (tmp_path / "sitecustomize.py").write_text(
        "import spinprint.workflows.doctor as doctor, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "doctor.examine = lambda: exec('signal.raise_signal(signal.SIGINT)')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "spinprint", "doctor"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )  # fmt: skip
    assert done.stderr == "spinprint: interrupted, nothing half-written was left\n"
    assert done.returncode == 130
