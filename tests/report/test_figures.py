"""Figures carry units and say what they must, and leave matplotlib as it was."""

import base64
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from spinprint.report.figures import (
    calibration_figure,
    fingerprint_figure,
    sequence_figure,
    singular_vectors_figure,
    spectrum_figure,
)
from spinprint.report.figures.signals import start_times
from spinprint.report.html import image
from spinprint.sequence import Sequence
from spinprint.sequence.presets import PRESETS


def labels_of(figure: Figure) -> set[str]:
    texts = (text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel()))
    return {text for text in texts if text}


def test_the_sequence_figure_has_units_a_clock_and_every_preparation(sequence: Sequence) -> None:
    figure = sequence_figure(sequence)
    assert {"flip angle [°]", "time [ms]", "pulse number"} <= labels_of(figure)
    panel = figure.axes[0]
    (clock,) = panel.child_axes
    assert clock.get_xlabel() == "time [s]"
    notes = {text.get_text(): text.xy[0] for text in panel.texts}  # type: ignore[attr-defined]
    assert notes == {"20": 0.5, "40": 12.5, "50": 12.5, "400": 12.5}
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "inversion, delay [ms]",
        "T2 preparation, TE [ms]",
        "spin-lock, TSL [ms]",
        "diffusion preparation, b [s/mm²]",
    ]


def test_pulses_start_when_the_blocks_before_them_have_been_played(sequence: Sequence) -> None:
    starts = start_times(sequence)
    assert starts[[0, 1, 11]] == pytest.approx([0.02, 0.03, 0.13])
    # The second train follows T2 preparation, spin-lock and diffusion preparation.
    assert starts[12] == pytest.approx(0.02 + 0.12 + 0.04 + 0.05 + 0.05)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_drawn(name: str) -> None:
    sequence = PRESETS[name]()
    lines = sequence_figure(sequence).axes[0].get_lines()
    drawn = np.rad2deg([flip for train in sequence.trains for flip in train.flip])
    assert any(np.array_equal(line.get_ydata(), drawn) for line in lines)


def test_the_phase_is_drawn_where_there_is_one(sequence: Sequence) -> None:
    from dataclasses import replace

    train = replace(sequence.trains[0], phase=np.radians([0, 90] * 6))
    figure = sequence_figure(replace(sequence, blocks=(train,)))
    assert "phase [°]" in labels_of(figure)
    assert "phase [°]" not in labels_of(sequence_figure(sequence))


def test_a_fingerprint_is_turned_to_be_real_and_keeps_its_signs() -> None:
    fit = np.linspace(-0.5, 1, 30)
    turned = fit * np.exp(2.1j)
    axes = fingerprint_figure(turned, turned).axes[0]
    dots, line = axes.get_lines()[:2]
    assert np.asarray(line.get_ydata()) == pytest.approx(fit)
    assert np.asarray(dots.get_ydata()) == pytest.approx(fit)
    complex_fit = fit + 0.4j * np.cos(np.arange(30))
    assert len(fingerprint_figure(complex_fit, complex_fit).axes[0].get_lines()) == 5


def test_the_histogram_of_errors_is_a_density_and_counts_what_lies_beyond() -> None:
    z = np.r_[np.random.default_rng(1).standard_normal(500), 7.0, -9.0, np.nan]
    axes = calibration_figure(z, "T2").axes[0]
    heights, edges, _ = axes.patches[0].get_data()  # type: ignore[attr-defined]
    assert (heights * np.diff(edges)).sum() == pytest.approx(1)
    assert axes.get_xlabel() == "error of T2 / stated SD [-]"
    assert [text.get_text() for text in axes.texts] == ["beyond ±4: 2"]


def test_the_spectrum_marks_the_rank() -> None:
    axes = spectrum_figure(np.geomspace(3, 3e-12, 100), 6).axes[0]
    assert [text.get_text() for text in axes.texts] == ["rank 6"]
    values = np.asarray(axes.get_lines()[0].get_ydata())
    assert values == pytest.approx(np.geomspace(1, 1e-12, 100)[:40])


def test_figures_ignore_and_keep_the_settings_of_the_user(sequence: Sequence) -> None:
    plain = image(sequence_figure(sequence))
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black"}):
        assert image(sequence_figure(sequence)) == plain
        assert mpl.rcParams["font.size"] == 30


def test_pictures_are_data_uris_without_a_trace_of_the_day(sequence: Sequence) -> None:
    picture = image(sequence_figure(sequence))
    head, _, content = picture.src.partition(",")
    assert head == "data:image/svg+xml;base64"
    text = base64.b64decode(content).decode()
    assert "<metadata" not in text
    assert "<!DOCTYPE" not in text
    assert picture.width == 922


def test_what_is_too_much_for_lines_becomes_pixels() -> None:
    figure = Figure(figsize=(1, 2))
    figure.subplots().scatter(*np.random.default_rng(1).random((2, 4000)))
    other = image(figure)
    assert base64.b64decode(other.src.partition(",")[2]).startswith(b"\x89PNG")
    assert (other.width, other.height) == (96, 192)


def test_neither_pyplot_nor_a_screen_is_touched() -> None:
    code = (
        "import sys; import spinprint.report as r;"
        "print([m for m in ('matplotlib', 'jinja2', 'rich') if m in sys.modules]);"
        "import spinprint.report.figures, spinprint.report.pictures;"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "False"]


def test_one_panel_a_vector_with_its_larger_side_up() -> None:
    time = np.linspace(0, 1, 50)
    vectors = np.stack([np.exp(-3 * time), -np.exp(-5 * time), np.cos(6 * time) - 0.5], axis=1)
    figure = singular_vectors_figure(vectors, np.array([10, 20]))
    assert len(figure.axes) == 3
    curves = [
        np.asarray(axes.lines[2].get_ydata(), float) for axes in figure.axes
    ]  # after two preparations
    np.testing.assert_allclose(curves[0], vectors[:, 0])
    np.testing.assert_allclose(curves[1], -vectors[:, 1])
    assert all(abs(np.min(curve)) <= np.max(curve) for curve in curves[:2])
    assert [axes.get_ylabel() for axes in figure.axes] == ["1", "2", "3"]
    assert figure.axes[-1].get_xlabel() == "pulse number"
    starts = [float(np.asarray(line.get_xdata())[0]) for line in figure.axes[0].lines[:2]]
    np.testing.assert_allclose(starts, [10.5, 20.5])


def test_of_complex_vectors_the_modulus_is_drawn() -> None:
    vectors = np.exp(1j * np.arange(20))[:, None] * np.linspace(1, 2, 20)[:, None]
    (axes,) = singular_vectors_figure(vectors).axes
    np.testing.assert_allclose(np.asarray(axes.lines[0].get_ydata(), float), np.linspace(1, 2, 20))
    assert axes.get_ylim()[0] == 0
