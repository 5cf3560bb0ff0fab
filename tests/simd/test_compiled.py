"""Compiled code is reused in later processes, but never for other source code."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import pytest

import spinprint
from spinprint.errors import OutputError
from spinprint.simd import compiled
from spinprint.simd.compiled import compiled_folder, kernel


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"


def fresh() -> Any:
    """A kernel of the package as a new process finds it: not yet compiled or loaded."""

    def scaled(x):  # type: ignore[no-untyped-def]
        return x * 2

    scaled.__module__, scaled.__qualname__ = "spinprint.simd.functions", "scaled"
    return kernel(scaled)


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


def test_it_is_compiled_once_for_each_signature(folder: Path) -> None:
    first = fresh()
    assert (first(2.0), first(2), hits(first)) == (4.0, 4, 0)
    assert len(list(folder.iterdir())) == 2
    second = fresh()
    assert (second(2.0), second(2), hits(second)) == (4.0, 4, 2)


@pytest.mark.parametrize("damage", [b"", b"hello", "half", "a bit"])
def test_damaged_code_is_compiled_again(folder: Path, damage: bytes | str) -> None:
    fresh()(2.0)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    if damage == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "a bit":
        path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    mended, later = fresh(), fresh()
    assert (mended(2.0), hits(mended)) == (4.0, 0)
    assert (later(2.0), hits(later)) == (4.0, 1)


def test_a_machine_without_a_folder_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE", "/proc/none")
    assert compiled_folder() is None
    for _ in range(2):
        function = fresh()
        assert (function(2.0), hits(function)) == (4.0, 0)
        assert function.stats.cache_path is None


def test_a_full_disk_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full(path: Path) -> Iterator[Path]:
        raise OutputError(f"{path}: cannot be written (No space left on device)")
        yield path

    monkeypatch.setattr(compiled, "replacing", full)
    assert fresh()(2.0) == 4.0
    assert list(folder.iterdir()) == []


def test_a_folder_that_can_only_be_read_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh()(2.0)
    before = os.listdir(folder)
    (folder / before[0]).chmod(0o400)
    folder.chmod(0o500)
    monkeypatch.setattr(compiled, "replacing", None)  # nothing is written
    again = fresh()
    assert (again(2.0), hits(again)) == (4.0, 1)
    folder.chmod(0o700)


def test_numbas_own_setting_is_followed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    assert compiled_folder() == tmp_path / "numba" / "spinprint"
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/proc/none")
    assert compiled_folder() == folder


def test_code_of_wider_vectors_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba can be told to compile for any processor; arrays are laid out for this one."""
    fresh()(2.0)
    monkeypatch.setattr(compiled, "LANES", 4)
    other = fresh()
    assert (other(2.0), hits(other)) == (4.0, 0)


def test_code_compiled_again_on_demand_is_not_kept(folder: Path) -> None:
    function = fresh()
    function(2.0)
    (path,) = folder.iterdir()
    path.unlink()
    function.recompile()
    assert function(2.0) == 4.0
    assert list(folder.iterdir()) == []


def test_the_oldest_code_goes_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fresh()
    first(2.0)
    (old,) = folder.iterdir()
    os.utime(old, (1000, 1000))
    others = [folder / name for name in ("notes.txt", "theirs-1.nbc", "f-123.py311.1.nbc")]
    for path in others:
        path.write_bytes(bytes(10))
        os.utime(path, (500, 500))
    monkeypatch.setattr(compiled, "LIMIT", old.stat().st_size)
    first(2)
    assert not old.exists()
    assert len(list(folder.iterdir())) == 1 + len(others)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package elsewhere, with a small kernel that takes a number from `simd.functions`."""
    package = tmp_path / "copy" / "spinprint"
    source = Path(spinprint.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "physics/kernels/small.py").write_text(
        "from ...simd.compiled import kernel\nfrom ...simd.functions import FACTOR\n"
        "@kernel\ndef scaled(x):\n    return x * FACTOR\n"
    )
    edit(package, 2)
    return package


def edit(package: Path, factor: int) -> None:
    path = package / "simd" / "functions.py"
    text = path.read_text(encoding="utf-8").partition("\nFACTOR")[0]
    path.write_text(f"{text}\nFACTOR = {factor}\n", encoding="utf-8")


def start(package: Path, number: str) -> subprocess.Popen[str]:
    program = (
        "from spinprint.physics.kernels.small import scaled;"
        f"print(scaled({number}), sum(scaled.stats.cache_hits.values()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    )


def outcome(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.split()


def test_an_edited_import_of_a_kernel_has_it_compiled_again(copy: Path) -> None:
    assert outcome(start(copy, "1.5")) == ["3.0", "0"]
    assert outcome(start(copy, "1.5")) == ["3.0", "1"]
    edit(copy, 4)
    assert outcome(start(copy, "1.5")) == ["6.0", "0"]


def test_processes_that_compile_at_once_do_not_mix_their_code_up(copy: Path) -> None:
    both = [start(copy, number) for number in ("1.5", "3")]
    assert [outcome(process) for process in both] == [["3.0", "0"], ["6", "0"]]
    both = [start(copy, number) for number in ("1.5", "3")]
    assert [outcome(process) for process in both] == [["3.0", "1"], ["6", "1"]]
