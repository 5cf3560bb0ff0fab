"""Monte Carlo studies: measures as defined, equal noise for all, and going on after a stop."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint import (
    Axis,
    Dictionary,
    DictionaryMatching,
    InputError,
    LeastSquares,
    Maps,
    ParameterGrid,
    PosteriorMean,
    Prior,
    Sequence,
    Status,
    Tissue,
    TissueError,
)
from spinprint.evaluation.monte_carlo import (
    MEASURES,
    MonteCarlo,
    Outcome,
    Score,
    run_monte_carlo,
    score_estimators,
    score_table,
)
from spinprint.physics.noise import sigma_to_snr
from spinprint.physics.simulate import simulate
from spinprint.prior import Fixed, Uniform
from spinprint.sequence import Inversion, ReadoutTrain

PRIOR = Prior({"t1": Uniform(0.5, 2.0, log=True), "t2": Uniform(0.03, 0.2, log=True)})


def fisp() -> Sequence:
    flip = np.deg2rad(10 + 50 * np.sin(np.linspace(0, 3 * np.pi, 90)) ** 2)
    train = ReadoutTrain(flip=flip, tr=0.012, te=0.003)
    return Sequence(name="short", field_strength=3.0, blocks=(Inversion(delay=0.02), train))


def plan(**options: Any) -> MonteCarlo:
    defaults: dict[str, Any] = {"n": 40, "snrs_db": (15, 35), "draws": 5, "block": 16}
    return MonteCarlo.of_prior(fisp(), PRIOR, **(defaults | options))


class Fake:
    """Says the truth with a relative error and a stated SD, or nothing of each first draw."""

    def __init__(self, error: float, sd: float = 0.1, *, fails: bool = False) -> None:
        self.error, self.sd, self.fails = error, sd, fails
        self.seen: list[Any] = []
        self.truth = plan().tissue

    def predict(
        self,
        series: Any,
        mask: Any = None,
        b1: Any = None,
        b0: Any = None,
        sigma: Any = None,
        *,
        progress: Any = None,
    ) -> Maps:
        told = {"mask": mask, "b1": b1, "b0": b0, "sigma": sigma, "progress": progress}
        self.seen.append((series, {name: one for name, one in told.items() if one is not None}))
        n, draws = series.shape[:2]
        signals = simulate(fisp(), self.truth)
        inner = np.abs(series[:, 0] @ signals.conj().T) / np.linalg.norm(signals, axis=1)
        which = inner.argmax(axis=1)
        values = {
            name: np.repeat(
                (getattr(self.truth, name)[which] * (1 + self.error))[:, None], draws, axis=1
            ).astype(np.float32)
            for name in ("t1", "t2")
        }
        status = np.full((n, draws), int(Status.OK), np.uint8)
        if self.fails:
            status[:, 0] = Status.NO_SIGNAL
            for value in values.values():
                value[:, 0] = np.nan
        return Maps(
            values=values,
            sd={name: (self.sd * value).astype(np.float32) for name, value in values.items()},
            m0=np.ones((n, draws), np.complex64),
            status=status,
            sigma=np.ones((n, draws), np.float32),
            provenance={"error": self.error, "sd": self.sd},
        )


def find(scores: list[Score], measure: str, **where: Any) -> float:
    (one,) = [
        s
        for s in scores
        if s.measure == measure and all(getattr(s, k) == v for k, v in where.items())
    ]
    assert not one.statistic.low > one.statistic.value
    assert not one.statistic.high < one.statistic.value
    return one.statistic.value


@pytest.fixture(scope="module")
def estimators() -> dict[str, Any]:
    grid = ParameterGrid(
        {"t1": Axis.geometric(0.4, 2.5, 1.1), "t2": Axis.geometric(0.02, 0.3, 1.1)}
    )
    dictionary = Dictionary.build(fisp(), grid)
    return {
        "match": DictionaryMatching(dictionary),
        "least squares": LeastSquares(dictionary),
        "posterior": PosteriorMean.build(fisp(), PRIOR, n_atoms=8_000),
    }


@pytest.fixture(scope="module")
def outcome(estimators: dict[str, Any]) -> Outcome:
    return run_monte_carlo(plan(n=150, draws=8), estimators)


def test_each_measure_is_what_it_says(outcome: Outcome) -> None:
    """The fixture's estimates, measured by loops."""
    scores = score_estimators(outcome, n=20)
    where = {"estimator": "match", "snr_db": 15.0, "parameter": "t2"}
    values = outcome.estimates["match"].values[0, ..., 1].astype(float)
    sd = outcome.estimates["match"].sd[0, ..., 1].astype(float)
    truth = outcome.plan.tissue.t2[:, None]
    error = values - truth
    width = np.log(0.2 / 0.03)
    scaled = np.log(values / truth) / width
    best = np.log(outcome.estimates["posterior"].values[0, ..., 1] / truth) / width
    over = error / outcome.bound[0, :, 1][:, None]
    expected = {
        "bias": error.mean(),
        "bias_percent": 100 * (error / truth).mean(),
        "sd": np.sqrt(values.var(axis=1, ddof=1).mean()),
        "rmse": np.sqrt((error**2).mean()),
        "mape": 100 * np.abs(error / truth).mean(),
        "scaled_mse": (scaled**2).mean(),
        "median_error_over_bound": np.median(np.abs(over)),
        "rmse_over_bound": np.sqrt((over**2).mean()),
        "mse_over_bayes_risk": (scaled**2).mean() / (best**2).mean(),
        "coverage": (np.abs(error) <= sd).mean(),
        "failed": 0.0,
    }
    assert set(expected) == set(MEASURES)
    for name, value in expected.items():
        assert find(scores, name, **where) == pytest.approx(value, rel=1e-4, abs=1e-7), name


def test_measures_over_all_parameters(outcome: Outcome) -> None:
    scores = score_estimators(outcome, n=20)
    for name in outcome.estimates:
        for snr_db in (15.0, 35.0):
            where = {"estimator": name, "snr_db": snr_db}
            each = [find(scores, "scaled_mse", parameter=p, **where) for p in ("t1", "t2")]
            assert find(scores, "scaled_mse", parameter="all", **where) == pytest.approx(
                np.mean(each)
            )
    of_all = {s.measure for s in scores if s.parameter == "all"}
    assert of_all == {"scaled_mse", "mse_over_bayes_risk", "failed"}


def test_good_estimators_are_found_to_be_good(outcome: Outcome) -> None:
    scores = score_estimators(outcome, n=20)
    for name in ("match", "least squares"):
        for parameter in ("t1", "t2"):
            where = {"estimator": name, "snr_db": 35.0, "parameter": parameter}
            assert find(scores, "rmse_over_bound", **where) == pytest.approx(1, abs=0.1)
            assert find(scores, "median_error_over_bound", **where) == pytest.approx(0.67, abs=0.06)
            assert find(scores, "coverage", **where) == pytest.approx(0.683, abs=0.05)
        all_of = {"estimator": name, "snr_db": 15.0, "parameter": "all"}
        assert find(scores, "mse_over_bayes_risk", **all_of) > 1
    own = {"estimator": "posterior", "snr_db": 15.0, "parameter": "t1"}
    assert find(scores, "mse_over_bayes_risk", **own) == 1


def test_intervals_cover_what_more_tissue_says(estimators: dict[str, Any]) -> None:
    few = run_monte_carlo(plan(n=60, snrs_db=(20,)), {"match": estimators["match"]})
    many = run_monte_carlo(plan(n=600, snrs_db=(20,), seed=5), {"match": estimators["match"]})
    (one,), (other,) = (
        [
            s.statistic
            for s in score_estimators(o, n=300)
            if s.parameter == "t2" and s.measure == "rmse"
        ]
        for o in (few, many)
    )
    assert one.low < other.value < one.high
    assert other.high - other.low < (one.high - one.low) / 1.8  # the root of 10, with leeway


def test_all_estimators_are_given_the_same_noise_of_the_right_size() -> None:
    one, two = Fake(0.0), Fake(0.1)
    study = plan(snrs_db=(15,), draws=400, n=20, block=20)
    run_monte_carlo(study, {"one": one, "two": two})
    (series, told), (other, _) = one.seen[-1], two.seen[-1]
    np.testing.assert_array_equal(series, other)
    clean = simulate(fisp(), study.tissue)
    noise = series - clean[:, None]
    np.testing.assert_allclose(noise.real.std(axis=(1, 2)), told["sigma"][:, 0], rtol=0.02)
    np.testing.assert_allclose(sigma_to_snr(clean, told["sigma"][:, 0]), 15, atol=1e-4)
    correlation = np.vdot(noise[0, 0], noise[0, 1]) / np.linalg.norm(noise[0, 0]) ** 2
    assert abs(correlation) < 0.4  # draws differ


def test_every_block_and_ratio_has_noise_of_its_own() -> None:
    study = plan(draws=2, n=8, block=4)
    noises = []
    for block in study.blocks():
        series, sigma = study.series(block)
        clean = simulate(fisp(), study.tissue.take(slice(block.start, block.stop)))
        noises.append(((series - clean[:, None]) / sigma[:, None, None]).ravel())
    correlations = np.abs(np.corrcoef(noises) - np.eye(4))
    assert len(noises) == 4
    assert correlations.max() < 0.15  # 720 samples each: 1 / sqrt(720) is 0.04


def test_failures_and_what_is_not_stated() -> None:
    study = plan(snrs_db=(40,))
    found = run_monte_carlo(study, {"fails": Fake(0.1, fails=True)})
    scores = score_estimators(found, n=20)
    where = {"estimator": "fails", "parameter": "t1"}
    assert find(scores, "failed", **where) == pytest.approx(1 / 5)
    assert find(scores, "bias_percent", **where) == pytest.approx(10, abs=1e-3)
    assert find(scores, "sd", **where) == pytest.approx(0, abs=1e-6)
    assert math.isnan(find(scores, "mse_over_bayes_risk", **where))
    assert found.posterior is None
    rows = score_table(scores)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert {row["unit"] for row in rows if row["measure"] == "rmse"} == {"s"}


def test_known_fields_and_unknown_noise_are_passed_on() -> None:
    tissue = plan().tissue.replace(b1=np.linspace(0.8, 1.2, 40))
    fake = Fake(0.0)
    study = MonteCarlo(
        sequence=fisp(), prior=PRIOR, tissue=tissue, snrs_db=(30,), draws=2, known=("b1",),
        sigma_known=False,
    )  # fmt: skip
    run_monte_carlo(study, {"one": fake})
    _, told = fake.seen[-1]
    assert set(told) == {"b1"}
    np.testing.assert_allclose(told["b1"][:, 1], np.linspace(0.8, 1.2, 40))


def test_the_cost_comes_first(estimators: dict[str, Any]) -> None:
    told: list[str] = []
    steps: list[tuple[int, int]] = []
    run_monte_carlo(
        plan(),
        {"match": estimators["match"]},
        progress=lambda done, n: steps.append((done, n)),
        log=told.append,
    )
    assert told[0] == "400 fits: 2 ratios x 40 tissues x 5 noise draws x 1 estimators"
    assert told[1].endswith("left")
    assert len(told) == 2
    assert steps == [(80, 400), (160, 400), (200, 400), (280, 400), (360, 400), (400, 400)]


def test_a_finished_block_is_never_repeated(tmp_path: Path, estimators: dict[str, Any]) -> None:
    some = {"match": estimators["match"]}
    whole = run_monte_carlo(plan(), some)

    class StopError(Exception):
        pass

    def stop(done: int, _: int) -> None:
        if done >= 160:
            raise StopError

    with pytest.raises(StopError):
        run_monte_carlo(plan(), some, folder=tmp_path, progress=stop)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("block-*.npz")}
    assert len(kept) == 2
    damaged = min(kept)
    damaged.write_bytes(damaged.read_bytes()[:100])
    again = run_monte_carlo(plan(), some, folder=tmp_path)
    np.testing.assert_array_equal(again.estimates["match"].values, whole.estimates["match"].values)
    np.testing.assert_array_equal(again.sigma, whole.sigma)
    changed = [path for path, stamp in kept.items() if path.stat().st_mtime_ns != stamp]
    assert changed == [damaged]
    assert not list(tmp_path.glob(".part-*"))


@pytest.mark.parametrize(
    ("options", "names", "key"),
    [
        ({"draws": 6}, ("a",), "draws"),
        ({"seed": 1}, ("a",), "seed, tissue"),
        ({"snrs_db": (15, 30)}, ("a",), "snrs_db"),
        ({}, ("b",), "estimators"),
    ],
)
def test_another_study_is_refused(
    tmp_path: Path, options: dict, names: tuple[str, ...], key: str
) -> None:
    run_monte_carlo(plan(), {"a": Fake(0.1)}, folder=tmp_path)
    with pytest.raises(InputError, match=f"holds another study, which differs in {key}: choose"):
        run_monte_carlo(plan(**options), {name: Fake(0.1) for name in names}, folder=tmp_path)
    with pytest.raises(InputError, match="differs in estimators"):
        run_monte_carlo(plan(), {"a": Fake(0.2)}, folder=tmp_path)


def test_it_goes_on_after_kill_9(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_monte_carlo import Fake, plan, run_monte_carlo
class Slow(Fake):
    def predict(self, series, **told):
        import time
        time.sleep(0.2)
        return super().predict(series, **told)
print("ready", flush=True)
run_monte_carlo(plan(block=4), {{"a": Slow(0.1)}}, folder={str(tmp_path)!r})
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    begun = time.monotonic()
    while len(list(tmp_path.glob("block-*.npz"))) < 2 and time.monotonic() - begun < 60:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.read_bytes() for path in tmp_path.glob("block-*.npz")}
    assert 2 <= len(kept) < 20
    fake = Fake(0.1)
    run_monte_carlo(plan(block=4), {"a": fake}, folder=tmp_path)
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert len(fake.seen) == 1 + 20 - len(kept)  # one to ask who it is


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"draws": 0}, InputError, "0 draws: there must be at least 1"),
        ({"n": 0}, InputError, "0 tissues"),
        ({"snrs_db": ()}, InputError, "0 ratios"),
        ({"snrs_db": (10, 10)}, InputError, "none twice"),
        ({"snrs_db": (math.inf,)}, InputError, "must be finite"),
        ({"convention": "power"}, InputError, "SNR convention 'power' must be one of"),
        ({"known": ("b1",)}, InputError, "known field 'b1' must be one of b1, b0, and given"),
    ],
)
def test_what_a_plan_refuses(options: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        plan(**options)


def test_what_does_not_belong_together() -> None:
    tissue = Tissue(t1=np.ones(2), t2=np.full(2, 0.1))
    prior = Prior({**PRIOR.laws, "adc": Uniform(0, 3e-3)})
    with pytest.raises(TissueError, match="the tissue does not state its adc"):
        MonteCarlo(sequence=fisp(), prior=prior, tissue=tissue)
    with pytest.raises(InputError, match="name at least one"):
        run_monte_carlo(plan(), {})
    b1 = Prior({"t1": Fixed(1.0), "t2": Fixed(0.1), "b1": Uniform(0.5, 1.5)})
    study = MonteCarlo.of_prior(fisp(), b1, n=3, snrs_db=(10,))
    with pytest.raises(InputError, match="they share no parameter"):
        run_monte_carlo(study, {"a": Fake(0.1)})
