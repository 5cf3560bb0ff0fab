"""Slice profiles: effective flip angles against the Bloch equations, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spinprint import Sequence, SequenceError
from spinprint.sequence import GivenProfile, ReadoutTrain, SLRProfile, SmallTipProfile

FLIPS = np.deg2rad([-20.0, 0.0, 5.0, 30.0, 70.0, 90.0, 150.0, 180.0])


def magnetisation(flip: float, position: float, time_bandwidth: float, steps: int = 600) -> Any:
    """A vector under the pulse and its gradient, refocused by half on either side.

    The pulse is sampled anew and played with the gradient on; no spinor occurs.
    """
    time = (np.arange(steps) + 0.5) / steps - 0.5
    shape = np.sinc(time_bandwidth * time) * (0.54 + 0.46 * np.cos(2 * np.pi * time))
    angle = 2 * np.pi * position * time_bandwidth
    refocus = Rotation.from_rotvec([0, 0, -angle / 2])
    zeros = np.zeros(steps)
    steered = np.stack([flip * shape / shape.sum(), zeros, zeros + angle / steps], axis=-1)
    m = refocus.apply([0.0, 0.0, 1.0])
    for turn in Rotation.from_rotvec(steered).as_matrix():
        m = turn @ m
    return refocus.apply(m)


@pytest.mark.parametrize("flip", [FLIPS[0], FLIPS[3], FLIPS[5], FLIPS[7]])
def test_slr_solves_the_bloch_equations(flip: float) -> None:
    profile = SLRProfile(time_bandwidth=4, positions=7)
    effective = profile.effective_flips([flip])[:, 0]
    positions = (np.arange(7) + 0.5) / 7
    exact = np.array([magnetisation(flip, position, 4) for position in positions])
    np.testing.assert_allclose(np.cos(effective), exact[:, 2], rtol=0, atol=2e-3)
    # A pulse about x turns z towards -y; the sign matters where the profile undershoots.
    clear = np.abs(exact[:, 1]) > 0.02
    np.testing.assert_array_equal(np.sign(np.sin(effective))[clear], -np.sign(exact[clear, 1]))


def test_the_centre_is_turned_by_the_nominal_flip_angle() -> None:
    for profile_type in (SLRProfile, SmallTipProfile):
        profile = profile_type(time_bandwidth=4, positions=200, extent=1.0)
        centre = profile.effective_flips(FLIPS)[0]
        np.testing.assert_allclose(centre, FLIPS, rtol=0, atol=0.01)


def test_slr_of_small_flips_is_the_fourier_transform() -> None:
    small, exact = (t(time_bandwidth=6, positions=40) for t in (SmallTipProfile, SLRProfile))
    flip = [1e-4, 1e-3]
    np.testing.assert_allclose(
        exact.effective_flips(flip) / flip, small.effective_flips(flip) / flip, rtol=0, atol=1e-6
    )
    large = exact.effective_flips([np.pi / 2]) - small.effective_flips([np.pi / 2])
    assert np.abs(large).max() > 0.1


def test_small_tip_is_half_at_the_edge_and_nothing_outside() -> None:
    profile = SmallTipProfile(time_bandwidth=8, positions=100)
    relative = profile.effective_flips([1.0])[:, 0]
    position = (np.arange(100) + 0.5) / 100
    assert np.interp(0.5, position, relative) == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(relative[position < 0.25], 1, atol=0.01)
    np.testing.assert_allclose(relative[position > 0.75], 0, atol=0.01)


def test_weights_are_parts_of_the_nominal_thickness() -> None:
    assert SmallTipProfile(time_bandwidth=4).weights.sum() == pytest.approx(2)
    assert SLRProfile(time_bandwidth=4, extent=3.0).weights.sum() == pytest.approx(3)
    given = GivenProfile(relative_flip=[1.0, 0.5], weight=0.3)
    np.testing.assert_array_equal(given.weights, [0.3, 0.3])


def test_slices_carry_the_effective_flip_angles() -> None:
    train = ReadoutTrain(flip=[0.1, 0.2], tr=0.01, te=0.002)
    profile = GivenProfile(relative_flip=[1.0, 0.5], weight=[0.7, 0.3])
    sequence = Sequence(name="t", field_strength=3, blocks=(train,), slice_profile=profile)
    (first, full), (second, half) = sequence.slices
    assert (first, second) == (0.7, 0.3)
    assert full.slice_profile is half.slice_profile is None
    np.testing.assert_allclose(full.trains[0].flip, [0.1, 0.2], rtol=1e-14)
    np.testing.assert_allclose(half.trains[0].flip, [0.05, 0.1], rtol=1e-14)
    assert full.trains[0].tr == train.tr
    assert full.slices == ((1.0, full),)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SLRProfile(time_bandwidth=0.5), "time_bandwidth = 0.5 must be from 1 to 32"),
        (lambda: SLRProfile(time_bandwidth="4"), "time_bandwidth = '4' must be a number"),  # type: ignore[arg-type]
        (
            lambda: SmallTipProfile(time_bandwidth=4, positions=2.5),  # type: ignore[arg-type]
            "positions = 2.5 must be a whole number from 1 to 200",
        ),
        (lambda: SmallTipProfile(time_bandwidth=4, positions=0), "positions = 0 must be a whole"),
        (lambda: SmallTipProfile(time_bandwidth=4, extent=0.5), "extent = 0.5 must be from 1 to"),
        (lambda: GivenProfile(relative_flip=[], weight=1), "relative_flip is empty"),
        (lambda: GivenProfile(relative_flip=[1, 1], weight=[1, 1, 1]), "relative_flip has 2 value"),
        (lambda: GivenProfile(relative_flip=1, weight=-1), "weight = -1 must be at least 0"),
        (lambda: GivenProfile(relative_flip=[1, 1], weight=0), "weight is 0 at every position"),
    ],
)
def test_impossible_profiles_are_refused(build: Any, message: str) -> None:
    with pytest.raises(SequenceError, match=f"^{message}"):
        build()


def test_slr_ends_at_180_degrees() -> None:
    train = ReadoutTrain(flip=[0.1, np.deg2rad(200)], tr=0.01, te=0.002)
    with pytest.raises(SequenceError, match=r"^block 1 \(readout_train\): .* 200 degrees exceeds"):
        Sequence(
            name="t", field_strength=3, blocks=(train,), slice_profile=SLRProfile(time_bandwidth=4)
        )
