"""Priors: draws follow the density, and priors survive a file."""

import json

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from spinprint import Axis, ParameterGrid, Prior, Tissue, TissueError, presets
from spinprint.prior import Fixed, Law, Mixture, Normal, Uniform

LAWS: dict[str, Law] = {
    "uniform": Uniform(0.2, 3.0),
    "log-uniform": Uniform(0.02, 3.0, log=True),
    "normal": Normal(1.0, 0.4, 0.3, 1.5),
    "log-normal": Normal(0.05, 0.5, 0.03, 0.4, log=True),
    "mixture": Mixture((Normal(0.05, 0.2, 0.01, 1.0, log=True), Uniform(0.5, 2.0)), (3, 1)),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_draws_follow_the_density(law: Law) -> None:
    values = law.from_uniform(np.random.default_rng(5).random(20_000))
    assert law.low <= values.min()
    assert values.max() <= law.high
    points = np.geomspace(law.low, law.high, 4001)
    density = np.exp(law.log_density(points))
    cumulative = scipy.integrate.cumulative_trapezoid(density, points, initial=0)
    assert cumulative[-1] == pytest.approx(1, abs=2e-3)
    distance = scipy.stats.kstest(values, lambda x: np.interp(x, points, cumulative)).statistic
    assert distance < 0.015  # 20 000 draws of the law exceed it once in 4 000 trials


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_density_is_zero_outside_the_range(law: Law) -> None:
    outside = np.array([law.low - 0.01, law.high + 0.01, -1.0, 0.0])
    assert np.all(law.log_density(outside) == -np.inf)
    assert np.all(np.isfinite(law.log_density(np.array([law.low, law.high]))))


def test_draws_are_truncated_by_the_constraints() -> None:
    prior = Prior({"t1": Uniform(0.0001, 1), "t2": Uniform(0.0001, 1)})
    tissue = prior.draw(20_000, np.random.default_rng(1))
    assert tissue.shape == (20_000,)
    assert np.all(tissue.t2 <= tissue.t1)
    # Uniform over a triangle: T2 / T1 is uniform, and T1 has density 2 T1.
    assert scipy.stats.kstest(tissue.t2 / tissue.t1, "uniform").statistic < 0.015
    assert scipy.stats.kstest(tissue.t1**2, "uniform").statistic < 0.015


def test_density_is_the_truncated_product_of_the_laws() -> None:
    t1, t2 = Uniform(0.1, 4, log=True), Normal(0.08, 0.03, 0.01, 2)
    prior = Prior({"t1": t1, "t2": t2, "adc": Fixed(1e-3)})
    tissue = Tissue(t1=np.array([1.0, 0.2, 0.1]), t2=np.array([0.1, 0.1, 0.2]), adc=np.array(1e-3))
    expected = t1.log_density(tissue.t1) + t2.log_density(tissue.t2)
    expected[2] = -np.inf  # T2 > T1
    np.testing.assert_allclose(prior.log_density(tissue), expected)
    assert np.all(prior.log_density(tissue.replace(adc=2e-3)) == -np.inf)
    assert prior.unknowns == ("t1", "t2")


def test_draws_are_reproducible() -> None:
    prior = Prior.default(presets.knee_t1_t2_t1rho())
    first, second = (prior.draw(50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.t1rho, second.t1rho)
    assert prior.draw(0, np.random.default_rng(3)).size == 0


def test_default_covers_the_unknowns_of_the_sequence() -> None:
    prior = Prior.default(presets.diffusion_fisp())
    assert prior.unknowns == ("t1", "t2", "adc")
    assert prior.laws["t1"] == Uniform(0.05, 6.0, log=True)
    assert prior.laws["adc"] == Uniform(0.0, 4e-3)


def test_prior_over_a_grid() -> None:
    grid = ParameterGrid({"t1": Axis((0.5, 1, 2)), "t2": Axis((0.1,)), "b1": Axis((0.8, 1.2))}, ())
    prior = Prior.over(grid)
    laws = {"t1": Uniform(0.5, 2, log=True), "t2": Fixed(0.1), "b1": Uniform(0.8, 1.2)}
    assert prior.laws == laws
    assert prior.constraints == ()
    assert np.isfinite(prior.log_density(grid.tissue())).all()


def test_prior_survives_a_file() -> None:
    laws = {"t1": LAWS["mixture"], "t2": LAWS["log-normal"], "b1": LAWS["normal"], "b0": Fixed(3.0)}
    prior = Prior(laws, (("t2", "t1"),))
    read = Prior.from_dict(json.loads(json.dumps(prior.to_dict())))
    assert read.laws == prior.laws
    assert read.constraints == prior.constraints


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(2, 1), "from 2 to 1"),
        (lambda: Uniform(0, 1, log=True), "only positive values have a logarithm"),
        (lambda: Fixed(np.nan), "must be finite"),
        (lambda: Normal(1, 0, 0, 2), "sd positive"),
        (lambda: Normal(-1, 1, 1, 2, log=True), "mean too"),
        (lambda: Normal(0, 0.1, 5, 6), "less than 1e-6"),
        (lambda: Mixture((Uniform(0, 1),), (0.0,)), "one positive weight"),
        (lambda: Mixture((Fixed(1),), (1.0,)), "not single values"),
        (lambda: Prior({"t1": Uniform(0.1, 1)}), "no law for t2"),
        (lambda: Prior({"t1": Uniform(0, 1), "t2": Uniform(0.1, 1)}), "t1 = 0 s"),
        (lambda: Prior({"t3": Fixed(1)}), "prior of 't3'"),
        (lambda: Prior.from_dict({"laws": {"t1": {"law": "even"}}}), "not a prior"),
    ],
)
def test_invalid_prior_raises(make: object, message: str) -> None:
    with pytest.raises(TissueError, match=message):
        make()  # type: ignore[operator]


def test_unsatisfiable_constraints_raise() -> None:
    prior = Prior({"t1": Uniform(0.1, 0.2), "t2": Uniform(0.3, 0.4)})
    with pytest.raises(TissueError, match="almost no draw of the prior satisfies t2 <= t1"):
        prior.draw(10, np.random.default_rng(0))
