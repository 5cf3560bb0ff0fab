"""One process at a time writes an output; what killed ones left is cleared."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spinprint.errors import OutputError
from spinprint.files import claim, replacing, staging

HOLD = """
import sys, time
from pathlib import Path
from spinprint.files import claim
with claim(Path(sys.argv[1]), *sys.argv[2:]):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def held(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that has claimed something."""
    command = [sys.executable, "-c", HOLD, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def refused(path: Path, run: str | None = None) -> str:
    with pytest.raises(OutputError) as caught, claim(path, run, wait=0.1):
        pytest.fail("it is claimed already")
    return str(caught.value)


def test_the_second_is_refused_by_name_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "d.h5"
    with held(path) as process:
        assert refused(path) == (
            f"{path}: is being written by another spinprint process: wait for it or choose another"
            " place"
        )
        (tmp_path / "new" / "link").symlink_to("d.h5")
        path.touch()
        assert "another spinprint process" in refused(tmp_path / "new" / "link")
        with claim(tmp_path / "new" / "other.h5"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with claim(path):
        assert "d.h5" in listing(tmp_path / "new")
    assert listing(tmp_path / "new") == {"d.h5", "link"}


def test_runs_of_other_names_may_write_into_the_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with held(tmp_path / "out", "sub-01"):
        for way in (tmp_path / "out", tmp_path / "link"):
            assert refused(way, "sub-01").startswith(f"{way}: is being written by another")
        with staging(tmp_path / "out", "sub-02") as stage:
            (stage / "map").touch()
        assert "map" in listing(tmp_path / "out")


def test_a_claim_holds_on_to_itself_in_its_own_thread(tmp_path: Path) -> None:
    told = []
    with claim(tmp_path / "file"):
        with claim(tmp_path / "file"), replacing(tmp_path / "file") as temporary:
            temporary.touch()
        thread = threading.Thread(target=lambda: told.append(refused(tmp_path / "file")))
        thread.start()
        thread.join()
    assert "another spinprint process" in told[0]
    assert listing(tmp_path) == {"file"}


def test_what_dead_processes_left_goes_and_what_live_ones_write_stays(tmp_path: Path) -> None:
    (tmp_path / ".part-00000000-mine").mkdir()
    (tmp_path / ".part-00000000-mine" / "half").touch()
    for name in (".part-11111111-dead.h5", ".spinprint-dead.h5.lock", ".spinprint-gone.lock"):
        (tmp_path / name).touch()
    others = {".part-of-somebody", ".part-1-x", ".spinprint", "part-00000000-a"}
    for name in others:
        (tmp_path / name).touch()
    with held(tmp_path, "alive"):
        (tmp_path / ".part-22222222-alive").touch()
        with claim(tmp_path, "mine"):
            pass
        assert listing(tmp_path) == {*others, ".part-22222222-alive", ".spinprint-alive.lock"}
    with claim(tmp_path, "mine"):
        pass
    assert listing(tmp_path) == others


def test_what_this_process_is_writing_stays(tmp_path: Path) -> None:
    with staging(tmp_path, "one") as stage:
        (stage / "file").touch()
        with replacing(tmp_path / "other") as temporary:
            temporary.touch()
        with claim(tmp_path, "one"):
            assert (stage / "file").exists()
    assert listing(tmp_path) == {"file", "other"}


def test_a_claim_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    def fail() -> None:
        with claim(tmp_path / "a" / "b", "run"):
            assert (tmp_path / "a" / "b").is_dir()
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_written_to_all_the_same(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("filelock._unix.fcntl.flock", without)
    (tmp_path / ".part-00000000-file").touch()  # whose it is cannot be known
    with claim(tmp_path / "file"), replacing(tmp_path / "file") as temporary:
        temporary.touch()
    assert listing(tmp_path) == {"file", ".part-00000000-file"}


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("filelock._unix.os.open", refuse)
    with (
        pytest.raises(OutputError, match=r"file: cannot be written \(Read-only file system\)"),
        claim(tmp_path / "file"),
    ):
        pytest.fail("it cannot be claimed")
