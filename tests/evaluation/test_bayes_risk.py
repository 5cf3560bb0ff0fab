"""The Bayes risk: its limits at no noise and all noise, against quadrature, and its error."""

import numpy as np
import pytest

from spinprint import InputError, PosteriorMean, Prior, Sequence, bayes_risk, cramer_rao
from spinprint.coordinates import Coordinates
from spinprint.physics.noise import add_noise, snr_to_sigma
from spinprint.physics.simulate import simulate
from spinprint.prior import Fixed, Uniform
from spinprint.sequence import Inversion, ReadoutTrain
from spinprint.tissue import Tissue

PRIOR = Prior({"t1": Uniform(0.3, 3.0, log=True), "t2": Uniform(0.02, 0.5, log=True)})


def fisp() -> Sequence:
    flip = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 90)) ** 2)
    train = ReadoutTrain(flip=flip, tr=0.012, te=0.003)
    return Sequence(name="short", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


@pytest.fixture(scope="module")
def posterior() -> PosteriorMean:
    return PosteriorMean.build(fisp(), PRIOR, n_atoms=20_000)


def test_of_what_the_signal_does_not_tell_it_is_the_variance_of_the_prior() -> None:
    """Without diffusion weighting the ADC stays what it was: uniform, of variance 1 / 12."""
    prior = Prior({**PRIOR.laws, "adc": Uniform(0, 3e-3)})
    found = bayes_risk(PosteriorMean.build(fisp(), prior, n_atoms=20_000), 20, n=1000)
    assert found.risk["adc"].value == pytest.approx(1 / 12, rel=0.03)
    assert found.risk["t1"].value < 0.1 / 12
    assert found.rms["adc"] == pytest.approx(3e-3 / np.sqrt(12), rel=0.015)


def test_it_tells_where_noise_passes_for_signal(posterior: PosteriorMean) -> None:
    """Far below the noise an unknown M0 fits noise too: the risk is none, and says so."""
    assert bayes_risk(posterior, -60, n=500).disagreement > 4
    assert abs(bayes_risk(posterior, -5, n=500).disagreement) < 3


def test_with_little_noise_it_is_the_cramer_rao_bound() -> None:
    # No T2 near T1, where the constraint would tell more than the signal.
    prior = Prior({"t1": Uniform(0.8, 3.0, log=True), "t2": Uniform(0.02, 0.2, log=True)})
    found = bayes_risk(PosteriorMean.build(fisp(), prior, n_atoms=5_000), 50, n=600)
    tissue = prior.draw(20_000, np.random.default_rng(2))
    bound = cramer_rao(fisp(), tissue, snr_to_sigma(simulate(fisp(), tissue), 50))
    coordinates = Coordinates.over(prior)
    widths = coordinates.high - coordinates.low
    for name, width in zip(coordinates.names, widths, strict=True):
        relative = bound.sd[name] / tissue.get(name)
        expected = np.mean((relative / width) ** 2)
        assert found.risk[name].value == pytest.approx(expected, abs=4 * found.risk[name].error)
        assert found.risk[name].error < 0.1 * expected
        assert found.rms[name] == pytest.approx(width * np.sqrt(found.risk[name].value))


@pytest.mark.parametrize("snr_db", [-5, 10])
def test_it_is_what_quadrature_gives(snr_db: float) -> None:
    """One unknown, integrated over its range, with other draws of tissue and noise."""
    prior = Prior({"t1": Fixed(1.2), "t2": Uniform(0.02, 0.5, log=True)})
    found = bayes_risk(PosteriorMean.build(fisp(), prior, n_atoms=5_000), snr_db, n=1500)
    rng = np.random.default_rng(7)
    true = np.exp(rng.uniform(np.log(0.02), np.log(0.5), 1500))
    signal = simulate(fisp(), Tissue(t1=np.array(1.2), t2=true)).astype(complex)
    sigma = snr_to_sigma(signal, snr_db)
    series = add_noise(signal, sigma, rng)
    edges = np.linspace(0, 1, 401)
    middle = (edges[1:] + edges[:-1]) / 2
    nodes = simulate(fisp(), Tissue(t1=np.array(1.2), t2=0.02 * 25**middle)).astype(complex)
    inner = np.abs(series @ nodes.conj().T) ** 2 / np.sum(np.abs(nodes) ** 2, axis=1)
    log_weight = inner / (2 * sigma[:, None] ** 2)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    variance = weight @ middle**2 - (weight @ middle) ** 2
    error = np.hypot(found.risk["t2"].error, variance.std() / np.sqrt(1500))
    assert found.risk["t2"].value == pytest.approx(variance.mean(), abs=4 * error)
    assert error < 0.05 * variance.mean()


def test_variance_and_squared_error_agree(posterior: PosteriorMean) -> None:
    found = bayes_risk(posterior, 5, n=1500)
    assert abs(found.disagreement) < 3
    assert found.total.error < found.total_squared_error.error
    assert found.total.value == pytest.approx(np.mean([m.value for m in found.risk.values()]))
    assert found.not_converged == 0
    assert 0 < found.sampling_excess < 0.01
    assert found.ess[0] <= found.ess[1] <= found.ess[2]


def test_its_error_is_its_spread_over_seeds(posterior: PosteriorMean) -> None:
    runs = [bayes_risk(posterior, 5, n=60, seed=seed) for seed in range(30)]
    spread = np.std([run.total.value for run in runs], ddof=1)
    assert spread == pytest.approx(np.mean([run.total.error for run in runs]), rel=0.4)
    again = bayes_risk(posterior, 5, n=60, seed=3)
    assert again.total == runs[3].total


def test_progress_and_conventions(posterior: PosteriorMean) -> None:
    told: list[tuple[int, int]] = []
    found = bayes_risk(
        posterior, 20, n=200, convention="max", progress=lambda done, n: told.append((done, n))
    )
    assert told == [(128, 200), (200, 200)]
    # The maximum is above the rms: the same ratio of it is more noise.
    assert found.total.value > bayes_risk(posterior, 20, n=200).total.value


@pytest.mark.parametrize(
    ("snr_db", "options", "match"),
    [
        (10, {"n": 0}, "n must be at least 1"),
        (np.nan, {}, "the ratio finite"),
        (10, {"convention": "power"}, "SNR convention 'power' must be one of"),
    ],
)
def test_what_it_refuses(
    posterior: PosteriorMean, snr_db: float, options: dict, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        bayes_risk(posterior, snr_db, **options)
