"""Coefficient images: the least-squares solution, and far fewer aliases than gridding."""

import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint import InputError, SeriesError
from spinprint.simulation.acquisition import Radial, Spiral, acquire, coil_maps, grid, subspace
from spinprint.simulation.acquisition.low_rank import NormalMatrix, adjoint, within_disc

LowRank = tuple[NDArray[np.complex64], NDArray[np.complex64]]


@pytest.mark.parametrize("trajectory", [Spiral(interleaves=2), Radial(interleaves=3)])
def test_an_undersampled_series_comes_back(low_rank: LowRank, trajectory: Spiral | Radial) -> None:
    series, basis = low_rank
    kspace = acquire(series, trajectory, coil_maps(series.shape[:2], 4))
    assert trajectory.acceleration(25) >= 12
    size = np.linalg.norm(series)
    found = subspace(kspace, basis)
    assert found.shape == (25, 21, 3)
    assert np.linalg.norm(found @ basis.T - series) < 0.01 * size
    assert np.linalg.norm(grid(kspace) - series) > 0.3 * size


def test_the_normal_matrix_is_sampling_and_its_adjoint(low_rank: LowRank) -> None:
    _, basis = low_rank
    rng = np.random.default_rng(2)
    images = rng.standard_normal((9, 14, 3)) + 1j * rng.standard_normal((9, 14, 3))
    coils = coil_maps((9, 14), 2)
    kspace = acquire(images @ basis.T, Spiral(full_interleaves=5), coils)
    expected = adjoint(kspace, basis)
    found = NormalMatrix(kspace, basis)(images.astype(np.complex64))
    assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)


def test_runs_of_frames_add_up(low_rank: LowRank, monkeypatch: pytest.MonkeyPatch) -> None:
    series, basis = low_rank
    kspace = acquire(series, Spiral(), coil_maps(series.shape[:2], 2))
    whole = subspace(kspace, basis, iterations=3)
    monkeypatch.setattr("spinprint.simulation.acquisition.low_rank._FRAMES", 7)
    parts = subspace(kspace, basis, iterations=3)
    np.testing.assert_allclose(parts, whole, atol=1e-4 * np.abs(whole).max())


def test_noisy_samples_give_the_least_squares_solution() -> None:
    """One frame, one coil, odd matrix, against dense linear algebra over the sampled disc."""
    rng = np.random.default_rng(3)
    image = rng.standard_normal((5, 3, 1)) + 0j
    coils, trajectory = coil_maps((5, 3), 1), Spiral(interleaves=6, full_interleaves=6)
    kspace = acquire(image, trajectory, coils, sigma=0.1, rng=rng)
    points = kspace.points()[0]
    x, y = (np.arange(5) - 2)[:, None] / 5, (np.arange(3) - 1) / 5
    place = points.real[:, None, None] * x + points.imag[:, None, None] * y
    matrix = (np.exp(-2j * np.pi * place) * coils[0]).reshape(points.size, -1)
    disc = within_disc(np.eye(15).reshape(5, 3, 15)).reshape(15, 15)
    expected = np.linalg.lstsq(matrix @ disc, kspace.data[0, 0], rcond=1e-5)[0]
    found = subspace(kspace, np.ones((1, 1)), iterations=200, tolerance=1e-6)
    np.testing.assert_allclose(found.ravel(), expected, atol=2e-3 * np.abs(expected).max())


def test_only_the_disc_of_k_space_is_kept() -> None:
    place = np.exp(2j * np.pi / 8 * np.arange(8))
    inside = np.multiply.outer(place**3, place**-2)
    corner = np.multiply.outer(place**3, place**3)
    found = within_disc(np.stack((inside, corner), axis=-1))
    np.testing.assert_allclose(found[..., 0], inside, atol=1e-6)
    np.testing.assert_allclose(found[..., 1], 0, atol=1e-6)


def test_the_same_samples_give_the_same_bits(low_rank: LowRank) -> None:
    series, basis = low_rank
    kspace = acquire(series, Spiral(), coil_maps(series.shape[:2], 3))
    assert np.array_equal(subspace(kspace, basis), subspace(kspace, basis))


def test_progress_ends_within_its_bounds(low_rank: LowRank) -> None:
    series, basis = low_rank
    kspace = acquire(series, Spiral(), coil_maps(series.shape[:2], 2))
    told: list[float] = []
    subspace(kspace, basis, progress=lambda done, total: told.append(done / total))
    assert told == sorted(told)
    assert 0.75 < told[-1] <= 1


def test_what_does_not_fit_is_refused(low_rank: LowRank) -> None:
    series, basis = low_rank
    kspace = acquire(series[:, :, :5], Spiral(), coil_maps(series.shape[:2], 2))
    with pytest.raises(SeriesError, match=r"must be \(time, rank\) with 5 time points"):
        subspace(kspace, basis)
    with pytest.raises(InputError, match="iterations = 0 must be at least 1"):
        subspace(kspace, basis[:5], iterations=0)
    with pytest.raises(InputError, match="tolerance = 1"):
        subspace(kspace, basis[:5], tolerance=1)
