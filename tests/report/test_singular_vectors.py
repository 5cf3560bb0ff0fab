"""Singular vectors are drawn one a panel, whatever their sign, with the preparations."""

import numpy as np

from spinprint.report.figures import singular_vectors_figure


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
