"""Ambiguity: the range of the atoms that noise makes indistinguishable."""

import numpy as np
import pytest
import scipy.stats

from spinprint import Axis, Dictionary, DictionaryMatching, ParameterGrid, Sequence
from spinprint.estimators.nearest import LEVEL
from spinprint.physics.noise import add_noise
from spinprint.physics.simulate import simulate
from spinprint.sequence import Inversion, ReadoutTrain


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    flip = np.deg2rad(10 + 40 * np.sin(np.linspace(0, 3 * np.pi, 80)) ** 2)
    train = ReadoutTrain(flip=flip, tr=0.012, te=0.003)
    blocks = (Inversion(delay=0.02), train)
    sequence = Sequence(name="short", field_strength=3.0, blocks=blocks)
    grid = {"t1": Axis.geometric(0.3, 3.0, 1.03), "t2": Axis.geometric(0.02, 0.3, 1.04)}
    return Dictionary.build(sequence, ParameterGrid(grid), rank=8)


def test_it_is_half_the_range_of_the_atoms_within_the_noise(dictionary: Dictionary) -> None:
    rng = np.random.default_rng(0)
    atoms = rng.integers(0, dictionary.n_atoms, 7)
    sigma = 0.01
    clean = simulate(dictionary.sequence, dictionary.tissue.take(atoms))
    series = add_noise(clean * np.exp(0.7j), sigma, rng)
    maps = DictionaryMatching(dictionary).predict(series, sigma=sigma)

    unit = dictionary.coefficients / np.linalg.norm(dictionary.coefficients, axis=1)[:, None]
    likelihood = np.abs(dictionary.compress(series) @ unit.conj().T) ** 2 / (2 * sigma**2)
    margin = scipy.stats.chi2.ppf(LEVEL, 2) / 2
    for voxel, logarithms in enumerate(likelihood):
        within = logarithms >= logarithms.max() - margin
        assert within.sum() > 3
        for name in ("t1", "t2"):
            half = np.ptp(dictionary.tissue.get(name)[within]) / 2
            assert maps.extra[f"{name}_ambiguity"][voxel] == pytest.approx(half, rel=1e-4)


def test_it_grows_with_the_noise_and_ends_at_the_step_of_the_grid(dictionary: Dictionary) -> None:
    series = simulate(dictionary.sequence, dictionary.tissue.take([dictionary.n_atoms // 2]))
    found = [
        DictionaryMatching(dictionary).predict(series, sigma=sigma).extra["t2_ambiguity"][0]
        for sigma in (1e-6, 1e-3, 1e-2, 3e-2)
    ]
    assert found[0] == 0
    assert found == sorted(found)
    assert found[-1] > 0.01
