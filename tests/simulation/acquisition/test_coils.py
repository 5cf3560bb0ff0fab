"""Sensitivities: smooth, of unit sum of squares, each strongest at its own loop."""

import numpy as np
import pytest

from spinprint import InputError
from spinprint.simulation.acquisition import coil_maps


@pytest.mark.parametrize(("shape", "coils"), [((31, 20), 8), ((9, 9), 1), ((1, 5), 2)])
def test_the_sum_of_squares_is_one(shape: tuple[int, int], coils: int) -> None:
    maps = coil_maps(shape, coils, seed=3)
    assert maps.shape == (coils, *shape)
    assert maps.dtype == np.complex64
    np.testing.assert_allclose(np.sum(np.abs(maps) ** 2, axis=0), 1, rtol=1e-5)


def test_sensitivities_are_smooth_and_differ() -> None:
    maps = coil_maps((64, 64), 8)
    assert np.abs(np.diff(maps, axis=1)).max() < 0.1
    flat = maps.reshape(8, -1)
    overlap = np.abs(flat.conj() @ flat.T) / np.linalg.norm(flat, axis=1) ** 2
    assert (overlap - np.eye(8) * overlap.diagonal()).max() < 0.9
    # The place of the largest sensitivity goes around the slice, once per coil.
    peaks = [np.unravel_index(np.argmax(np.abs(one)), (64, 64)) for one in maps]
    angles = np.array([np.angle(complex(x - 32, y - 32)) for x, y in peaks])
    steps = np.diff(np.append(angles, angles[0])) % (2 * np.pi)
    assert steps.sum() == pytest.approx(2 * np.pi)


def test_the_seed_moves_the_coils() -> None:
    first, again, other = (coil_maps((8, 8), 4, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_no_coil_is_refused() -> None:
    with pytest.raises(InputError, match="at least one of each"):
        coil_maps((8, 8), 0)
