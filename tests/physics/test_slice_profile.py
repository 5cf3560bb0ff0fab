"""Signals across a slice: no profile as a special case, quadrature, oracle, derivatives."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from spinprint import Sequence, Tissue, presets, simulate
from spinprint.physics.reference.bloch import simulate_bloch
from spinprint.physics.reference.epg import simulate_epg
from spinprint.sequence import (
    GivenProfile,
    Inversion,
    ReadoutTrain,
    SliceProfile,
    SLRProfile,
    SmallTipProfile,
    SpinLock,
    T2Preparation,
)

from .conftest import assert_same, train

SINC = SmallTipProfile(time_bandwidth=4, positions=5)
SLR = SLRProfile(time_bandwidth=4, positions=5)
GIVEN = GivenProfile(relative_flip=[1.1, 0.9, 0.4, -0.1], weight=[0.4, 0.3, 0.3, 0.2])
PROFILES = pytest.mark.parametrize("profile", [SINC, SLR, GIVEN], ids=lambda p: p.type)


def of(profile: SliceProfile | None, phases: bool = False) -> Sequence:
    return Sequence(
        name="test",
        field_strength=3.0,
        spoiler=4.0,
        slice_profile=profile,
        blocks=(
            Inversion(delay=0.02),
            train(21, 1, phases=phases),
            T2Preparation(echo_time=0.03, pulses="hard"),
            train(13, 2, phases=phases),
            SpinLock(lock_time=0.03, frequency=300.0, scheme="balanced"),
            train(7, 3, phases=phases),
        ),
    )


RNG = np.random.default_rng(5)
TISSUE = Tissue(
    t1=RNG.uniform(0.4, 3, 19),
    t2=RNG.uniform(0.03, 0.2, 19),
    t1rho=RNG.uniform(0.04, 0.3, 19),
    adc=RNG.uniform(0, 2e-3, 19),
    b1=RNG.uniform(0.7, 1.3, 19),
    m0=np.array(2 - 1j),
)


def test_one_position_is_no_profile() -> None:
    one = GivenProfile(relative_flip=1.0, weight=1.0)
    np.testing.assert_array_equal(simulate(of(one), TISSUE), simulate(of(None), TISSUE))
    np.testing.assert_array_equal(simulate_epg(of(one), TISSUE), simulate_epg(of(None), TISSUE))


def test_a_profile_of_one_flip_angle_is_b1_of_the_trains() -> None:
    """Without preparations a relative flip angle cannot be told from B1."""
    profile = GivenProfile(relative_flip=[0.8, 0.8], weight=[0.25, 0.5])
    plain = Sequence(name="test", field_strength=3.0, blocks=(train(30, 4, phases=True),))
    expected = 0.75 * simulate_epg(plain, TISSUE.replace(b1=0.8 * TISSUE.get("b1")))
    profiled = dataclasses.replace(plain, slice_profile=profile)
    np.testing.assert_allclose(simulate_epg(profiled, TISSUE), expected, rtol=0, atol=1e-13)


def test_preparations_are_not_selective() -> None:
    nothing = GivenProfile(relative_flip=0.5, weight=1.0)
    look = ReadoutTrain(flip=np.pi, tr=0.0, te=0.0)
    hard = T2Preparation(echo_time=0.03, pulses="hard")
    sequence = Sequence(name="t", field_strength=3.0, blocks=(hard, look), slice_profile=nothing)
    tissue = TISSUE.replace(b1=None, m0=None)
    expected = np.exp(-0.03 / TISSUE.t2)[:, None]
    np.testing.assert_allclose(simulate_epg(sequence, tissue), expected, rtol=0, atol=1e-13)


@PROFILES
@pytest.mark.parametrize("phases", [False, True], ids=["real", "complex"])
def test_agrees_with_the_oracle(profile: SliceProfile, phases: bool) -> None:
    sequence = of(profile, phases)
    tissue = TISSUE.replace(b0=np.linspace(-50, 50, 19)) if phases else TISSUE
    expected = simulate_epg(sequence, tissue)
    assert_same(simulate(sequence, tissue, n_states=100), expected, 1e-5)
    few = tissue.replace(m0=None).take([0, 7])
    assert_same(simulate_bloch(sequence, few), simulate_epg(sequence, few), 1e-12)


STEP = {"t1": 1e-5, "t2": 1e-6, "t1rho": 1e-6, "adc": 1e-8, "b1": 1e-6, "b0": 1e-4}


@pytest.mark.parametrize("name", STEP)
def test_derivatives_agree_with_differences_of_the_oracle(name: str) -> None:
    sequence, step, tissue = of(SLR), STEP[name], TISSUE.replace(b0=np.array(13.0))
    _, jacobian = simulate(sequence, tissue, n_states=100, wrt=(name,))
    up, down = (tissue.replace(**{name: tissue.get(name) + by}) for by in (step, -step))
    expected = (simulate_epg(sequence, up) - simulate_epg(sequence, down)) / (2 * step)
    assert_same(jacobian[:, 0], expected, 1e-4)


@pytest.mark.parametrize("profile_type", [SmallTipProfile, SLRProfile])
def test_quadrature_converges(profile_type: Any) -> None:
    tissue = Tissue(t1=np.array([0.8, 1.2]), t2=np.array([0.05, 0.08]))

    def signal(positions: int) -> Any:
        profile = profile_type(time_bandwidth=4, positions=positions)
        short = ReadoutTrain(flip=train(60, 9, phases=False).flip, tr=0.012, te=0.002)
        blocks = (Inversion(delay=0.02), short)
        return simulate_epg(
            Sequence(name="t", field_strength=3.0, blocks=blocks, slice_profile=profile), tissue, 30
        )

    exact = signal(64)
    peak = np.abs(exact).max()
    errors = [np.abs(signal(positions) - exact).max() / peak for positions in (2, 4, 8, 16)]
    assert all(later < earlier / 3 for earlier, later in pairwise(errors))
    assert errors[-1] < 1e-3  # the default


def test_a_pulse_of_large_time_bandwidth_cuts_a_perfect_slice() -> None:
    """M0 is what the nominal thickness holds: the weights of a sharp slice sum to 1."""
    profile = SmallTipProfile(time_bandwidth=32, positions=200)
    look = ReadoutTrain(flip=np.deg2rad(5), tr=0.0, te=0.0)
    sequence = Sequence(name="t", field_strength=3.0, blocks=(look,), slice_profile=profile)
    tissue = Tissue(t1=np.array(1.0), t2=np.array(0.1))
    np.testing.assert_allclose(simulate_epg(sequence, tissue), np.sin(np.deg2rad(5)), rtol=0.02)


@PROFILES
def test_automatic_number_of_states_keeps_the_signal(profile: SliceProfile) -> None:
    sequence = dataclasses.replace(presets.fisp_cao500(), slice_profile=profile)
    rng = np.random.default_rng(2)
    t1 = np.exp(rng.uniform(np.log(0.2), np.log(4), 32))
    t2 = t1 * rng.uniform(0.02, 0.5, 32)
    tissue = Tissue(t1=t1, t2=t2, b1=rng.uniform(0.7, 1.3, 32))
    exact = simulate(sequence, tissue, n_states=1000)
    assert_same(simulate(sequence, tissue), exact, 1e-5)
