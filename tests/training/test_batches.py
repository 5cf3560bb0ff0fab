"""Noise and labels of the batches of a stage."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Data, Mlp, Model, NetworkConfig, PosteriorMean, Prior, Sequence
from spinprint.prior import Uniform
from spinprint.training import _batches
from spinprint.training._batches import Batches
from spinprint.training._data import Source

from .conftest import stage

PRIOR = Prior(
    {
        "t1": Uniform(0.3, 3.0, log=True),
        "t2": Uniform(0.02, 0.3, log=True),
        "b1": Uniform(0.8, 1.2),
    }
)


@pytest.fixture
def model(sequence: Sequence) -> Model:
    return Model.create(sequence, PRIOR, NetworkConfig(core=Mlp(width=8, blocks=0), known=("b1",)))


@contextmanager
def batches_of(model: Model, *, network: Model | None = None, **changes: Any) -> Iterator[Batches]:
    """3 passes of blocks of 192 tissues, in 3 batches each by default."""
    key = (0, 0)
    source = Source(model, Data(block=192, passes=3), key)
    yield Batches(model, stage(**changes), source, key, network)
    source.close()


def snr_db(voxels: Any) -> Any:
    """SNR per voxel, from the energy of the signal less that of the noise."""
    energy = (voxels.real**2 + voxels.imaginary**2).sum(dim=1)
    energy = energy - 2 * voxels.real.shape[1] * voxels.sigma**2
    return 10 * torch.log10(energy / 30 / (2 * voxels.sigma**2))


def test_snr_fills_the_range(model: Model) -> None:
    with batches_of(model, snr_db=(30, 50)) as data:
        ratios = torch.cat([snr_db(data.batch(step)[0]) for step in range(9)]).numpy()
    assert np.percentile(ratios, [1, 50, 99]) == pytest.approx([30.2, 40, 49.8], abs=0.8)


def test_curriculum_moves_the_range(model: Model) -> None:
    with batches_of(model, snr_db=(40, 50), snr_db_end=(20, 30), steps=100) as data:
        middles = [float(snr_db(data.batch(step)[0]).median()) for step in (0, 50, 99)]
    assert middles == pytest.approx([45, 35, 25.2], abs=2)


def test_every_pass_has_new_noise_on_the_same_tissue(model: Model) -> None:
    def one_pass(data: Batches, number: int) -> tuple[Any, Any]:
        voxels, labels = zip(*(data.batch(3 * number + i) for i in range(3)), strict=True)
        targets = torch.cat([part.mean for part in labels])
        order = targets[:, 0].argsort()
        return torch.cat([part.sigma for part in voxels])[order], targets[order]

    with batches_of(model) as data:
        first, second, other = (one_pass(data, number) for number in (0, 1, 3))
    assert torch.equal(first[1], second[1])
    assert not torch.isclose(first[0], second[0]).any()
    assert not torch.isclose(first[1], other[1]).all(dim=1).any()


def test_batches_do_not_depend_on_earlier_ones(model: Model) -> None:
    with batches_of(model) as data, batches_of(model) as other:
        for step in range(11):
            data.batch(step)
        assert all(
            torch.equal(a, b) for a, b in zip(data.batch(11)[0], other.batch(11)[0], strict=True)
        )


def test_teacher_network_labels_noise_free_signals(model: Model) -> None:
    teacher = Model.create(model.sequence, PRIOR, model.config, seed=8)
    with batches_of(model, network=teacher) as data, batches_of(model, snr_db="clean") as clean:
        voxels, labels = data.batch(4)
        quiet, truth = clean.batch(4)
    assert torch.equal(voxels.known, quiet.known)
    assert not torch.allclose(voxels.real, quiet.real)
    with torch.no_grad():
        assert torch.equal(labels.mean, teacher.network(*quiet).mean)
    assert not torch.allclose(labels.mean, truth.mean, atol=0.01)


def test_posterior_gives_mean_and_variance_as_labels(
    sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_batches, "_ATOMS", 5000)
    times = Prior({name: PRIOR.laws[name] for name in ("t1", "t2")})
    model = Model.create(sequence, times, NetworkConfig(core=Mlp(width=8, blocks=0)))
    with batches_of(model, teacher="posterior", snr_db=(20, 40)) as data:
        voxels, labels = data.batch(1)
        again, _ = data.batch(1)
        later = [data.batch(step)[1].mean for step in range(9)]
    assert torch.equal(voxels.real, again.real)
    # One label for each voxel, however often it is voxels.
    assert len(torch.cat(later).unique(dim=0)) == 192
    posterior = PosteriorMean.build(
        model.sequence, model.prior, n_atoms=5000, rank=model.rank, seed=0
    )
    series = (voxels.real + 1j * voxels.imaginary).numpy() @ model.basis.T
    maps = posterior.predict(series.astype(np.complex64), sigma=voxels.sigma.numpy())
    values = {name: np.asarray(maps[name], float) for name in ("t1", "t2")}
    np.testing.assert_allclose(labels.mean[:, :2], model.targets.scaled(values), atol=1e-5)
    slopes = model.targets.slopes(values)
    for i, name in enumerate(values):
        assert isinstance(labels.variance, torch.Tensor)
        sd = np.sqrt(labels.variance[:, i].numpy()) * slopes[:, i]
        np.testing.assert_allclose(sd, maps.sd[name], rtol=1e-4)
