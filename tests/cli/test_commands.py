"""What the commands print and leave when all is well."""

import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import spinprint
from spinprint.cli import app as cli
from spinprint.sequence import load_sequence
from spinprint.sequence.presets import PRESETS

from .conftest import Run

COMMANDS = (
    "demo",
    "simulate",
    "dictionary",
    "map",
    "train",
    "tune",
    "export",
    "evaluate",
    "study",
    "sequence show",
    "sequence convert",
    "sequence list",
    "doctor",
)


def python(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spinprint", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload]


def test_map_prints_its_folder_and_tells_the_rest_on_stderr(
    run: Run, scan: Path, tmp_path: Path
) -> None:
    out = tmp_path / "maps"
    arguments = ("--sequence", scan / "sequence.toml", "--out", out)
    outcome = run("map", scan / "series.nii.gz", *arguments)
    assert outcome.status == 0
    assert outcome.out == [str(out)]
    *stages, remark = outcome.err
    names = ["Reading the series", "Preparing the dictionary", "Mapping", "Writing the maps"]
    assert [line.split(":")[0] for line in stages] == names
    inside = np.count_nonzero(nib.Nifti1Image.from_filename(scan / "labels.nii.gz").dataobj)
    assert remark == f"No mask was given: {inside} of 576 voxels hold signal."


def test_map_counts_the_voxels_that_hold_no_numbers(run: Run, scan: Path, tmp_path: Path) -> None:
    image = nib.Nifti1Image.from_filename(scan / "series.nii.gz")
    data = np.asarray(image.dataobj)
    data[12, 12, 0, 5], data[0, 0, 0, :] = np.nan, np.inf
    nib.Nifti1Image(data, image.affine).to_filename(tmp_path / "series.nii")
    arguments = ("--sequence", scan / "sequence.toml", "--out", tmp_path / "maps")
    outcome = run("map", tmp_path / "series.nii", *arguments)
    assert outcome.status == 0
    asked = (
        np.count_nonzero(nib.Nifti1Image.from_filename(scan / "labels.nii.gz").dataobj) + 1
    )  # (0, 0, 0) is air
    assert outcome.err[-1].startswith(f"2 of {asked} voxels: the series holds NaN or Inf here")
    status = nib.Nifti1Image.from_filename(
        tmp_path / "maps/sub-01/anat/sub-01_desc-status_dseg.nii.gz"
    ).get_fdata()
    assert status[12, 12, 0] == status[0, 0, 0] == spinprint.Status.NOT_FINITE


def test_simulate_dictionary_and_map_fit_each_other(run: Run, scan: Path, tmp_path: Path) -> None:
    sequence, simulated = scan / "sequence.toml", tmp_path / "simulated"
    made = run(
        "simulate", sequence, "--matrix", 16, "--slices", 1, "--no-partial-volume",
        "--sigma", 0.001, "--out", simulated,
    )  # fmt: skip
    assert made.out == [str(simulated / "series.nii.gz")]
    assert made.err[-1].startswith("sigma 0.001 per channel; SNR ")
    built = run("dictionary", simulated / "sequence.toml", "--rank", 8, "--out", tmp_path / "d.h5")
    assert built.out == [str(tmp_path / "d.h5")]
    assert spinprint.Dictionary.load(tmp_path / "d.h5").rank == 8
    arguments = ("--sequence", sequence, "--dictionary", tmp_path / "d.h5", "--subject", "7T2")
    mapped = run("map", made.out[0], *arguments, "--out", tmp_path / "maps")
    assert mapped.status == 0
    truth, maps = (spinprint.read_maps(f) for f in (simulated / "truth", tmp_path / "maps"))
    inside = maps.status == spinprint.Status.OK
    assert np.median(np.abs(maps["t1"] / truth["t1"] - 1)[inside]) < 0.02


def test_sequence_list_names_the_presets_and_their_sources(run: Run) -> None:
    outcome = run("sequence", "list")
    assert outcome.out[::2] == list(PRESETS)
    assert all("our" in line.lower() or "doi" in line for line in outcome.out[1::2])


def test_sequence_show_takes_presets_and_files(run: Run, scan: Path) -> None:
    for sequence in (scan / "sequence.toml", "fisp_cao500"):
        outcome = run("sequence", "show", sequence)
        assert outcome.status == 0
        shown = "\n".join(outcome.out)
        assert str(load_sequence(sequence).n_samples) in shown
        assert "flip" in shown.lower()
        assert "inversion" in shown


def test_sequence_show_adds_the_precision_of_an_organ(run: Run) -> None:
    plain, added = (
        run("sequence", "show", "fisp_cao500", *more).out for more in ((), ("--precision", "brain"))
    )
    assert added[: len(plain)] == plain
    assert any(line.startswith("white matter") and line.endswith("%") for line in added)


def test_sequence_convert_keeps_what_is_played(run: Run, tmp_path: Path) -> None:
    outcome = run("sequence", "convert", "spi_500", "--out", tmp_path / "s.toml")
    assert outcome.out == [str(tmp_path / "s.toml")]
    assert load_sequence(tmp_path / "s.toml").digest == load_sequence("spi_500").digest


def test_doctor_says_where_and_what(run: Run, cache: Path) -> None:
    report = "\n".join(run("doctor").out)
    assert f"spinprint {spinprint_version()}" in report
    assert f"dictionary cache: {cache} (writable)" in report
    assert "numba" in report
    assert "extra pulseq: " in report


def spinprint_version() -> str:
    from importlib.metadata import version

    return version("spinprint")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(run: Run, command: str) -> None:
    outcome = run(*command.split(), "--help")
    assert outcome.status == 0
    assert f"Example: spinprint {command}" in "\n".join(outcome.out)


def test_the_commands_are_those_that_are_tested() -> None:
    names = {name for name in cli.app if not name.startswith("-")} - {"sequence"}
    names |= {f"sequence {name}" for name in cli.sequence_app if not name.startswith("-")}
    assert names == set(COMMANDS)


def test_python_m_spinprint_is_the_command() -> None:
    outcome = python("--version")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, spinprint_version())


def test_a_pipe_gets_one_line_of_error(tmp_path: Path) -> None:
    outcome = python("map", "no.nii", "--sequence", "spi_500", "--out", "maps", cwd=tmp_path)
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr == "spinprint: no.nii: no such file\n"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "spinprint", "sequence", "list"]
    try:
        outcome = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writing)
    assert (outcome.returncode, outcome.stderr) == (0, b"")


def test_a_defect_of_ours_shows_its_traceback() -> None:
    program = (
        "import sys; from spinprint.cli import app, looking\n"
        "def broken(name): raise ZeroDivisionError('ours')\n"
        "looking.load_sequence = broken\n"
        "app.run(['sequence', 'show', 'spi_500'])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert outcome.returncode == 1
    assert "Traceback" in outcome.stderr
    assert "ZeroDivisionError: ours" in outcome.stderr
