"""Whole series through an undersampled scan, and the words that ask for one."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import spinprint as sp
from spinprint import DictionaryError, InputError, SeriesError
from spinprint.simulation.acquisition import (
    Radial,
    Sampling,
    Spiral,
    acquire,
    choose_sampling,
    coil_maps,
    grid,
    scan,
    subspace,
)


@pytest.fixture(scope="module")
def series(short: sp.Sequence) -> np.ndarray:
    x, y = np.meshgrid(*(np.arange(17) / 17 - 0.5,) * 2, indexing="ij")
    disc = np.hypot(x, y) < 0.35
    tissue = sp.Tissue(t1=1 + x, t2=0.08 + 0.05 * y)
    return np.stack([scale * (disc[..., None] * sp.simulate(short, tissue)) for scale in (1, 2)], 2)


@pytest.mark.parametrize("trajectory", [Spiral(interleaves=3), Radial(interleaves=3)])
def test_the_subspace_holds_fewer_aliases_in_every_slice(
    short: sp.Sequence, series: np.ndarray, trajectory: Spiral | Radial
) -> None:
    errors = {}
    for reconstruction in ("gridding", "subspace"):
        sampling = Sampling(trajectory=trajectory, coils=4, reconstruction=reconstruction)
        found = scan(series, short, sampling, np.random.default_rng(0))
        assert found.shape == series.shape
        assert found.dtype == np.complex64
        np.testing.assert_allclose(
            found[:, :, 1], 2 * found[:, :, 0], atol=1e-3 * np.abs(found).max()
        )
        errors[reconstruction] = np.linalg.norm(found - series) / np.linalg.norm(series)
    # A disc with a sharp rim loses the corners of k-space to any reconstruction.
    assert errors["subspace"] < 0.15
    assert errors["gridding"] > 3 * errors["subspace"]


def test_noise_seed_and_rank_count(short: sp.Sequence, series: np.ndarray) -> None:
    sampling = Sampling(coils=2, reconstruction="subspace", rank=3)
    first, again, other = (
        scan(series, short, sampling, np.random.default_rng(seed), sigma=0.01) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.linalg.matrix_rank(first[:, :, 0].reshape(-1, 80), tol=1e-4) == 3


def test_progress_is_told_over_all_slices(short: sp.Sequence, series: np.ndarray) -> None:
    told: list[float] = []
    scan(
        series,
        short,
        Sampling(coils=1),
        np.random.default_rng(0),
        progress=lambda done, all_: told.append(done / all_),
    )
    assert told == sorted(told)
    assert told[-1] == 1


def test_what_does_not_fit_is_refused(short: sp.Sequence, series: np.ndarray) -> None:
    with pytest.raises(SeriesError, match="with 80 images, the samples of 'short'"):
        scan(series[..., 1:], short, Sampling(), np.random.default_rng(0))
    with pytest.raises(DictionaryError, match="rank = 81"):
        scan(series, short, Sampling(reconstruction="subspace", rank=81), np.random.default_rng(0))


def test_the_words_of_the_command_line() -> None:
    assert choose_sampling("none") is None
    assert choose_sampling("spiral") == Sampling(trajectory=Spiral())
    assert choose_sampling("radial", interleaves=5, coils=2) == Sampling(
        trajectory=Radial(interleaves=5), coils=2
    )
    made = choose_sampling("spiral", reconstruction="subspace", rank=4)
    assert made is not None
    assert made.describe(32) == {
        "trajectory": "spiral",
        "interleaves": 1,
        "acceleration": 24,
        "coils": 8,
        "reconstruction": "subspace",
        "rank": 4,
    }


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("none", {"interleaves": 1}, "--interleaves belongs to undersampled series"),
        ("none", {"coils": 8}, "--coils belongs"),
        ("none", {"reconstruction": "gridding"}, "--reconstruction belongs"),
        ("none", {"rank": 3}, "--rank belongs"),
        ("spiral", {"rank": 3}, "rank = 3 is of the subspace"),
        ("spiral", {"rank": 0, "reconstruction": "subspace"}, "rank = 0 must be at least 1"),
        ("spiral", {"interleaves": 0}, "interleaves = 0"),
        ("radial", {"coils": 0}, "coils = 0 must be at least 1"),
        ("radial", {"reconstruction": "sense"}, "must be one of gridding, subspace"),
        ("rosette", {}, "sampling 'rosette' must be one of none, spiral, radial"),
    ],
)
def test_options_without_use_are_refused(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_sampling(kind, **options)


@pytest.mark.parametrize("trajectory", [Spiral(interleaves=2), Radial(interleaves=4)])
def test_images_are_as_noisy_as_the_sampling_says(
    low_rank: tuple[NDArray[np.complex64], NDArray[np.complex64]], trajectory: Spiral | Radial
) -> None:
    """Of gridded images exactly; of coefficients a little more, as frames overlap."""
    series, basis = low_rank
    coils = coil_maps(series.shape[:2], 4)
    sigma = 0.02 * np.abs(series).max()
    expected = Sampling(trajectory=trajectory).image_sigma(sigma, 25)
    clean = acquire(series, trajectory, coils)
    noisy = acquire(series, trajectory, coils, sigma=sigma, rng=np.random.default_rng(0))
    assert (grid(noisy) - grid(clean)).real.std() == pytest.approx(expected, rel=0.03)
    found = (subspace(noisy, basis) - subspace(clean, basis)).real.std()
    assert found == pytest.approx(1.05 * expected, rel=0.1)
