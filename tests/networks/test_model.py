"""Models on disk: complete, for one sequence, and without code."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Mlp, Model, ModelError, NetworkConfig, Prior, Recurrent, Sequence, simulate
from spinprint.networks import _store
from spinprint.networks._store import DESCRIPTION, WEIGHTS
from spinprint.prior import Uniform

from .conftest import tiny

CONFIGS = [
    NetworkConfig(core=Mlp(width=8, blocks=1), linear=("t2",)),
    NetworkConfig(core=Recurrent(width=8), output="mean", sigma_input=False),
    NetworkConfig(core=Mlp(width=8, blocks=0), known=("b1",)),
]


def with_b1(sequence: Sequence) -> Prior:
    return Prior({**Prior.default(sequence).laws, "b1": Uniform(0.7, 1.3)})


@pytest.fixture
def saved(real_sequence: Sequence, tmp_path: Path) -> Path:
    Model.create(real_sequence, config=CONFIGS[0]).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("config", CONFIGS)
def test_model_is_restored_from_its_folder(
    sequence: Sequence, tmp_path: Path, config: NetworkConfig
) -> None:
    model = Model.create(sequence, with_b1(sequence), config, seed=2)
    model.save(tmp_path)
    read = Model.load(tmp_path, sequence)
    assert read.digest == model.digest
    assert (read.config, read.prior.to_dict()) == (config, model.prior.to_dict())
    assert read.sequence == sequence
    tissue = model.prior.draw(20, np.random.default_rng(0))
    known = np.full((20, 1), 1.1) if config.known else None
    signals = model.compress(simulate(sequence, tissue))
    before, after = (m.predict(signals, np.full(20, 1e-3), known) for m in (model, read))
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.norm, after.norm)
    if config.output == "gaussian":
        np.testing.assert_array_equal(before.variance, after.variance)


def test_digest_differs_with_sequence_prior_and_config(real_sequence: Sequence) -> None:
    prior = Prior({"t1": Uniform(0.1, 3, log=True), "t2": Uniform(0.01, 1, log=True)})
    models = [
        Model.create(real_sequence),
        Model.create(real_sequence, prior),
        Model.create(real_sequence, config=NetworkConfig(core=Mlp(activation="relu"))),
        Model.create(tiny("complex")),
    ]
    assert len({model.digest for model in models}) == 4


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        described = json.loads((folder / DESCRIPTION).read_text())
        change(described)
        (folder / DESCRIPTION).write_text(json.dumps(described))

    return edit


class Trap:
    """Creates a file if it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("sprung"),))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / DESCRIPTION).unlink(), r"holds no model.json: give a folder that"),
        (lambda f: (f / WEIGHTS).unlink(), r"not a complete model \(.*\); train a new one"),
        (lambda f: cut(f / WEIGHTS), r"do not belong together or have changed"),
        (lambda f: cut(f / DESCRIPTION), r"cannot be read as JSON"),
        (lambda f: (f / DESCRIPTION).write_bytes(b"\xff\xfe\x00"), r"cannot be read as text"),
        (lambda f: (f / DESCRIPTION).write_text("[1, 2]"), r"holds no JSON object"),
        (edited(lambda d: d.update(format="other/1")), r"its format is 'other/1', not 'spin"),
        (edited(lambda d: d["prior"]["laws"]["t1"].update(high=7.0)), r"do not belong together"),
        (edited(lambda d: d["prior"]["laws"]["t1"].update(low=np.nan)), r"do not belong together"),
        (edited(lambda d: d["network"].update(linear=[])), r"do not belong together"),
        (edited(lambda d: d.pop("sha256")), r"do not belong together"),
        (lambda f: (f / WEIGHTS).write_bytes(pickle.dumps(Trap())), r"do not belong together"),
    ],
)
def test_damaged_model_raises_one_line(
    saved: Path, harm: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(saved.parent)
    harm(saved)
    with pytest.raises(ModelError, match=message) as raised:
        Model.load(saved)
    assert str(raised.value).startswith(f"{saved}: ")
    assert str(raised.value).count(str(saved)) == 1
    assert "\n" not in str(raised.value)
    assert not Path("sprung").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def resealed(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change description and weights of a model and update its checksum."""
    stored = _store.read(folder)
    described, arrays = dict(stored.described), dict(stored.arrays)
    change(described, arrays)
    described = {
        name: value for name, value in described.items() if name not in ("format", "version")
    }
    described.pop("sequence")
    _store.write(folder, _store.Stored(stored.sequence, described, arrays))


def filled(name: str, value: float) -> Any:
    def fill(_: dict[str, Any], arrays: dict[str, Any]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name].flat[0] = value

    return fill


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _, a: a.pop("head.bias"), "head.bias is missing, or belongs to another network"),
        (lambda _, a: a.update(more=np.ones(3, np.float32)), "more is missing, or belongs"),
        (lambda _, a: a.update({"head.bias": np.ones(1, np.float32)}), r"shape \(1,\) and type"),
        (lambda _, a: a.update({"head.bias": a["head.bias"].astype(int)}), "type int64"),
        (lambda _, a: a.pop("basis.real"), "not a complete model"),
        (lambda _, a: a.update({"basis.real": a["basis.real"][:-1]}), "its basis has shape"),
        (lambda _, a: a.update({"basis.real": a["basis.real"][0]}), "its basis has shape"),
        (lambda _, a: a.update({"basis.real": 2 * a["basis.real"]}), "basis is not orthonormal"),
        (filled("head.weight", np.nan), "head.weight contains values that are not"),
        (filled("inputs.scale", 0.0), "inputs.scale contains values that are not"),
        (filled("target_scale", -1.0), "target_scale contains values that are not"),
        (lambda t, _: t.update(training=[1]), "the record of its training is not a table"),
        (lambda t, _: t.pop("prior"), "not a complete model"),
        (lambda t, _: t.update(prior={"laws": 3, "constraints": []}), "not a prior"),
        (lambda t, _: t["network"]["core"].update(width=8192, blocks=100), "has shape|missing"),
        (lambda t, _: t["network"]["core"].update(width=[]), "network: "),
    ],
)
def test_invalid_model_with_valid_checksum_raises(saved: Path, change: Any, message: str) -> None:
    resealed(saved, change)
    with pytest.raises(ModelError, match=message) as raised:
        Model.load(saved)
    assert str(raised.value).startswith(f"{saved}: ")
    assert "\n" not in str(raised.value)


def test_weights_of_another_model_raise(saved: Path, real_sequence: Sequence) -> None:
    Model.create(real_sequence, config=CONFIGS[0], seed=1).save(saved.parent / "other")
    (saved / WEIGHTS).write_bytes((saved.parent / "other" / WEIGHTS).read_bytes())
    with pytest.raises(ModelError, match="do not belong together"):
        Model.load(saved)


def test_model_refuses_another_sequence(saved: Path) -> None:
    message = r"trained for another sequence \('real', 30 samples\) than .*'complex'"
    with pytest.raises(ModelError, match=message):
        Model.load(saved, tiny("complex"))


def test_model_replaces_an_older_one(saved: Path, real_sequence: Sequence) -> None:
    model = Model.create(real_sequence, config=CONFIGS[1], seed=9)
    model.save(saved)
    assert Model.load(saved).digest == model.digest
    assert {path.name for path in saved.iterdir()} == {DESCRIPTION, WEIGHTS}


def test_models_leave_the_global_generator_unchanged(saved: Path, real_sequence: Sequence) -> None:
    before = torch.random.get_rng_state()
    Model.create(real_sequence)
    Model.load(saved)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_prediction_does_not_depend_on_the_chunk(real_sequence: Sequence) -> None:
    model = Model.create(real_sequence)
    rng = np.random.default_rng(0)
    signals = model.compress(simulate(real_sequence, model.prior.draw(5000, rng)))
    whole = model.predict(signals, np.full(5000, 1e-3))
    part = model.predict(signals[4090:4110], np.full(20, 1e-3))
    np.testing.assert_allclose(part.mean, whole.mean[4090:4110], atol=1e-5)
