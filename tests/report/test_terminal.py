"""Drawings keep to their size and show the shape; names cannot steer the terminal."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from spinprint.errors import InputError
from spinprint.report import describe_sequence, draw_sequence, draw_train
from spinprint.sequence import Inversion, Sequence, SLRProfile, presets

DOTS = [(0x01, 0, 0), (0x02, 1, 0), (0x04, 2, 0), (0x40, 3, 0)]
DOTS += [(0x08, 0, 1), (0x10, 1, 1), (0x20, 2, 1), (0x80, 3, 1)]


def dots(drawing: str) -> np.ndarray:
    """The dots of a drawing, `(row, column)`, the lowest row first."""
    lines = [line.split("┤")[1] for line in drawing.split("\n") if "┤" in line]
    canvas = np.zeros((4 * len(lines), 2 * len(lines[0])), bool)
    for y, line in enumerate(lines):
        for x, character in enumerate(line):
            for bit, row, column in DOTS:
                canvas[4 * y + row, 2 * x + column] = ord(character) - 0x2800 & bit
    return canvas[::-1]


@pytest.mark.parametrize(("width", "height"), [(72, 8), (30, 3), (101, 11)])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_drawing_has_the_size_it_is_given(width: int, height: int, size: int) -> None:
    lines = draw_train(np.linspace(0, 60, size), width, height).split("\n")
    assert len(lines) == height
    assert max(len(line) for line in lines) == width
    assert lines[-1].split() == ["1", str(size)]


def test_a_ramp_rises_from_corner_to_corner_without_a_gap() -> None:
    canvas = dots(draw_train(np.linspace(0, 60, 500), 60, 9))
    assert canvas[0, 0]
    assert canvas[-1, -1]
    assert canvas.any(axis=0).all()
    assert canvas.any(axis=1).all()
    highest = len(canvas) - 1 - canvas[::-1].argmax(axis=0)
    assert (np.diff(highest) >= 0).all()


def test_the_range_stands_at_the_axis() -> None:
    lines = draw_train([20.0, 35.5], 40, 5).split("\n")
    assert (lines[0].split("┤")[0].strip(), lines[3].split("┤")[0].strip()) == ("35.5", "20")
    # Values that start near 0 are drawn from 0; negative ones below it.
    assert draw_train([1.0, 35.5], 40, 5).split("\n")[3].split("┤")[0].strip() == "0"
    assert draw_train([-10.0, 5.0], 40, 5).split("\n")[3].split("┤")[0].strip() == "-10"


def test_a_constant_train_is_a_line_at_its_value_and_zero_lies_at_the_bottom() -> None:
    high, low = dots(draw_train(np.full(9, 8.0), 40, 5)), dots(draw_train(np.zeros(9), 40, 5))
    assert high[-1].all()
    assert high.sum() == high.shape[1]
    assert low[0].all()
    assert low.sum() == low.shape[1]


def test_a_single_high_pulse_among_thousands_is_seen() -> None:
    train = np.ones(5000)
    train[2345] = 90
    canvas = dots(draw_train(train, 60, 8))
    (columns,) = np.nonzero(canvas[-1])
    assert columns.size
    assert columns.mean() == pytest.approx(2345 / 5000 * canvas.shape[1], abs=1.5)


@pytest.mark.parametrize(
    ("values", "width", "height"),
    [([], 40, 5), ([[1.0]], 40, 5), ([np.nan], 40, 5), ([1.0], 8, 5), ([1.0], 40, 2)],
)
def test_what_cannot_be_drawn_is_refused(values: list[float], width: int, height: int) -> None:
    with pytest.raises(InputError, match=r"must be one axis|no room to draw"):
        draw_train(values, width, height)


def printed(sequence: Sequence, width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, force_terminal=False).print(describe_sequence(sequence))
    return stream.getvalue()


def test_a_description_states_what_a_physicist_asks_first(sequence: Sequence) -> None:
    text = printed(sequence)
    for fact in ("a little of everything", "24", "3 T", "T1, T2, T1ρ and ADC"):
        assert fact in text
    assert f"{sequence.duration:.4g} s" in text
    assert "12 pulses, flip 5 to 60°, TR 10 ms, TE 2 ms\n" in text
    assert "b 400 s/mm², echo time 50 ms" in text
    assert "duration 50 ms, frequency 300 Hz" in text


def test_equal_neighbours_share_a_line_and_starts_add_up(sequence: Sequence) -> None:
    lines = [line.split() for line in printed(sequence).split("\n")]
    assert ["8", "to", "9", "delay", "×", "2", "0.400", "s", "duration", "550", "ms"] in lines
    assert ["6", "crusher", "0.280", "s"] in lines


def test_what_is_unusual_is_said(sequence: Sequence) -> None:
    inversion = Inversion(delay=0.02, efficiency=0.9)
    balanced = replace(sequence.trains[0], spoiler_cycles=0)
    text = printed(replace(sequence, blocks=(inversion, balanced)))
    assert "efficiency 0.9" in text
    assert "spoiler cycles 0" in text


def test_options_of_the_whole_sequence_are_said(sequence: Sequence) -> None:
    profile = SLRProfile(time_bandwidth=4, positions=9)
    dispersed = replace(sequence, t1rho_dispersion=0.3e-3, t1rho_reference=500.0)
    text = printed(replace(dispersed, slice_profile=profile))
    assert "T1ρ +30 % per kHz from 500 Hz" in text
    assert "slr, 9 positions" in text


def test_the_trains_are_drawn_as_wide_as_the_terminal() -> None:
    sequence = presets.fisp_cao500()
    for width in (50, 90):
        text = printed(sequence, width)
        assert max(len(line) for line in text.split("\n")) <= width
        assert draw_sequence(sequence, width).split("\n")[1] in text
    assert "flip angle [°]" in text
    assert "TR [ms]" in text


def test_names_cannot_steer_the_terminal(sequence: Sequence) -> None:
    hostile = replace(sequence, name="[red]\x1b[2J\rx\ny\udc80", citation="[/]")
    text = printed(hostile)
    assert "[red]\ufffd[2J\ufffdx\ufffdy\ufffd" in text
    assert "[/]" in text
