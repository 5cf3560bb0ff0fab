"""Curves, coverage, fronts and bars show the numbers they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import binomtest

from spinprint.errors import InputError
from spinprint.report.figures import (
    Curve,
    coverage_curve,
    coverage_figure,
    curves_figure,
    importance_figure,
    pareto_figure,
    pareto_front,
)
from spinprint.report.figures.style import power_of_ten

SNR = np.array([10.0, 20, 30, 40])


def curve(name: str = "matching", is_bound: bool = False) -> Curve:
    y = 10 ** (-SNR / 20)
    return Curve(name=name, x=SNR, y=y, low=0.9 * y, high=1.2 * y, is_bound=is_bound)


def ticks(figure: Figure, name: str) -> list[str]:
    axis = getattr(figure.axes[0], f"{name}axis")
    figure.draw_without_rendering()
    return [label.get_text() for label in axis.get_ticklabels() if label.get_text()]


def data(line: Line2D, name: str) -> list[float]:
    """What a line shows along an axis."""
    found: list[float] = np.asarray(getattr(line, f"get_{name}data")()).tolist()
    return found


def test_curves_have_their_names_units_bands_and_plain_ticks() -> None:
    bound = Curve(name="Cramér-Rao bound", x=SNR, y=0.5 * 10 ** (-SNR / 20), is_bound=True)
    figure = curves_figure(
        [curve(), bound], x_label="SNR [dB]", y_label="RMSE of T1 [ms]", marks={"used": 30}
    )
    (axes,) = figure.axes
    (legend,) = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == ["matching", "Cramér-Rao bound"]
    measured, limit, mark = axes.get_lines()
    assert data(measured, "y") == pytest.approx(curve().y)
    assert (measured.get_linestyle(), limit.get_linestyle()) == ("-", "--")
    assert data(mark, "x") == [30, 30]
    (band,) = axes.collections
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.9e-2, 1.2 * 10**-0.5))
    assert "0.01" in ticks(figure, "y")
    assert {"10", "20", "30", "40"} <= set(ticks(figure, "x"))
    assert not any("." in tick for tick in ticks(figure, "x"))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("SNR [dB]", "RMSE of T1 [ms]")


def test_a_curve_that_is_crooked_is_refused() -> None:
    with pytest.raises(InputError, match="one axis of equal length"):
        Curve(name="a", x=SNR, y=SNR[1:])
    with pytest.raises(InputError, match="a lower and an upper end"):
        Curve(name="a", x=SNR, y=SNR, low=SNR)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (50000, "50000"), (1e5, "10⁵"), (2e-6, "2·10⁻⁶"), (1e-4, "10⁻⁴")],
)
def test_powers_of_ten(value: float, text: str) -> None:
    assert power_of_ten(value) == text


def test_coverage_is_that_of_the_normal_law_with_wilsons_interval() -> None:
    z = np.random.default_rng(4).standard_normal(400)
    found = coverage_curve(np.r_[z, np.nan], "T1", levels=np.array([0.5, 0.6827]))
    inside = [int((np.abs(z) <= reach).sum()) for reach in (0.67449, 1.0)]
    assert found.y == pytest.approx(np.array(inside) / 400)
    for i, count in enumerate(inside):
        expected = binomtest(count, 400).proportion_ci(method="wilson")
        assert found.low is not None
        assert found.high is not None
        assert (found.low[i], found.high[i]) == pytest.approx((expected.low, expected.high))
    axes = coverage_figure([found]).axes[0]
    diagonal, line = axes.get_lines()
    assert data(diagonal, "x") == data(diagonal, "y") == [0, 1]
    assert data(line, "y") == pytest.approx(found.y)


def test_the_front_holds_what_nothing_beats() -> None:
    cost = np.array([3.0, 1.0, 2.0, 2.0, 5.0, np.nan, 4.0])
    error = np.array([2.0, 9.0, 4.0, 3.0, 1.0, 0.1, 2.0])
    assert pareto_front(cost, error).tolist() == [1, 3, 0, 4]
    groups = {"matching": (cost[:3], error[:3]), "network": (cost[3:], error[3:])}
    axes = pareto_figure(groups, cost_label="time [s]", error_label="MSE", bound=0.5).axes[0]
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert list(lines) == ["matching", "network", "front", "bound"]
    assert data(lines["front"], "x") == [1, 2, 3, 5]


def test_the_most_important_is_on_top() -> None:
    shares = {"width": 0.2, "learning rate": 0.7, "depth": 0.1}
    figure = importance_figure(shares, "importance [-]", intervals={"width": (0.1, 0.4)})
    assert ticks(figure, "y") == ["depth", "width", "learning rate"]
    (line,) = figure.axes[0].get_lines()
    assert data(line, "x") == [0.1, 0.4]
