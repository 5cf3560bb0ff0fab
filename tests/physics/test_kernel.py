"""The fast kernel against the reference: same signal and derivatives for all shapes."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint import InputError, Tissue, TissueError, load_sequence, presets
from spinprint.parameters import PARAMETERS
from spinprint.physics.kernels.epg import LARGE
from spinprint.physics.reference.epg import simulate_epg
from spinprint.physics.simulate import simulate
from spinprint.sequence import Sequence

from .conftest import assert_same, everything, some_tissue, train

DATA = Path(__file__).parent / "data"


def b0_of(size: int) -> Any:
    return np.random.default_rng(9).uniform(-40, 40, size)


# The signal ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 13, 16, 17, 31, 1050])
@pytest.mark.parametrize("phases", [False, True], ids=["real", "complex"])
def test_agrees_with_the_reference(size: int, phases: bool) -> None:
    sequence, tissue = everything(phases=phases, spoiler=4.0), some_tissue(size)
    signal = simulate(sequence, tissue, n_states=1000)
    assert signal.dtype == np.complex64
    last = tissue.take(slice(-40, None))  # the reference is slow
    assert_same(signal[-40:], simulate_epg(sequence, last))


@pytest.mark.parametrize("phases", [False, True], ids=["one axis", "phases"])
@pytest.mark.parametrize("spoiler", [0.0, 7.0])
def test_agrees_off_resonance(phases: bool, spoiler: float) -> None:
    sequence, tissue = everything(phases=phases, spoiler=spoiler), some_tissue(19, b0=b0_of(19))
    assert_same(simulate(sequence, tissue, n_states=1000), simulate_epg(sequence, tissue))


@pytest.mark.parametrize("n_states", [1, 2, 5, 12])
@pytest.mark.parametrize("phases", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("spoiler", [0.0, 4.0], ids=["two pulses a pass", "diffusion"])
def test_cuts_off_the_same_orders_as_the_reference(
    n_states: int, phases: bool, spoiler: float
) -> None:
    sequence, tissue = everything(phases=phases, spoiler=spoiler), some_tissue(18)
    signal = simulate(sequence, tissue, n_states=n_states)
    assert_same(signal, simulate_epg(sequence, tissue, n_states=n_states))


@pytest.mark.parametrize("name", ["t1_t2_t1rho_b1", "t1_t2_adc_phase", "bssfp_b0"])
def test_agrees_with_signals_of_other_packages(name: str) -> None:
    """See `test_epg.py` for their origin."""
    with np.load(DATA / f"{name}.npz") as file:
        tissue = Tissue(**{key: file[key] for key in file if key != "signal"})
        expected = file["signal"]
    assert_same(simulate(load_sequence(DATA / f"{name}.toml"), tissue, n_states=1000), expected)


def test_complete_relaxation_within_one_repetition() -> None:
    """exp(-TR/T2) far below the smallest float32 is zero, not garbage."""
    tissue = Tissue(t1=np.array([1e-4, 0.5]), t2=np.array([1e-4, 1e-4]))
    sequence = Sequence(name="short", field_strength=3, blocks=(train(20, 5, phases=True),))
    signal = simulate(sequence, tissue)
    np.testing.assert_allclose(signal, simulate_epg(sequence, tissue), rtol=0, atol=1e-6)


# Derivatives --------------------------------------------------------------------------------

STEP = {"t1": 1e-5, "t2": 1e-6, "t1rho": 1e-6, "adc": 1e-8, "b1": 1e-6, "b0": 1e-4}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("phases", [False, True], ids=["one axis", "phases"])
@pytest.mark.parametrize("n_states", [12, 1000])
@pytest.mark.parametrize("spoiler", [0.0, 5.0], ids=["two pulses a pass", "diffusion"])
def test_derivatives_agree_with_differences_of_the_reference(
    name: str, phases: bool, n_states: int, spoiler: float
) -> None:
    sequence = everything(phases=phases, spoiler=spoiler)
    tissue = some_tissue(17, b0=b0_of(17) if phases else None)
    reference = partial(simulate_epg, sequence, n_states=n_states)
    signal, jacobian = simulate(sequence, tissue, n_states=n_states, wrt=(name,))
    centre, step = tissue.get(name), STEP[name]
    up, down = (tissue.replace(**{name: centre + by}) for by in (step, -step))
    expected = (reference(up) - reference(down)) / (2 * step)
    assert_same(signal, reference(tissue))
    assert_same(jacobian[:, 0], expected, tolerance=1e-4)


def test_derivatives_come_in_the_requested_order() -> None:
    sequence, tissue = everything(spoiler=5.0), some_tissue(3)
    signal, both = simulate(sequence, tissue, wrt=("b1", "t1", "b0", "t1rho"))
    assert both.shape == (3, 4, sequence.n_samples)
    for row, name in enumerate(("b1", "t1", "b0", "t1rho")):
        alone, one = simulate(sequence, tissue, wrt=[name])
        assert_same(alone, signal, tolerance=1e-6)
        assert_same(one[:, 0], both[:, row], tolerance=1e-6)


def test_derivative_by_adc_where_no_adc_was_given() -> None:
    """Not given means zero; the derivative there is not zero."""
    sequence = everything(spoiler=5.0)
    given = some_tissue(5).replace(adc=np.array(0.0))
    _, expected = simulate(sequence, given, wrt=("adc",))
    _, jacobian = simulate(sequence, given.replace(adc=None), wrt=("adc",))
    assert np.abs(expected).max() > 1
    assert_same(jacobian[:, 0], expected[:, 0])


def test_derivatives_are_zero_where_the_signal_does_not_depend() -> None:
    sequence = Sequence(name="plain", field_strength=3.0, blocks=(train(9, 0, phases=False),))
    tissue = Tissue(t1=np.array(1.0), t2=np.array(0.1))
    _, jacobian = simulate(sequence, tissue, wrt=("t1rho", "adc", "t2"))
    assert not jacobian[:2].any()
    assert jacobian[2].any()


# Scale, shape, errors -----------------------------------------------------------------------


def test_m0_scales_signal_and_derivatives() -> None:
    sequence, tissue = everything(phases=False), some_tissue(5)
    m0 = np.array([1, 2j, -1, 0.5 - 0.5j, 3e4])
    unit, unit_jacobian = simulate(sequence, tissue, wrt=("t1", "t2"))
    signal, jacobian = simulate(sequence, tissue.replace(m0=m0), wrt=("t1", "t2"))
    np.testing.assert_allclose(signal, m0[:, None] * unit, rtol=1e-6)
    np.testing.assert_allclose(jacobian, m0[:, None, None] * unit_jacobian, rtol=1e-6)


def test_parameters_broadcast() -> None:
    sequence = everything(phases=False)
    t1, t2 = np.array([[0.5], [1.0], [2.0]]), np.array([0.02, 0.05, 0.1, 0.3])
    tissue = Tissue(t1=t1, t2=t2, t1rho=np.array(0.3))
    signal, jacobian = simulate(sequence, tissue, wrt=("t1", "b1"))
    assert signal.shape == (3, 4, sequence.n_samples)
    assert jacobian.shape == (3, 4, 2, sequence.n_samples)
    single = Tissue(t1=np.array(2.0), t2=np.array(0.05), t1rho=np.array(0.3))
    one, one_jacobian = simulate(sequence, single, wrt=("t1", "b1"))
    assert one.shape == (sequence.n_samples,)
    np.testing.assert_array_equal(signal[2, 1], one)
    np.testing.assert_array_equal(jacobian[2, 1], one_jacobian)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(TissueError, match="t1rho is needed by this sequence and was not given"):
        simulate(everything(), Tissue(t1=np.array(1.0), t2=np.array(0.1)))


def test_a_derivative_by_no_parameter_is_refused() -> None:
    with pytest.raises(TissueError, match="wrt = 'm0' must be one of t1, t2, t1rho"):
        simulate(everything(), some_tissue(2), wrt=("t1", "m0"))


@pytest.mark.parametrize("n_states", [0, -3])
def test_fewer_than_one_state_is_refused(n_states: int) -> None:
    with pytest.raises(InputError, match=f"n_states = {n_states} must be at least 1"):
        simulate(everything(), some_tissue(2), n_states=n_states)


# The number of states -----------------------------------------------------------------------


@pytest.mark.parametrize("name", presets.PRESETS)
def test_automatic_number_of_states_keeps_the_signal(name: str) -> None:
    sequence, tissue = load_sequence(name), some_tissue(200, seed=4)
    exact = simulate(sequence, tissue, n_states=10_000)
    assert_same(simulate(sequence, tissue), exact, tolerance=1e-5)


@pytest.mark.parametrize("largest_b0", [0.0, 100.0])
@pytest.mark.parametrize("name", presets.PRESETS)
def test_automatic_number_of_states_holds_in_wrong_fields(name: str, largest_b0: float) -> None:
    rng = np.random.default_rng(5)
    t1 = 10 ** rng.uniform(-1.3, 0.9, 64)
    t2 = np.minimum(t1, 3.0) * 10 ** rng.uniform(-2.0, 0.0, 64)
    b1, b0 = rng.uniform(0.4, 1.6, 64), largest_b0 * rng.uniform(-1.0, 1.0, 64)
    tissue = Tissue(t1=t1, t2=t2, t1rho=np.sqrt(t1 * t2), b1=b1, b0=b0, adc=np.array(0.0))
    sequence = load_sequence(name)
    exact, exact_slopes = simulate(sequence, tissue, n_states=10_000, wrt=("t1", "t2", "b1"))
    kept, kept_slopes = simulate(sequence, tissue, wrt=("t1", "t2", "b1"))
    assert_same(kept, exact, tolerance=1e-5)
    assert_same(kept_slopes, exact_slopes, tolerance=1e-4)


def test_automatic_number_of_states_saves_work() -> None:
    sequence, tissue = presets.fisp_jiang2015(), some_tissue(64)
    short = tissue.replace(t2=np.full(64, 0.02), t1=np.full(64, 0.9))
    auto, exact = simulate(sequence, short), simulate(sequence, short, n_states=1000)
    assert (auto != exact).any()


@pytest.mark.parametrize("shape", [(0,), (3, 0)])
@pytest.mark.parametrize("n_states", [None, 5])
def test_no_tissue_gives_no_signal(shape: tuple[int, ...], n_states: int | None) -> None:
    sequence = presets.fisp_cao500()
    tissue = Tissue(t1=np.ones(shape), t2=np.array(0.1))
    signal, slopes = simulate(sequence, tissue, n_states=n_states, wrt=("t1",))
    assert signal.shape == (*shape, 500)
    assert slopes.shape == (*shape, 1, 500)


def test_a_signal_does_not_depend_on_its_neighbours() -> None:
    sequence, tissue = presets.fisp_cao500(), some_tissue(83)
    whole, slopes = simulate(sequence, tissue, wrt=("t1", "t2"))
    order = np.random.default_rng(1).permutation(83)
    mixed, mixed_slopes = simulate(sequence, tissue.take(order), wrt=("t1", "t2"))
    np.testing.assert_array_equal(mixed, whole[order])
    np.testing.assert_array_equal(mixed_slopes, slopes[order])
    for part in (slice(0, 1), slice(1, 20), slice(20, 83)):
        alone, _ = simulate(sequence, tissue.take(part), wrt=("t1", "t2"))
        np.testing.assert_array_equal(alone, whole[part])


@pytest.mark.parametrize("pulses", [480, 501], ids=["whole lines", "odd"])
def test_a_large_output_written_past_the_cache_equals_its_parts(pulses: int) -> None:
    trains = train(pulses, 3, phases=False)
    sequence = Sequence(name="large", field_strength=3.0, blocks=(trains,))
    tissue = some_tissue(LARGE // (4 * pulses) + 40)
    signal, slopes = simulate(sequence, tissue, n_states=5, wrt=("t2",))
    assert 2 * (signal.size + slopes.size) > LARGE
    for part in (slice(0, 50), slice(-70, None)):
        few, few_slopes = simulate(sequence, tissue.take(part), n_states=5, wrt=("t2",))
        np.testing.assert_array_equal(signal[part], few)
        np.testing.assert_array_equal(slopes[part], few_slopes)


def test_neighbours_off_resonance_change_a_signal_by_rounding_only() -> None:
    sequence = everything(phases=False)
    b0 = b0_of(20)
    b0[:10] = 0
    alone = simulate(sequence, some_tissue(20).take(slice(10)))
    assert_same(simulate(sequence, some_tissue(20, b0=b0))[:10], alone, tolerance=1e-6)


# Factors kept apart from the states ------------------------------------------------------------


@pytest.mark.parametrize("phases", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("flip", [math.pi, np.nextafter(math.pi, 4), 3.1, 1.5 * math.pi, 7.0, -2.5])
def test_flips_at_and_beyond_half_a_turn(flip: float, phases: bool) -> None:
    rng = np.random.default_rng(2)
    refocused = train(40, 6, phases=phases, spoiled=rng.integers(0, 2, 40))
    refocused = replace(refocused, flip=np.where(np.arange(40) % 3, flip, 0.7))
    sequence = Sequence(name="echoes", field_strength=3.0, blocks=(refocused,))
    tissue = some_tissue(21)
    exact = tissue.replace(b1=np.where(np.arange(21) % 2, 1.0, tissue.b1))
    for one in (exact, exact.replace(b1=None)):
        signal, jacobian = simulate(sequence, one, n_states=1000, wrt=("b1", "t2"))
        assert_same(signal, simulate_epg(sequence, one))
        up, down = (one.replace(b1=one.get("b1") + by) for by in (1e-6, -1e-6))
        slope = (simulate_epg(sequence, up) - simulate_epg(sequence, down)) / 2e-6
        assert_same(jacobian[:, 0], slope, tolerance=1e-4)


@pytest.mark.parametrize("phases", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("spoiler", [0.0, 5.0], ids=["two pulses a pass", "diffusion"])
def test_relaxation_of_any_speed_over_a_long_train(phases: bool, spoiler: float) -> None:
    """Side by side: what relaxes between two pulses, and what hardly relaxes in the whole train."""
    times = np.array([3e-4, 2e-3, 0.011, 0.04, 0.3, 4.0, 1e3])
    t1, t2 = (one.ravel() for one in np.meshgrid(times, times))
    possible = t2 <= t1
    tissue = Tissue(t1=t1[possible], t2=t2[possible], adc=np.full(possible.sum(), 1e-3))
    sequence = Sequence(
        name="long", field_strength=3.0, spoiler=spoiler, blocks=(train(700, 8, phases=phases),)
    )
    signal, jacobian = simulate(sequence, tissue, n_states=8, wrt=("t1", "t2"))
    assert_same(signal, simulate_epg(sequence, tissue, n_states=8))
    for row, name in enumerate(("t1", "t2")):
        step = 1e-5 * tissue.get(name)
        up, down = (tissue.replace(**{name: tissue.get(name) + by}) for by in (step, -step))
        difference = simulate_epg(sequence, up, n_states=8) - simulate_epg(sequence, down, 8)
        scaled = (jacobian[:, row] * tissue.get(name)[:, None], difference / 2e-5)
        assert np.abs(scaled[0] - scaled[1]).max() < 1e-5
    alone = simulate(sequence, tissue.take(slice(5, 6)), n_states=8)
    np.testing.assert_array_equal(alone, signal[5:6])
