"""Stages of a training: weights, validation, errors, resuming."""

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
from spinprint.training import _optimisation, loop
from spinprint.training._optimisation import gaussian
from spinprint.training._state import read_state
from spinprint.training.config import Stage

from .conftest import TINY_MLP, quick, stage, tiny

Weights = dict[str, torch.Tensor]


def weights(model: Model) -> Weights:
    return {name: weight.detach() for name, weight in model.network.named_parameters()}


def changed(a: Weights, b: Weights) -> set[str]:
    """Parts of the network that differ."""
    return {name.split(".")[0] for name in a if not torch.equal(a[name], b[name])}


def mse(model: Model, snr: str) -> float:
    return float(model.training["validation"][snr]["mse"])


# Seeds and parts ----------------------------------------------------------------------------


def test_weights_depend_on_the_seed(sequence: Sequence) -> None:
    first, same, other = (train(sequence, quick(seed=seed)) for seed in (1, 1, 2))
    assert first.digest == same.digest
    assert changed(weights(first), weights(other)) == {"input", "core", "head"}


@pytest.mark.parametrize(
    ("frozen", "optimiser"),
    [(("head",), "muon"), (("input", "core"), "muon"), (("core",), "adamw"), (("input",), "adamw")],
)
def test_frozen_parts_do_not_change(
    sequence: Sequence, tmp_path: Path, frozen: Any, optimiser: Any
) -> None:
    second = stage("second", frozen=frozen, optimiser=optimiser, weight_decay=0.1)
    model = train(sequence, quick(stage("first", steps=10), second), tmp_path)
    first = Model.load(tmp_path / "stages" / "first")
    assert changed(weights(first), weights(model)) == {"input", "core", "head"} - set(frozen)
    assert all(weight.requires_grad for weight in model.network.parameters())


def test_training_keeps_the_scales(sequence: Sequence) -> None:
    noise = (10.0, 40.0)
    network = NetworkConfig(core=TINY_MLP)
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
def test_stage_starts_from_the_selected_weights(
    sequence: Sequence, tmp_path: Path, start: str, expected: str | None
) -> None:
    """A negligible step shows the initial weights."""
    still = stage("third", start=start, steps=1, learning_rate=1e-12, warm_up=0)
    config = quick(stage("first", steps=10), stage("second", steps=10), still)
    model = train(sequence, config, tmp_path)
    fresh = train(sequence, quick(stage(steps=1, learning_rate=1e-12, warm_up=0)))
    initial = Model.load(tmp_path / "stages" / expected) if expected else fresh
    others = {"first", "second"} - {expected}
    for name, weight in weights(model).items():
        torch.testing.assert_close(weight, weights(initial)[name], atol=1e-9, rtol=1e-6)
    for other in others:
        assert changed(weights(model), weights(Model.load(tmp_path / "stages" / other)))


def test_stages_train_on_different_tissue(sequence: Sequence) -> None:
    config = quick(stage("first"), stage("second", start="scratch"))
    second, first = train(sequence, config), train(sequence, quick(stage("first")))
    assert changed(weights(second), weights(first))


# Learning -----------------------------------------------------------------------------------

BLIND = 1 / 12
"""Squared error of the constant output 0.5."""

RECURRENT = [
    (Recurrent(cell="rnn", samples_per_step=7, width=24), "real"),
    (Recurrent(cell="gru", samples_per_step=7, width=24, readout="all"), "complex"),
    (Recurrent(cell="gru", samples_per_step=30, width=24, layers=2), "real"),
    (Recurrent(cell="lstm", samples_per_step=16, width=24, bidirectional=True), "real"),
    (
        Recurrent(cell="rnn", samples_per_step=8, width=24, readout="all", bidirectional=True),
        "real",
    ),
]


@pytest.mark.parametrize(("core", "kind"), RECURRENT, ids=str)
def test_recurrent_networks_learn(core: Recurrent, kind: str) -> None:
    config = quick(
        stage(steps=200, learning_rate=0.02),
        network=NetworkConfig(core=core),
        validation=Validation(voxels=128, every=100),
    )
    assert mse(train(tiny(kind), config), "30") < 0.3 * BLIND


def test_network_can_output_only_means(sequence: Sequence) -> None:
    network = NetworkConfig(core=TINY_MLP, output="mean")
    model = train(sequence, quick(stage(steps=150, loss="mse"), network=network))
    assert mse(model, "30") < 0.1 * BLIND
    assert "coverage_of" not in model.training["validation"]["30"]


@pytest.mark.parametrize("core", [TINY_MLP, Recurrent(width=16)], ids=["mlp", "gru"])
def test_mixed_precision_learns(sequence: Sequence, core: Any) -> None:
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
    monkeypatch.setattr("spinprint.training._batches._ATOMS", 3000)
    config = quick(
        stage("clean", snr_db="clean", steps=100, learning_rate=0.02),
        stage("noisy", start="scratch", teacher=teacher, steps=100, learning_rate=0.02),
        data=Data(block=256, passes=8),
    )
    assert mse(train(sequence, config), "30") < 0.4 * BLIND


def test_small_network_approaches_the_bayes_risk(sequence: Sequence) -> None:
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
    for coverage in model.training["validation"]["25"]["coverage_of"].values():
        assert 0.63 < coverage < 0.73


# The end of a stage -------------------------------------------------------------------------


def diverging(after: int) -> Callable[[Stage, int], float]:
    """A learning rate that is too large after some steps."""
    return lambda _, step: 0.01 if step < after else 0.6


def test_best_validation_is_kept(sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_optimisation, "learning_rate", diverging(30))
    config = quick(stage(steps=60), validation=Validation(voxels=128, every=10))
    errors: dict[int, float] = {}

    def listen(_: Stage, done: int, scores: Any) -> None:
        errors[done] = loop.mean_log_error(scores, clean=False)

    model = train(sequence, config, listener=listen)
    best = min(errors, key=lambda done: errors[done])
    assert best <= 30
    short = train(sequence, quick(stage(steps=best), validation=config.validation))
    assert not changed(weights(model), weights(short))
    assert model.training["validation"] == short.training["validation"]


def test_stage_ends_early_without_improvement(
    sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_optimisation, "learning_rate", diverging(20))
    steps: list[int] = []
    config = quick(stage(steps=200), validation=Validation(voxels=128, every=5, patience=2))
    train(sequence, config, listener=lambda _, done, __: steps.append(done))
    assert steps[-1] < 60


def test_stage_that_ended_early_stays_ended_when_resumed(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_optimisation, "learning_rate", diverging(20))
    config = quick(stage(steps=100), validation=Validation(voxels=128, every=5, patience=1))
    unbroken = train(sequence, config)
    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_end", stop)
        with pytest.raises(Stopped):
            train(sequence, config, tmp_path)
    saved = read_state(tmp_path)
    assert saved is not None
    assert saved[0].step < 100  # it ended early
    train(sequence, config, tmp_path, listener=stop_after(saved[0].step + 5))
    assert Model.load(tmp_path).digest == unbroken.digest


def test_averaged_weights_are_the_result(sequence: Sequence) -> None:
    plain = train(sequence, quick(stage(steps=10)))
    mean = train(sequence, quick(stage(steps=10, average=0.99)))
    assert changed(weights(plain), weights(mean)) == {"input", "core", "head"}


# Errors -------------------------------------------------------------------------------------


def test_infinite_loss_stops_and_keeps_the_last_state(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def breaking(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return gaussian(*arguments) * (float("nan") if calls == 18 else 1)

    monkeypatch.setattr(_optimisation, "gaussian", breaking)
    message = r"stage 'noisy': at step 18 the loss \(nan\) or its gradient is not finite: lower"
    with pytest.raises(ModelError, match=message) as raised:
        train(sequence, quick(stage(steps=40)), tmp_path)
    assert str(raised.value).endswith(f"{tmp_path} keeps the state before that")
    saved = read_state(tmp_path)
    assert saved is not None
    position, tensors = saved
    assert position.step == 10
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert not (tmp_path / "model.json").exists()
    calls = 1000  # the loss is finite again: the training continues and ends
    assert train(sequence, quick(stage(steps=40)), tmp_path).training["stage"] == "noisy"


def test_infinite_first_loss_keeps_nothing(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_optimisation, "gaussian", lambda *args: gaussian(*args) * float("inf"))
    with pytest.raises(ModelError, match=r"at step 1 the loss .* lower learning_rate or clip$"):
        train(sequence, quick(), tmp_path)


class Stopped(Exception):  # noqa: N818
    """Raised to end a training as if it were killed."""


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
        train(tiny("complex"), quick(stage(steps=2)), tmp_path / "done")
    with pytest.raises(Stopped):
        train(sequence, quick(), tmp_path / "part", listener=stop_after(20))
    with pytest.raises(ModelError, match="part: holds an unfinished training with other settings"):
        train(sequence, quick(seed=1), tmp_path / "part")


def test_completed_training_is_read_not_repeated(sequence: Sequence, tmp_path: Path) -> None:
    model = train(sequence, quick(), tmp_path)
    again = train(sequence, quick(), tmp_path, listener=stop_after(10))
    assert again.digest == model.digest
    assert {path.name for path in tmp_path.iterdir()} - {"tensorboard"} == {
        "model.json",
        "model.safetensors",
        "log.jsonl",
    }


def test_unwritable_folder_raises_at_once(sequence: Sequence, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is no folder"):
        train(sequence, quick(), tmp_path / "file" / "model")


def test_damaged_state_raises(sequence: Sequence, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(sequence, quick(), tmp_path, listener=stop_after(20))
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(ModelError, match=r"state.safetensors: damaged \(.*\): delete .* again"):
        train(sequence, quick(), tmp_path)


# Resuming -----------------------------------------------------------------------------------

STOPS = [("noisy", 20), ("noisy", 40), ("second", 20)]
LONG = quick(
    stage("noisy", steps=40, average=0.9, snr_db_end=(5, 20)),
    stage("second", steps=30, start="noisy", frozen=("head",), optimiser="adamw"),
    stage("third", steps=10, start="noisy", teacher="second"),
)


@cache
def unbroken() -> Model:
    return train(tiny(), LONG)


@pytest.mark.parametrize("stop_at", STOPS, ids=str)
def test_resumed_training_gives_the_same_weights(
    sequence: Sequence, tmp_path: Path, stop_at: Any
) -> None:
    name, steps = stop_at
    with pytest.raises(Stopped):
        train(sequence, LONG, tmp_path, listener=stop_after(steps, name))
    resumed = train(sequence, LONG, tmp_path)
    assert not changed(weights(resumed), weights(unbroken()))
    assert resumed.digest == unbroken().digest
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["step"]) for line in lines] == [
        *(("noisy", step) for step in (10, 20, 30, 40)),
        *(("second", step) for step in (10, 20, 30)),
        ("third", 10),
    ]


def test_log_lines_beyond_the_saved_state_are_removed(sequence: Sequence, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(sequence, quick(), tmp_path, listener=stop_after(20))
    log = tmp_path / "log.jsonl"
    assert len(log.read_text().splitlines()) == 2  # the second belongs to a step that was not saved
    with log.open("a") as file:
        file.write('{"stage": "noisy", "number": 0, "st')
    train(sequence, quick(), tmp_path)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20]
    assert set(lines[0]["mse"]) == {"10", "20", "30", "40", "clean"}


def test_progress_counts_the_steps_of_all_stages(sequence: Sequence) -> None:
    counts: list[tuple[int, int]] = []
    config = quick(stage("a", steps=5), stage("b", steps=5))
    train(sequence, config, progress=lambda *count: counts.append(count))
    assert counts == [(step, 10) for step in range(1, 11)]
