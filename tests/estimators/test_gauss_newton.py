"""The fit on decays whose answers are known, against scipy."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize

from spinprint.estimators.gauss_newton import fit

TIME = np.linspace(0.0, 0.3, 40)

LOW, HIGH = np.array([0.01, -20.0]), np.array([0.5, 20.0])


def decay(theta: Any, voxels: Any) -> Any:
    """exp(-t/T + 2 pi i f t) and its derivatives for T and f."""
    assert theta.shape == (len(voxels), 2)
    constant, frequency = theta[:, :1], theta[:, 1:]
    signal = np.exp(-TIME / constant + 2j * np.pi * frequency * TIME)
    slopes = np.stack([signal * TIME / constant**2, signal * 2j * np.pi * TIME], axis=1)
    return signal, slopes


def noisy(n: int, sigma: float, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    theta = np.stack([rng.uniform(0.04, 0.15, n), rng.uniform(-3, 3, n)], axis=1)
    m0 = rng.uniform(0.5, 2, n) * np.exp(1j * rng.uniform(-3, 3, n))
    noise = rng.standard_normal((n, TIME.size, 2)) @ [1, 1j]
    clean = m0[:, None] * decay(theta, np.arange(n))[0]
    return theta, (clean + sigma * noise).astype(np.complex64)


def by_scipy(data: Any, start: Any, low: Any = LOW, high: Any = HIGH) -> Any:
    """Least squares over T, f, Re M0 and Im M0."""

    def residual(x: Any) -> Any:
        left = data - (x[2] + 1j * x[3]) * decay(x[None, :2], [0])[0][0]
        return np.concatenate([left.real, left.imag])

    bounds = [*low, -np.inf, -np.inf], [*high, np.inf, np.inf]
    first = [*np.clip(start, low + 1e-9, high - 1e-9), 1.0, 0.0]
    return scipy.optimize.least_squares(
        residual, first, bounds=bounds, x_scale=[0.1, 1, 1, 1], xtol=1e-12, ftol=1e-12, gtol=1e-12
    )


START = np.array([0.08, 0.0])


def starts(n: int) -> Any:
    return np.tile(START, (n, 1))


def test_agrees_with_scipy() -> None:
    _, data = noisy(12, 0.02)
    found = fit(decay, data, starts(12), (LOW, HIGH))
    assert found.converged.all()
    for v, series in enumerate(data):
        expected = by_scipy(series, START)
        # The covariance of T and f with M0 unknown: a part of the inverse of the whole.
        covariance = 0.02**2 * np.linalg.inv(expected.jac.T @ expected.jac)[:2, :2]
        sd = np.sqrt(np.diag(covariance))
        assert (np.abs(found.theta[v] - expected.x[:2]) < 0.02 * sd).all()
        np.testing.assert_allclose(found.m0[v], complex(*expected.x[2:]), rtol=1e-3)
        np.testing.assert_allclose(found.cost[v], 2 * expected.cost, rtol=1e-4)
        inverse = np.linalg.inv(found.information[v]) * 0.02**2
        np.testing.assert_allclose(
            inverse / np.outer(sd, sd), covariance / np.outer(sd, sd), rtol=0.02, atol=1e-5
        )


def test_without_noise_the_truth_is_found() -> None:
    theta, data = noisy(50, 0.0)
    found = fit(decay, data, starts(50), (LOW, HIGH))
    assert found.converged.all()
    np.testing.assert_allclose(found.theta, theta, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.energy, np.sum(np.abs(data) ** 2, axis=1), rtol=1e-6)
    assert (found.cost < 1e-9 * found.energy).all()


def test_a_bound_holds_what_the_data_push_against_it() -> None:
    theta, data = noisy(6, 0.002)
    for truth, series in zip(theta, data, strict=True):
        high = np.array([0.9 * truth[0], 20.0])
        found = fit(decay, series[None], np.array([[0.03, 0.0]]), (LOW, high))
        assert found.converged.all()
        assert found.theta[0, 0] == high[0]
        expected = by_scipy(series, [0.03, 0.0], high=high)
        np.testing.assert_allclose(found.theta[0], expected.x[:2], rtol=0, atol=5e-3)


def test_a_voxel_does_not_depend_on_its_neighbours() -> None:
    _, data = noisy(20, 0.05)
    whole = fit(decay, data, starts(20), (LOW, HIGH))
    for v in (0, 7, 19):
        alone = fit(decay, data[v : v + 1], starts(1), (LOW, HIGH))
        np.testing.assert_allclose(alone.theta[0], whole.theta[v], rtol=1e-9)


def test_the_cost_never_rises() -> None:
    _, data = noisy(30, 0.1, seed=2)
    start = np.random.default_rng(3).uniform([0.02, -8], [0.4, 8], (30, 2))
    costs = [fit(decay, data, start, (LOW, HIGH), max_steps=n).cost for n in range(8)]
    assert (np.diff(costs, axis=0) <= 1e-12).all()
    assert (costs[-1] < costs[0]).all()


def test_no_step_only_linearises_the_start() -> None:
    _, data = noisy(4, 0.01)
    found = fit(decay, data, starts(4), (LOW, HIGH), max_steps=0)
    np.testing.assert_array_equal(found.theta, starts(4))
    assert found.converged.all()
    signal, _ = decay(starts(4), np.arange(4))
    m0 = np.sum(signal.conj() * data, axis=1) / np.sum(np.abs(signal) ** 2, axis=1)
    np.testing.assert_allclose(found.m0, m0, rtol=1e-6)


def test_too_few_steps_are_told() -> None:
    _, data = noisy(4, 0.001)
    found = fit(decay, data, np.tile([0.4, 2.0], (4, 1)), (LOW, HIGH), max_steps=1)
    assert not found.converged.any()


def test_a_relation_between_parameters_is_kept() -> None:
    """Confined to T <= 0.03, the fit stays there though no bound of its own says so."""
    theta, data = noisy(5, 0.001)

    def confine(theta: Any) -> Any:
        return np.stack([np.minimum(theta[:, 0], 0.03), theta[:, 1]], axis=1)

    found = fit(decay, data, np.tile([0.02, 0.0], (5, 1)), (LOW, HIGH), confine=confine)
    assert (theta[:, 0] > 0.03).all()
    np.testing.assert_allclose(found.theta[:, 0], 0.03)


@pytest.mark.parametrize("scale", [1e-12, 1e8])
def test_the_unit_of_the_data_does_not_matter(scale: float) -> None:
    _, data = noisy(6, 0.02)
    one, other = (fit(decay, factor * data, starts(6), (LOW, HIGH)) for factor in (1, scale))
    np.testing.assert_allclose(other.theta, one.theta, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(other.m0, scale * one.m0, rtol=1e-4)


def test_parameters_that_act_alike_do_not_stop_the_others() -> None:
    """As in a basis of too low a rank: their matrix has no inverse, however often steps succeed."""

    def alike(theta: Any, voxels: Any) -> Any:  # noqa: ARG001
        signal = np.exp(-TIME * theta.sum(axis=1)[:, None]) + 0j
        return signal, np.stack([-TIME * signal] * 2, axis=1)

    rng = np.random.default_rng(0)
    rates = rng.uniform(5, 20, 200)
    noise = 0.3 * rng.standard_normal((200, TIME.size, 2)) @ [1, 1j]
    data = (np.exp(-TIME * rates[:, None]) + noise).astype(np.complex64)
    found = fit(
        alike, data, np.full((200, 2), 2.0), (np.full(2, 1.0), np.full(2, 50.0)), max_steps=60
    )
    assert found.converged.mean() > 0.95
    assert np.median(np.abs(found.theta.sum(axis=1) - rates)) < 5
