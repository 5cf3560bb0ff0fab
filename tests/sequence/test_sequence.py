"""Sequences: what they know of themselves, and their digest."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from spinprint import Sequence, SequenceError
from spinprint.sequence import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    GivenProfile,
    Inversion,
    ReadoutTrain,
    SLRProfile,
    SmallTipProfile,
    SpinLock,
    T2Preparation,
)


def train(pulses: int = 3, **changes: Any) -> ReadoutTrain:
    given: dict[str, Any] = {"flip": np.full(pulses, 0.2), "tr": 0.010, "te": 0.002}
    return ReadoutTrain(**(given | changes))


def sequence(*blocks: Block, **changes: Any) -> Sequence:
    given: dict[str, Any] = {"name": "test", "field_strength": 3.0}
    return Sequence(blocks=blocks or (train(),), **(given | changes))


def test_samples_trains_and_duration() -> None:
    played = sequence(Inversion(delay=0.02), train(3), Delay(length=0.5), train(4))
    assert played.n_samples == 7
    assert [block.pulses for block in played.trains] == [3, 4]
    assert played.duration == pytest.approx(0.02 + 0.03 + 0.5 + 0.04)


@pytest.mark.parametrize(
    ("played", "unknowns"),
    [
        (sequence(), ("t1", "t2")),
        (sequence(SpinLock(lock_time=0.04, frequency=500), train()), ("t1", "t2", "t1rho")),
        (sequence(SpinLock(lock_time=0, frequency=500), train()), ("t1", "t2")),
        (sequence(DiffusionPreparation(b_value=8, echo_time=0.05), train()), ("t1", "t2", "adc")),
        (sequence(DiffusionPreparation(b_value=0, echo_time=0.05), train()), ("t1", "t2")),
        (sequence(spoiler=6.3), ("t1", "t2", "adc")),
        (sequence(train(spoiler_cycles=0), spoiler=6.3), ("t1", "t2")),
        (
            sequence(SpinLock(lock_time=0.04, frequency=500), train(), spoiler=1.0),
            ("t1", "t2", "t1rho", "adc"),
        ),
    ],
)
def test_unknowns_follow_from_the_blocks(played: Sequence, unknowns: tuple[str, ...]) -> None:
    assert played.unknowns == unknowns


def test_digest_ignores_name_and_citation() -> None:
    renamed = dataclasses.replace(sequence(), name="other", citation="somebody 2020")
    assert renamed.digest == sequence().digest
    assert renamed != sequence()


def test_digest_ignores_how_the_numbers_were_given() -> None:
    assert sequence(field_strength=3).digest == sequence(field_strength=3.0).digest
    assert sequence(train(tr=[0.010] * 3)).digest == sequence().digest
    assert sequence(spoiler=-0.0).digest == sequence(spoiler=0).digest


@pytest.mark.parametrize(
    "other",
    [
        sequence(train(flip=[0.2, 0.2, 0.2 + 1e-12])),
        sequence(train(phase=[0, 0, math.pi])),
        sequence(train(tr=0.0101)),
        sequence(train(te=0.0021)),
        sequence(train(spoiler_cycles=0)),
        sequence(train(4)),
        sequence(Crusher(), train()),
        sequence(spoiler=1.0),
        sequence(field_strength=1.5),
    ],
)
def test_digest_tells_other_sequences_apart(other: Sequence) -> None:
    assert other.digest != sequence().digest


LOCK = SpinLock(lock_time=0.04, frequency=300)
FLAT = GivenProfile(relative_flip=1, weight=1)
SLR = SLRProfile(time_bandwidth=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (T2Preparation(echo_time=0.04), T2Preparation(echo_time=0.04, pulses="hard")),
        (LOCK, dataclasses.replace(LOCK, scheme="simple")),
        (
            dataclasses.replace(LOCK, scheme="self_compensated"),
            dataclasses.replace(LOCK, scheme="balanced"),
        ),
    ],
)
def test_digest_tells_preparations_apart(one: Block, other: Block) -> None:
    assert sequence(one, train()).digest != sequence(other, train()).digest


def test_digest_tells_options_apart() -> None:
    options: list[dict[str, Any]] = [
        {},
        {"t1rho_dispersion": 1e-4},
        {"t1rho_dispersion": 1e-4, "t1rho_reference": 500.0},
        {"slice_profile": FLAT},
        {"slice_profile": SLR},
        {"slice_profile": SmallTipProfile(time_bandwidth=4)},
        {"slice_profile": dataclasses.replace(SLR, positions=17)},
        {"slice_profile": dataclasses.replace(SLR, extent=3.0)},
    ]
    assert len({sequence(LOCK, train(), **option).digest for option in options}) == len(options)


def test_what_is_left_at_its_default_stands_in_no_file() -> None:
    """Files and digests of sequences without the options stay what they were before these."""
    plain = sequence(LOCK, T2Preparation(echo_time=0.04), train()).to_dict()
    assert list(plain) == ["format", "name", "field_strength_t", "spoiler_rad_per_mm", "block"]
    assert list(plain["block"][0]) == ["type", "duration_ms", "frequency_hz"]
    assert list(plain["block"][1]) == ["type", "echo_time_ms"]


def test_digest_is_the_same_in_every_process() -> None:
    """Dictionaries on disk hold it: a change of this value refuses all that were made before."""
    assert sequence().digest.startswith("f8d6658cdefabad1")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": ()}, "no block is a readout_train: a sequence must sample something"),
        ({"blocks": (Crusher(),)}, "no block is a readout_train"),
        ({"blocks": (train(), "crusher")}, "blocks"),
        ({"field_strength": 0.0}, "field_strength_t = 0 must be positive and finite"),
        ({"field_strength": math.inf}, "field_strength_t = inf must be positive and finite"),
        ({"field_strength": "3"}, "field_strength_t = '3' must be a number"),
        ({"spoiler": -1.0}, "spoiler_rad_per_mm = -1 must be finite, at least 0"),
        ({"spoiler": math.nan}, "spoiler_rad_per_mm = nan must be finite, at least 0"),
        ({"name": 5}, "name = 5 must be text"),
        ({"citation": None}, "citation = None must be text"),
        ({"slice_profile": "slr"}, "slice_profile = 'slr' must be a slice profile"),
        ({"t1rho_dispersion": math.inf}, "t1rho_dispersion_per_khz = inf must be a finite number"),
        ({"t1rho_reference": 500.0}, "t1rho_reference_hz = 500 means nothing without t1rho_disp"),
        (
            {"blocks": (train(), LOCK), "t1rho_dispersion": 5e-3, "t1rho_reference": 500.0},
            r"block 2 \(spin_lock\): frequency_hz = 300 leaves no positive T1rho with .* = 5$",
        ),
    ],
)
def test_impossible_sequences_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SequenceError, match=f"^{message}"):
        Sequence(**({"name": "test", "blocks": (train(),), "field_strength": 3.0} | changes))
