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
    Inversion,
    ReadoutTrain,
    SpinLock,
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
    ],
)
def test_impossible_sequences_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SequenceError, match=f"^{message}"):
        Sequence(**({"name": "test", "blocks": (train(),), "field_strength": 3.0} | changes))
