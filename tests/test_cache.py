"""Where caches lie, what goes first, and that no machine is refused for want of a place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spinprint import cache
from spinprint.cache import cache_folder, files_by_use, fonts_folder, is_temporary, trim
from spinprint.errors import OutputError

PRIVATE = f"spinprint-{os.geteuid()}"
PLACES = ("SPINPRINT_CACHE", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "TMPDIR")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home and a temporary folder, and nothing else set; work goes on in a third folder."""
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    for name, folder in (("HOME", "home"), ("TMPDIR", "tmp")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(name, str(tmp_path / folder))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and no entry in the password database."""
    import pwd

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def refuse(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let these folders be ones that cannot be written: root may write where it has no right to."""
    access = os.access

    def refused(path: Path, mode: int) -> bool:
        return Path(path) not in folders and access(path, mode)

    monkeypatch.setattr(os, "access", refused)


def test_the_users_cache_comes_first(tmp_path: Path) -> None:
    folder = cache_folder()
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "home")
    assert folder.is_dir()
    assert not is_temporary(folder)


def test_the_variable_comes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert os.listdir(tmp_path / "home") == []


def test_a_chosen_folder_that_cannot_be_made_has_no_substitute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "file" / "below"))
    assert cache_folder() is None


def test_a_chosen_folder_that_can_only_be_read_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "mine"))
    refuse(monkeypatch, tmp_path / "mine")
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("home", ["/proc", "~", "relative", None])
def test_without_a_home_it_is_private_and_temporary(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if home is not None:
        monkeypatch.setenv("HOME", home)
    folder = cache_folder()
    assert folder == tmp_path / "tmp" / PRIVATE
    assert is_temporary(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(tmp_path / "work") == []


@pytest.mark.usefixtures("nobody")
def test_no_folder_is_ever_named_after_a_home_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPINPRINT_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "~/cache")
    assert cache_folder() is None
    assert fonts_folder() is None
    monkeypatch.delenv("SPINPRINT_CACHE")
    assert cache_folder() == tmp_path / "tmp" / PRIVATE
    assert fonts_folder() == tmp_path / "tmp" / PRIVATE / "matplotlib"
    assert os.listdir(tmp_path / "work") == []


def test_a_home_that_cannot_be_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "home" / ".cache").touch()
    assert cache_folder() == tmp_path / "tmp" / PRIVATE


@pytest.mark.parametrize("trap", ["link", "open to all", "of another", "a file"])
def test_a_temporary_folder_that_others_could_fill_is_refused(
    trap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setattr(cache, "_TEMPORARY", ())
    folder = tmp_path / "tmp" / PRIVATE
    if trap == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "theirs")
    elif trap == "a file":
        folder.touch()
    else:
        folder.mkdir(mode=0o700)
    if trap == "open to all":
        folder.chmod(0o770)
    if trap == "of another":
        if os.geteuid() != 0:
            pytest.skip("giving a folder away takes root")
        os.chown(folder, 4711, 4711)
    assert cache_folder() is None


def test_the_working_directory_is_no_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tempfile` would take it where nothing else can be written."""
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setattr(cache, "_TEMPORARY", ())
    for place in ("/proc", ".", str(tmp_path / "missing")):
        monkeypatch.setenv("TMPDIR", place)
        assert cache_folder() is None
    assert os.listdir(tmp_path / "work") == []


def test_what_was_used_last_stays(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "used", "old", "older", "other")):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    cache.mark_used(tmp_path / "used")
    trim(files_by_use(tmp_path, lambda name: name != "other"), 25)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"used", "new", "other"}
    trim(files_by_use(tmp_path, lambda name: name != "other"), 0)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"used", "other"}


def test_links_and_folders_are_no_files_of_a_cache(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert files_by_use(tmp_path, lambda _: True) == []
    assert files_by_use(tmp_path / "missing", lambda _: True) == []


def test_what_another_process_removed_meanwhile_is_no_error(tmp_path: Path) -> None:
    trim([(tmp_path / "one", 10), (tmp_path / "gone", 10)], 5)


TELLS = "import os; print(os.environ.get('MPLCONFIGDIR', ''))"
ASKS = "from spinprint.cache import place_fonts; place_fonts()"
DRAWS = "import spinprint.report.figures"


def placed(work: str, folder: Path) -> Path | None:
    """Where a fresh process had matplotlib keep its fonts; it complained of nothing."""
    command = [sys.executable, "-c", f"{work}; {TELLS}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    told = done.stdout.strip()
    return Path(told) if told else None


def test_matplotlib_keeps_a_place_of_its_own(tmp_path: Path) -> None:
    assert placed(ASKS, tmp_path) is None
    assert fonts_folder() == tmp_path / "home" / ".cache" / "matplotlib"


def test_matplotlib_is_lent_a_place_before_it_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/proc")
    folder = tmp_path / "tmp" / PRIVATE / "matplotlib"
    assert placed(DRAWS, tmp_path) == folder
    assert any(path.name.startswith("fontlist") for path in folder.iterdir())
    assert fonts_folder() == folder


def test_where_nothing_is_kept_fonts_are_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setenv("SPINPRINT_CACHE", "/proc/none")
    folder = placed(ASKS, tmp_path)
    assert folder is not None
    assert folder.parent == tmp_path / "tmp"
    assert not folder.exists()
    assert fonts_folder() is None


def test_a_place_that_the_user_chose_for_fonts_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "mine"))
    assert placed(ASKS, tmp_path) == tmp_path / "mine"
    assert fonts_folder() == tmp_path / "mine"


def test_no_place_for_fonts_at_all_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(prefix: str) -> str:
        raise FileNotFoundError(prefix)

    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setenv("SPINPRINT_CACHE", "/proc/none")
    monkeypatch.setattr(cache, "mkdtemp", refused)
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    with pytest.raises(OutputError, match="set MPLCONFIGDIR"):
        cache.place_fonts()
