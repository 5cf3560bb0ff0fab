"""Consoles that are not UTF-8 lose no command: what they lack is drawn and written plainly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spinprint import load_sequence
from spinprint.cli.plain import plain
from spinprint.report.terminal import draw_sequence


def spinprint(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "spinprint", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso-8859-1"])
def test_a_sequence_is_shown_on_any_console(encoding: str) -> None:
    done = spinprint("sequence", "show", "knee_t1_t2_t1rho", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    page = done.stdout.decode(encoding)
    assert "?" not in page
    assert "T1rho" in page
    assert ("flip angle [deg]" in page) == (encoding == "ascii")
    assert "flip angle [" in page


def test_the_drawing_is_the_same_in_plain_characters() -> None:
    drawn = draw_sequence(load_sequence("fisp_cao500"))
    dotted = "".join(plain(one) if one > "\x7f" else one for one in drawn)
    assert dotted.isascii()
    flip, _ = dotted.split("TR [ms]")
    rows = flip.splitlines()[1:8]
    curve = rows[0].index(":")  # the top of the lobe
    assert rows[0].startswith("    90|")
    assert 0.4 < curve / len(rows[0]) < 0.8
    assert set("".join(rows)[7:]) <= set(" .':|") | set("0")


@pytest.mark.parametrize(
    ("character", "written"),
    [("é", "e"), ("ß", "?"), ("²", "2"), ("ρ", "rho"), ("⠀", " "), ("⣿", ":"), ("⠉", "'"),
     ("⣀", "."), ("─", "-"), ("│", "|"), ("┌", "+"), ("膝", "?"), ("…", "..."), ("ﬁ", "fi")],
)  # fmt: skip
def test_characters_in_ascii(character: str, written: str) -> None:
    assert plain(character) == written


def test_a_message_keeps_the_bytes_of_a_name(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems keep names as text")
    name = os.fsencode(tmp_path) + b"/k\xffn.toml"
    for encoding in ("utf-8", "ascii"):
        done = spinprint("sequence", "show", os.fsdecode(name), PYTHONIOENCODING=encoding)
        assert done.returncode == 2
        assert done.stderr.startswith(b"spinprint: " + name + b": no such file")
        assert done.stderr.count(b"\n") == 1


def test_errors_are_written_on_any_console() -> None:
    done = spinprint("sequence", "show", "café–膝", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert done.returncode == 2
    assert done.stderr.startswith(b"spinprint: cafe-?: no such file")
