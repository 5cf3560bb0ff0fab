"""Whatever is wrong with the input: one line that helps, exit status 2, and nothing written."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.sequence import Sequence
from spinprint.workflows.dictionary import build_dictionary

from .conftest import Run

DONE = re.compile(r"[A-Z][\w ]+: \d+\.\d s")
"""The line of a stage that was finished before the input turned out to be wrong."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(run: Run, place: Path) -> Callable[..., str]:
    """The one line a command is refused with, without its `spinprint: `."""

    def refused(*arguments: Any) -> str:
        before = contents(place)
        outcome = run(*arguments)
        assert outcome.status == 2
        assert outcome.out == []
        *stages, message = outcome.err
        assert all(DONE.fullmatch(line) for line in stages)
        assert message.startswith("spinprint: ")
        assert contents(place) == before
        return message.removeprefix("spinprint: ")

    return refused


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def data(scan: Path) -> NDArray[Any]:
    return np.asarray(nib.Nifti1Image.from_filename(scan / "series.nii.gz").dataobj)


@pytest.fixture
def beside(scan: Path) -> Callable[[str, NDArray[Any]], Path]:
    """Saves an image in the place of the scan."""
    affine = nib.Nifti1Image.from_filename(scan / "series.nii.gz").affine

    def save(name: str, array: NDArray[Any]) -> Path:
        nib.Nifti1Image(array, affine).to_filename(name)
        return Path(name)

    return save


Refused = Callable[..., str]
Beside = Callable[[str, NDArray[Any]], Path]


@pytest.fixture
def map_refused(refused: Refused, scan: Path) -> Refused:
    """The line that `map` refuses the scan with, some arguments changed."""

    def map_refused(*extra: Any, series: Any = None, sequence: Any = None, out: Any = "m") -> str:
        series, sequence = series or scan / "series.nii.gz", sequence or scan / "sequence.toml"
        return refused("map", series, "--sequence", sequence, "--out", out, *extra)

    return map_refused


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda series: series[..., 0], r"s.nii.gz: has 3 axes.*a series has four"),
        (lambda series: series.real.copy(), "s.nii.gz: values are real, a series is complex"),
        (lambda series: series[..., 3:], "s.nii.gz: 77 time points.*'short' has 80 samples"),
        (lambda series: 0 * series, "s.nii.gz: no value is finite and other than 0"),
        (lambda series: np.nan * series, "s.nii.gz: no value is finite"),
    ],
)
def test_a_series_that_is_none(
    map_refused: Refused, beside: Beside, data: NDArray[Any], change: Any, match: str
) -> None:
    assert re.match(match, map_refused(series=beside("s.nii.gz", change(data))))


def test_noise_is_no_series(map_refused: Refused, beside: Beside, data: NDArray[Any]) -> None:
    draw = np.random.default_rng(0).standard_normal((2, *data.shape))
    noise = (draw[0] + 1j * draw[1]).astype(np.complex64)
    assert re.match(
        "s.nii: no voxel holds a signal of 'short' above the noise",
        map_refused(series=beside("s.nii", noise)),
    )


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "s.nii.gz: no such file"),
        (b"", "s.nii.gz: is empty"),
        (b"hello", "s.nii.gz: is no NIfTI"),
        ("half", r"s.nii.gz: cut short or damaged.*copy or export it again"),
        ("folder", "s.nii.gz: is a folder"),
    ],
)
def test_a_file_that_is_none(map_refused: Refused, scan: Path, content: Any, match: str) -> None:
    series, whole = Path("s.nii.gz"), (scan / "series.nii.gz").read_bytes()
    if content == "folder":
        series.mkdir()
    elif content is not None:
        series.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    assert re.match(match, map_refused(series=series))


@pytest.mark.parametrize(
    ("option", "array", "match"),
    [
        ("--mask", np.ones((24, 23, 1)), r"x.nii: the mask has shape \(24, 23, 1\), the series"),
        ("--mask", np.zeros((24, 24, 1)), "x.nii: no voxel is inside the mask"),
        ("--mask", np.ones((24, 24, 1), complex), "x.nii: is complex: a mask is real"),
        ("--b1-map", np.full((24, 24, 1), 97.0), "x.nii: the B1 map is not clearly rel"),
        ("--b1-map", np.full((24, 24, 1), 8.0), "x.nii: the B1 map is not clearly relative"),
        ("--b1-map", np.full((24, 24, 1), np.nan), "x.nii: the B1 map holds no finite value"),
        ("--b0-map", np.arange(576.0).reshape(24, 24, 1) * 100, "x.nii: the B0 map is not in"),
        ("--b0-map", np.arange(576.0).reshape(24, 24, 1) * 6 - 1725, "the b0 map spans .* Hz"),
    ],
)
def test_a_map_that_does_not_fit(
    map_refused: Refused, beside: Beside, option: str, array: NDArray[Any], match: str
) -> None:
    dtype = np.complex64 if np.iscomplexobj(array) else np.float32
    assert re.match(match, map_refused(option, beside("x.nii", array.astype(dtype))))


def test_magnitudes_are_refused_with_the_ways_out(
    map_refused: Refused, beside: Beside, data: NDArray[Any]
) -> None:
    alone = map_refused(series=beside("s.nii", np.abs(data)))
    assert re.match(r"s.nii: values are real.*\(--imaginary\).*\(--phase\).*--magnitude", alone)
    stored = map_refused(series=beside("s.nii", np.abs(data).astype(np.complex64)))
    assert re.match(r"s.nii: along time .* are magnitudes.*--phase.*--magnitude", stored)
    message = map_refused("--magnitude", "--conjugate", series=Path("s.nii"))
    assert message.startswith("magnitudes have no phase")


def test_a_phase_is_no_imaginary_part_and_needs_its_unit(
    map_refused: Refused, beside: Beside, data: NDArray[Any]
) -> None:
    series, phase = beside("s.nii", np.abs(data)), beside("p.nii", np.angle(data))
    message = map_refused("--imaginary", phase, series=series)
    assert re.match(r"p.nii: values from -3.14.* to 3.14.* are a phase.*--phase", message)
    narrow = beside("p.nii", np.angle(data) / 5)
    assert "--phase-unit rad" in map_refused("--phase", narrow, series=series)
    assert "unit 'turn'" in map_refused("--phase", narrow, "--phase-unit", "turn", series=series)


def test_a_frame_of_nan_is_named(map_refused: Refused, beside: Beside, data: NDArray[Any]) -> None:
    data = data.copy()
    data[..., 17] = np.nan
    message = map_refused(series=beside("s.nii", data))
    assert message.startswith("s.nii: frame 17 of 80 (counted from 0) is NaN in every voxel")


def test_a_complex_series_has_no_imaginary_part(map_refused: Refused, scan: Path) -> None:
    message = map_refused("--imaginary", scan / "series.nii.gz")
    assert "is complex already: leave the imaginary part out" in message


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("te_ms", "te_mss", r"q.toml: block 2 \(readout_train\): unknown key 'te_mss'"),
        ("te_ms = 2.0", "te_ms = 20.0", r"q.toml: block 2.*te_ms\[0\] = 20 exceeds tr_ms\[0\]"),
        ("delay_ms = 20.0", "delay_ms = -2.0", r"q.toml: block 1 \(inversion\): delay_ms = -2"),
        ('type = "inversion"', 'type = "inverse"', r"q.toml: block 1.*must be one of inversion"),
        ("[[block]]", "[[block]", "q.toml: not valid TOML"),
    ],
)
def test_a_sequence_that_breaks_a_rule(
    map_refused: Refused, scan: Path, old: str, new: str, match: str
) -> None:
    text = (scan / "sequence.toml").read_text()
    assert old in text
    Path("q.toml").write_text(text.replace(old, new))
    assert re.match(match, map_refused(sequence="q.toml"))


def test_a_preset_nobody_knows(map_refused: Refused) -> None:
    message = map_refused(sequence="fisp_jiang")
    assert re.match(r"fisp_jiang: no such file, nor a preset \(fisp_jiang2015, ", message)


@pytest.mark.parametrize("command", ["map", "simulate", "dictionary", "demo", "convert"])
def test_a_place_that_cannot_be_written(refused: Refused, scan: Path, command: str) -> None:
    Path("file").touch()
    sequence, out = scan / "sequence.toml", Path("file/below")
    arguments: dict[str, list[Any]] = {
        "map": ["map", scan / "series.nii.gz", "--sequence", sequence],
        "simulate": ["simulate", sequence],
        "dictionary": ["dictionary", sequence],
        "demo": ["demo"],
        "convert": ["sequence", "convert", sequence],
    }
    message = refused(*arguments[command], "--out", out)
    assert re.match(r"file.*: file is no folder: choose another place", message)


def test_a_name_that_is_too_long(map_refused: Refused) -> None:
    assert "File name too long" in map_refused(out="x" * 300)


@pytest.mark.parametrize("command", ["map", "simulate"])
def test_the_folder_of_another_program(refused: Refused, scan: Path, command: str) -> None:
    Path("other").mkdir()
    Path("other/dataset_description.json").write_text('{"Name": "other"}')
    series = scan / "series.nii.gz"
    arguments = {
        "map": ["map", series, "--sequence", scan / "sequence.toml"],
        "simulate": ["simulate", scan / "sequence.toml"],
    }
    message = refused(*arguments[command], "--out", "other")
    assert message == "other: holds a dataset of another program: choose another folder"


@pytest.mark.parametrize("label", ["a-b", "sub_1", ""])
def test_a_subject_that_bids_does_not_know(map_refused: Refused, label: str) -> None:
    assert "must be letters and digits only" in map_refused("--subject", label)


@pytest.mark.parametrize("sigma", ["-1", "0", "nan", "inf"])
def test_noise_that_is_impossible(map_refused: Refused, sigma: str) -> None:
    assert map_refused("--sigma", sigma).startswith(f"--sigma = {sigma} must be a positive number")


@pytest.fixture(scope="module")
def dictionary(short: Sequence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_dictionary(short, tmp_path_factory.mktemp("dictionary") / "d.h5")


def test_a_dictionary_of_another_sequence(
    map_refused: Refused, scan: Path, dictionary: Path
) -> None:
    text = (scan / "sequence.toml").read_text()
    Path("q.toml").write_text(text.replace("tr_ms = 12.0", "tr_ms = 13.0"))
    message = map_refused("--dictionary", dictionary, sequence="q.toml")
    assert re.match(r".*d.h5: the dictionary was made for another sequence", message)


@pytest.mark.parametrize("damage", ["half", "byte", "missing", "other"])
def test_a_damaged_dictionary(
    map_refused: Refused, scan: Path, dictionary: Path, damage: str
) -> None:
    content = bytearray(dictionary.read_bytes())
    if damage == "half":
        del content[len(content) // 2 :]
    elif damage == "byte":
        content[len(content) // 2] ^= 255
    elif damage == "other":
        content = bytearray((scan / "series.nii.gz").read_bytes())
    if damage != "missing":
        Path("damaged.h5").write_bytes(content)
    message = map_refused("--dictionary", "damaged.h5")
    assert re.match(r"damaged.h5: .*(build it anew|no such dictionary file)", message)


def test_a_dictionary_without_the_known_field(
    map_refused: Refused, beside: Beside, dictionary: Path
) -> None:
    b1 = beside("b1.nii", np.ones((24, 24, 1), np.float32))
    message = map_refused("--dictionary", dictionary, "--b1-map", b1)
    assert re.match(r".*d.h5: all atoms have one b1.*with an axis b1", message)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--rank", "0"], "rank = 0 must be from 1 to 80"),
        (["--rank", "81"], "rank = 81 must be from 1 to 80"),
        (["--rank", "1.5"], r"Invalid value for --rank: '1.5' must be a whole number"),
        (["--energy", "1"], "energy = 1 must lie between 0 and 1"),
        (["--energy", "nan"], "energy = nan must lie between 0 and 1"),
        (["--rank", "3", "--energy", "0.9"], "give --rank or --energy, not both"),
        (["--grid", "missing.toml"], "missing.toml: no such grid file"),
    ],
)
def test_a_dictionary_that_cannot_be_built(
    refused: Refused, scan: Path, options: list[str], match: str
) -> None:
    message = refused("dictionary", scan / "sequence.toml", "--out", "d.h5", *options)
    assert re.match(match, message)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--snr-db", "30", "--sigma", "0.1"], "give --snr-db or --sigma, not both"),
        (["--sigma", "-1"], "--sigma = -1 must be at least 0"),
        (["--snr-db", "nan"], "--snr-db = nan must lie from -200 to 200"),
        (["--snr-db", "1e6"], r"--snr-db = 1e\+06 must lie from -200 to 200"),
        (["--matrix", "4"], "--matrix = 4, --slices = 3: a phantom needs at least 8 x 8 voxels"),
        (["--slices", "0"], "--matrix = 112, --slices = 0: "),
        (["--seed", "-1"], "seed = -1 must be at least 0"),
        (["--phantom", "elbow"], 'Invalid value "elbow" for --phantom. Choose from: "knee"'),
        (["--batch", "K3290"], "--batch does not apply to the phantom knee, only to nist"),
        (
            ["--phantom", "brain", "--field-strength", "3"],
            "--field-strength does not apply to the phantom brain, only to nist",
        ),
        (
            ["--phantom", "nist", "--volunteer", "1"],
            "--volunteer does not apply to the phantom nist, only to knee",
        ),
        (["--download"], "--download does not apply to the phantom knee, only to brain"),
        (["--phantom", "brain", "--brainweb", "7"], "BrainWeb has no subject 7; it has 4, 5"),
        (["--volunteer", "-1"], "volunteer = -1 must be at least 0"),
        (
            ["--phantom", "nist", "--batch", "PLL2020", "--field-strength", "1.5"],
            "the system phantom of batch PLL2020 has published values at 3 T, not at 1.5 T",
        ),
        (["--phantom", "nist", "--batch", "X"], "batch 'X' must be one of K3290, PLL2020"),
        (["--b1-range", "1.2", "0.8"], "the range 1.2 to 0.8 of b1 must be finite and ascend"),
        (["--interleaves", "2"], "--interleaves belongs to undersampled series: leave it out, or"),
        (["--sampling", "radial", "--coils", "0"], "coils = 0 must be at least 1"),
        (["--sampling", "spiral", "--rank", "3"], "rank = 3 is of the subspace: leave it out, or"),
    ],
)
def test_a_simulation_that_cannot_be(
    refused: Refused, scan: Path, options: list[str], match: str
) -> None:
    message = refused("simulate", scan / "sequence.toml", "--out", "s", *options)
    assert re.match(match, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("map", "--series needs a value (see spinprint map --help)"),
        ("map s.nii --sequence q --out", "--out needs a value (see spinprint map --help)"),
        ("map s.nii t.nii --sequence q --out m", "unexpected 't.nii' (see spinprint map --help)"),
        (
            "map s.nii --sequence q --out m --maks x",
            "Unknown option: --maks. Did you mean --mask? (see spinprint map --help)",
        ),
        (
            "map s.nii --sequence q --out m --sigma much",
            'Invalid value for --sigma: unable to convert "much" into float'
            " (see spinprint map --help)",
        ),
        (
            "map s.nii --sequence q --out m --estimator best",
            'Invalid value "best" for --estimator. Choose from: "match", "least-squares",'
            ' "posterior", "network" (see spinprint map --help)',
        ),
    ],
)
def test_a_command_that_was_not_meant_so(refused: Refused, arguments: str, message: str) -> None:
    assert refused(*arguments.split()) == message


def test_a_command_that_is_none(refused: Refused) -> None:
    assert refused("mapp").startswith('Unknown command "mapp". Did you mean "map"?')
    assert refused("sequence", "shew", "x").endswith("(see spinprint sequence --help)")


def test_a_pulseq_file_that_is_none(refused: Refused) -> None:
    pytest.importorskip("pypulseq")
    assert refused("sequence", "convert", "no.seq", "--out", "c.toml") == "no.seq: no such file"
    Path("bad.seq").write_text("hello")
    message = refused("sequence", "convert", "bad.seq", "--out", "c.toml")
    assert message.startswith("bad.seq: pypulseq cannot read it as Pulseq")
