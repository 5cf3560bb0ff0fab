"""The page of an evaluation and its figures: what they show, and what they say of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spinprint.evaluation import Comparison, Reference, Role, compare_maps
from spinprint.evaluation.agreement import bland_altman, regression
from spinprint.maps import Maps
from spinprint.report import KINDS, Page, draw_comparison, evaluation_page
from spinprint.report.figures import (
    bland_altman_figure,
    error_map_figure,
    region_figure,
    scatter_figure,
)
from spinprint.report.html import render_page
from spinprint.report.pictures import comparison_pictures

HOSTILE = "<script>alert('gel')</script>"


@pytest.fixture(scope="module")
def comparison(maps: Maps, truth: dict[str, np.ndarray]) -> Comparison:
    labels = np.repeat([1, 1, 2, 2, 3, 3, 0], 18).reshape(maps.shape)
    reference = Reference(role=Role.TRUTH, name=HOSTILE, values=truth)
    bound = {name: 0.02 * array for name, array in truth.items()}
    return compare_maps(
        maps, reference, labels, {1: HOSTILE, 2: "oil"}, bound=bound, n_bootstrap=20
    )


def page_of(comparison: Comparison) -> Page:
    pictures = draw_comparison(comparison)
    return evaluation_page(
        comparison, pictures, title="Gels", bound="The bound is known.", remarks=["Mind the gap."]
    )


def test_the_page_says_first_what_was_found(comparison: Comparison) -> None:
    page = page_of(comparison)
    headings = [section.heading for section in page.sections]
    assert headings == ["Summary", "Maps", "Errors", "Agreement", "All numbers", "Definitions"]
    text = render_page(page)
    for expected in ("the truth", "Cramér-Rao", "Mind the gap.", "ICC(2,1)", "Carkeet", "oil"):
        assert expected in text
    assert text.index("T1 is as precise as the noise allows") < text.index("ICC(2,1)")


def test_hostile_names_stay_text(comparison: Comparison) -> None:
    text = render_page(page_of(comparison))
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(" in text


def test_other_maps_are_not_called_the_truth(maps: Maps, truth: dict[str, np.ndarray]) -> None:
    sd = {name: np.asarray(array, float) for name, array in maps.sd.items()}
    reference = Reference(role=Role.REPEAT, name="second visit", values=truth, sd=sd)
    page = page_of(compare_maps(maps, reference, n_bootstrap=0))
    text = render_page(page)
    assert "compared with maps of another series of the same object" in text
    assert "wCV" in text
    assert "root mean square" in text  # the formula
    for word in (">Truth<", "of the truth", "against the truth", "mean truth"):
        assert word not in text


def test_every_figure_has_its_text(comparison: Comparison) -> None:
    pictures = comparison_pictures(comparison, "t1")
    assert set(pictures) == set(KINDS)
    for kind, picture in pictures.items():
        assert "T1" in picture.alt, kind
        assert len(picture.alt) > 40
    over = comparison.agreement("t1", "voxels")
    assert over is not None
    assert over.percent is not None
    assert f"{over.percent.lower.value:.2f}".replace("-", "−") in pictures["bland_altman"].alt
    alone = replace(comparison, labels=None, maps=comparison.maps.replace(sd={}), agreements=())
    assert set(comparison_pictures(alone, "t1")) == {"error_map"}


def lines(figure: Any) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata(), float) for line in figure.axes[0].get_lines()]


def test_bland_altman_lines_are_the_limits_and_far_points_are_counted() -> None:
    rng = np.random.default_rng(0)
    b = rng.uniform(1, 2, 200)
    a = b + 0.1 * rng.normal(size=200)
    a[0] = b[0] + 3
    found = bland_altman(a, b)
    figure = bland_altman_figure(b, a - b, found, size_label="x", difference_label="d")
    heights = {float(y[0]) for y in lines(figure) if len(y) == 2 and y[0] == y[1]}
    assert {found.bias.value, found.lower.value, found.upper.value, 0.0} <= heights
    assert figure.axes[0].get_title(loc="left") == "1 of 200 beyond the rim"
    low, high = figure.axes[0].get_ylim()
    assert low < found.lower.low < found.upper.high < high
    shown = sum(np.shape(one.get_offsets())[0] for one in figure.axes[0].collections)
    assert shown >= 199


@pytest.mark.parametrize(("high", "scale"), [(2.0, "linear"), (2000.0, "log")])
def test_scatter_has_the_identity_on_equal_axes(high: float, scale: str) -> None:
    x = np.geomspace(1, high, 60)
    y = 1.1 * x
    line = regression(x, y)
    figure = scatter_figure(x, y, reference_label="x", estimate_label="y", line=line)
    axes = figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == scale
    assert axes.get_xlim() == axes.get_ylim()
    named = {one.get_label(): one for one in axes.get_lines()}
    for name, slope in (("identity", 1.0), ("regression", 1.1)):
        along, up = (np.asarray(one) for one in named[name].get_data())
        assert np.allclose(up, slope * along)


def test_boxes_hold_quartiles_and_far_errors_bend_the_axis() -> None:
    rng = np.random.default_rng(1)
    errors = [rng.normal(size=400), rng.normal(size=400), np.array([np.nan])]
    figure = region_figure(errors, [4, 7, 9], "error", bounds=[1.0, 1.0, 1.0])
    axes = figure.axes[0]
    assert [one.get_text() for one in axes.get_xticklabels()] == ["4", "7", "9"]
    assert axes.get_yscale() == "linear"
    medians = [y[0] for y in lines(figure) if len(y) == 2]
    assert any(abs(one - np.median(errors[0])) < 1e-9 for one in medians)
    assert any(abs(one - 1.645) < 1e-9 for one in medians)
    errors[1] = 100 * errors[1] + 1000
    errors[2] = rng.normal(size=50)
    assert region_figure(errors, [4, 7, 9], "error").axes[0].get_yscale() == "symlog"


def test_error_maps_are_drawn_slice_by_slice_in_one_scale() -> None:
    planes = [np.full((4, 5), value) for value in (-1.0, 2.0)]
    planes[0][0, 0] = np.nan
    asked = [np.ones((4, 5), bool)] * 2
    figure = error_map_figure(planes, asked, reach=3.0, label="e", colours="RdBu_r", numbers=[2, 9])
    drawn = [axes.get_images()[-1] for axes in figure.axes[:2]]
    assert [image.get_clim() for image in drawn] == [(-3, 3), (-3, 3)]
    assert [axes.get_xlabel() for axes in figure.axes[:2]] == ["slice 2", "slice 9"]
    assert np.ma.count_masked(drawn[0].get_array()) == 1
