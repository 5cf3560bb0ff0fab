"""Figures carry units, true proportions and directions, and leave matplotlib as it was."""

import base64
import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from spinprint.maps import Maps, Status
from spinprint.report import ReportContent
from spinprint.report.embed import png, svg
from spinprint.report.figures import (
    View,
    Window,
    calibration_figure,
    category_figure,
    fingerprint_figure,
    map_figure,
    sequence_figure,
    spectrum_figure,
)
from spinprint.report.figures.sequence import start_times
from spinprint.report.figures.view import MAX_SLICES, volume
from spinprint.report.pictures import Pictures
from spinprint.sequence import Sequence
from spinprint.sequence.presets import PRESETS


def maps_of(shape: tuple[int, ...], affine: np.ndarray | None = None) -> Maps:
    return Maps(
        values={"t1": np.ones(shape, np.float32)},
        sd={},
        m0=np.ones(shape, np.complex64),
        status=np.full(shape, Status.OK, np.uint8),
        sigma=np.ones(shape, np.float32),
        affine=affine,
    )


def labels_of(figure: Figure) -> set[str]:
    texts = (text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel()))
    return {text for text in texts if text}


SIGNED = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((-1, 1), repeat=3)
]


@pytest.mark.parametrize(("order", "signs"), SIGNED)
def test_slices_are_shown_as_radiologists_look_at_them(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    shape, edges = (4, 5, 2), np.array([1.0, 2.0, 4.0])
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * edges[axis]
    view = View.of(maps_of(shape, affine))
    index = np.indices(shape)
    places = np.einsum("wa,axyz->wxyz", affine[:3, :3], index)
    right, up = (
        np.array([view.plane(one, 1)[where] for one in places])
        - [view.plane(one, 1)[0, 0] for one in places]
        for where in ((0, -1), (-1, 0))
    )
    # Up is superior, or anterior in an axial slice; to the right is left or posterior.
    across = order[2]
    vertical = 1 if across == 2 else 2
    horizontal = ({0, 1, 2} - {across, vertical}).pop()
    assert up[vertical] > 0
    assert right[horizontal] < 0
    assert view.ends == (*("RL", "AP")[horizontal], *("PA", "IS")[vertical - 1])
    heights = {world: edges[axis] for axis, world in enumerate(order)}
    assert view.aspect == heights[vertical] / heights[horizontal]


def test_without_an_affine_voxels_are_square_and_nameless() -> None:
    view = View.of(maps_of((4, 5, 2)))
    assert (view.aspect, view.ends) == (1.0, None)
    assert view.plane(np.arange(40).reshape(4, 5, 2), 0).shape == (5, 4)
    assert volume(np.ones(4)).shape == (4, 1, 1)


def test_an_affine_at_45_degrees_names_no_side() -> None:
    affine = np.eye(4)
    affine[:2, :2] = [[1, 1], [1, -1]]
    affine[0, 0] = affine[0, 1] = 1.01
    assert View.of(maps_of((4, 5, 2), affine)).ends is None


def test_only_slices_and_voxels_that_were_asked_for_are_shown() -> None:
    maps = maps_of((30, 20, 50))
    maps.status[...] = Status.OUTSIDE
    maps.status[10:14, 7, 3:43] = Status.NO_SIGNAL
    view = View.of(maps)
    assert (len(view.indices), view.indices[0], view.indices[-1]) == (MAX_SLICES, 3, 42)
    assert view.plane(maps.status, 3).shape == (5, 8)  # two voxels of margin on each side
    maps.status[...] = Status.OUTSIDE
    assert view.plane(maps.status, 3).shape == (5, 8)
    assert View.of(maps).plane(maps.status, 0).shape == (20, 30)


def test_a_map_has_its_unit_its_window_and_true_proportions() -> None:
    view = View(indices=(0,), box=(slice(None), slice(None)), aspect=2.0)
    values = np.linspace(0, 900, 24).reshape(4, 6)
    figure = map_figure(
        values, view=view, window=Window(0, 800, "max"), label="T1 [ms]", colours="magma"
    )
    picture, bar = figure.axes
    assert labels_of(figure) == {"T1 [ms]"}
    assert bar.get_xlim() == (0, 800)
    assert picture.get_aspect() == 2.0
    box = picture.get_window_extent()
    assert box.width / box.height == pytest.approx(6 / (4 * 2.0), rel=1e-6)


def pixels(figure: Figure) -> set[tuple[int, ...]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return {tuple(one) for one in np.asarray(canvas.buffer_rgba())[..., :3].reshape(-1, 3).tolist()}


def test_voxels_without_a_value_are_grey_and_outside_is_pale() -> None:
    view = View(indices=(0,), box=(slice(None), slice(None)))
    grey, pale = (0x8C, 0x8C, 0x8C), (0xE9, 0xEB, 0xEE)
    for values, asked, shown in (
        ([[1.0, 2.0]], [[True, True]], set()),
        ([[1.0, np.nan]], [[True, True]], {grey}),
        ([[1.0, np.nan]], [[True, False]], {pale}),
    ):
        figure = map_figure(
            np.array(values), view=view, window=Window(0, 2), label="T2 [ms]", colours="viridis",
            asked=np.array(asked),
        )  # fmt: skip
        assert pixels(figure) & {grey, pale} == shown


def test_categories_have_the_colours_they_are_given() -> None:
    view = View(indices=(0,), box=(slice(None), slice(None)))
    figure = category_figure(
        np.array([[3, 7], [7, 9]]), view=view, colours={3: "#112233", 7: "#445566"}
    )
    assert {(0x11, 0x22, 0x33), (0x44, 0x55, 0x66), (0xE9, 0xEB, 0xEE)} <= pixels(figure)


def test_truth_and_estimate_share_one_window(content: ReportContent) -> None:
    truth, estimate, error, sd = Pictures(content).quantity("adc")
    ends = [panel.slices[0].alt.split("colours ")[1] for panel in (truth, estimate, error, sd)]
    assert ends[0] == ends[1]
    assert "ADC [10⁻³ mm²/s]" in truth.slices[0].alt
    low, high = ends[2].removeprefix("from ").rstrip(".").split(" to ")
    assert float(low) == -float(high)  # errors: symmetric about 0
    # 2 % of noise, stated as such.
    assert 4 <= float(high) <= 8
    assert "median 2.0" in sd.slices[0].alt


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window.from_zero(np.linspace(0, 1, 1001) * 873), Window(0, 880)),
        (Window.from_zero(np.r_[np.full(999, 0.873), 50]), Window(0, 0.88, "max")),
        (Window.symmetric(np.r_[np.full(999, -3.1), 9]), Window(-3.2, 3.2, "max")),
        (Window.symmetric(np.linspace(0.9, 1.2, 99), centre=1.0), Window(0.8, 1.2)),
        (Window.from_zero(np.r_[np.full(999, 0.5), -1]), Window(0, 0.5, "min")),
        (Window.from_zero(np.full(3, np.nan)), Window(0, 1)),
        (Window.symmetric(np.zeros(3)), Window(-1, 1)),
    ],
)
def test_windows_end_at_round_numbers_and_say_what_lies_beyond(
    window: Window, expected: Window
) -> None:
    assert (window.low, window.high) == pytest.approx((expected.low, expected.high))
    assert window.extend == expected.extend


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
    plain = svg(sequence_figure(sequence), "a sequence")
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black"}):
        assert svg(sequence_figure(sequence), "a sequence") == plain
        assert mpl.rcParams["font.size"] == 30


def test_pictures_are_data_uris_without_a_trace_of_the_day(sequence: Sequence) -> None:
    picture = svg(sequence_figure(sequence), "a sequence")
    head, _, content = picture.src.partition(",")
    assert head == "data:image/svg+xml;base64"
    text = base64.b64decode(content).decode()
    assert "<metadata" not in text
    assert "<!DOCTYPE" not in text
    assert (picture.width, picture.alt) == (922, "a sequence")
    other = png(Figure(figsize=(1, 2)), "nothing")
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
