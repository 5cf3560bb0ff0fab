"""The reference against signals of other packages and closed forms.

`data/` holds four tissues of each of three noise-free reference signals, with the sequence beside
them: `t1_t2_t1rho_b1` was computed with mrpro 0.261015 (float32), `t1_t2_adc_phase` and `bssfp_b0`
with epgpy 3.2.dev6 (float64). They fix every sign.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint import Tissue, TissueError, load_sequence
from spinprint.physics.reference import analytic
from spinprint.physics.reference.epg import all_orders, simulate_epg
from spinprint.sequence import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    Sequence,
    SpinLock,
    T2Preparation,
)

DATA = Path(__file__).parent / "data"

TISSUE = Tissue(
    t1=np.array([0.3, 0.85, 1.5, 4.2]),
    t2=np.array([0.02, 0.07, 0.11, 1.9]),
    t1rho=np.array([0.03, 0.08, 0.2, 2.5]),
    adc=np.array([1.4e-3, 0.7e-3, 0.9e-3, 3.1e-3]),
)
T1, T2, T1RHO, ADC = TISSUE.t1, TISSUE.t2, TISSUE.get("t1rho"), TISSUE.get("adc")

LOOK = ReadoutTrain(flip=np.pi / 2, tr=0.0, te=0.0)
"""A 90 degree pulse that turns Mz into the sample."""


def of(*blocks: Block, spoiler: float = 0.0) -> Sequence:
    return Sequence(name="test", field_strength=3.0, blocks=blocks, spoiler=spoiler)


def last(*blocks: Block, spoiler: float = 0.0, tissue: Tissue = TISSUE) -> Any:
    """The last sample of each tissue."""
    return simulate_epg(of(*blocks, spoiler=spoiler), tissue)[:, -1]


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("t1_t2_t1rho_b1", 1e-6), ("t1_t2_adc_phase", 1e-7), ("bssfp_b0", 1e-12)],
)
def test_agrees_with_signals_of_other_packages(name: str, tolerance: float) -> None:
    with np.load(DATA / f"{name}.npz") as file:
        tissue = Tissue(**{key: file[key] for key in file if key != "signal"})
        expected = file["signal"]
    signal = simulate_epg(load_sequence(DATA / f"{name}.toml"), tissue)
    np.testing.assert_allclose(signal, expected, rtol=0, atol=tolerance)


# Preparations -------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.7, 3.0])
@pytest.mark.parametrize("efficiency", [0.0, 0.9, 1.0])
def test_inversion_recovery(delay: float, efficiency: float) -> None:
    signal = last(Inversion(delay=delay, efficiency=efficiency), LOOK)
    expected = analytic.inversion_recovery(delay, T1, efficiency)
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-14)


def test_an_inversion_does_not_know_b1() -> None:
    blocks = Inversion(delay=0.4), ReadoutTrain(flip=np.pi / 2 / 0.6, tr=0.0, te=0.0)
    signal = last(*blocks, tissue=TISSUE.replace(b1=np.array(0.6)))
    np.testing.assert_allclose(signal, analytic.inversion_recovery(0.4, T1), rtol=0, atol=1e-14)


@pytest.mark.parametrize("time", [0.0, 0.02, 0.15])
def test_preparations_weight_the_longitudinal_magnetisation(time: float) -> None:
    expected = {
        T2Preparation(echo_time=time): np.exp(-time / T2),
        SpinLock(lock_time=time, frequency=500.0): np.exp(-time / T1RHO),
        DiffusionPreparation(b_value=0.0, echo_time=time): np.exp(-time / T2),
    }
    for block, weight in expected.items():
        np.testing.assert_allclose(last(block, LOOK), weight, rtol=0, atol=1e-14)


@pytest.mark.parametrize("b_value", [0.0, 350.0, 1000.0])
def test_a_diffusion_preparation_weights_by_the_adc(b_value: float) -> None:
    signal = last(DiffusionPreparation(b_value=b_value, echo_time=0.06), LOOK)
    np.testing.assert_allclose(signal, np.exp(-0.06 / T2 - b_value * ADC), rtol=0, atol=1e-14)


def test_weights_of_preparations_multiply() -> None:
    blocks = [T2Preparation(echo_time=0.03), SpinLock(lock_time=0.02, frequency=300.0)]
    weight = np.exp(-0.03 / T2 - 0.02 / T1RHO)
    np.testing.assert_allclose(last(*blocks, LOOK), weight, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "block",
    [
        Crusher(),
        Inversion(delay=0.0, efficiency=0.0),
        T2Preparation(echo_time=0.0),
        SpinLock(lock_time=0.0, frequency=0.0),
        DiffusionPreparation(b_value=0.0, echo_time=0.0),
    ],
    ids=lambda block: block.type,
)
def test_every_preparation_destroys_transverse_magnetisation(block: Block) -> None:
    """Two 90 degree pulses with nothing in between would give -M0 along z, not 0."""
    np.testing.assert_allclose(last(LOOK, block, LOOK), 0, atol=1e-14)


def test_a_delay_keeps_transverse_magnetisation() -> None:
    """A flip of zero only samples: free induction decay, turned by B0."""
    excite = ReadoutTrain(flip=np.pi / 2, tr=0.0, te=0.0, spoiler_cycles=0)
    listen = ReadoutTrain(flip=0.0, tr=0.01, te=0.01, spoiler_cycles=0)
    signal = last(excite, Delay(length=0.02), listen, tissue=TISSUE.replace(b0=np.array(7.0)))
    expected = np.exp(-0.03 / T2 + 2j * np.pi * 7.0 * 0.03)
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-14)


def test_a_delay_recovers_longitudinal_magnetisation() -> None:
    signal = last(LOOK, Crusher(), Delay(length=0.6), LOOK)
    np.testing.assert_allclose(signal, 1 - np.exp(-0.6 / T1), rtol=0, atol=1e-14)


# Steady states ------------------------------------------------------------------------------

STEADY = Tissue(t1=np.array([0.2, 0.3, 0.25]), t2=np.array([0.03, 0.1, 0.2]))


@pytest.mark.parametrize("flip", [0.1, 0.5, 1.2])
def test_crushed_repetitions_reach_the_ernst_signal(flip: float) -> None:
    repetition = ReadoutTrain(flip=flip, tr=0.02, te=0.004), Crusher()
    signal = last(*repetition * 500, tissue=STEADY)
    expected = analytic.spoiled_steady_state(flip, 0.02, 0.004, STEADY.t1, STEADY.t2)
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-12)


def test_the_ernst_angle_is_the_best_one() -> None:
    signals = {
        step: last(
            *(ReadoutTrain(flip=np.arccos(np.exp(-0.02 / 0.3)) + step, tr=0.02, te=0), Crusher())
            * 400,
            tissue=STEADY.take([1]),
        ).real
        for step in (-0.02, 0.0, 0.02)
    }
    assert signals[0.0] > max(signals[-0.02], signals[0.02])


@pytest.mark.parametrize("flip", [0.2, 0.9, np.pi / 2])
def test_gradient_spoiled_train_reaches_its_steady_state(flip: float) -> None:
    train = ReadoutTrain(flip=np.full(600, flip), tr=0.015, te=0.003)
    expected = analytic.gradient_spoiled_steady_state(flip, 0.015, 0.003, STEADY.t1, STEADY.t2)
    signal = simulate_epg(of(train), STEADY, n_states=200)[:, -1]
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("flip", [0.2, 0.9, np.pi / 2])
@pytest.mark.parametrize("b0", [0.0, 11.0, -40.0])
def test_balanced_train_reaches_its_steady_state(flip: float, b0: float) -> None:
    alternating = np.pi * (np.arange(1500) % 2)
    train = ReadoutTrain(
        flip=np.full(1500, flip), phase=alternating, tr=0.006, te=0.002, spoiler_cycles=0
    )
    signal = last(train, tissue=STEADY.replace(b0=np.array(b0)))
    expected = analytic.balanced_steady_state(flip, 0.006, 0.002, STEADY.t1, STEADY.t2, b0)
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-9)


# Echoes -------------------------------------------------------------------------------------


def echoes(tau: float, count: int) -> ReadoutTrain:
    """CPMG: an echo is sampled by a pulse without flip angle; the spoiler is on all the time."""
    return ReadoutTrain(
        flip=[np.pi / 2, *[np.pi, 0.0] * count],
        phase=[0.0, *[np.pi / 2, 0.0] * count],
        tr=tau,
        te=0.0,
    )


@pytest.mark.parametrize("b0", [0.0, 23.0])
def test_echoes_decay_with_t2_whatever_the_field(b0: float) -> None:
    tau, count = 0.004, 6
    tissue = TISSUE.replace(b0=np.array(b0))
    signal = simulate_epg(of(echoes(tau, count)), tissue)[:, 2::2]
    expected = np.exp(-2 * tau * np.arange(1, count + 1) / T2[:, None])
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-14)


def test_diffusion_weights_a_spin_echo() -> None:
    signal = last(echoes(0.02, 1), spoiler=9.0)
    np.testing.assert_allclose(signal, analytic.spin_echo(0.02, T2, 9.0, ADC), rtol=0, atol=1e-14)


def test_every_echo_of_a_train_costs_the_same_diffusion() -> None:
    signal = simulate_epg(of(echoes(0.01, 4), spoiler=9.0), TISSUE)[:, 2::2]
    one = analytic.spin_echo(0.01, T2, 9.0, ADC)
    np.testing.assert_allclose(signal, one[:, None] ** np.arange(1, 5), rtol=0, atol=1e-14)


def test_stimulated_echo_stores_the_phase_along_z() -> None:
    tau, mixing, spoiler = 0.005, 0.12, 12.0
    first = ReadoutTrain(flip=[np.pi / 2, np.pi / 2], tr=[tau, 0.0], te=0.0)
    second = ReadoutTrain(flip=[np.pi / 2, 0.0], tr=tau, te=0.0)
    signal = last(first, Crusher(), Delay(length=mixing), second, spoiler=spoiler)
    expected = analytic.stimulated_echo(tau, mixing, T1, T2, spoiler, ADC)
    np.testing.assert_allclose(np.abs(signal), expected, rtol=0, atol=1e-14)


# Orders, shapes, errors ---------------------------------------------------------------------


def fingerprint(pulses: int = 40, spoiler: float = 0.0) -> Sequence:
    rng = np.random.default_rng(11)
    train = ReadoutTrain(
        flip=rng.uniform(0.1, 1.3, pulses),
        phase=rng.uniform(-3, 3, pulses),
        tr=rng.uniform(0.009, 0.013, pulses),
        te=0.003,
        spoiler_cycles=np.minimum(np.arange(pulses) % 5, 1),
    )
    return of(Inversion(delay=0.02), train, spoiler=spoiler)


def test_orders_beyond_those_that_can_return_change_nothing() -> None:
    sequence = fingerprint(spoiler=5.0)
    enough = all_orders(sequence)
    exact = simulate_epg(sequence, TISSUE)
    for more in (enough, enough + 1, enough + 17):
        np.testing.assert_array_equal(simulate_epg(sequence, TISSUE, n_states=more), exact)
    fewer = simulate_epg(sequence, TISSUE, n_states=enough // 3)
    assert np.abs(fewer - exact).max() > 1e-6


def test_shape_is_that_of_the_tissue_and_the_samples() -> None:
    tissue = Tissue(t1=np.array([[0.5], [1.0], [2.0]]), t2=np.array([0.04, 0.1]), m0=np.array(2j))
    signal = simulate_epg(fingerprint(), tissue)
    assert signal.shape == (3, 2, 40)
    one = Tissue(t1=np.array(1.0), t2=np.array(0.1), m0=np.array(2j))
    np.testing.assert_array_equal(signal[1, 1], simulate_epg(fingerprint(), one))


def test_m0_is_a_complex_factor() -> None:
    unit = simulate_epg(fingerprint(), TISSUE)
    signal = simulate_epg(fingerprint(), TISSUE.replace(m0=np.array(-3 + 0.5j)))
    np.testing.assert_allclose(signal, (-3 + 0.5j) * unit, rtol=1e-14)


def test_a_missing_parameter_is_named() -> None:
    sequence = of(SpinLock(lock_time=0.02, frequency=500.0), LOOK)
    with pytest.raises(TissueError, match="t1rho is needed by this sequence and was not given"):
        simulate_epg(sequence, Tissue(t1=np.array(1.0), t2=np.array(0.1)))
