"""Frames by gridding: faithful when fully sampled, noisy and aliased when not."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint import InputError, SeriesError
from spinprint.simulation.acquisition import (
    KSpace,
    Radial,
    Spiral,
    Trajectory,
    acquire,
    coil_maps,
    grid,
)

SmoothObject = Callable[[tuple[int, int]], NDArray[np.complex64]]

FULL = [
    pytest.param(Spiral(interleaves=24), id="spiral"),
    pytest.param(Spiral(interleaves=9, full_interleaves=9, centre_density=1), id="uniform"),
    pytest.param(Radial(interleaves=Radial().full(41)), id="radial"),
]


@pytest.mark.parametrize("trajectory", FULL)
@pytest.mark.parametrize(("shape", "coils", "frames"), [((41, 41), 1, 1), ((32, 41), 3, 2)])
def test_a_fully_sampled_smooth_object_comes_back(
    smooth_object: SmoothObject,
    trajectory: Trajectory,
    shape: tuple[int, int],
    coils: int,
    frames: int,
) -> None:
    """Within half a percent; a constant offset from the centre's weights alone would be more."""
    series = smooth_object(shape)[..., None] * np.array([1, 0.5j])[:frames]
    found = grid(acquire(series, trajectory, coil_maps(shape, coils)))
    assert found.shape == series.shape
    assert np.linalg.norm(found - series) < 5e-3 * np.linalg.norm(series)


def test_samples_are_the_fourier_sum_of_what_each_coil_sees(smooth_object: SmoothObject) -> None:
    series = smooth_object((9, 7))[..., None] * np.array([1, 2])
    coils = coil_maps((9, 7), 2, seed=1)
    kspace = acquire(series, Spiral(interleaves=2, full_interleaves=4), coils)
    points = kspace.points()
    x, y = (np.arange(9) - 4)[:, None] / 9, (np.arange(7) - 3) / 9
    wave = np.exp(-2j * np.pi * (points[1, 5].real * x + points[1, 5].imag * y))
    expected = np.sum(coils * series[:, :, 1] * wave, axis=(1, 2))
    np.testing.assert_allclose(kspace.data[:, 1, 5], expected, rtol=1e-3)


@pytest.mark.parametrize("full", FULL)
@pytest.mark.parametrize("coils", [1, 4])
def test_a_fully_sampled_image_has_the_noise_that_was_asked_for(
    full: Trajectory, coils: int
) -> None:
    sampled = acquire(
        np.zeros((41, 41, 30)), full, coil_maps((41, 41), coils),
        sigma=0.2, rng=np.random.default_rng(0),
    )  # fmt: skip
    noise = grid(sampled)
    assert noise.real.std() == pytest.approx(0.2, rel=0.02)
    assert noise.imag.std() == pytest.approx(0.2, rel=0.02)


def test_noise_grows_with_the_root_of_the_acceleration() -> None:
    sampled = acquire(
        np.zeros((24, 24, 200)), Spiral(interleaves=2), coil_maps((24, 24), 2),
        sigma=0.1, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert sampled.trajectory.acceleration(24) == 12
    assert grid(sampled).real.std() == pytest.approx(0.1 * np.sqrt(12), rel=0.02)


@pytest.mark.parametrize("kind", [Spiral, Radial])
def test_aliases_grow_with_the_acceleration(
    smooth_object: SmoothObject, kind: type[Trajectory]
) -> None:
    series = np.repeat(smooth_object((32, 32))[..., None], 20, axis=2)
    coils = coil_maps((32, 32), 4)
    full = kind().full(32)
    aliases = [
        np.linalg.norm(grid(acquire(series, kind(interleaves=full // step), coils)) - series)
        for step in (1, 4, 8, 24)
    ]
    assert all(few < many / 1.2 for few, many in pairwise(aliases))
    assert aliases[-1] > 0.7 * np.linalg.norm(series)


def test_a_seed_makes_the_same_samples_and_images_again(smooth_object: SmoothObject) -> None:
    def image(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        series = np.repeat(smooth_object((16, 16))[..., None], 40, axis=2)
        return grid(
            acquire(series, Radial(interleaves=3), coil_maps((16, 16), 2), sigma=1, rng=rng)
        )

    assert np.array_equal(image(1), image(1))
    assert not np.array_equal(image(1), image(2))


def test_what_does_not_fit_is_refused() -> None:
    coils, series = coil_maps((8, 8), 2), np.zeros((8, 8, 3))
    with pytest.raises(SeriesError, match=r"must be \(x, y, time\) and \(coil, x, y\)"):
        acquire(series[:7], Spiral(), coils)
    with pytest.raises(InputError, match=r"sigma = -1 must be at least 0"):
        acquire(series, Spiral(), coils, sigma=-1)
    with pytest.raises(InputError, match="give rng"):
        acquire(series, Spiral(), coils, sigma=1)
    kspace = acquire(series, Spiral(), coils)
    with pytest.raises(SeriesError, match="give the trajectory it was sampled with"):
        KSpace(data=kspace.data, coils=coils, trajectory=Radial())
    with pytest.raises(SeriesError, match=r"must be \(coil, time, sample\)"):
        KSpace(data=kspace.data[:1], coils=coils, trajectory=Spiral())
