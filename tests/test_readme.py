"""The README: its sequence file reads, its commands run, and its tables list what there is."""

import contextlib
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinprint as sp
from spinprint import load_sequence, presets
from spinprint.cli import main
from spinprint.cli.app import app
from spinprint.dictionary.grid_file import FORMAT as GRID_FORMAT
from spinprint.networks import Mlp, NetworkConfig, Recurrent
from spinprint.sequence import BLOCK_TYPES, FORMAT, format_sequence, parse_sequence
from spinprint.sequence.fields import quantities
from spinprint.training import Data, Stage, Validation
from spinprint.training.config import parse_config
from spinprint.workflows.mapping import ESTIMATORS, NETWORK

README_FOLDER = Path(__file__).parents[1]
README = (README_FOLDER / "README.md").read_text()
NAMES = {"t1": "T1", "t2": "T2", "t1rho": "T1rho", "adc": "ADC"}


@pytest.fixture
def folder(short_knee: sp.Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie that the README speaks of: sequence, grid, two voxels measured."""
    monkeypatch.chdir(tmp_path)
    tissue = sp.Tissue(t1=[0.9, 1.3], t2=[0.03, 0.05], t1rho=[0.04, 0.08])
    series = sp.simulate(short_knee, tissue).reshape(2, 1, 1, -1)
    (tmp_path / "knee.toml").write_text(format_sequence(short_knee))
    (grid,) = (text for text in fenced("toml") if GRID_FORMAT in text)
    (tmp_path / "grid.toml").write_text(grid)
    sp.write_series(tmp_path / "series.nii.gz", series)
    np.save(tmp_path / "series.npy", series)
    return tmp_path


def fenced(language: str) -> list[str]:
    """The blocks of code in a language."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    return [text for name, text in blocks if name == language]


@pytest.mark.usefixtures("folder")
def test_the_python_example_runs() -> None:
    (example,) = fenced("python")
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(example, names)
    assert names["maps"]["t1"].ravel() == pytest.approx([0.9, 1.3], rel=1e-3)
    assert printed.getvalue()


def test_the_commands_run(folder: Path) -> None:
    lines = [line for text in fenced("") for line in text.splitlines()]
    commands = [line.split() for line in lines if line.startswith("spinprint ")]
    assert commands, "the README shows how to map"
    for _, *arguments in commands:
        main(arguments)
    assert sp.read_maps(folder / "maps")["t1rho"].ravel() == pytest.approx([0.04, 0.08], rel=1e-3)


def test_the_targets_of_make_are_there() -> None:
    makefile = README_FOLDER.joinpath("Makefile").read_text()
    targets = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_options_it_names_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        main(["map", "--help"])
    options = capsys.readouterr().out
    for option in set(re.findall(r"`(--[\w-]+)`", README)):
        assert option in options


def table(heading: str) -> list[str]:
    """The lines of the table with this first heading."""
    return README.split(f"| {heading} |")[1].split("\n\n")[0].split("\n")[2:]


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table with this first heading, by their first cell."""
    lines = [line.strip("|").split("|") for line in table(heading)]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_example_sequence_reads() -> None:
    (example,) = (text for text in fenced("toml") if FORMAT in text)
    assert parse_sequence(example).n_samples == 3


def test_the_block_table_lists_every_block_with_its_keys() -> None:
    table = rows("block")
    assert list(table) == list(BLOCK_TYPES)
    for name, block_type in BLOCK_TYPES.items():
        keys = [quantity.key for quantity in quantities(block_type).values()]
        assert re.findall(r"`(\w+)`", table[name][0]) == keys


def test_the_preset_table_lists_every_preset() -> None:
    assert list(rows("preset")) == list(presets.PRESETS)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_the_preset_table_has_the_unknowns(name: str) -> None:
    unknowns = [NAMES[unknown] for unknown in load_sequence(name).unknowns]
    assert rows("preset")[name][0] == ", ".join(unknowns)


def test_the_status_table_says_what_the_codes_mean() -> None:
    assert {code: cells[0] for code, cells in rows("status").items()} == {
        str(int(status)): status.meaning for status in sp.Status
    }


def test_the_estimator_table_lists_what_the_command_line_offers() -> None:
    assert list(rows("estimator")) == [*ESTIMATORS, NETWORK]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_images_it_names_are_written(folder: Path, estimator: str) -> None:
    main(f"map series.nii.gz --sequence knee.toml --out maps --estimator {estimator}".split())
    written = {path.name.split(".")[0] for path in (folder / "maps").rglob("*.nii.gz")}
    common = re.findall(r"_([\w-]+)`", " ".join(table("image in `sub-01`")))
    own = re.findall(r"`(\w+)`", rows("estimator")[estimator][1])
    elsewhere = {"ADC", "TB1map", "fieldmap"}  # of other sequences and dictionaries
    named = {f"sub-01_{name}" for name in {*common} - elsewhere}
    assert named | {f"sub-01_desc-{name}_map" for name in own} <= written


GUIDE = (README_FOLDER / "docs" / "guide.md").read_text()


@pytest.mark.parametrize("line", re.findall(r"^spinprint .*", GUIDE, flags=re.MULTILINE))
def test_the_commands_of_the_guide_are_understood(line: str) -> None:
    function, arguments, _ = app.parse_args(line.split()[1:], exit_on_error=False)
    assert callable(function)
    assert arguments.arguments


def test_the_training_file_of_the_guide_reads() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)
    config = parse_config(tomllib.loads(text))
    assert [stage.frozen for stage in config.stage] == [(), ("head",)]


@pytest.mark.parametrize("record", [NetworkConfig, Mlp, Recurrent, Data, Validation, Stage])
def test_the_guide_lists_every_setting_of_a_training(record: type[Any]) -> None:
    missing = [n for n in record.model_fields if n != "kind" and f"`{n}`" not in GUIDE]
    assert not missing
