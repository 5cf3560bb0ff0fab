"""What memory is free, by whoever limits it."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from spinprint import room
from spinprint.errors import SeriesError
from spinprint.room import free_memory, in_words, require_room


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: 1000)
    require_room(1000, "it", SeriesError, "take less")
    with pytest.raises(SeriesError) as caught:
        require_room(2500, "it", SeriesError, "take less")
    assert str(caught.value) == "it needs 2.5 kB of memory and 1 kB are free: take less"
    monkeypatch.setattr(room, "free_memory", lambda: None)
    require_room(10**30, "it", SeriesError, "take less")


def test_a_machine_has_some_memory() -> None:
    free = free_memory()
    assert free is None or 1 << 20 < free < 1 << 50


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_limit_on_the_address_space_counts() -> None:
    limit = 1 << 30
    free = subprocess.run(
        [sys.executable, "-c", "from spinprint.room import free_memory; print(free_memory())"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert limit / 4 < int(free.stdout) < limit


def cgroup(folder: Path, limit: str, used: str, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {limit: files.pop("most"), used: files.pop("now")}.items():
        (folder / name).write_text(text)
    (folder / "memory.stat").write_text("anon 1\nactive_file 100\ninactive_file 200\n")


@pytest.mark.parametrize(
    ("line", "below", "limit", "used"),
    [
        ("0::/box", "", "memory.max", "memory.current"),
        ("4:memory:/box", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ],
)
def test_a_container_has_what_its_groups_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, below: str, limit: str, used: str
) -> None:
    monkeypatch.setattr(room, "_GROUPS", tmp_path)
    monkeypatch.setattr(room, "_OWN_GROUPS", tmp_path / "own")
    (tmp_path / "own").write_text(f"{line}\n")
    cgroup(tmp_path / below, limit, used, most=str(1 << 62), now="5000")
    cgroup(tmp_path / below / "box", limit, used, most="10000", now="7000")
    assert list(room._groups(swap=50)) == [10000 - 7000 + 300 + 50]
    (tmp_path / below / "box" / limit).write_text("max")
    assert list(room._groups(swap=50)) == []


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**9, "2 GB"), (56e12, "56 TB")],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words
