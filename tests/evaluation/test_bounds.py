"""The Cramér-Rao bound: against the reference simulator, against fits, and where there is none."""

from collections.abc import Callable

import numpy as np
import pytest

from spinprint import (
    Axis,
    Dictionary,
    InputError,
    LeastSquares,
    ParameterGrid,
    Sequence,
    Tissue,
    TissueError,
    cramer_rao,
    precision_table,
    presets,
)
from spinprint.physics.noise import sigma_to_snr
from spinprint.physics.reference.epg import simulate_epg
from spinprint.physics.simulate import simulate
from spinprint.sequence import DiffusionPreparation, Inversion, ReadoutTrain, SpinLock

STEP = {"t1": 1e-4, "t2": 1e-5, "t1rho": 1e-5, "adc": 1e-7, "b1": 1e-4, "b0": 1e-3}

FLIP = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 60)) ** 2)


def fisp() -> Sequence:
    train = ReadoutTrain(flip=FLIP, tr=0.012, te=0.003)
    return Sequence(name="fisp", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


def balanced() -> Sequence:
    phase = np.deg2rad(117 / 2) * np.arange(60) ** 2 % (2 * np.pi)
    train = ReadoutTrain(flip=FLIP, phase=phase, tr=0.008, te=0.003, spoiler_cycles=0)
    return Sequence(name="bssfp", field_strength=1.5, blocks=(Inversion(delay=0.02), train))


def prepared() -> Sequence:
    train = ReadoutTrain(flip=FLIP, tr=0.009, te=0.004)
    weight = DiffusionPreparation(b_value=500.0, echo_time=0.05)
    lock = SpinLock(lock_time=0.03, frequency=500.0)
    blocks = (Inversion(delay=0.02), train, lock, train, weight, train)
    return Sequence(name="prepared", field_strength=3.0, spoiler=2.0, blocks=blocks)


def tissue(n: int = 3) -> Tissue:
    rng = np.random.default_rng(4)
    return Tissue(
        t1=rng.uniform(0.6, 2.0, n),
        t2=rng.uniform(0.03, 0.1, n),
        t1rho=rng.uniform(0.1, 0.2, n),
        adc=rng.uniform(0.5e-3, 2e-3, n),
        b1=rng.uniform(0.8, 1.2, n),
        b0=rng.uniform(5, 25, n),
        m0=rng.uniform(0.5, 3, n) * np.exp(1j * rng.uniform(-3, 3, n)),
    )


def independent(
    sequence: Sequence, one: Tissue, sigma: float, names: tuple[str, ...]
) -> np.ndarray:
    """Deviations of the unknowns, |M0| and its phase by differences of the reference simulator."""

    def mean(**changes: np.ndarray) -> np.ndarray:
        return simulate_epg(sequence, one.replace(**changes))

    columns = [
        (mean(**{n: one.get(n) + STEP[n]}) - mean(**{n: one.get(n) - STEP[n]})) / (2 * STEP[n])
        for n in names
    ]
    signal = mean()
    modulus = np.abs(one.get("m0"))[:, None]
    stacked = np.stack([*columns, signal / modulus, 1j * signal], axis=1)
    real = np.concatenate([stacked.real, stacked.imag], axis=2)
    size = np.linalg.norm(real, axis=2)
    unit = real / size[:, :, None]
    inverse = np.linalg.inv(unit @ unit.swapaxes(1, 2))
    return sigma * np.sqrt(np.diagonal(inverse, axis1=1, axis2=2)) / size


@pytest.mark.parametrize(
    ("make", "unknowns"),
    [
        (fisp, None),
        (fisp, ("t1", "t2", "b1")),
        (balanced, ("t1", "t2", "b0")),
        (prepared, None),
        (prepared, ("t2", "t1rho", "b1", "adc")),
        (presets.diffusion_fisp, None),
    ],
)
def test_it_is_what_differences_of_the_reference_give(
    make: Callable[[], Sequence], unknowns: tuple[str, ...] | None
) -> None:
    sequence, one = make(), tissue(2)
    bound = cramer_rao(sequence, one, 0.01, unknowns)
    expected = independent(sequence, one, 0.01, unknowns or sequence.unknowns)
    assert tuple(bound.sd) == (unknowns or sequence.unknowns)
    found = [*bound.sd.values(), bound.m0, bound.phase]
    np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=2e-3)


def test_least_squares_reach_it() -> None:
    sequence = fisp()
    grid = ParameterGrid({"t1": Axis.geometric(0.4, 3, 1.2), "t2": Axis.geometric(0.02, 0.3, 1.2)})
    one = Tissue(t1=np.array([1.1]), t2=np.array([0.07]), m0=np.array([2 - 1j]))
    signal = simulate(sequence, one)
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=2e-3, size=(2000, 60, 2)) @ [1, 1j]
    maps = LeastSquares(Dictionary.build(sequence, grid)).predict(signal + noise, sigma=2e-3)
    bound = cramer_rao(sequence, one, 2e-3)
    # The SD of 2000 draws is good to 1.6 %.
    for name in maps:
        assert np.std(maps[name]) == pytest.approx(bound.sd[name][0], rel=0.05)
        assert np.median(maps.sd[name]) == pytest.approx(bound.sd[name][0], rel=0.02)
    assert np.std(np.abs(maps.m0)) == pytest.approx(bound.m0[0], rel=0.05)
    assert np.std(np.angle(maps.m0)) == pytest.approx(bound.phase[0], rel=0.05)


def test_shapes_noise_and_m0() -> None:
    sequence = fisp()
    one = Tissue(t1=np.array([[0.8], [1.5]]), t2=np.array([0.05, 0.08, 0.1]))
    sigma = np.array([0.01, 0.02, 0.03])
    bound = cramer_rao(sequence, one, sigma)
    assert bound.sd["t1"].shape == bound.m0.shape == bound.loss["t2"].shape == (2, 3)
    twice = cramer_rao(sequence, one.replace(m0=np.array(2j)), 2 * sigma)
    np.testing.assert_allclose(twice.sd["t2"], bound.sd["t2"], rtol=1e-6)
    np.testing.assert_allclose(twice.m0, 2 * bound.m0, rtol=1e-6)
    np.testing.assert_allclose(twice.phase, bound.phase, rtol=1e-6)
    single = cramer_rao(sequence, one, 0.01)
    np.testing.assert_allclose(bound.sd["t1"], single.sd["t1"] * sigma / 0.01, rtol=1e-6)
    assert (bound.loss["t1"] == 1).all()


def test_a_field_that_is_known_costs_nothing() -> None:
    sequence, one = fisp(), tissue()
    known = cramer_rao(sequence, one, 0.01)
    unknown = cramer_rao(sequence, one, 0.01, ("t1", "t2", "b1"))
    assert (unknown.sd["t1"] > 1.03 * known.sd["t1"]).all()
    assert (unknown.sd["t2"] > known.sd["t2"]).all()


def test_a_basis_loses_what_it_leaves_out() -> None:
    sequence, one = fisp(), tissue(20).replace(b1=None, b0=None)
    grid = ParameterGrid({"t1": Axis.geometric(0.4, 3, 1.1), "t2": Axis.geometric(0.02, 0.3, 1.1)})
    losses = []
    for rank in (3, 5, 10, 60):
        basis = Dictionary.build(sequence, grid, rank).basis
        bound = cramer_rao(sequence, one, 0.01, basis=basis)
        full = cramer_rao(sequence, one, 0.01)
        np.testing.assert_allclose(bound.sd["t2"], full.sd["t2"] * bound.loss["t2"], rtol=1e-9)
        losses.append(bound.loss["t2"].max())
    assert losses[0] > 1.05
    assert (np.diff(losses) <= 1e-6).all()
    assert losses[2] == pytest.approx(1, abs=1e-3)
    assert losses[3] == pytest.approx(1, abs=1e-6)


def test_what_the_signal_does_not_tell_is_infinite() -> None:
    one = tissue()
    bound = cramer_rao(fisp(), one, 0.01, ("t1", "t2", "t1rho", "b0"))
    assert np.isinf([bound.sd["t1rho"], bound.sd["b0"], bound.phase]).all()
    alone = cramer_rao(fisp(), one, 0.01, ("t1", "t2"))
    np.testing.assert_allclose(bound.sd["t2"], alone.sd["t2"], rtol=1e-5)
    np.testing.assert_allclose(bound.m0, alone.m0, rtol=1e-5)
    rank_one = np.ones((60, 1)) / np.sqrt(60)
    assert np.isinf(cramer_rao(fisp(), one, 0.01, basis=rank_one).sd["t1"]).all()
    nothing = cramer_rao(fisp(), one.replace(m0=np.zeros(3)), 0.01)
    assert np.isinf([nothing.sd["t1"], nothing.phase]).all()


def test_the_table_says_what_is_precise_at_which_noise() -> None:
    tissues = {
        "cartilage": Tissue(t1=np.array(1.1), t2=np.array(0.04)),
        "fat": Tissue(t1=np.array(0.37), t2=np.array(0.13)),
    }
    rows = precision_table(fisp(), tissues, (20, 40))
    assert [(row.tissue, row.snr_db, row.parameter) for row in rows[:3]] == [
        ("cartilage", 20, "t1"),
        ("cartilage", 20, "t2"),
        ("cartilage", 40, "t1"),
    ]
    assert len(rows) == 8
    signal = simulate(fisp(), tissues["fat"])
    last = rows[-1]
    assert sigma_to_snr(signal, last.sigma) == pytest.approx(40, abs=1e-4)
    bound = cramer_rao(fisp(), tissues["fat"], last.sigma)
    assert last.sd == pytest.approx(float(bound.sd["t2"]), rel=1e-6)
    assert last.percent == pytest.approx(100 * last.sd / 0.13)
    assert rows[0].sd == pytest.approx(10 * rows[2].sd)
    of_m0 = precision_table(fisp(), tissues, (40,), convention="m0")
    assert of_m0[0].sigma == pytest.approx(0.01 / np.sqrt(2))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"unknowns": ("t1", "m0")}, TissueError, "unknown 'm0' must be one of t1, t2"),
        ({"unknowns": ("t1", "t1")}, TissueError, "one is named twice"),
        ({"sigma": 0.0}, InputError, "sigma must be positive"),
        ({"sigma": np.ones(4)}, InputError, r"sigma has shape \(4,\), the tissue \(3,\)"),
        ({"basis": np.eye(5)}, InputError, "the 60 samples of the sequence 'fisp'"),
        ({"basis": np.ones((60, 2))}, InputError, "must be orthonormal"),
    ],
)
def test_what_it_refuses(options: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        cramer_rao(fisp(), tissue(), **({"sigma": 0.01} | options))


def test_a_table_takes_single_tissues() -> None:
    with pytest.raises(TissueError, match="'many' holds 3 tissues: it must be one"):
        precision_table(fisp(), {"many": tissue()}, (20,))


def test_the_bound_of_magnitudes_is_that_of_their_density() -> None:
    """The covariance of the score of the Rician density, M0 unknown, by draws."""
    from spinprint.physics.noise import add_rician_noise, rician_score
    from spinprint.physics.simulate import simulate_flat

    one, sigma = Tissue(t1=1.1, t2=0.08, m0=2.0), 0.15
    moduli = simulate_flat(fisp(), one.flat(), wrt=("t1", "t2"), magnitude=True)[0].astype(float)
    amplitude, slopes = 2 * moduli[0], np.stack([2 * moduli[1], 2 * moduli[2], moduli[0]])
    drawn = add_rician_noise(np.tile(amplitude, (40_000, 1)), sigma, np.random.default_rng(2))
    score = rician_score(drawn, amplitude, sigma) @ slopes.T / sigma**2
    sd = np.sqrt(np.diag(np.linalg.inv(score.T @ score / len(score))))
    bound = cramer_rao(fisp(), one, sigma, magnitude=True)
    found = [bound.sd["t1"], bound.sd["t2"], bound.m0]
    np.testing.assert_allclose(np.ravel(found), sd, rtol=0.03)
    assert np.isinf(bound.phase)


def test_magnitudes_say_less_than_signals_and_without_noise_as_much() -> None:
    for sigma, low, high in ((1e-4, 1, 1.01), (0.1, 1.02, 3)):
        whole, left = (
            cramer_rao(fisp(), tissue(), sigma, ("t1", "t2"), magnitude=one)
            for one in (False, True)
        )
        for name in ("t1", "t2"):
            ratio = left.sd[name] / whole.sd[name]
            assert ((low <= ratio + 1e-6) & (ratio <= high)).all()
    with pytest.raises(InputError, match="not white"):
        cramer_rao(fisp(), tissue(), 0.1, basis=np.eye(60), magnitude=True)


@pytest.mark.parametrize("name", ["t1", "t2"])
def test_impossible_tissue_spoils_its_own_bound_only(name: str) -> None:
    some = tissue(3)
    spoilt = np.array(some.get(name))
    spoilt[1] = 1e-30
    expected = cramer_rao(fisp(), some, 1.0)
    bound = cramer_rao(fisp(), some.replace(**{name: spoilt}), 1.0)
    for key, sd in expected.sd.items():
        np.testing.assert_allclose(bound.sd[key][[0, 2]], sd[[0, 2]], rtol=1e-6)
    assert not np.isfinite(bound.sd[name][1])
