"""Every command with every kind of bad path and bad number: one line, status 2, nothing written.

The commands and their options are taken from the command line itself, so that none is left out.
"""

import inspect
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from spinprint.cli import learning, looking, making, measuring  # noqa: F401, list their commands
from spinprint.cli.app import app, sequence_app

from .conftest import Run

DONE = re.compile(r"[A-Z][\w ]+: \d+\.\d s")
"""The line of a stage that was finished before the input turned out to be wrong."""

COMMANDS: dict[str, Callable[..., Any]] = {
    name: made[name].default_command  # type: ignore[misc]
    for made in (app, sequence_app)
    for name in made
    if not name.startswith("-") and name != "sequence"
}

PLACES = ("sequence",)
"""Options of type str that hold a path."""

OUTPUTS = ("out",)
"""Options whose paths are written, which `files` looks at."""

WORDS = {"what", "name", "storage", "subject", "batch", "phase_unit"}
"""Options of type str that hold none."""

Place = tuple[str, str]


def takes(hint: Any, *types: type) -> bool:
    return hint in types or any(takes(part, *types) for part in get_args(hint))


def options(*types: type) -> Iterator[tuple[str, str]]:
    for name, command in COMMANDS.items():
        for option, hint in get_type_hints(command).items():
            if option != "return" and takes(hint, *types) and not takes(hint, bool):
                yield name, option


PATHS = [(command, option) for command, option in options(Path) if option not in OUTPUTS]
PATHS += [(command, option) for command, option in options(str) if option in PLACES]
NUMBERS = list(options(int, float))


@pytest.fixture(scope="module")
def model(short: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from spinprint import Mlp, Model, NetworkConfig

    folder = tmp_path_factory.mktemp("model")
    Model.create(short, config=NetworkConfig(core=Mlp(width=8, blocks=1))).save(folder)
    return folder


@pytest.fixture
def whole(scan: Path, model: Path) -> dict[str, dict[str, Any]]:
    """What each command needs, by its parameters; `out` aside."""
    sequence, labels = scan / "sequence.toml", scan / "labels.nii.gz"
    return {
        "map": {"series": scan / "series.nii.gz", "sequence": sequence},
        "evaluate": {"maps_dir": scan / "truth", "truth": scan / "truth", "labels": labels},
        "simulate": {"sequence": sequence, "matrix": 8, "slices": 1},
        "demo": {},
        "dictionary": {"sequence": sequence},
        "train": {"sequence": sequence},
        "tune": {"sequence": sequence},
        "export": {"model": model},
        "study": {"name": "finkelstein2022", "scale": "smoke"},
        "show": {"sequence": sequence},
        "convert": {"file": sequence},
    }


ALSO: dict[Place, dict[str, Any]] = {
    ("map", "model"): {"estimator": "network"},
    ("map", "imaginary"): {},
    ("evaluate", "prior"): {"bayes_risk": True},
    ("simulate", "field_strength"): {"phantom": "nist"},
    ("simulate", "volunteer"): {"phantom": "knee"},
    ("simulate", "brainweb"): {"phantom": "brain"},
    ("simulate", "interleaves"): {"sampling": "spiral"},
    ("simulate", "coils"): {"sampling": "spiral"},
    ("simulate", "rank"): {"sampling": "spiral", "reconstruction": "subspace"},
}
"""What an option needs beside it."""


def written(command: str, given: dict[str, Any]) -> list[str]:
    """The arguments as they are typed."""
    parameters = inspect.signature(COMMANDS[command]).parameters
    words = ["sequence", command] if command in sequence_app else [command]
    for name, value in given.items():
        if parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY:
            words.append(str(value))
        elif isinstance(value, tuple):
            words += [f"--{name.replace('_', '-')}", *map(str, value)]
        else:
            option = f"--{name.replace('_', '-')}"
            words += [option] if value is True else [f"{option}={value}"]
    if "out" in parameters:
        words.append("--out=made")
    return words


def refusal(run: Run, words: list[str], folder: Path) -> str:
    """The one line that a command is refused with; nothing was written."""
    before = sorted(folder.rglob("*"))
    outcome = run(*words)
    assert outcome.status == 2, (words, outcome)
    assert outcome.out == []
    *stages, message = outcome.err
    assert all(DONE.fullmatch(line) for line in stages), outcome.err
    assert message.startswith("spinprint: ")
    assert sorted(folder.rglob("*")) == before
    return message


def missing(_: Path) -> str:
    return "missing"


def long_name(_: Path) -> str:
    return "x" * 300


def long_path(_: Path) -> str:
    return "x/" * 3000 + "x"


def through_a_file(folder: Path) -> str:
    (folder / "file").touch()
    return "file/below"


def circle(folder: Path) -> str:
    (folder / "circle").symlink_to("circle")
    return "circle"


def nul(_: Path) -> str:
    return "a\0b"


def empty_file(folder: Path) -> str:
    (folder / "empty").touch()
    return "empty"


def empty_folder(folder: Path) -> str:
    (folder / "folder").mkdir()
    return "folder"


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return "pipe"


BAD_PATHS = (
    missing, long_name, long_path, through_a_file, circle, nul, empty_file, empty_folder,
)  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_option(whole: dict[str, Any], place: Place, value: Any) -> list[str]:
    command, option = place
    return written(command, {**whole[command], **ALSO.get(place, {}), option: value})


def test_the_tables_name_every_option_that_is_text() -> None:
    texts = {option for _, option in options(str)} - set(PLACES)
    assert texts <= WORDS
    assert len(PATHS) > 20
    assert len(NUMBERS) > 20


@pytest.mark.parametrize("bad", BAD_PATHS)
@pytest.mark.parametrize("place", PATHS, ids=" ".join)
def test_a_bad_path(
    run: Run, whole: dict[str, Any], folder: Path, place: Place, bad: Callable[[Path], str]
) -> None:
    if bad is empty_file and place[1] == "config":
        pytest.skip("settings that state nothing are the default ones")
    refusal(run, with_option(whole, place, bad(folder)), folder)


READ_TWICE = [place for place in PATHS if place[1] not in ("sequence", "config", "grid", "prior")]
"""What cannot come through a pipe; text can, and waits for who writes it."""


@pytest.mark.parametrize("place", READ_TWICE, ids=" ".join)
def test_a_pipe(run: Run, whole: dict[str, Any], folder: Path, place: Place) -> None:
    if place == ("convert", "file"):
        pytest.skip("text can come through a pipe")
    refusal(run, with_option(whole, place, pipe(folder)), folder)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder with a file and a folder that this process may not read."""
    folder = Path(tempfile.mkdtemp(prefix="closed-"))
    folder.chmod(0o755)
    (folder / "file").write_text("text")
    (folder / "below").mkdir()
    (folder / "below" / "model.json").touch()
    for path in (folder / "file", folder / "below"):
        path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # permissions do not hold for root
    try:
        yield folder
    finally:
        os.seteuid(user)
        (folder / "below").chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["file", "below", "below/file"])
@pytest.mark.parametrize("place", PATHS, ids=" ".join)
def test_a_closed_path(
    run: Run, closed: Path, whole: dict[str, Any], place: Place, name: str
) -> None:
    command, option = place
    # What else the command needs cannot be read either, but a preset always can.
    rest = {name: value for name, value in whole[command].items() if not isinstance(value, Path)}
    if "sequence" in whole[command]:
        rest["sequence"] = "fisp_jiang2015"
    required = {name: closed / "file" for name in whole[command] if name not in rest}
    given = {**required, **rest, **ALSO.get(place, {}), option: closed / name}
    outcome = run(*written(command, given))
    assert outcome.status == 2, outcome
    assert outcome.out == []
    assert len(outcome.err) == 1
    assert not re.search(r"\[Errno", outcome.err[0]) or option in ("sequence", "config", "file")


BAD_NUMBERS = ("nan", "inf", "-inf", "1e400", "-1", "9" * 5000, "1" + "0" * 30, "")

FINE: dict[Place, set[str]] = {
    ("simulate", "snr_db"): {"-1"},
    ("simulate", "sigma"): {"1" + "0" * 30},
    ("simulate", "b0_range"): {"-1"},
    ("simulate", "seed"): {"1" + "0" * 30},
    ("simulate", "volunteer"): {"1" + "0" * 30},
    ("evaluate", "seed"): {"1" + "0" * 30},
    ("evaluate", "erode"): {"1" + "0" * 30},
    ("study", "seed"): {"1" + "0" * 30},
    ("demo", "seed"): {"1" + "0" * 30},
    ("map", "sigma"): {"1" + "0" * 30},
}
"""Numbers that are none too bad for an option."""


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=lambda text: text[:6] or "none")
@pytest.mark.parametrize("place", NUMBERS, ids=" ".join)
def test_a_bad_number(
    run: Run, whole: dict[str, Any], folder: Path, place: Place, number: str
) -> None:
    if number in FINE.get(place, ()):
        pytest.skip("it can be meant so")
    value = (number, number) if place[1].endswith("_range") else number
    refusal(run, with_option(whole, place, value), folder)
