"""What tests of several stages share: a cache of their own, a short sequence and a small scan."""

import os
import signal
import subprocess
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint import Sequence
from spinprint.sequence.blocks import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
)

# Compiled code is kept from one run to the next, for the commands that tests start too.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "numba"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for dictionaries, so that no test sees or fills the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINPRINT_CACHE", str(folder))
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            patch.delenv(name, raising=False)  # they would make rich take a pipe for a terminal
        yield folder


@pytest.fixture(scope="session")
def short() -> Sequence:
    """An inversion and 80 spoiled pulses: enough for T1 and T2, and fast."""
    flip = np.radians(10 + 45 * np.abs(np.sin(np.linspace(0, 3 * np.pi, 80))))
    train = ReadoutTrain(flip=flip, tr=0.012, te=0.002)
    return Sequence(name="short", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


@pytest.fixture(scope="session")
def short_knee() -> Sequence:
    """Five segments that tell T1, T2 and T1rho."""
    preparations = (
        Inversion(delay=0.02),
        T2Preparation(echo_time=0.04),
        SpinLock(lock_time=0.02, frequency=300.0),
        SpinLock(lock_time=0.08, frequency=300.0),
        T2Preparation(echo_time=0.08),
    )
    return Sequence(
        name="short_knee", field_strength=3.0, blocks=segments(preparations, 20, rest=0.5)
    )


@pytest.fixture(scope="session")
def short_diffusion() -> Sequence:
    """Five segments that tell T1, T2 and ADC."""
    preparations = (
        Inversion(delay=0.02),
        *(DiffusionPreparation(b_value=b_value, echo_time=0.05) for b_value in (0, 800, 400)),
        T2Preparation(echo_time=0.09),
    )
    return Sequence(
        name="short_diffusion", field_strength=3.0, blocks=segments(preparations, 50, rest=0.8)
    )


def segments(preparations: Iterable[Block], flip_deg: float, rest: float) -> tuple[Block, ...]:
    """After each preparation 30 pulses and a rest [s]."""
    flip = np.radians(5 + (flip_deg - 5) * np.sin(np.linspace(0, np.pi, 30)))
    train = ReadoutTrain(flip=flip, tr=0.008, te=0.002)
    parts = ((one, train, Crusher(), Delay(length=rest)) for one in preparations)
    return tuple(block for part in parts for block in part)


@pytest.fixture(scope="session")
def scan(short: Sequence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a simulated series of `short`, its sequence, labels and truth; 40 dB."""
    from spinprint.workflows.simulation import run_simulation

    folder = tmp_path_factory.mktemp("scan")
    run_simulation(short, folder, matrix=24, slices=1, snr_db=40, seed=1, partial_volume=False)
    return folder


CHANGES = ("mkdir", "rename", "replace", "rmdir", "unlink")
"""The functions of `os` that change what is in a folder; shutil and pathlib call them too."""

KilledAt = Callable[[int, Callable[[], object]], bool]


@pytest.fixture
def killed_at() -> KilledAt:
    """Does some work in a copy of this process, which is killed before its n-th change of the disk.

    Gives whether it was: beyond the last change, the work is done.
    """

    def killed_at(n: int, work: Callable[[], object]) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a copy that has no threads
            child = os.fork()
        if child == 0:
            status = 1
            try:
                _count_down(n)
                work()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), "the work failed: see its traceback"
        return status != 0

    return killed_at


def _count_down(n: int) -> None:
    """Kill this process when it is about to change the disk for the n-th time, counted from 0."""
    left = [n]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return change(*arguments, **options)

        return counted

    os.fsync = lambda fd: None  # noqa: ARG005 (a kill loses nothing that the system was told)
    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))


@pytest.fixture(scope="session")
def mounted() -> Callable[[Path, int], Any]:
    """Mounts a file system of so many kB on a folder, for as long as the context lasts."""

    @contextmanager
    def mounted(folder: Path, size: int) -> Iterator[Path]:
        options = ["-t", "tmpfs", "-o", f"size={size}k", "none"]
        if subprocess.run(["mount", *options, folder], capture_output=True).returncode:
            pytest.skip("only root can mount a small file system")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)

    return mounted
