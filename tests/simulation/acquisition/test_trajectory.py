"""Where samples lie, and how much of k-space each stands for."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from spinprint import InputError
from spinprint.simulation.acquisition import Radial, Spiral, Trajectory

BOTH = [Spiral(interleaves=3), Radial(interleaves=5), Spiral(full_interleaves=7, centre_density=1)]


@pytest.mark.parametrize("trajectory", BOTH)
@pytest.mark.parametrize("matrix", [17, 32])
def test_samples_fill_the_disc_and_follow_each_other_closely(
    trajectory: Trajectory, matrix: int
) -> None:
    arm, area = trajectory.arm(matrix)
    disc = np.pi * matrix**2 / 4
    inner = area.min() / 11  # what the correction of the centre took
    assert area.sum() == pytest.approx(disc, abs=4 * inner)
    assert trajectory.weights(matrix).sum() == pytest.approx(area.sum())
    assert np.abs(arm).max() < matrix / 2
    assert np.abs(arm).max() > matrix / 2 - 0.5
    assert np.abs(np.diff(arm)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("density", [1.0, 1.5, 4.0])
def test_turns_are_at_the_nyquist_distance_at_the_edge_and_closer_within(density: float) -> None:
    arm, _ = Spiral(full_interleaves=6, centre_density=density).arm(128)
    radius, turns = np.abs(arm), np.unwrap(np.angle(arm)) / (2 * np.pi)
    distance = np.diff(radius) / np.diff(turns) / 6
    place = (radius[1:] + radius[:-1]) / 128
    expected = 1 / density + (1 - 1 / density) * place
    np.testing.assert_allclose(distance[50:], expected[50:], rtol=2e-3)


def test_full_spokes_are_at_the_nyquist_distance_at_the_edge() -> None:
    spokes = Radial().full(33)
    assert np.pi / spokes * 33 / 2 <= 1 < np.pi / (spokes - 1) * 33 / 2
    assert Radial(interleaves=4).acceleration(33) == spokes / 4


def test_single_spokes_turn_by_the_golden_angle() -> None:
    points = Radial().points(8, 4)
    step = np.degrees(np.angle(points[1:, -1] / points[:-1, -1])) % 180
    np.testing.assert_allclose(step, 111.246, atol=1e-3)


@pytest.mark.parametrize(
    ("trajectory", "turn"), [(Spiral(interleaves=4), 360), (Radial(interleaves=3), 180)]
)
def test_interleaves_of_a_frame_are_evenly_spread(trajectory: Trajectory, turn: float) -> None:
    n = trajectory.interleaves
    frame = trajectory.points(8, 2)[1].reshape(n, -1)
    step = np.degrees(np.angle(frame[1:, -1] / frame[:-1, -1]))
    np.testing.assert_allclose(step, turn / n)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Spiral, {"interleaves": 0}, "interleaves = 0 must be a whole number"),
        (Radial, {"interleaves": 1.5}, "interleaves = 1.5"),
        (Spiral, {"interleaves": True}, "interleaves = True"),
        (Spiral, {"full_interleaves": -2}, "full_interleaves = -2"),
        (Spiral, {"centre_density": 0.5}, "centre_density = 0.5 must be at least 1"),
        (Spiral, {"centre_density": np.nan}, "centre_density = nan"),
    ],
)
def test_impossible_trajectories_are_refused(
    kind: type[Trajectory], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        kind(**options)
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().interleaves = 2  # type: ignore[misc]
