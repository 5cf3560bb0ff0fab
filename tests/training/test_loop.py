"""Stages of steps: what they change, what they keep, and how they end."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import (
    Data,
    Mlp,
    Model,
    ModelError,
    NetworkConfig,
    OutputError,
    PosteriorMean,
    Recurrent,
    Sequence,
    Validation,
    bayes_risk,
    train,
)
from spinprint.training import loop
from spinprint.training.config import Stage
from spinprint.training.losses import gaussian
from spinprint.training.state import read_state

from .conftest import TURNING, played, quick, stage

Weights = dict[str, torch.Tensor]


def weights(model: Model) -> Weights:
    return {name: weight.detach() for name, weight in model.network.named_parameters()}


def changed(one: Weights, other: Weights) -> set[str]:
    """The parts that differ."""
    return {name.split(".")[0] for name in one if not torch.equal(one[name], other[name])}


def mse(model: Model, ratio: str) -> float:
    return float(model.training["validation"][ratio]["mse"])


# Seeds and parts ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights(sequence: Sequence) -> None:
    one, same, other = (train(sequence, quick(seed=seed)) for seed in (1, 1, 2))
    assert one.digest == same.digest
    assert changed(weights(one), weights(other)) == {"input", "core", "head"}


@pytest.mark.parametrize(
    ("frozen", "optimiser"),
    [(("head",), "muon"), (("input", "core"), "muon"), (("core",), "adamw"), (("input",), "adamw")],
)
def test_frozen_parts_stay_bit_by_bit(
    sequence: Sequence, tmp_path: Path, frozen: Any, optimiser: Any
) -> None:
    second = stage("second", frozen=frozen, optimiser=optimiser, weight_decay=0.1)
    model = train(sequence, quick(stage("first", steps=10), second), tmp_path)
    first = Model.load(tmp_path / "stages" / "first")
    assert changed(weights(first), weights(model)) == {"input", "core", "head"} - set(frozen)
    assert all(weight.requires_grad for weight in model.network.parameters())


def test_scales_are_no_weights(sequence: Sequence) -> None:
    """They are those of the fresh network, whatever was learned and averaged."""
    noise = (10.0, 40.0)
    network = NetworkConfig(core=Mlp(width=16, blocks=1))
    fresh = Model.create(sequence, config=network, snr_db=noise)
    trained = train(sequence, quick(stage(average=0.9, snr_db=noise)))
    scales = dict(trained.network.inputs.named_buffers())
    assert len(scales) >= 6
    for name, buffer in fresh.network.inputs.named_buffers():
        assert torch.equal(scales[name], buffer), name
    assert torch.equal(trained.network.target_mean, fresh.network.target_mean)


@pytest.mark.parametrize(
    ("start", "expected"), [("previous", "second"), ("first", "first"), ("scratch", None)]
)
def test_a_stage_starts_from_what_it_says(
    sequence: Sequence, tmp_path: Path, start: str, expected: str | None
) -> None:
    """A step too small to matter shows where it began."""
    still = stage("third", start=start, steps=1, learning_rate=1e-12, warm_up=0)
    config = quick(stage("first", steps=10), stage("second", steps=10), still)
    model = train(sequence, config, tmp_path)
    fresh = train(sequence, quick(stage(steps=1, learning_rate=1e-12, warm_up=0)))
    begun = Model.load(tmp_path / "stages" / expected) if expected else fresh
    others = {"first", "second"} - {expected}
    for name, weight in weights(model).items():
        torch.testing.assert_close(weight, weights(begun)[name], atol=1e-9, rtol=1e-6)
    for other in others:
        assert changed(weights(model), weights(Model.load(tmp_path / "stages" / other)))


def test_stages_that_start_alike_are_shown_other_tissue(sequence: Sequence) -> None:
    config = quick(stage("first"), stage("second", start="scratch"))
    one, other = train(sequence, config), train(sequence, quick(stage("first")))
    assert changed(weights(one), weights(other))


# What is learned ----------------------------------------------------------------------------

BLIND = 1 / 12
"""Squared error of a network that answers 0.5 throughout."""

RECURRENT = [
    (Recurrent(cell="rnn", samples_per_step=7, width=24), 0.0),
    (Recurrent(cell="gru", samples_per_step=7, width=24, readout="all"), TURNING),
    (Recurrent(cell="gru", samples_per_step=30, width=24, layers=2), 0.0),
    (Recurrent(cell="lstm", samples_per_step=16, width=24, bidirectional=True), 0.0),
    (Recurrent(cell="rnn", samples_per_step=8, width=24, readout="all", bidirectional=True), 0.0),
]


@pytest.mark.parametrize(("core", "phase"), RECURRENT, ids=str)
def test_recurrent_networks_learn(core: Recurrent, phase: Any) -> None:
    config = quick(
        stage(steps=200, learning_rate=0.02),
        network=NetworkConfig(core=core),
        validation=Validation(voxels=128, every=100),
    )
    assert mse(train(played(phase), config), "30") < 0.3 * BLIND


def test_means_alone_can_be_learned(sequence: Sequence) -> None:
    network = NetworkConfig(core=Mlp(width=16, blocks=1), output="mean")
    model = train(sequence, quick(stage(steps=150, loss="mse"), network=network))
    assert mse(model, "30") < 0.1 * BLIND
    assert "coverage_of" not in model.training["validation"]["30"]


@pytest.mark.parametrize("core", [Mlp(width=16, blocks=1), Recurrent(width=16)], ids=["mlp", "gru"])
def test_mixed_precision_learns_too(sequence: Sequence, core: Any) -> None:
    network, steps = NetworkConfig(core=core), 100
    config = quick(stage(steps=steps, precision="mixed", learning_rate=0.02), network=network)
    full = quick(stage(steps=steps, learning_rate=0.02), network=network)
    model = train(sequence, config)
    assert mse(model, "30") < 0.5 * BLIND
    assert all(weight.dtype == torch.float32 for weight in model.network.parameters())
    assert changed(weights(model), weights(train(sequence, full)))


@pytest.mark.parametrize("teacher", ["posterior", "clean"])
def test_networks_learn_from_teachers(
    sequence: Sequence, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spinprint.training.teaching._ATOMS", 3000)
    config = quick(
        stage("clean", snr_db="clean", steps=100, learning_rate=0.02),
        stage("noisy", start="scratch", teacher=teacher, steps=100, learning_rate=0.02),
        data=Data(block=256, passes=8),
    )
    assert mse(train(sequence, config), "30") < 0.4 * BLIND


def test_a_small_network_comes_near_the_bayes_risk(sequence: Sequence) -> None:
    config = quick(
        stage(steps=600, batch=256, snr_db=(15, 35), learning_rate=0.02, warm_up=50),
        network=NetworkConfig(core=Mlp(width=32, blocks=1)),
        data=Data(block=4096),
        validation=Validation(voxels=4096, every=300, snr_db=(25,)),
    )
    model = train(sequence, config)
    posterior = PosteriorMean.build(sequence, model.prior, n_atoms=10_000)
    risk = bayes_risk(posterior, 25, n=512)
    least = np.mean([mean.value for mean in risk.risk.values()])
    assert mse(model, "25") < 0.05 * BLIND
    assert 0.9 < mse(model, "25") / least < 1.6
    for held in model.training["validation"]["25"]["coverage_of"].values():
        assert 0.63 < held < 0.73


# The end of a stage -------------------------------------------------------------------------


def ruinous(after: int) -> Callable[[Stage, int], float]:
    """A rate that ruins the network from a step on."""
    return lambda _, step: 0.01 if step < after else 0.6


def test_the_best_measurement_is_kept(sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_learning_rate", ruinous(30))
    config = quick(stage(steps=60), validation=Validation(voxels=128, every=10))
    errors: dict[int, float] = {}

    def listen(_: Stage, done: int, scores: Any) -> None:
        errors[done] = loop.figure(scores, clean=False)

    model = train(sequence, config, listener=listen)
    best = min(errors, key=lambda done: errors[done])
    assert best <= 30
    short = train(sequence, quick(stage(steps=best), validation=config.validation))
    assert not changed(weights(model), weights(short))
    assert model.training["validation"] == short.training["validation"]


def test_without_progress_a_stage_ends_early(
    sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_learning_rate", ruinous(20))
    heard: list[int] = []
    config = quick(stage(steps=200), validation=Validation(voxels=128, every=5, patience=2))
    train(sequence, config, listener=lambda _, done, __: heard.append(done))
    assert heard[-1] < 60


def test_a_stage_that_ended_early_does_not_go_on_when_resumed(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_learning_rate", ruinous(20))
    config = quick(stage(steps=100), validation=Validation(voxels=128, every=5, patience=1))
    unbroken = train(sequence, config)
    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_end", stop)
        with pytest.raises(Stopped):
            train(sequence, config, tmp_path)
    saved = read_state(tmp_path)
    assert saved is not None
    assert saved[0].step < 100  # it did end early
    train(sequence, config, tmp_path, listener=stop_after(saved[0].step + 5))
    assert Model.load(tmp_path).digest == unbroken.digest


def test_a_running_mean_of_the_weights_is_measured_and_kept(sequence: Sequence) -> None:
    plain = train(sequence, quick(stage(steps=10)))
    mean = train(sequence, quick(stage(steps=10, average=0.99)))
    assert changed(weights(plain), weights(mean)) == {"input", "core", "head"}


@pytest.mark.parametrize(("step", "expected"), [(0, 0.1), (4, 5 / 14), (10**6, 0.99)])
def test_a_running_mean_forgets_faster_early_on(step: int, expected: float) -> None:
    mean = {"a": torch.ones(3)}
    loop._average(mean, {"a": torch.zeros(3)}, 0.99, step)
    torch.testing.assert_close(mean["a"], torch.full((3,), expected))


def test_the_rate_rises_and_falls() -> None:
    one = Stage(steps=100, warm_up=10, learning_rate=0.5)
    rates = [loop._learning_rate(one, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.05, rel=0.01)
    assert int(np.argmax(rates)) == 9
    assert rates[50] == pytest.approx(0.25)
    assert rates[-1] < 0.001
    constant = one.model_copy(update={"schedule": "constant"})
    assert loop._learning_rate(constant, 99) == 0.5


# When it goes wrong -------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_state(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def breaking(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return gaussian(*arguments) * (float("nan") if calls == 18 else 1)

    monkeypatch.setattr(loop, "gaussian", breaking)
    message = r"stage 'noisy': at step 18 the loss \(nan\) or its gradient is not finite: lower"
    with pytest.raises(ModelError, match=message) as refusal:
        train(sequence, quick(stage(steps=40)), tmp_path)
    assert str(refusal.value).endswith(f"{tmp_path} keeps the state before that")
    saved = read_state(tmp_path)
    assert saved is not None
    position, tensors = saved
    assert position.step == 10
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert not (tmp_path / "model.json").exists()
    calls = 1000  # nothing breaks any more: the training goes on and ends
    assert train(sequence, quick(stage(steps=40)), tmp_path).training["stage"] == "noisy"


def test_a_loss_that_breaks_at_once_keeps_nothing(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "gaussian", lambda *args: gaussian(*args) * float("inf"))
    with pytest.raises(ModelError, match=r"at step 1 the loss .* lower learning_rate or clip$"):
        train(sequence, quick(), tmp_path)


class Stopped(Exception):  # noqa: N818
    """Raised where a training is to end as if it were killed."""


def stop(*_: Any) -> None:
    raise Stopped


def stop_after(steps: int, name: str = "noisy") -> Callable[[Stage, int, Any], None]:
    def listen(stage: Stage, done: int, scores: Any) -> None:  # noqa: ARG001
        if (stage.name, done) == (name, steps):
            raise Stopped

    return listen


def test_another_training_is_not_overwritten(sequence: Sequence, tmp_path: Path) -> None:
    train(sequence, quick(stage(steps=2)), tmp_path / "done")
    with pytest.raises(ModelError, match="done: holds a model of another training: give another"):
        train(sequence, quick(stage(steps=3)), tmp_path / "done")
    with pytest.raises(ModelError, match="done: the network was trained for another sequence"):
        train(played(TURNING), quick(stage(steps=2)), tmp_path / "done")
    with pytest.raises(Stopped):
        train(sequence, quick(), tmp_path / "part", listener=stop_after(20))
    with pytest.raises(ModelError, match="part: holds a training with other settings that was not"):
        train(sequence, quick(seed=1), tmp_path / "part")


def test_a_finished_training_is_read_not_repeated(sequence: Sequence, tmp_path: Path) -> None:
    model = train(sequence, quick(), tmp_path)
    again = train(sequence, quick(), tmp_path, listener=stop_after(10))
    assert again.digest == model.digest
    assert {path.name for path in tmp_path.iterdir()} - {"tensorboard"} == {
        "model.json",
        "model.safetensors",
        "log.jsonl",
    }


def test_a_place_that_cannot_be_written_is_told_at_once(sequence: Sequence, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is no folder"):
        train(sequence, quick(), tmp_path / "file" / "model")


def test_a_damaged_state_is_refused(sequence: Sequence, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(sequence, quick(), tmp_path, listener=stop_after(20))
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(ModelError, match=r"state.safetensors: damaged \(.*\): delete .* anew"):
        train(sequence, quick(), tmp_path)


# Resuming -----------------------------------------------------------------------------------

BROKEN_AT = [("noisy", 20), ("noisy", 40), ("second", 20)]
LONG = quick(
    stage("noisy", steps=40, average=0.9, snr_db_end=(5, 20)),
    stage("second", steps=30, start="noisy", frozen=("head",), optimiser="adamw"),
    stage("third", steps=10, start="noisy", teacher="second"),
)


@cache
def unbroken() -> Model:
    return train(played(), LONG)


@pytest.mark.parametrize("place", BROKEN_AT, ids=str)
def test_a_stopped_training_ends_at_the_same_weights(
    sequence: Sequence, tmp_path: Path, place: Any
) -> None:
    name, steps = place
    with pytest.raises(Stopped):
        train(sequence, LONG, tmp_path, listener=stop_after(steps, name))
    resumed = train(sequence, LONG, tmp_path)
    assert not changed(weights(resumed), weights(unbroken()))
    assert resumed.digest == unbroken().digest
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    told = [(line["stage"], line["step"]) for line in lines]
    assert told == [
        *(("noisy", step) for step in (10, 20, 30, 40)),
        *(("second", step) for step in (10, 20, 30)),
        ("third", 10),
    ]


def test_lines_beyond_the_saved_state_leave_the_log(sequence: Sequence, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(sequence, quick(), tmp_path, listener=stop_after(20))
    log = tmp_path / "log.jsonl"
    assert len(log.read_text().splitlines()) == 2  # the second is of a step that was not saved
    with log.open("a") as file:
        file.write('{"stage": "noisy", "number": 0, "st')
    train(sequence, quick(), tmp_path)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20]
    assert set(lines[0]["mse"]) == {"10", "20", "30", "40", "clean"}


def test_progress_counts_the_steps_of_all_stages(sequence: Sequence) -> None:
    told: list[tuple[int, int]] = []
    config = quick(stage("a", steps=5), stage("b", steps=5))
    train(sequence, config, progress=lambda *count: told.append(count))
    assert told == [(step, 10) for step in range(1, 11)]
