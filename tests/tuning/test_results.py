"""What is worth choosing among the trials."""

import math

import pytest

from spinprint.tuning.results import WITHIN, State, Trial, best_of, front


def trial(number: int, *objectives: float) -> Trial:
    state = State.FINISHED if objectives else State.GIVEN_UP
    return Trial(
        number=number, state=state, chosen={}, objectives=objectives, measures={}, seconds=0.1
    )


def test_the_front_holds_what_nothing_beats_in_every_objective() -> None:
    trials = [
        trial(1, 0.0, 4.0, 3.0),
        trial(2, 1.0, 2.0, 3.0),  # faster than 1
        trial(3, 1.0, 3.0, 3.0),  # as good as 2, but slower
        trial(4, 2.0, 5.0, 1.0),  # needs the least memory
        trial(5, 1.0, 2.0, 3.0),  # the same as 2: neither beats the other
        trial(6),
    ]
    assert [one.number for one in front(trials)] == [1, 2, 4, 5]


@pytest.mark.parametrize(("error", "chosen"), [(0.9 * WITHIN, 2), (1.1 * WITHIN, 1)])
def test_the_best_is_the_fastest_whose_error_is_near_the_least(error: float, chosen: int) -> None:
    """The error is a logarithm: WITHIN is relative."""
    trials = [trial(1, 0.0, 2.0), trial(2, math.log1p(error), 1.0), trial(3, 1.0, 0.1), trial(4)]
    best = best_of(trials)
    assert best is not None
    assert best.number == chosen
