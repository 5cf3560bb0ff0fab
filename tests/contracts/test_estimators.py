"""What every estimator keeps to. A new one joins with one line in `ESTIMATORS`."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from spinprint import (
    Axis,
    Data,
    Dictionary,
    InputError,
    Maps,
    Mlp,
    NetworkConfig,
    ParameterGrid,
    Prior,
    Sequence,
    SeriesError,
    Stage,
    Status,
    Tissue,
    TrainConfig,
    Validation,
    train,
)
from spinprint.estimators import (
    DictionaryMatching,
    Estimator,
    LeastSquares,
    NetworkRegression,
    PosteriorMean,
)
from spinprint.estimators.hidden_noise import INSIDE
from spinprint.physics.noise import add_noise, snr_to_sigma
from spinprint.physics.simulate import simulate
from spinprint.sequence import Inversion, ReadoutTrain


@cache
def trained(dictionary: Dictionary) -> NetworkRegression:
    """A small network for the range of a dictionary, told of B1 where the atoms differ in it."""
    config = TrainConfig(
        prior=Prior.over(dictionary.grid).to_dict(),
        network=NetworkConfig(
            core=Mlp(width=48, blocks=2), known=("b1",) if "b1" in dictionary.parameters else ()
        ),
        data=Data(block=8192),
        validation=Validation(voxels=512),
        stage=(Stage(snr_db=(15, 45), steps=600, batch=256, learning_rate=0.02, warm_up=50),),
    )
    return NetworkRegression(train(dictionary.sequence, config))


ESTIMATORS: dict[str, Callable[[Dictionary], Estimator]] = {
    "match": DictionaryMatching,
    "match without refinement": lambda dictionary: DictionaryMatching(dictionary, refine=False),
    "least squares": LeastSquares,
    "posterior mean": PosteriorMean,
    "network": trained,
}

LEARNED = {"network": 0.3}
"""How far deviations may be from what they must be where they are learned; 0.03 elsewhere."""

FLIP = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 90)) ** 2)
SEQUENCE = Sequence(
    name="contract",
    field_strength=3.0,
    blocks=(Inversion(delay=0.02), ReadoutTrain(flip=FLIP, tr=0.012, te=0.003)),
)

AXES = {"t1": Axis.geometric(0.4, 2.5, 1.1), "t2": Axis.geometric(0.02, 0.3, 1.15)}

RNG = np.random.default_rng(12)
N = 24
TISSUE = Tissue(
    t1=RNG.uniform(0.7, 1.6, N),
    t2=RNG.uniform(0.035, 0.12, N),
    m0=RNG.uniform(0.5, 2, N) * np.exp(1j * RNG.uniform(-3, 3, N)),
)
SIGMA = 2e-3
SERIES = add_noise(simulate(SEQUENCE, TISSUE), SIGMA, RNG)


@pytest.fixture(scope="module")
def plain() -> Dictionary:
    return Dictionary.build(SEQUENCE, ParameterGrid(AXES))


@pytest.fixture(scope="module")
def with_b1() -> Dictionary:
    return Dictionary.build(
        SEQUENCE, ParameterGrid({**AXES, "b1": Axis.linear(0.7, 1.3, 0.1)}), rank=10
    )


@pytest.fixture(params=ESTIMATORS)
def make(request: pytest.FixtureRequest) -> Callable[[Dictionary], Estimator]:
    return ESTIMATORS[request.param]


@pytest.fixture
def tolerance(make: Callable[[Dictionary], Estimator]) -> float:
    return next(LEARNED.get(name, 0.03) for name, one in ESTIMATORS.items() if one is make)


@pytest.fixture
def estimator(make: Callable[[Dictionary], Estimator], plain: Dictionary) -> Estimator:
    return make(plain)


def layers(maps: Maps) -> dict[str, Any]:
    """Every map by name; the unknowns are those of the sequence."""
    assert list(maps) == ["t1", "t2"]
    assert list(maps.sd) == ["t1", "t2"]
    values = {name: maps[name] for name in maps}
    deviations = {f"sd {name}": maps.sd[name] for name in maps}
    return values | deviations | {"m0": maps.m0, "sigma": maps.sigma} | dict(maps.extra)


def assert_identical(maps: Maps, expected: Maps) -> None:
    np.testing.assert_array_equal(maps.status, expected.status)
    for name, layer in layers(expected).items():
        np.testing.assert_array_equal(layers(maps)[name], layer, err_msg=name)


def assert_same(maps: Maps, expected: Maps) -> None:
    """Equal but for rounding, which may end an iteration a part of a deviation earlier."""
    np.testing.assert_array_equal(maps.status, expected.status)
    for name in expected:
        off = np.abs(maps[name] - expected[name]) / expected.sd[name]
        np.testing.assert_array_equal(np.isnan(maps[name]), np.isnan(expected[name]))
        assert np.nanmax(off, initial=0) < 0.02, name
        np.testing.assert_allclose(maps.sd[name], expected.sd[name], rtol=0.02, err_msg=name)
    np.testing.assert_allclose(maps.m0, expected.m0, rtol=1e-3)
    np.testing.assert_allclose(maps.sigma, expected.sigma, rtol=5e-3)


# What it gives ------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_estimates_lie_near_the_truth(estimator: Estimator, sigma: float | None) -> None:
    maps = estimator.predict(SERIES, sigma=sigma)
    assert (maps.status == Status.OK).all()
    for name, truth in (("t1", TISSUE.t1), ("t2", TISSUE.t2)):
        # Without refinement an atom of a grid with steps of 15 % is as near as it gets.
        assert np.abs(maps[name] / truth - 1).max() < 0.15
        assert (maps.sd[name] / truth).max() < 0.05
        assert (maps.sd[name] > 0).all()
    np.testing.assert_allclose(maps.m0, TISSUE.get("m0"), rtol=0.1)
    np.testing.assert_allclose(maps.sigma, SIGMA, rtol=0.25 if sigma is None else 1e-6)


def test_maps_have_their_types_and_say_how_they_were_made(
    estimator: Estimator, plain: Dictionary
) -> None:
    maps = estimator.predict(SERIES)
    for name, layer in layers(maps).items():
        assert layer.dtype == (np.complex64 if name == "m0" else np.float32), name
    assert maps.status.dtype == np.uint8
    assert maps.provenance["estimator"]
    if isinstance(estimator, NetworkRegression):
        models: Any = estimator.models
        assert maps.provenance["models"] == [model.digest for model in models]
    else:
        assert maps.provenance["dictionary"] == plain.digest


@pytest.mark.parametrize("shape", [(24,), (2, 3, 4), (4, 1, 6, 1)])
def test_maps_have_the_shape_of_the_voxels(estimator: Estimator, shape: tuple[int, ...]) -> None:
    expected = estimator.predict(SERIES)
    maps = estimator.predict(SERIES.reshape(*shape, -1))
    for name, layer in layers(expected).items():
        np.testing.assert_array_equal(layers(maps)[name], layer.reshape(shape))


def test_one_voxel_and_no_voxel_are_series(estimator: Estimator) -> None:
    single = estimator.predict(SERIES[3])
    assert single.shape == ()
    assert single["t1"] == pytest.approx(TISSUE.t1[3], rel=0.1)
    assert estimator.predict(SERIES[:0]).shape == (0,)
    assert estimator.predict(SERIES, mask=np.zeros(N, bool)).counts() == {Status.OUTSIDE: N}


def test_storage_does_not_matter(estimator: Estimator) -> None:
    expected = estimator.predict(SERIES)
    cube = SERIES.reshape(2, 3, 4, -1)
    assert_identical(estimator.predict(SERIES.astype(complex)), expected)
    fortran = estimator.predict(np.asfortranarray(cube))
    assert_same(fortran, estimator.predict(cube))


# Every voxel for itself ---------------------------------------------------------------------


def test_order_of_the_voxels_does_not_matter(estimator: Estimator) -> None:
    order = np.random.default_rng(5).permutation(N)
    maps, whole = estimator.predict(SERIES[order]), estimator.predict(SERIES)
    expected = whole.replace(
        values={name: whole[name][order] for name in whole},
        sd={name: whole.sd[name][order] for name in whole},
        m0=whole.m0[order],
        status=whole.status[order],
        sigma=whole.sigma[order],
        extra={},
    )
    assert_same(maps, expected)


@pytest.mark.parametrize("cut", [1, 13])
def test_voxels_mapped_in_parts_give_the_whole(estimator: Estimator, cut: int) -> None:
    whole = estimator.predict(SERIES)
    parts = [estimator.predict(part) for part in (SERIES[:cut], SERIES[cut:])]
    joined = whole.replace(
        values={name: np.concatenate([part[name] for part in parts]) for name in whole},
        sd={name: np.concatenate([part.sd[name] for part in parts]) for name in whole},
        m0=np.concatenate([part.m0 for part in parts]),
        sigma=np.concatenate([part.sigma for part in parts]),
        extra={},
    )
    assert_same(joined, whole)


def test_the_mask_is_kept_to(estimator: Estimator) -> None:
    mask = np.arange(N) % 3 > 0
    maps = estimator.predict(SERIES, mask=mask)
    np.testing.assert_array_equal(maps.status == Status.OUTSIDE, ~mask)
    np.testing.assert_array_equal(maps.has_value(), mask)
    for name, layer in layers(maps).items():
        np.testing.assert_array_equal(np.isnan(layer), ~mask, err_msg=name)
    alone = estimator.predict(SERIES[mask])
    for name in alone:
        off = np.abs(maps[name][mask] - alone[name]) / alone.sd[name]
        assert off.max() < 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, complex(0, np.nan), complex(1, np.inf)])
def test_a_voxel_that_is_not_finite_is_marked_and_harms_no_other(
    estimator: Estimator, bad: complex
) -> None:
    series = SERIES.copy()
    series[7, 40] = bad
    series[9, :] = bad
    maps = estimator.predict(series)
    others = np.delete(np.arange(N), [7, 9])
    assert maps.status[[7, 9]].tolist() == [Status.NOT_FINITE] * 2
    assert (maps.status[others] == Status.OK).all()
    assert np.isnan(maps["t1"][[7, 9]]).all()
    expected = estimator.predict(SERIES)
    for name in maps:
        off = np.abs(maps[name] - expected[name]) / expected.sd[name]
        assert off[others].max() < 0.02


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_a_voxel_of_zero_is_marked(estimator: Estimator, sigma: float | None) -> None:
    series = SERIES.copy()
    series[[0, 23]] = 0
    maps = estimator.predict(series, sigma=sigma)
    np.testing.assert_array_equal(maps.status[[0, 23]], Status.NO_SIGNAL)
    assert (maps.status[1:-1] == Status.OK).all()
    for name in maps:
        assert np.isnan(maps[name][[0, 23]]).all()
        assert np.isfinite(maps[name][1:-1]).all()


def test_a_series_of_zero_is_marked_all_over(estimator: Estimator) -> None:
    maps = estimator.predict(np.zeros((5, 90), np.complex64))
    assert maps.counts() == {Status.NO_SIGNAL: 5}


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_noise_alone_is_no_signal(estimator: Estimator, sigma: float | None) -> None:
    noise = add_noise(np.zeros((200, 90)), SIGMA, np.random.default_rng(8))
    assert estimator.predict(noise, sigma=sigma).counts() == {Status.NO_SIGNAL: 200}


# Scale and phase ----------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1j, 3e5 * np.exp(2.5j), -1e-9, 1e12, 1e20, -1e-30])
@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_scale_and_phase_go_to_m0_alone(
    estimator: Estimator, factor: complex, sigma: float | None
) -> None:
    expected = estimator.predict(SERIES, sigma=sigma)
    given = None if sigma is None else sigma * abs(factor)
    maps = estimator.predict(factor * SERIES, sigma=given)
    assert_same(
        maps.replace(
            m0=(maps.m0 / factor).astype(np.complex64),
            sigma=(maps.sigma / abs(factor)).astype(np.float32),
        ),
        expected,
    )


def test_deviations_are_proportional_to_a_given_sigma(
    estimator: Estimator, tolerance: float
) -> None:
    one, two = (estimator.predict(SERIES, sigma=s * SIGMA) for s in (1, 2))
    for name in one:
        np.testing.assert_allclose(two.sd[name], 2 * one.sd[name], rtol=tolerance)
    np.testing.assert_allclose(two.sigma, 2 * SIGMA, rtol=1e-6)


def test_sigma_may_differ_between_voxels(estimator: Estimator, tolerance: float) -> None:
    factor = np.where(np.arange(N) % 2, 1.0, 3.0)
    maps, expected = (estimator.predict(SERIES, sigma=s) for s in (factor * SIGMA, SIGMA))
    np.testing.assert_allclose(maps.sd["t1"] / expected.sd["t1"], factor, rtol=tolerance)


@pytest.mark.parametrize("power", [100, -100, "of each voxel"])
@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_a_power_of_two_changes_the_bits_of_m0_and_sigma_alone(
    estimator: Estimator, power: Any, sigma: float | None
) -> None:
    powers = np.linspace(-100, 100, N).round() if power == "of each voxel" else np.full(N, power)
    scale = (2.0**powers).astype(np.float32)
    expected = estimator.predict(SERIES, sigma=sigma)
    given = None if sigma is None else sigma * scale.astype(float)
    maps = estimator.predict(SERIES * scale[:, None], sigma=given)
    assert_identical(maps.replace(m0=maps.m0 / scale, sigma=maps.sigma / scale), expected)


@pytest.mark.parametrize("power", [-700, 700])
def test_what_single_precision_cannot_hold_is_left_out_of_m0_alone(
    estimator: Estimator, power: int
) -> None:
    expected = estimator.predict(SERIES)
    maps = estimator.predict(SERIES.astype(complex) * 2.0**power)
    assert np.isnan(maps.m0).all()
    assert np.isnan(maps.sigma).all()
    assert_identical(maps.replace(m0=expected.m0, sigma=expected.sigma), expected)


LARGE = float(np.finfo(np.float32).max)
STRANGE: dict[str, Any] = {
    "one large value": np.where(np.arange(90) == 40, 1e38, SERIES[7]),
    "large all over": 1e38,
    "of overflowing modulus": LARGE * (1 + 1j),
    "large and alternating": 1e38 * (-1.0) ** np.arange(90),
    "a large signal": 1e37 * SERIES[7].astype(complex),
    "the least value there is": 1e-45,
    "a signal of few bits": 1e-42 * SERIES[7].astype(complex),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_a_strange_voxel_gets_a_status_and_harms_no_other(
    estimator: Estimator, strange: Any, sigma: float | None
) -> None:
    series = SERIES.copy()
    series[7] = strange
    maps, expected = estimator.predict(series, sigma=sigma), estimator.predict(SERIES, sigma=sigma)
    assert maps.status[7] != Status.OUTSIDE
    if maps.has_value()[7]:
        for name in maps:
            assert np.isfinite(maps[name][7])
            assert maps.sd[name][7] > 0
    others = np.delete(np.arange(N), 7)
    for name, layer in layers(expected).items():
        np.testing.assert_array_equal(layers(maps)[name][others], layer[others], err_msg=name)


# Noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [8, 14, 30])
def test_noise_within_a_subspace_is_noticed_and_measured(estimator: Estimator, rank: int) -> None:
    """A reconstruction in a temporal subspace leaves next to no noise outside the basis."""
    basis = Dictionary.build(SEQUENCE, ParameterGrid(AXES), rank).basis.astype(float)
    series = (SERIES @ basis @ basis.T).astype(np.complex64)
    maps, given = estimator.predict(series), estimator.predict(series, sigma=SIGMA)
    assert maps.provenance["sigma"] == INSIDE
    np.testing.assert_allclose(maps.sigma, SIGMA, rtol=0.3)
    for name in maps:
        np.testing.assert_allclose(maps.sd[name], given.sd[name], rtol=0.3)
        assert (given.sd[name] > 0).all()


def test_white_noise_is_measured_outside_the_basis(estimator: Estimator) -> None:
    for series in (SERIES, SERIES[:5], SERIES[:1]):
        assert estimator.predict(series).provenance["sigma"] != INSIDE


@pytest.mark.parametrize("sigma", [None, 1e-12, 1e-40])
def test_no_deviation_is_zero_however_little_the_noise(
    estimator: Estimator, sigma: float | None
) -> None:
    maps = estimator.predict(simulate(SEQUENCE, TISSUE), sigma=sigma)
    assert maps.has_value().all()
    for name, truth in (("t1", TISSUE.t1), ("t2", TISSUE.t2)):
        assert np.abs(maps[name] / truth - 1).max() < 0.15
        assert (maps.sd[name] > 0).all()


# Fields -------------------------------------------------------------------------------------


def test_a_map_of_b1_is_used(make: Callable[[Dictionary], Estimator], with_b1: Dictionary) -> None:
    b1 = np.linspace(0.75, 1.25, N)
    clean = simulate(SEQUENCE, TISSUE.replace(b1=b1))
    series = add_noise(clean, snr_to_sigma(clean, 40), np.random.default_rng(4))
    maps = make(with_b1).predict(series, b1=b1)
    assert list(maps) == ["t1", "t2"]
    off = np.median(np.abs(maps["t2"] / TISSUE.t2 - 1))
    wrong = make(with_b1).predict(series, b1=np.ones(N))
    assert off < 0.06
    assert off < np.median(np.abs(wrong["t2"] / TISSUE.t2 - 1)) / 2


def test_a_field_that_is_not_finite_spoils_its_voxel_only(
    make: Callable[[Dictionary], Estimator], with_b1: Dictionary
) -> None:
    b1 = np.ones(N)
    b1[5] = np.nan
    maps = make(with_b1).predict(SERIES, b1=b1)
    assert maps.status[5] == Status.NOT_FINITE
    assert maps.has_value().sum() == N - 1


def test_a_field_that_was_not_reckoned_with_is_refused(estimator: Estimator) -> None:
    with pytest.raises(InputError, match=r"a b1 map was given, but the (dictionary has a|netw)"):
        estimator.predict(SERIES, b1=np.ones(N))


# Runs and refusals --------------------------------------------------------------------------


def test_the_same_twice_is_the_same(
    make: Callable[[Dictionary], Estimator], plain: Dictionary
) -> None:
    assert_identical(make(plain).predict(SERIES), make(plain).predict(SERIES))


def test_what_is_given_stays_as_it_was(
    make: Callable[[Dictionary], Estimator], with_b1: Dictionary
) -> None:
    given: dict[str, Any] = {
        "series": SERIES.copy(),
        "mask": np.arange(N) > 2,
        "b1": np.full(N, 0.93),
        "sigma": np.full(N, SIGMA),
    }
    before = {name: array.copy() for name, array in given.items()}
    for array in given.values():
        array.flags.writeable = False
    make(with_b1).predict(**given)
    for name, array in given.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_progress_ends_with_all_voxels(estimator: Estimator) -> None:
    told: list[tuple[int, int]] = []
    mask = np.arange(N) > 5
    estimator.predict(SERIES, mask=mask, progress=lambda *count: told.append(count))
    assert told[-1] == (18, 18)


@pytest.mark.parametrize("length", [89, 91, 1])
def test_a_series_of_another_sequence_is_refused(estimator: Estimator, length: int) -> None:
    with pytest.raises(SeriesError, match=r"last axis must be the 90 samples of .* 'contract'"):
        estimator.predict(np.ones((4, length), np.complex64))


@pytest.mark.parametrize("name", ["mask", "b1", "sigma"])
def test_what_has_another_shape_than_the_series_is_refused(
    make: Callable[[Dictionary], Estimator], with_b1: Dictionary, name: str
) -> None:
    given: dict[str, Any] = {"b1": np.ones(N), name: np.ones(N - 1)}
    with pytest.raises(SeriesError, match=rf"{name} has shape \(23,\), the series \(24,\)"):
        make(with_b1).predict(SERIES, **given)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan])
def test_noise_that_is_not_positive_is_refused(estimator: Estimator, sigma: float) -> None:
    with pytest.raises(SeriesError, match="sigma must be positive"):
        estimator.predict(SERIES, sigma=sigma)
