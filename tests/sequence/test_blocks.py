"""Blocks: what they accept, what they refuse, and how they round."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from spinprint import SequenceError
from spinprint.physics.program import compile_block
from spinprint.physics.reference import bloch, epg
from spinprint.sequence import (
    BLOCK_TYPES,
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
    blocks,
)
from spinprint.sequence.events import Lock


def train(**changes: Any) -> ReadoutTrain:
    given: dict[str, Any] = {"flip": [0.1, 0.2, 0.3], "tr": 0.010, "te": 0.002}
    return ReadoutTrain(**(given | changes))


def test_a_number_stands_for_every_pulse() -> None:
    block = train(phase=[0.0, math.pi, 0.0])
    assert block.pulses == 3
    assert block.tr == (0.010, 0.010, 0.010)
    assert block.spoiler_cycles == (1, 1, 1)
    assert block.phase == (0.0, math.pi, 0.0)


def test_lists_arrays_and_numpy_scalars_are_the_same() -> None:
    listed = train(te=[0.002, 0.002, 0.002])
    assert train(flip=np.array([0.1, 0.2, 0.3])) == listed
    assert train(te=np.float64(0.002), tr=np.array(0.010)) == listed


def test_blocks_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        train().tr = (1.0,)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("block", "seconds"),
    [
        (Inversion(delay=0.020), 0.020),
        (T2Preparation(echo_time=0.040), 0.040),
        (SpinLock(lock_time=0.080, frequency=300), 0.080),
        (DiffusionPreparation(b_value=800, echo_time=0.050), 0.050),
        (Crusher(), 0.0),
        (Delay(length=1.5), 1.5),
        (train(tr=[0.01, 0.02, 0.03]), 0.06),
    ],
)
def test_duration(block: Any, seconds: float) -> None:
    assert block.duration == pytest.approx(seconds, abs=1e-15)


def test_preparations_are_ideal_unless_asked_otherwise() -> None:
    assert T2Preparation(echo_time=0.04).pulses == "ideal"
    assert SpinLock(lock_time=0.08, frequency=300).scheme == "ideal"
    assert T2Preparation(echo_time=0.04).events == ()
    assert SpinLock(lock_time=0.08, frequency=300).events == ()


@pytest.mark.parametrize("scheme", ["simple", "self_compensated", "balanced"])
def test_every_scheme_locks_for_its_lock_time(scheme: str) -> None:
    block = SpinLock(lock_time=0.08, frequency=300, scheme=scheme)
    locks = [event for event in block.events if isinstance(event, Lock)]
    assert sum(lock.time for lock in locks) == pytest.approx(0.08)
    assert {lock.frequency for lock in locks} == {300}


def test_every_block_type_is_listed_under_its_name() -> None:
    assert all(block.type == name for name, block in BLOCK_TYPES.items())
    defined = [value for value in vars(blocks).values() if isinstance(value, type)]
    kinds = {kind for kind in defined if issubclass(kind, Block) and kind is not Block}
    assert set(BLOCK_TYPES.values()) == kinds


@pytest.mark.parametrize("play", [epg.play, bloch.play, compile_block])
def test_every_block_type_is_played_by_every_simulator(play: Any) -> None:
    for block in BLOCK_TYPES.values():
        assert play.dispatch(block) is not play.dispatch(Block), block.type


def test_values_snap_to_what_a_file_can_state() -> None:
    """A time that no 15-digit decimal gives is moved by less than 1e-14 of itself, and once."""
    length = 1 / 3 + 1e-16
    snapped = Delay(length=length).length
    assert snapped == pytest.approx(length, rel=1e-14)
    assert Delay(length=snapped).length == snapped
    assert str(Delay(length=-0.0).length) == "0.0"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Delay(length=-0.1), "duration_ms = -100 must be at least 0"),
        (lambda: Delay(length=math.nan), "duration_ms = nan must be at least 0"),
        (lambda: Delay(length=math.inf), "duration_ms = inf must be at least 0"),
        (lambda: Delay(length=True), "duration_ms = True must be a number"),
        (lambda: Delay(length="1"), "duration_ms = '1' must be a number"),  # type: ignore[arg-type]
        (lambda: Delay(length=10**400), "duration_ms holds an integer too large"),
        (lambda: Inversion(delay=0, efficiency=1.1), "efficiency = 1.1 must be from 0 to 1"),
        (lambda: DiffusionPreparation(b_value=-1, echo_time=0), "b_s_per_mm2 = -1 must be at le"),
        (lambda: SpinLock(lock_time=0.1, frequency=-5), "frequency_hz = -5 must be at least 0"),
        (
            lambda: SpinLock(lock_time=0, frequency=9, scheme="BSL"),
            "scheme = 'BSL' must be one of id",
        ),
        (
            lambda: SpinLock(lock_time=0, frequency=9, scheme=1),  # type: ignore[arg-type]
            "scheme = 1 must be one of ideal, s",
        ),
        (
            lambda: SpinLock(lock_time=0.1, frequency=0, scheme="simple"),
            "frequency_hz = 0 must be positive where scheme = 'simple'",
        ),
        (
            lambda: T2Preparation(echo_time=0, pulses="soft"),
            "pulses = 'soft' must be one of ideal,",
        ),
        (lambda: train(tr=[0.01, 0.01]), "tr_ms has 2 values where another key has 3"),
        (lambda: train(flip=[]), "flip_deg is empty"),
        (lambda: train(flip=[0.1, "x", 0.1]), r"flip_deg\[1\] = 'x' must be a number"),
        (lambda: train(flip="abc"), "flip_deg = 'abc' must be a number"),
        (lambda: train(flip=[0.1, math.nan, 0.1]), r"flip_deg\[1\] = nan must be a finite number"),
        (lambda: train(flip=[[0.1], [0.2]]), r"flip_deg\[0\] = \[0.1\] must be a number"),
        (lambda: train(tr=-0.01), "tr_ms = -10 must be at least 0"),
        (lambda: train(tr=[0.01, -0.01, 0.01]), r"tr_ms\[1\] = -10 must be at least 0"),
        (lambda: train(te=0.011), r"te_ms\[0\] = 11 exceeds tr_ms\[0\] = 10: the echo lies within"),
        (lambda: train(te=[0.0, 0.0, 0.011]), r"te_ms\[2\] = 11 exceeds tr_ms\[2\] = 10"),
        (lambda: train(spoiler_cycles=2), "spoiler_cycles = 2 must be one of 0, 1"),
        (lambda: train(spoiler_cycles=0.5), "spoiler_cycles = 0.5 must be one of 0, 1"),
    ],
)
def test_impossible_values_name_key_and_rule(build: Any, message: str) -> None:
    with pytest.raises(SequenceError, match=f"^{message}") as caught:
        build()
    assert "\n" not in str(caught.value)


def test_an_echo_may_fill_its_repetition() -> None:
    assert train(te=0.010).te == train().tr
