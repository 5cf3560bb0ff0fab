"""What networks say beyond the contract of all estimators."""

from typing import Any

import numpy as np
import pytest

from spinprint import (
    Mlp,
    Model,
    ModelError,
    NetworkConfig,
    NetworkRegression,
    Prior,
    Recurrent,
    Sequence,
    SeriesError,
    Status,
    Tissue,
    simulate,
)
from spinprint.networks import model as models
from spinprint.physics.noise import add_noise
from spinprint.prior import Uniform

SIGMA = 2e-3
N = 12
TISSUE = Tissue(t1=np.linspace(0.5, 2, N), t2=np.linspace(0.03, 0.2, N))
MEAN = NetworkConfig(core=Mlp(width=8, blocks=0), output="mean")


@pytest.fixture(autouse=True)
def few_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_CALIBRATION", 1024)


@pytest.fixture
def series(short: Sequence) -> Any:
    return add_noise(simulate(short, TISSUE), SIGMA, np.random.default_rng(0))


def test_means_alone_have_no_deviations_but_those_among_networks(
    short: Sequence, series: Any
) -> None:
    networks = [Model.create(short, config=MEAN, seed=seed) for seed in range(3)]
    single = NetworkRegression(networks[0]).predict(series)
    assert not single.sd
    assert list(single) == ["t1", "t2"]
    several = NetworkRegression(networks).predict(series)
    alone = [NetworkRegression(one).predict(series, sigma=several.sigma) for one in networks]
    logs = np.log([maps["t1"] for maps in alone])
    ratio = several.sd["t1"] / several["t1"]
    np.testing.assert_allclose(ratio, logs.std(axis=0), rtol=1e-3)


def test_a_mean_near_an_end_is_marked(short: Sequence, series: Any) -> None:
    """Half of a normal that peaks at the end has its mean about 4/3 of its deviations away."""
    network = Model.create(short, config=NetworkConfig(core=Mlp(width=8, blocks=0)))
    n = network.targets.n_targets
    bias, sd = network.network.head.bias.data, 0.1
    network.network.head.weight.data.zero_()

    def answered(mean: float) -> Any:
        scale, centre = network.network.target_scale, network.network.target_mean
        bias[:n] = (mean - centre) / scale
        bias[n:] = np.log(sd) - scale.log()
        return NetworkRegression(network).predict(series).status

    assert (answered(0.5) == Status.OK).all()
    assert (answered(0.14) == Status.OK).all()
    assert (answered(0.12) == Status.AT_EDGE).all()
    assert (answered(0.88) == Status.AT_EDGE).all()
    assert (answered(1.7) == Status.AT_EDGE).all()


def test_known_fields_beyond_the_prior_are_taken_to_its_end_and_marked(
    short: Sequence, series: Any
) -> None:
    prior = Prior({**Prior.default(short).laws, "b1": Uniform(0.8, 1.2)})
    config = NetworkConfig(core=Mlp(width=8, blocks=0), known=("b1",))
    model = Model.create(short, prior, config)
    model.network.head.weight.data *= 0.01  # sure of the middle, but not deaf
    model.network.head.bias.data[model.targets.n_targets :] = -5
    network = NetworkRegression(model)
    middle, end, beyond = (network.predict(series, b1=np.full(N, b1)) for b1 in (1.0, 1.2, 1.9))
    assert (middle["t1"] != end["t1"]).all()
    np.testing.assert_array_equal(beyond["t1"], end["t1"])
    assert (end.status == Status.OK).all()
    assert (beyond.status == Status.AT_EDGE).all()


def test_a_full_basis_leaves_no_noise_to_see(short: Sequence, series: Any) -> None:
    config = NetworkConfig(core=Mlp(width=8, blocks=0, rank=short.n_samples))
    network = NetworkRegression(Model.create(short, config=config))
    with pytest.raises(SeriesError, match="sigma must be given: with a basis of full rank"):
        network.predict(series)
    assert np.isfinite(network.predict(series, sigma=SIGMA)["t1"]).all()


def test_networks_of_different_kinds_can_be_averaged(short: Sequence, series: Any) -> None:
    cores = (Mlp(width=8, blocks=0), Recurrent(width=8))
    networks = [Model.create(short, config=NetworkConfig(core=core)) for core in cores]
    maps = NetworkRegression(networks).predict(series)
    assert maps.provenance["models"] == [one.digest for one in networks]
    # Untrained, both take M0 for what the mean signal of the prior says: near enough.
    assert np.abs(np.angle(maps.m0)).max() < 0.5


def test_networks_that_do_not_agree_are_refused(short: Sequence, short_knee: Sequence) -> None:
    one = Model.create(short, config=MEAN)
    narrow = Prior({"t1": Uniform(0.5, 2, log=True), "t2": Uniform(0.02, 0.2, log=True)})
    linear = MEAN.model_copy(update={"linear": ("t2",)})
    for other in (Model.create(short, narrow, MEAN), Model.create(short, config=linear)):
        with pytest.raises(ModelError, match="differ in their priors, known fields or linear"):
            NetworkRegression([one, other])
    with pytest.raises(ModelError, match="trained for another sequence"):
        NetworkRegression([one, Model.create(short_knee, config=MEAN)])
    with pytest.raises(ModelError, match="no network was given"):
        NetworkRegression([])
