"""The default grid: the unknowns of the sequence, and atoms along a field only where it matters."""

import dataclasses

import numpy as np
import pytest

from spinprint import Sequence
from spinprint.dictionary.defaults import default_grid
from spinprint.sequence import ReadoutTrain

RANGE = (-120.0, 140.0)


def played(short: Sequence, **changes: object) -> Sequence:
    """`short` with another readout train."""
    *before, train = short.blocks
    assert isinstance(train, ReadoutTrain)
    return dataclasses.replace(short, blocks=(*before, dataclasses.replace(train, **changes)))  # type: ignore[arg-type]


def test_without_fields_the_axes_are_the_unknowns(short_knee: Sequence) -> None:
    assert tuple(default_grid(short_knee).axes) == short_knee.unknowns


def test_b0_that_only_turns_the_signal_takes_two_atoms(short: Sequence) -> None:
    grid = default_grid(short, {"b0": RANGE})
    assert grid.axes["b0"].values == RANGE


@pytest.mark.parametrize(
    "changes", [{"spoiler_cycles": 0}, {"te": 0.002 + 0.008 * (np.arange(80) % 2)}]
)
def test_b0_that_shapes_the_signal_takes_fine_steps(
    short: Sequence, changes: dict[str, object]
) -> None:
    grid = default_grid(played(short, **changes), {"b0": RANGE})
    assert np.diff(grid.axes["b0"].values).max() <= 5.0 + 1e-9


def test_b1_takes_fine_steps(short: Sequence) -> None:
    grid = default_grid(short, {"b1": (0.8, 1.2)})
    assert np.diff(grid.axes["b1"].values).max() <= 0.05 + 1e-9
