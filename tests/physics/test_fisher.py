"""Standard deviations from Fisher information: closed forms and inseparable parameters."""

import numpy as np
import pytest

from spinprint.physics.fisher import standard_deviation


def test_two_parameters_in_closed_form() -> None:
    information = np.array([[4.0, 1.2e3], [1.2e3, 1e6]])
    determinant = 4e6 - 1.2e3**2
    sd = standard_deviation(information, np.array(0.5))
    np.testing.assert_allclose(sd, 0.5 * np.sqrt(np.array([1e6, 4.0]) / determinant))


def test_units_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    slopes = rng.normal(size=(7, 4, 50))
    information = slopes @ slopes.swapaxes(1, 2)
    sd = standard_deviation(information, np.ones(7))
    units = np.array([1e-7, 1.0, 1e5, 1e-3])
    other = standard_deviation(information * units[:, None] * units, np.ones(7))
    np.testing.assert_allclose(other * units, sd, rtol=1e-9)
    expected = np.sqrt(np.diagonal(np.linalg.inv(information), axis1=1, axis2=2))
    np.testing.assert_allclose(sd, expected, rtol=1e-9)


@pytest.mark.parametrize("rounding", [0, 1e-6])
def test_inseparable_parameters_are_infinite_and_others_unaffected(rounding: float) -> None:
    rng = np.random.default_rng(1)
    slopes = rng.normal(size=(4, 80))
    slopes[2] = 3 * slopes[0] + rounding * rng.normal(size=80)  # two that act alike
    slopes[3] = 0  # and one that does not act
    sd = standard_deviation(slopes @ slopes.T, np.array(1.0))
    assert np.isinf(sd[[0, 2, 3]]).all()
    alone = np.linalg.inv(slopes[:2] @ slopes[:2].T)[1, 1]
    assert sd[1] == pytest.approx(np.sqrt(alone), rel=1e-5)


def test_information_that_is_not_finite_gives_nan_for_its_tissue_only() -> None:
    information = np.stack([np.eye(2), np.full((2, 2), np.nan), np.diag([np.inf, 1.0])])
    sd = standard_deviation(information, np.ones(3))
    np.testing.assert_array_equal(sd[0], 1)
    assert np.isnan(sd[1:]).all()
