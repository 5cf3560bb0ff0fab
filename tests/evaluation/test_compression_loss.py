"""Compression can only lose, loses less the more is kept, and nothing where all is."""

import numpy as np
import pytest

from spinprint.dictionary.compression import find_basis
from spinprint.errors import InputError, SeriesError
from spinprint.evaluation import compression_loss, region_means
from spinprint.prior import Prior, Uniform
from spinprint.sequence import Inversion, ReadoutTrain, Sequence

PRIOR = Prior({"t1": Uniform(0.5, 2.0, log=True), "t2": Uniform(0.03, 0.2, log=True)})
FLIP = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 30)) ** 2)
SEQUENCE = Sequence(
    name="short",
    field_strength=3.0,
    blocks=(Inversion(delay=0.02), ReadoutTrain(flip=FLIP, tr=0.012, te=0.003)),
)
TISSUE = PRIOR.draw(20, np.random.default_rng(0))
VECTORS, _ = find_basis(SEQUENCE, TISSUE, rank=30, energy=None, n_states=None)


def test_the_loss_falls_with_the_rank_to_none() -> None:
    loss = compression_loss(SEQUENCE, TISSUE, VECTORS, (3, 4, 6, 30))
    assert set(loss) == {"t1", "t2"}
    for values in loss.values():
        assert values.shape == (4, 20)
        assert (np.diff(values, axis=0) < 1e-3).all()
        assert values[0].max() > 1.05
        np.testing.assert_allclose(values[-1], 1, rtol=1e-4)


def test_fewer_vectors_than_unknowns_tell_nothing() -> None:
    loss = compression_loss(SEQUENCE, TISSUE, VECTORS, (1,), ("t1",))
    assert np.isinf(loss["t1"]).all()


def test_ranks_beyond_the_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="rank 31 must be from 1 to 30"):
        compression_loss(SEQUENCE, TISSUE, VECTORS, (31,))


def test_a_region_has_the_mean_of_its_labels_where_there_is_a_value() -> None:
    labels = np.array([[1, 1, 2], [3, 3, 0]])
    values = np.array([[1.0, 3.0, 8.0], [np.nan, np.nan, 100.0]])
    regions = {"one": (1,), "both": (1, 2), "empty": (3,), "absent": (9,)}
    means = region_means(values, labels, regions)
    assert (means["one"], means["both"]) == (2.0, 4.0)
    assert np.isnan(means["empty"])
    assert np.isnan(means["absent"])
    with pytest.raises(SeriesError, match="must be equal"):
        region_means(values[0], labels, regions)
