"""Text of any kind is read, or refused in one line, wherever it comes from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spinprint import (
    ModelError,
    SequenceError,
    SeriesError,
    TissueError,
    load_config,
    load_sequence,
)
from spinprint.dictionary.grid_file import load_grid
from spinprint.errors import InputError
from spinprint.evaluation.monte_carlo._store import Store
from spinprint.io.sidecar import is_ours, read_sidecar
from spinprint.networks import _store as models
from spinprint.sequence import parse_sequence
from spinprint.studies.results import Results
from spinprint.text import parse_json, parse_toml, read_text
from spinprint.tuning.config import load_tuning


def test_a_byte_order_mark_and_other_ends_of_lines_are_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = '\xc3\xa9'\rc = 2\n")
    assert read_text(path) == "a = 1\nb = 'é'\nc = 2\n"
    path.write_bytes(b"")
    assert read_text(path) == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a = 1".encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        ("a = 1".encode("utf-32"), "it is UTF-32"),
        ("a = 1".encode("utf-16-le"), "it holds bytes of 0"),
        ("a = 'é'".encode("latin-1"), "byte 0xe9 at position 5 is not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "t.toml"
    path.write_bytes(content)
    with pytest.raises(SeriesError, match=f"t.toml: cannot be read as text .{reason}"):
        read_text(path, SeriesError)


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("spinprint.text._LARGEST", 1 << 20)
    with pytest.raises(InputError, match=r"/dev/zero: cannot be read as text .it is larger than 1"):
        read_text("/dev/zero")
    with pytest.raises(InputError, match=r"cannot be read as text .Is a directory"):
        read_text(tmp_path)
    with pytest.raises(InputError, match=r"cannot be read as text .embedded null byte"):
        read_text("a\0b")
    with pytest.raises(InputError, match=r"cannot be read as text .File name too long"):
        read_text("x" * 300)


NESTED_TOML = {
    "lists": "a = " + "[" * 5000 + "]" * 5000,
    "tables": "a = " + "{a = " * 5000 + "1" + "}" * 5000,
    "dots": "a" + ".a" * 200_000 + " = 1",
    "quoted dots": "[" + '"a".' * 200_000 + "b]",
    "shallow enough to parse": "a = " + "[" * 100 + "]" * 100,
    "digits": "a = " + "9" * 5000,
    "hex": "a = 0x" + "f" * 100_000,
    "digits that parse": "a = " + "9" * 1000,
}
NESTED_JSON = {
    "lists": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "tables": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "shallow enough to parse": '{"a": ' + "[" * 100 + "]" * 100 + "}",
    "digits": '{"a": ' + "9" * 5000 + "}",
    "digits that parse": '{"a": -' + "9" * 1000 + "}",
}
RULE = "(nested too deep|parts|more digits than)"


@pytest.mark.parametrize("text", NESTED_TOML.values(), ids=NESTED_TOML)
def test_toml_that_breaks_parsers_is_one_line(text: str) -> None:
    with pytest.raises(TissueError, match=f"^t.toml: not valid TOML .*{RULE}") as refusal:
        parse_toml(text, "t.toml", TissueError)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("name", ["dots", "quoted dots"])
def test_long_keys_are_seen_before_they_take_the_time_of_a_square(name: str) -> None:
    with pytest.raises(TissueError, match="a key has more than 64 parts"):
        parse_toml(NESTED_TOML[name], "t.toml", TissueError)


@pytest.mark.parametrize("text", NESTED_JSON.values(), ids=NESTED_JSON)
def test_json_that_breaks_parsers_is_one_line(text: str) -> None:
    with pytest.raises(SeriesError, match=f"^s.json: cannot be read as JSON .*{RULE}") as refusal:
        parse_json(text, "s.json", SeriesError)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("text", ["[]", "1", "null", '"{}"'])
def test_json_is_an_object(text: str) -> None:
    with pytest.raises(InputError, match="holds no JSON object"):
        parse_json(text, "s.json")


def test_ordinary_text_is_taken_as_it_is() -> None:
    assert parse_toml("a.b.c = 1\nd = [[1.5, -2e3], ['x.y.z']]", "") == {
        "a": {"b": {"c": 1}},
        "d": [[1.5, -2e3], ["x.y.z"]],
    }
    assert parse_toml("t = '" + "1.2." * 31 + "3'\n", "")["t"].startswith("1.2.")
    held = {"a": [1, {"b": None}], "é": 10**30, "c": -1.5e-300}
    assert parse_json(json.dumps(held), "") == held
    assert parse_json('{"a": "\\ud83d\\ude00"}', "") == {"a": "\N{GRINNING FACE}"}
    # The half of a character could not be written into any file again.
    assert parse_json('{"a\\udcff": "\\udce9 b"}', "") == {"a?": "? b"}


def sequence_text(path: Path) -> Any:
    return load_sequence(path)


def model(path: Path) -> Any:
    (path.parent / models.DESCRIPTION).write_bytes(path.read_bytes())
    return models.read(path.parent)


def sidecar(path: Path) -> Any:
    (path.parent / "image.json").write_bytes(path.read_bytes())
    assert not is_ours(path)
    return read_sidecar(path.parent / "image.nii.gz")


def study(path: Path) -> Any:
    (path.parent / "results.json").write_bytes(path.read_bytes())
    return Results.open(path.parent, {})


def monte_carlo(path: Path) -> Any:
    (path.parent / "settings.json").write_bytes(path.read_bytes())
    return Store.open(path.parent, {})


READERS: dict[str, tuple[Callable[[Path], Any], type[InputError], dict[str, str]]] = {
    "sequence": (sequence_text, SequenceError, NESTED_TOML),
    "training": (load_config, ModelError, NESTED_TOML),
    "tuning": (load_tuning, ModelError, NESTED_TOML),
    "grid": (load_grid, TissueError, NESTED_TOML),
    "model": (model, ModelError, NESTED_JSON),
    "sidecar": (sidecar, SeriesError, NESTED_JSON),
    "study": (study, InputError, NESTED_JSON),
    "monte carlo": (monte_carlo, InputError, NESTED_JSON),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_them_in_one_line(tmp_path: Path, reader: str) -> None:
    read, error, texts = READERS[reader]
    path = tmp_path / "file"
    encoded = [text.encode() for text in texts.values()]
    for content in [*encoded, "a = 1".encode("utf-16"), b"\xff\xfe\xfd", b"{\0}"]:
        path.write_bytes(content)
        with pytest.raises(error) as refusal:
            read(path)
        assert "\n" not in str(refusal.value)
        assert len(str(refusal.value)) < 800


def test_a_sequence_names_the_place_of_an_integer_without_end() -> None:
    text = parse_toml_text("1" + "0" * 400)
    with pytest.raises(SequenceError, match=r"block 1 .delay.: duration_ms holds an integer too"):
        parse_sequence(text)


def parse_toml_text(duration: str) -> str:
    return (
        'format = "spinprint-sequence/1"\nname = "n"\nfield_strength_t = 3\n'
        f'[[block]]\ntype = "delay"\nduration_ms = {duration}\n'
    )
