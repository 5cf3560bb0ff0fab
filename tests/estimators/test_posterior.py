"""The Bayes estimate against brute force, its calibration, and what it refuses."""

from collections.abc import Callable

import numpy as np
import pytest

from spinprint import (
    Axis,
    Dictionary,
    DictionaryError,
    Maps,
    ParameterGrid,
    PosteriorMean,
    Prior,
    Sequence,
    SeriesError,
    Status,
    Tissue,
    TissueError,
    presets,
)
from spinprint.dictionary import layout
from spinprint.estimators.belief import Belief
from spinprint.estimators.expansion import Expansion
from spinprint.estimators.matching import DictionaryMatching
from spinprint.estimators.weighing_cpu import CpuWeigher
from spinprint.estimators.weights import WeightedAtoms
from spinprint.physics.noise import add_noise, snr_to_sigma
from spinprint.physics.simulate import simulate
from spinprint.prior import Normal, Uniform
from spinprint.sequence import Inversion, ReadoutTrain

LEVELS = {"q05": 0.05, "q16": 0.16, "q50": 0.5, "q84": 0.84, "q95": 0.95}

PRIOR = Prior({"t1": Uniform(0.3, 3.0, log=True), "t2": Normal(0.1, 0.6, 0.01, 1.0, log=True)})


def fisp(phase: object = 0.0) -> Sequence:
    flip = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 90)) ** 2)
    train = ReadoutTrain(flip=flip, phase=phase, tr=0.012, te=0.003)  # type: ignore[arg-type]
    return Sequence(name="short", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


QUADRATIC = np.deg2rad(117 / 2) * np.arange(90) ** 2 % (2 * np.pi)


@pytest.fixture(scope="module")
def estimator() -> PosteriorMean:
    return PosteriorMean.build(fisp(), PRIOR, n_atoms=20_000)


def scanned(
    sequence: Sequence, prior: Prior, n: int, snr_db: float
) -> tuple[Tissue, np.ndarray, np.ndarray]:
    """Tissue of the prior, its noisy series and the noise of each."""
    rng = np.random.default_rng(round(8 + snr_db))
    tissue = prior.draw(n, rng)
    signal = simulate(sequence, tissue.replace(m0=3 * np.exp(1j * rng.uniform(-3, 3, n))))
    sigma = snr_to_sigma(signal, snr_db)
    return tissue, add_noise(signal, sigma, rng), sigma


def brute_force(
    sequence: Sequence, prior: Prior, series: np.ndarray, sigma: float, maps: Maps
) -> dict[str, np.ndarray]:
    """Mean, SD and quantiles of (log T1, log T2) of one voxel, on a dense grid around them."""
    axes = []
    for name in ("t1", "t2"):
        law, centre = prior.laws[name], np.log(maps[name])
        width = 7 * maps.sd[name] / maps[name]
        ends = max(np.log(law.low), centre - width), min(np.log(law.high), centre + width)
        edges = np.linspace(*ends, 102)
        axes.append((edges[1:] + edges[:-1]) / 2)
    theta = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    tissue = Tissue(t1=np.exp(theta[:, 0]), t2=np.exp(theta[:, 1]))
    signals = simulate(sequence, tissue).astype(np.complex128)
    inner = np.abs(signals.conj() @ series) ** 2 / np.sum(np.abs(signals) ** 2, axis=1)
    log_weight = inner / (2 * sigma**2) + prior.log_density(tissue) + theta.sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ theta
    sd = np.sqrt(weight @ (theta - mean) ** 2)
    found = {"mean": mean, "sd": sd}
    square = weight.reshape(101, 101)
    marginals = square.sum(axis=1), square.sum(axis=0)
    for name, level in LEVELS.items():
        pairs = zip(axes, marginals, strict=True)
        found[name] = np.array([np.interp(level, np.cumsum(m) - m / 2, axis) for axis, m in pairs])
    return found


@pytest.mark.parametrize("snr_db", [0, 8, 16, 25, 40])
def test_it_is_what_brute_force_gives(estimator: PosteriorMean, snr_db: float) -> None:
    sequence = estimator.dictionary.sequence
    _, series, sigma = scanned(sequence, PRIOR, 4, snr_db)
    maps = estimator.predict(series, sigma=sigma)
    assert maps.has_value().all()
    for voxel in range(4):
        one = maps.replace(
            values={name: maps[name][voxel] for name in maps},
            sd={name: maps.sd[name][voxel] for name in maps},
            **{name: getattr(maps, name)[voxel] for name in ("m0", "status", "sigma")},
        )
        expected = brute_force(sequence, PRIOR, series[voxel], sigma[voxel], one)
        for p, name in enumerate(maps):
            sd = expected["sd"][p]
            # 200 effective draws leave 1 / sqrt(200) of a deviation on the mean.
            assert np.log(one[name]) == pytest.approx(expected["mean"][p], abs=0.2 * sd)
            assert one.sd[name] / one[name] == pytest.approx(sd, rel=0.2)
            for level in LEVELS:
                quantile = np.log(maps.extra[f"{name}_{level}"][voxel])
                assert quantile == pytest.approx(expected[level][p], abs=0.35 * sd)


@pytest.mark.parametrize("given", [True, False], ids=["sigma given", "sigma estimated"])
@pytest.mark.parametrize("snr_db", [5, 15, 30])
def test_it_is_calibrated_and_beats_matching(
    estimator: PosteriorMean, snr_db: float, given: bool
) -> None:
    n = 700
    tissue, series, sigma = scanned(estimator.dictionary.sequence, PRIOR, n, snr_db)
    noise = sigma if given else None
    maps = estimator.predict(series, sigma=noise)
    matched = DictionaryMatching(estimator.dictionary).predict(series, sigma=noise)
    known = maps.has_value() & matched.has_value()
    assert known.mean() > 0.99
    for name in maps:
        truth = getattr(tissue, name)
        inside = np.abs(maps[name] - truth)[known] <= maps.sd[name][known]
        between = (maps.extra[f"{name}_q16"] <= truth) & (truth <= maps.extra[f"{name}_q84"])
        # Three standard errors of 700 voxels are 5.3 %.
        assert inside.mean() == pytest.approx(0.683, abs=0.053)
        assert between[known].mean() == pytest.approx(0.68, abs=0.053)
        error, matching = (np.log(m[name] / truth)[known] for m in (maps, matched))
        assert np.mean(error**2) <= 1.005 * np.mean(matching**2)


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize(("n_atoms", "slab"), [(1, 64), (37, 64), (1600, 2000), (1600, 300)])
def test_one_pass_weighs_as_all_weights_would(
    kind: type, n_atoms: int, slab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "SLAB", slab)
    rng = np.random.default_rng(n_atoms)

    def normal(*shape: int) -> np.ndarray:
        imaginary = 1j * rng.normal(size=shape) if kind is complex else 0
        return rng.normal(size=shape) + imaginary

    atoms, theta = normal(n_atoms, 3), rng.uniform(size=(n_atoms, 2))
    log_weights = rng.normal(size=n_atoms)
    unit = rng.normal(size=(7, 3)) + 1j * rng.normal(size=(7, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    energy = np.geomspace(0.1, 300, 7)
    bounds = np.zeros(2), np.ones(2)
    weigher = CpuWeigher(WeightedAtoms(atoms, theta, log_weights, bounds))
    found = weigher.weigh(unit, energy)
    directions = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    score = energy[:, None] * np.abs(unit @ directions.conj().T) ** 2 + log_weights
    weights = np.exp(score - score.max(axis=1, keepdims=True))
    expected = Belief.of_draws(np.tile(theta, (7, 1, 1)), weights)
    np.testing.assert_array_equal(found.best, score.argmax(axis=1))
    np.testing.assert_allclose(found.belief.mean, expected.mean, rtol=2e-4)
    np.testing.assert_allclose(found.belief.sd, expected.sd, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.belief.ess, expected.ess, rtol=1e-3)
    if n_atoms == 1600:
        many = expected.ess > 300  # a quantile among few atoms is not defined that well
        apart = found.belief.quantiles - expected.quantiles
        np.testing.assert_allclose(apart[:, many], 0, atol=0.01)


def test_complex_signals_and_m0() -> None:
    estimator = PosteriorMean.build(fisp(QUADRATIC), PRIOR, n_atoms=5_000)
    tissue, series, sigma = scanned(estimator.dictionary.sequence, PRIOR, 200, 20)
    assert np.iscomplexobj(estimator.dictionary.coefficients)
    maps = estimator.predict(series, sigma=sigma)
    inside = np.abs(maps["t1"] - tissue.t1) <= maps.sd["t1"]
    assert inside.mean() == pytest.approx(0.683, abs=0.1)
    assert np.median(np.abs(maps.m0)) == pytest.approx(3, rel=0.05)


def test_atoms_on_a_grid_stand_for_their_cells() -> None:
    # Steps that widen: atoms that weighed alike would pull the estimate to the narrow ones.
    prior = Prior({"t1": Uniform(0.3, 3.0, log=True), "t2": Uniform(0.02, 0.3, log=True)})
    uneven = {
        name: Axis(tuple(np.exp(np.log(law.low) + np.linspace(0, 1, 150) ** 2 * span)))
        for name, law in prior.laws.items()
        for span in [np.log(law.high / law.low)]
    }
    on_grid = PosteriorMean(Dictionary.build(fisp(), ParameterGrid(uneven)))
    drawn = PosteriorMean.build(fisp(), prior, n_atoms=20_000)
    _, series, sigma = scanned(fisp(), prior, 40, 0)
    one, two = (estimator.predict(series, sigma=sigma) for estimator in (on_grid, drawn))
    assert np.median(one.extra["ess"]) > 200
    for name in one:
        shift = np.log(one[name] / two[name]) / (two.sd[name] / two[name])
        assert np.nanmax(np.abs(shift)) < 0.3
        assert np.abs(np.nanmean(shift)) < 0.03


def test_a_known_field_is_used_between_the_atoms() -> None:
    axes = {"t1": Axis.geometric(0.3, 3, 1.1), "t2": Axis.geometric(0.02, 0.3, 1.1)}
    grid = ParameterGrid({**axes, "b1": Axis.linear(0.8, 1.2, 0.2)})
    estimator = PosteriorMean(Dictionary.build(fisp(), grid, energy=1 - 1e-6))
    b1 = np.full(50, 0.93)
    tissue = Tissue(t1=np.full(50, 1.1), t2=np.full(50, 0.08), b1=b1)
    signal = simulate(fisp(), tissue)
    sigma = snr_to_sigma(signal, 30)
    maps = estimator.predict(add_noise(signal, sigma, np.random.default_rng(4)), sigma=sigma, b1=b1)
    assert list(maps) == ["t1", "t2"]
    for name, truth in (("t1", 1.1), ("t2", 0.08)):
        z = (maps[name] - truth) / maps.sd[name]
        assert np.abs(z.mean()) < 0.5
        assert 0.7 < z.std() < 1.3


def test_what_lies_beyond_the_range_is_marked(estimator: PosteriorMean) -> None:
    tissue = Tissue(t1=np.array([1.0, 4.0, 0.2]), t2=np.array([0.1, 0.1, 0.05]))
    signal = simulate(estimator.dictionary.sequence, tissue)
    sigma = snr_to_sigma(signal, 30)
    maps = estimator.predict(add_noise(signal, sigma, np.random.default_rng(0)), sigma=sigma)
    assert maps.status[0] == Status.OK
    assert np.all(np.isin(maps.status[1:], (Status.AT_EDGE, Status.NOT_CONVERGED)))


def test_the_expansion_meets_the_signal_between_its_nodes() -> None:
    """A cubic in two coordinates, and a fifth power along one, are met exactly."""

    def model(theta: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = theta.T
        s = 1 + x - 2 * y + x * y + x**2 * y - 3 * x * y**2 + 0.5 * x**5 - y**4
        dx = 1 + y + 2 * x * y - 3 * y**2 + 2.5 * x**4
        dy = -2 + x + x**2 - 6 * x * y - 4 * y**3
        return s[:, None], np.stack([dx, dy], axis=1)[:, :, None]

    bounds = np.full(2, -9.0), np.full(2, 9.0)
    expansion = Expansion.around(model, np.zeros((1, 2)), 0.5 * np.eye(2)[None], bounds)
    z = np.random.default_rng(0).normal(size=(50, 2))
    theta = z @ expansion.root[0].T
    found = expansion.monomials(z) @ expansion.coefficients[0]
    np.testing.assert_allclose(found, model(theta, np.arange(50))[0], atol=1e-10)


def test_the_simulations_of_the_expansion_keep_within_the_bounds() -> None:
    seen = []

    def model(theta: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(theta)
        return np.ones((len(theta), 1)), np.ones((len(theta), 1, 1))

    low, high = np.array([0.0]), np.array([1.0])
    root = np.array([0.1, 3.0, 0.2]).reshape(3, 1, 1)
    Expansion.around(model, np.array([[0.0], [0.2], [0.99]]), root, (low, high))
    assert seen[0].min() >= 0
    assert seen[0].max() <= 1
    assert np.ptp(seen[0].reshape(3, 3), axis=1) == pytest.approx([0.4, 1.0, 0.8])


GRID = ParameterGrid({"t1": Axis.geometric(0.3, 3, 1.3), "t2": Axis.geometric(0.02, 0.3, 1.3)})


@pytest.fixture(scope="module")
def on_grid() -> Dictionary:
    return Dictionary.build(fisp(), GRID)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d: PosteriorMean(Dictionary.build(fisp(), d.tissue)), DictionaryError, "no grid"),
        (
            lambda d: PosteriorMean(d, Prior({**PRIOR.laws, "b1": Uniform(0.8, 1.2)})),
            DictionaryError,
            "differ in t1, t2, the prior in t1, t2, b1",
        ),
        (
            lambda d: PosteriorMean(d, Prior({"t1": Uniform(4, 5), "t2": Uniform(1, 2)})),
            DictionaryError,
            "rules out every atom",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(
    on_grid: Dictionary,
    make: Callable[[Dictionary], object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        make(on_grid)


def test_a_field_map_needs_atoms_that_share_fields() -> None:
    prior = Prior({**PRIOR.laws, "b1": Uniform(0.8, 1.2)})
    estimator = PosteriorMean.build(fisp(), prior, n_atoms=100)
    with pytest.raises(DictionaryError, match="no two atoms share a b1"):
        estimator.predict(np.ones((2, 90)), b1=np.ones(2))


def test_a_prior_without_what_the_sequence_needs_is_refused() -> None:
    with pytest.raises(TissueError, match="t1rho is needed"):
        PosteriorMean.build(presets.knee_t1_t2_t1rho(), PRIOR, n_atoms=10)


def test_a_basis_of_full_rank_tells_no_noise() -> None:
    estimator = PosteriorMean(Dictionary.build(fisp(), GRID, 90))
    with pytest.raises(SeriesError, match="sigma must be given"):
        estimator.predict(np.ones((2, 90)))
