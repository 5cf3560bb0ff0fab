"""Preparations with real pulses, and T1rho dispersion: closed forms and the Bloch equations."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from spinprint import Sequence, Tissue, simulate
from spinprint.physics.reference.bloch import simulate_bloch
from spinprint.physics.reference.epg import simulate_epg
from spinprint.sequence import (
    Block,
    Delay,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
)
from spinprint.sequence.events import Event, Free, HardPulse, Lock

from .conftest import train

SCHEMES = ("simple", "self_compensated", "balanced")
LOCK = SpinLock(lock_time=0.04, frequency=400.0)
LOOK = ReadoutTrain(flip=np.pi / 2, tr=0.0, te=0.0)

T1, T2, T1RHO = 0.9, 0.04, 0.06
B1, B0 = np.meshgrid([0.7, 0.85, 1.0, 1.2], [-120.0, -35.0, 0.0, 60.0])
FIELDS = Tissue(t1=np.array(T1), t2=np.array(T2), t1rho=np.array(T1RHO), b1=B1, b0=B0)


def of(*blocks: Block, **head: Any) -> Sequence:
    return Sequence(name="test", field_strength=3.0, blocks=blocks, **head)


def played(scheme: str, **changes: Any) -> SpinLock:
    return dataclasses.replace(LOCK, scheme=scheme, **changes)


def gain(block: Block, tissue: Tissue, **head: Any) -> Any:
    """What the oracle leaves of Mz: a 90 degree pulse turns it into the sample whatever B1 is."""
    b1 = np.broadcast_to(tissue.get("b1"), tissue.shape)
    gains = np.empty(tissue.shape)
    for index in np.ndindex(tissue.shape):
        one = Tissue(
            **{k: np.broadcast_to(v, tissue.shape)[index] for k, v in tissue.given().items()}
        )
        look = ReadoutTrain(flip=np.pi / 2 / b1[index], tr=0.0, te=0.0)
        gains[index] = simulate_epg(of(block, look, **head), one)[0].real
    return gains


# T2 preparation -----------------------------------------------------------------------------


def hard_t2_gain(echo_time: float) -> Any:
    """Rotations of a vector by hand: tip by b, precess by p, refocus by 2b, precess, tip back."""
    angle, half = np.pi / 2 * B1, np.exp(-echo_time / 2 / T2)
    c, s, phase = np.cos(angle), np.sin(angle), np.pi * B0 * echo_time
    kept = c**2 * np.cos(2 * angle) - 2 * half * s * c * np.sin(phase) * np.sin(2 * angle)
    return kept + (half * s) ** 2 * (np.cos(phase) ** 2 - np.sin(phase) ** 2 * np.cos(2 * angle))


@pytest.mark.parametrize("echo_time", [0.0, 0.012, 0.05])
def test_hard_t2_preparation(echo_time: float) -> None:
    block = T2Preparation(echo_time=echo_time, pulses="hard")
    np.testing.assert_allclose(gain(block, FIELDS), hard_t2_gain(echo_time), rtol=0, atol=1e-13)


def test_true_pulses_refocus_any_field() -> None:
    block = T2Preparation(echo_time=0.03, pulses="hard")
    tissue = FIELDS.replace(b1=np.array(1.0))
    np.testing.assert_allclose(gain(block, tissue), np.exp(-0.03 / T2), rtol=0, atol=1e-13)


# Spin-lock ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_locks_where_fields_are_true(scheme: str) -> None:
    tissue = FIELDS.replace(b1=np.array(1.0), b0=np.array(0.0))
    np.testing.assert_allclose(gain(played(scheme), tissue), np.exp(-0.04 / T1RHO), rtol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_b1_error_on_resonance(scheme: str) -> None:
    """What the tip-down leaves along z turns about the lock; two of the schemes turn it back."""
    tissue = FIELDS.replace(b0=np.array(0.0))
    tipped, nutation = np.sin(np.pi / 2 * B1) ** 2, np.cos(2 * np.pi * 400.0 * B1 * 0.04)
    lost = np.exp(-0.04 * (1 / T1 + 1 / T2) / 2) * (nutation if scheme == "simple" else 1)
    expected = tipped * np.exp(-0.04 / T1RHO) + (1 - tipped) * lost
    np.testing.assert_allclose(gain(played(scheme), tissue), expected, rtol=0, atol=1e-12)


def bloch_equations(events: tuple[Event, ...], b1: float, b0: float) -> float:
    """Mz after the events by exponentials of the Bloch equations, without recovery.

    Nothing is averaged: while locked, relaxation is 1/T1rho along the lock, 1/T2 across it and
    1/T1 along z, and the fields turn the vector at the same time.
    """

    def turning(vector: Any) -> Any:
        return np.cross(np.eye(3), vector)

    m = np.array([0.0, 0.0, 1.0])
    for event in events:
        match event:
            case HardPulse(flip, phase):
                m = expm(flip * b1 * turning([-np.sin(phase), np.cos(phase), 0])) @ m
            case Free(time):
                decay = np.diag([1 / T2, 1 / T2, 0])
                m = expm(time * (turning([0, 0, 2 * np.pi * b0]) - decay)) @ m
            case Lock(time, frequency, phase):
                along = np.array([np.cos(phase), np.sin(phase), 0])
                across = np.array([-np.sin(phase), np.cos(phase), 0])
                decay = np.outer(along, along) / T1RHO + np.outer(across, across) / T2
                decay[2, 2] = 1 / T1
                field = 2 * np.pi * (frequency * b1 * along + [0, 0, b0])
                m = expm(time * (turning(field) - decay)) @ m
    return float(m[2])


def distance(block: SpinLock | T2Preparation, tissue: Tissue) -> float:
    b1, b0 = (np.broadcast_to(tissue.get(name), tissue.shape) for name in ("b1", "b0"))
    pairs = zip(b1.ravel(), b0.ravel(), strict=True)
    exact = [bloch_equations(block.events, *pair) for pair in pairs]
    return float(np.abs(gain(block, tissue).ravel() - exact).max())


def test_hard_t2_preparation_solves_the_bloch_equations() -> None:
    assert distance(T2Preparation(echo_time=0.03, pulses="hard"), FIELDS) < 1e-12


@pytest.mark.parametrize("scheme", SCHEMES)
def test_locks_approach_the_bloch_equations_as_fields_grow(scheme: str) -> None:
    """Relaxation is averaged over the turn about the effective field: an error of rate/field."""
    errors = [
        distance(played(scheme, frequency=400.0 * by), FIELDS.replace(b0=B0 * by)) for by in (1, 16)
    ]
    assert errors[0] < 5e-3
    assert errors[1] < errors[0] / 8


def test_relaxation_along_a_tilted_field() -> None:
    """Far off resonance nothing but the part along z, which pulses of 90 degrees leave empty."""
    tissue = FIELDS.replace(b1=np.array(1e-3), b0=np.array(250.0))
    theta = np.arctan2(0.4, 250.0)
    rate = np.cos(theta) ** 2 / T1 + np.sin(theta) ** 2 / T1RHO
    expected = np.exp(-0.04 * rate)
    np.testing.assert_allclose(gain(played("simple"), tissue), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("b1", "b0", "better", "worse"),
    [
        (0.2, 0.0, "self_compensated", "simple"),  # a rotary echo is for B1
        (0.0, 100.0, "balanced", "self_compensated"),  # and knows no B0
        (0.2, 100.0, "balanced", "simple"),
    ],
)
def test_what_each_scheme_is_for(b1: float, b0: float, better: str, worse: str) -> None:
    """Gram 2021: the balanced spin-lock stands errors of B1 and B0 together."""
    fields = np.meshgrid(1 + np.linspace(-b1, b1, 9), np.linspace(-b0, b0, 9))
    tissue = FIELDS.replace(b1=fields[0], b0=fields[1])

    def error(scheme: str) -> Any:
        return np.sqrt(np.mean((gain(played(scheme), tissue) - np.exp(-0.04 / T1RHO)) ** 2))

    assert error(better) < error(worse) / 3


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("b0", [0.0, 50.0])
def test_no_field_at_all_is_no_number_but_finite(scheme: str, b0: float) -> None:
    """Where B1 is 0 nothing is tipped: what is left relaxes along z."""
    tissue = FIELDS.replace(b1=np.array([0.0]), b0=np.array([b0]))
    sequence = of(played(scheme), LOOK)
    _, jacobian = simulate(sequence, tissue, wrt=("t1", "t2", "t1rho", "b1", "b0"))
    assert np.isfinite(jacobian).all()
    np.testing.assert_allclose(jacobian[:, 3, 0].real, np.pi / 2 * np.exp(-0.04 / T1), rtol=1e-5)


# All simulators -----------------------------------------------------------------------------


def everything(scheme: str) -> Sequence:
    return of(
        Inversion(delay=0.02),
        train(9, 1, phases=False),
        T2Preparation(echo_time=0.03, pulses="hard"),
        train(13, 2, phases=False),
        Delay(length=0.05),
        played(scheme),
        train(7, 3, phases=False),
        spoiler=3.0,
        t1rho_dispersion=2e-4,
        t1rho_reference=150.0,
    )


RNG = np.random.default_rng(5)
TISSUE = Tissue(
    t1=RNG.uniform(0.4, 3, 19),
    t2=RNG.uniform(0.03, 0.2, 19),
    t1rho=RNG.uniform(0.04, 0.3, 19),
    adc=RNG.uniform(0, 2e-3, 19),
    b1=RNG.uniform(0.7, 1.3, 19),
    b0=RNG.uniform(-80, 80, 19),
)


@pytest.mark.parametrize("scheme", ["ideal", *SCHEMES])
@pytest.mark.parametrize("on_resonance", [True, False], ids=["real", "complex"])
def test_simulators_agree(scheme: str, on_resonance: bool) -> None:
    tissue = TISSUE.replace(b0=None) if on_resonance else TISSUE
    expected = simulate_epg(everything(scheme), tissue)
    peak = np.abs(expected).max(axis=-1, keepdims=True)
    bloch = simulate_bloch(everything(scheme), tissue)
    np.testing.assert_allclose(bloch, expected, rtol=0, atol=1e-13)
    signal = simulate(everything(scheme), tissue, n_states=100)
    np.testing.assert_allclose(signal / peak, expected / peak, rtol=0, atol=1e-5)


STEP = {"t1": 1e-5, "t2": 1e-6, "t1rho": 1e-6, "adc": 1e-8, "b1": 1e-6, "b0": 1e-4}


@pytest.mark.parametrize("name", STEP)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_derivatives_agree_with_differences_of_the_oracle(name: str, scheme: str) -> None:
    sequence, step = everything(scheme), STEP[name]
    _, jacobian = simulate(sequence, TISSUE, n_states=100, wrt=(name,))
    up, down = (TISSUE.replace(**{name: TISSUE.get(name) + by}) for by in (step, -step))
    expected = (simulate_epg(sequence, up) - simulate_epg(sequence, down)) / (2 * step)
    error = np.abs(jacobian[:, 0] - expected).max(axis=-1)
    assert (error < 1e-4 * np.abs(expected).max(axis=-1)).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_preparations_with_pulses_destroy_transverse_magnetisation(scheme: str) -> None:
    """Two 90 degree pulses with nothing transverse left in between: no signal."""
    tissue = TISSUE.replace(b1=None)
    for block in (played(scheme), T2Preparation(echo_time=0.02, pulses="hard")):
        signal = simulate_epg(of(LOOK, block, LOOK), tissue)[:, -1]
        np.testing.assert_allclose(signal, 0, atol=1e-14)


def test_a_lock_of_no_time_needs_no_t1rho() -> None:
    tissue = Tissue(t1=np.array(1.0), t2=np.array(0.1))
    sequence = of(played("balanced", lock_time=0.0), LOOK)
    np.testing.assert_allclose(simulate(sequence, tissue), 1, rtol=1e-6)
    np.testing.assert_allclose(simulate_epg(sequence, tissue), 1, rtol=1e-12)


# Dispersion ---------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", [0.0, 300.0, 500.0, 900.0])
def test_t1rho_changes_linearly_with_the_frequency_of_the_lock(frequency: float) -> None:
    """40 % per kHz about 500 Hz."""
    t1rho = TISSUE.get("t1rho")
    block = SpinLock(lock_time=0.03, frequency=frequency)
    sequence = of(block, LOOK, t1rho_dispersion=0.4e-3, t1rho_reference=500.0)
    expected = np.exp(-0.03 / (t1rho * (1 + 0.4 * (frequency - 500) / 1000)))
    tissue = TISSUE.replace(b1=None, b0=None)
    np.testing.assert_allclose(simulate_epg(sequence, tissue)[:, 0], expected, rtol=1e-13)
    signal, jacobian = simulate(sequence, tissue, wrt=("t1rho",))
    np.testing.assert_allclose(signal[:, 0], expected, rtol=2e-6)
    slope = -expected * np.log(expected) / t1rho
    np.testing.assert_allclose(jacobian[:, 0, 0], slope, rtol=1e-5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_dispersion_holds_for_every_scheme(scheme: str) -> None:
    tissue = FIELDS.replace(t1rho=np.array(T1RHO * 0.9))
    expected = gain(played(scheme), tissue)
    seen = gain(played(scheme), FIELDS, t1rho_dispersion=1e-3, t1rho_reference=500.0)
    np.testing.assert_allclose(seen, expected, rtol=1e-12)
