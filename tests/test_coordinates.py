"""Coordinates: range, scale from 0 to 1, linear axes."""

import numpy as np
import pytest

from spinprint import Prior, Tissue, TissueError
from spinprint.coordinates import Coordinates
from spinprint.prior import Fixed, Uniform

PRIOR = Prior(
    {"t1": Uniform(0.1, 4.0, log=True), "t2": Fixed(0.05), "adc": Uniform(0.0, 2e-3)},
)


def test_range_is_that_of_the_unknowns() -> None:
    coordinates = Coordinates.over(PRIOR)
    assert coordinates.names == ("t1", "adc")
    np.testing.assert_allclose(coordinates.low, [np.log(0.1), 0])
    np.testing.assert_allclose(coordinates.high, [np.log(4), 2e-3])


def test_only_times_are_scaled_logarithmically() -> None:
    coordinates = Coordinates.over(PRIOR)
    t1, adc = np.array([0.1, np.sqrt(0.4), 4.0]), np.array([0.0, 5e-4, 2e-3])
    theta = coordinates.theta(Tissue(t1=t1, t2=np.full(3, 0.05), adc=adc))
    scaled = coordinates.scaled(theta)
    np.testing.assert_allclose(scaled, np.array([[0, 0], [0.5, 0.25], [1, 1]]), atol=1e-12)
    np.testing.assert_allclose(coordinates.unscaled(scaled), theta)


def test_prior_without_unknowns_raises() -> None:
    fixed = Prior({"t1": Fixed(1.0), "t2": Fixed(0.1)})
    with pytest.raises(TissueError, match="every law of the prior is fixed"):
        Coordinates.over(fixed)
