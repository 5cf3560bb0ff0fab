import os
from pathlib import Path

import numba
import pytest

from spinprint import cache
from spinprint.workflows import doctor


def test_what_is_missing_comes_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)  # noqa: ARG005
    found = "\n".join(doctor.examine())
    assert "pip install 'spinprint[pulseq]'" in found


def cache_lines() -> dict[str, str]:
    """What is said of each cache."""
    lines = (line.partition(": ") for line in doctor.examine())
    return {name: told for name, _, told in lines if name.split()[0] in CACHES}


CACHES = ("compiled", "dictionary", "fonts")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no home that can be written."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for name in ("SPINPRINT_CACHE", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/proc/none")


@pytest.mark.usefixtures("homeless")
def test_caches_below_the_temporary_folder_are_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told = cache_lines()
    assert len(told) == len(CACHES)
    for line in told.values():
        assert line.startswith(str(tmp_path / f"spinprint-{os.geteuid()}"))
        assert "temporary" in line
        assert "set SPINPRINT_CACHE to a folder you can write" in line


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("chosen", [True, False])
def test_caches_that_are_done_without_are_said_to_be(
    *, chosen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chosen:
        monkeypatch.setenv("SPINPRINT_CACHE", "/proc/none")
    else:
        monkeypatch.setattr(cache, "_TEMPORARY", ())
        monkeypatch.setenv("TMPDIR", "/proc")
    told = cache_lines()
    assert len(told) == len(CACHES)
    start = "/proc/none cannot be written: " if chosen else "no folder can be written: "
    assert all(line.startswith(start) and "anew each time" in line for line in told.values())


def test_the_size_of_the_cache_and_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path))
    (tmp_path / f"dictionary-{'0' * 32}.h5").write_bytes(bytes(1500))
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", "3MB")
    line = f"{tmp_path} (writable): 1.5 KB of at most 3.0 MB"
    assert cache_lines()["dictionary cache"] == line
    monkeypatch.setenv("SPINPRINT_CACHE_SIZE", "much")
    assert "SPINPRINT_CACHE_SIZE = 'much' must be" in cache_lines()["dictionary cache"]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("cpu", "runs on: the processor"),
        ("torch-cpu", "on the processor, as SPINPRINT_DEVICE says"),
        ("gpu", "SPINPRINT_DEVICE = 'gpu' must be cpu, cuda or torch-cpu"),
    ],
)
def test_where_the_work_runs(choice: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINPRINT_DEVICE", choice)
    assert told in "\n".join(doctor.examine())
