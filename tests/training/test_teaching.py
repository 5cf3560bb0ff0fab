"""What stages show a network, and what they tell it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Data, Mlp, Model, NetworkConfig, PosteriorMean, Prior, Sequence
from spinprint.prior import Uniform
from spinprint.training import teaching
from spinprint.training.data import Source
from spinprint.training.teaching import Teaching

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
def taught(model: Model, *, network: Model | None = None, **changes: Any) -> Iterator[Teaching]:
    """By default 3 passes of blocks of 192 tissues, in 3 batches each."""
    key = (0, 0)
    source = Source(model, Data(block=192, passes=3), key)
    yield Teaching(model, stage(**changes), source, key, network)
    source.close()


def snr_db(shown: Any) -> Any:
    """Of each voxel; the signal's energy less that of the noise."""
    energy = (shown.real**2 + shown.imaginary**2).sum(dim=1)
    energy = energy - 2 * shown.real.shape[1] * shown.sigma**2
    return 10 * torch.log10(energy / 30 / (2 * shown.sigma**2))


def test_ratios_fill_the_range(model: Model) -> None:
    with taught(model, snr_db=(30, 50)) as lessons:
        ratios = torch.cat([snr_db(lessons.batch(step)[0]) for step in range(9)]).numpy()
    assert np.percentile(ratios, [1, 50, 99]) == pytest.approx([30.2, 40, 49.8], abs=0.8)


def test_a_curriculum_moves_the_range(model: Model) -> None:
    with taught(model, snr_db=(40, 50), snr_db_end=(20, 30), steps=100) as lessons:
        middles = [float(snr_db(lessons.batch(step)[0]).median()) for step in (0, 50, 99)]
    assert middles == pytest.approx([45, 35, 25.2], abs=2)


def test_every_pass_has_new_noise_on_the_same_tissue(model: Model) -> None:
    def one_pass(lessons: Teaching, number: int) -> tuple[Any, Any]:
        shown, lesson = zip(*(lessons.batch(3 * number + i) for i in range(3)), strict=True)
        targets = torch.cat([one.mean for one in lesson])
        order = targets[:, 0].argsort()
        return torch.cat([one.sigma for one in shown])[order], targets[order]

    with taught(model) as lessons:
        first, second, other = (one_pass(lessons, number) for number in (0, 1, 3))
    assert torch.equal(first[1], second[1])
    assert not torch.isclose(first[0], second[0]).any()
    assert not torch.isclose(first[1], other[1]).all(dim=1).any()


def test_steps_are_the_same_whatever_was_asked_before(model: Model) -> None:
    with taught(model) as one, taught(model) as other:
        for step in range(11):
            one.batch(step)
        assert all(
            torch.equal(a, b) for a, b in zip(one.batch(11)[0], other.batch(11)[0], strict=True)
        )


def test_a_network_teaches_what_it_says_of_the_signal_without_noise(model: Model) -> None:
    teacher = Model.create(model.sequence, PRIOR, model.config, seed=8)
    with taught(model, network=teacher) as lessons, taught(model, snr_db="clean") as clean:
        shown, lesson = lessons.batch(4)
        quiet, truth = clean.batch(4)
    assert torch.equal(shown.known, quiet.known)
    assert not torch.allclose(shown.real, quiet.real)
    with torch.no_grad():
        assert torch.equal(lesson.mean, teacher.network(*quiet).mean)
    assert not torch.allclose(lesson.mean, truth.mean, atol=0.01)


def test_the_posterior_teaches_its_mean_and_variance(
    sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "_ATOMS", 5000)
    times = Prior({name: PRIOR.laws[name] for name in ("t1", "t2")})
    model = Model.create(sequence, times, NetworkConfig(core=Mlp(width=8, blocks=0)))
    with taught(model, teacher="posterior", snr_db=(20, 40)) as lessons:
        shown, lesson = lessons.batch(1)
        again, _ = lessons.batch(1)
        later = [lessons.batch(step)[1].mean for step in range(9)]
    assert torch.equal(shown.real, again.real)
    # One answer for each voxel, however often it is shown.
    assert len(torch.cat(later).unique(dim=0)) == 192
    posterior = PosteriorMean.build(
        model.sequence, model.prior, n_atoms=5000, rank=model.rank, seed=0
    )
    series = (shown.real + 1j * shown.imaginary).numpy() @ model.basis.T
    maps = posterior.predict(series.astype(np.complex64), sigma=shown.sigma.numpy())
    values = {name: np.asarray(maps[name], float) for name in ("t1", "t2")}
    np.testing.assert_allclose(lesson.mean[:, :2], model.targets.scaled(values), atol=1e-5)
    slopes = model.targets.slopes(values)
    for i, name in enumerate(values):
        assert isinstance(lesson.variance, torch.Tensor)
        sd = np.sqrt(lesson.variance[:, i].numpy()) * slopes[:, i]
        np.testing.assert_allclose(sd, maps.sd[name], rtol=1e-4)
