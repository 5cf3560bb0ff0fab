"""Undersampled and magnitude series, from the phantom to the files."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import spinprint as sp
from spinprint import InputError, SeriesError
from spinprint.physics.noise import rician_moments
from spinprint.simulation.acquisition import Radial, Sampling, Spiral
from spinprint.workflows.simulation import run_simulation, simulate_phantom

SUBSPACE = Sampling(trajectory=Spiral(interleaves=4), coils=4, reconstruction="subspace")


def test_aliases_reach_the_series_and_the_subspace_removes_them(short: sp.Sequence) -> None:
    def image(sampling: Sampling | None) -> np.ndarray:
        return simulate_phantom(short, matrix=32, slices=1, sigma=0, sampling=sampling).series

    whole = image(None)
    gridded = image(Sampling(trajectory=Spiral(interleaves=4), coils=4))
    fitted = image(SUBSPACE)
    size = np.linalg.norm(whole)
    assert np.linalg.norm(gridded - whole) > 0.3 * size
    assert np.linalg.norm(fitted - whole) < 0.5 * np.linalg.norm(gridded - whole)


def test_the_stated_noise_is_that_of_the_images(short: sp.Sequence, tmp_path: Path) -> None:
    sampling = Sampling(trajectory=Radial(interleaves=5), coils=2)
    made, path = run_simulation(
        short, tmp_path, matrix=24, slices=1, sigma=0.01, sampling=sampling, seed=3
    )
    clean = simulate_phantom(short, matrix=24, slices=1, sigma=0, sampling=sampling, seed=3)
    assert made.sigma == pytest.approx(0.01 * np.sqrt(sampling.trajectory.acceleration(24)))
    assert (made.series - clean.series).real.std() == pytest.approx(made.sigma, rel=0.03)
    # The ratio is that of the scanner: of images that were sampled fully.
    assert made.snr_db == simulate_phantom(short, matrix=24, slices=1, sigma=0.01, seed=3).snr_db
    truth = sp.read_maps(tmp_path / "truth")
    assert truth.provenance["sampling"]["trajectory"] == "radial"
    assert np.array_equal(sp.read_series(path).data, made.series)


def test_magnitudes_are_rician_and_refused_as_a_series(short: sp.Sequence, tmp_path: Path) -> None:
    made, path = run_simulation(
        short, tmp_path, matrix=24, slices=1, sigma=0.02, noise="rician", seed=1
    )
    assert made.series.dtype == np.float32
    clean = simulate_phantom(short, matrix=24, slices=1, sigma=0, seed=1).series
    background = made.series[~clean.any(axis=-1)]
    mean, sd = rician_moments(0, 0.02)
    assert background.mean() == pytest.approx(mean, rel=0.02)
    assert background.std() == pytest.approx(sd, rel=0.03)
    assert nib.load(path).get_data_dtype() == np.float32  # type: ignore[attr-defined]
    with pytest.raises(SeriesError, match="values are real, a series is complex"):
        sp.read_series(path)
    assert np.array_equal(sp.read_series(path, magnitude=True).data, made.series)


def test_noise_of_another_name_is_refused(short: sp.Sequence) -> None:
    with pytest.raises(InputError, match="noise 'pink' must be one of complex, rician"):
        simulate_phantom(short, matrix=16, noise="pink")  # type: ignore[arg-type]
