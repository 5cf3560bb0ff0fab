"""Random streams give the numbers that files and results already rest on."""

import numpy as np
import pytest

from spinprint.errors import TissueError
from spinprint.streams import phantom_stream, stream


def test_streams_are_those_of_earlier_versions() -> None:
    assert phantom_stream(7, "tissue", 5).integers(2**31) == 660626631
    assert stream(5, 3).integers(2**31) == 786548740


def test_what_is_drawn_for_one_purpose_does_not_depend_on_another() -> None:
    purposes = ("person", "anatomy", "levels", "tissue", "fields", "pose", "noise")
    numbers: tuple[tuple[int, ...], ...] = ((), (0,), (1,))
    keys = [(purpose, rest) for purpose in purposes for rest in numbers]
    assert len({float(phantom_stream(1, name, *rest).random()) for name, rest in keys}) == len(keys)
    assert phantom_stream(1, "noise").random() != phantom_stream(2, "noise").random()
    assert len({float(stream(*key).random()) for key in ((1,), (1, 0), (0, 1), (1, 0, 0))}) == 4


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(TissueError, match="seed = -1 must be at least 0"):
        phantom_stream(-1, "noise")
    assert isinstance(phantom_stream(0, "noise"), np.random.Generator)
