"""Where a fit starts: the best atom among those of the voxel's own field."""

from typing import Any

import numpy as np
import pytest

from spinprint import Dictionary, DictionaryError, Sequence, Tissue
from spinprint.estimators import DictionaryMatching, LeastSquares
from spinprint.estimators.nearest import nearest_atoms
from spinprint.physics.simulate import simulate
from spinprint.sequence import Inversion, ReadoutTrain

TRAIN = ReadoutTrain(flip=np.linspace(0.2, 1.0, 60), tr=0.012, te=0.003)
SEQUENCE = Sequence(name="short", field_strength=3, blocks=(Inversion(delay=0.02), TRAIN))

B1 = np.array([0.8, 0.9, 1.1])

ATOMS = Tissue(
    t1=np.array([0.5, 0.8, 1.2, 1.9])[:, None, None],
    t2=np.array([0.03, 0.06, 0.12])[:, None],
    b1=B1,
)


def test_only_atoms_of_the_nearest_field_compete() -> None:
    dictionary = Dictionary.build(SEQUENCE, ATOMS, rank=8)
    rng = np.random.default_rng(0)
    n = 61
    b1 = rng.uniform(0.7, 1.2, n)
    tissue = Tissue(t1=rng.uniform(0.5, 1.9, n), t2=rng.uniform(0.03, 0.12, n), b1=b1)
    compressed = dictionary.compress(simulate(SEQUENCE, tissue) * 1j)
    index, product = nearest_atoms(dictionary, compressed, {"b1": b1})
    unit = dictionary.coefficients.astype(float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    products = np.abs(compressed @ unit.T)
    nearest = B1[np.abs(b1[:, None] - B1).argmin(axis=1)]
    products[nearest[:, None] != dictionary.tissue.get("b1")] = -1
    np.testing.assert_array_equal(index, products.argmax(axis=1))
    np.testing.assert_allclose(product, products.max(axis=1), rtol=1e-5)


@pytest.mark.parametrize("estimator", [DictionaryMatching, LeastSquares])
def test_atoms_that_differ_in_no_unknown_are_refused(estimator: Any) -> None:
    series = np.ones((2, 60), np.complex64)
    one = Dictionary.build(SEQUENCE, Tissue(t1=np.array(1.0), t2=np.array(0.1)), rank=1)
    with pytest.raises(DictionaryError, match="nothing to estimate"):
        estimator(one).predict(series)
    fields = Dictionary.build(SEQUENCE, Tissue(t1=np.array(1), t2=np.array(0.1), b1=B1), rank=2)
    with pytest.raises(DictionaryError, match="nothing to estimate"):
        estimator(fields).predict(series, b1=np.ones(2))
