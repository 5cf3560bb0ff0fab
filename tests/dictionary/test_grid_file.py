import re
from pathlib import Path

import numpy as np
import pytest

from spinprint import TissueError
from spinprint.dictionary import grid_file
from spinprint.dictionary.grid_file import load_grid

FORMAT = 'format = "spinprint-grid/1"\n'
T1 = "t1_ms = { start = 50, stop = 6000, factor = 1.05 }\n"
T2 = "t2_ms = { start = 4, stop = 3000, factor = 1.05 }\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "g.toml"
    path.write_text(text)
    return path


def test_every_kind_of_axis_in_si_units(tmp_path: Path) -> None:
    text = (
        FORMAT
        + T1
        + (
            "t2_ms = { values = [10, 20, 40] }\n"
            "t1rho_ms = { start = 20, stop = 60, step = 10 }\n"
            "adc_mm2_per_s = { values = [0.0, 1e-3] }\n"
            "b1 = { start = 0.8, stop = 1.2, step = 0.1 }\n"
            "b0_hz = { start = -10, stop = 10, step = 10 }\n"
        )
    )
    axes = load_grid(write(tmp_path, text)).axes
    t1 = np.array(axes["t1"].values)
    assert (t1[0], t1[-1]) == (pytest.approx(0.05), pytest.approx(6.0))
    assert 1.049 < (t1[1:] / t1[:-1]).max() <= 1.05 + 1e-12
    assert axes["t2"].values == pytest.approx((0.01, 0.02, 0.04))
    assert axes["t1rho"].values == pytest.approx((0.02, 0.03, 0.04, 0.05, 0.06))
    assert axes["adc"].values == (0.0, 1e-3)
    assert axes["b1"].values == pytest.approx((0.8, 0.9, 1.0, 1.1, 1.2))
    assert axes["b0"].values == (-10.0, 0.0, 10.0)


def test_physical_keeps_t2_below_t1(tmp_path: Path) -> None:
    text = FORMAT + "t1_ms = { values = [100] }\nt2_ms = { values = [50, 200] }\n"
    assert load_grid(write(tmp_path, text)).size == 1
    assert load_grid(write(tmp_path, text + "physical = false\n")).size == 2


def test_the_documented_example_reads(tmp_path: Path) -> None:
    assert grid_file.__doc__ is not None
    example = grid_file.__doc__.split("::\n")[1].replace("\n    ", "\n")
    assert set(load_grid(write(tmp_path, example)).axes) == {"t1", "t2", "b1", "adc"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (T1 + T2, "format: the key is missing"),
        ('format = "grid"\n' + T1 + T2, "format: Input should be 'spinprint-grid/1'"),
        (FORMAT + T1, "t2_ms: the key is missing"),
        (FORMAT + T1 + T2 + "t2_mz = 3", "t2_mz: unknown key; the keys are format, t1_ms, t2_ms,"),
        (FORMAT + T1 + "t2_ms = { low = 4 }", "t2_ms.low: unknown key; the keys are start, stop,"),
        (FORMAT + T1 + "t2_ms = { start = 4, stop = 9 }", "t2_ms: an axis has start, stop and"),
        (FORMAT + T1 + "t2_ms = 30", r"t2_ms: must be a table like \{ start = 50"),
        (FORMAT + T1 + "t2_ms = { values = ['3'] }", "t2_ms.values.0: Input should be a valid num"),
        (FORMAT + T1 + "t2_ms = { values = [true] }", "t2_ms.values.0: Input should be a valid nu"),
        (FORMAT + T1 + "t2_ms = { values = [] }", "t2_ms: a grid axis needs at least one value"),
        (FORMAT + T1 + "t2_ms = { values = [3, 2] }", "t2_ms: the values of a grid axis must asce"),
        (FORMAT + T1 + "t2_ms = { values = [0, 2] }", "t2 = 0 s must be positive"),
        (FORMAT + T1 + "t2_ms = { values = [nan] }", "t2_ms: a grid axis needs.*all of them finit"),
        (FORMAT + T1 + T2.replace("4", "4e4"), "t2_ms: geometric axis 40000 to 3000 by 1.05: star"),
        (FORMAT + T1 + T2.replace("3000", "inf"), "t2_ms: geometric axis 4 to inf"),
        (FORMAT + T1 + T2.replace("1.05", "1"), "t2_ms: geometric axis 4 to 3000 by 1: start"),
        (FORMAT + T1 + T2.replace("1.05", "1.0000000001"), "t2_ms: an axis of .* is too long"),
        (
            FORMAT + (T1 + T2).replace("1.05", "1.0001"),
            r"a grid of 3.2e\+09 combinations \(t1 47879, t2 66206\) is too large",
        ),
        (FORMAT + T1 + T2 + "physical = 'no'", "physical: Input should be a valid boolean"),
        (FORMAT + "t1_ms = {", "not valid TOML"),
    ],
)
def test_a_file_that_breaks_a_rule(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(TissueError) as refusal:
        load_grid(write(tmp_path, text))
    assert re.match(f".*g.toml: {rule}", str(refusal.value))
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TissueError, match=r"no.toml: no such grid file"):
        load_grid(tmp_path / "no.toml")
    with pytest.raises(TissueError, match="cannot be read as text"):
        load_grid(tmp_path)
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TissueError, match=r"b.toml: cannot be read as text"):
        load_grid(tmp_path / "b.toml")
