"""Models on disk: whole, of this sequence, and never code."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Mlp, Model, ModelError, NetworkConfig, Prior, Recurrent, Sequence, simulate
from spinprint.networks.store import DESCRIPTION, WEIGHTS
from spinprint.prior import Uniform

from .conftest import played

CONFIGS = [
    NetworkConfig(core=Mlp(width=8, blocks=1), linear=("t2",)),
    NetworkConfig(core=Recurrent(width=8), output="mean", sigma_input=False),
    NetworkConfig(core=Mlp(width=8, blocks=0), known=("b1",)),
]


def with_b1(sequence: Sequence) -> Prior:
    return Prior({**Prior.default(sequence).laws, "b1": Uniform(0.7, 1.3)})


@pytest.fixture
def saved(one_line: Sequence, tmp_path: Path) -> Path:
    Model.create(one_line, config=CONFIGS[0]).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("config", CONFIGS)
def test_a_model_comes_back_as_it_was(
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
    one, two = (one.answer(signals, np.full(20, 1e-3), known) for one in (model, read))
    np.testing.assert_array_equal(one.mean, two.mean)
    np.testing.assert_array_equal(one.norm, two.norm)
    if config.output == "gaussian":
        np.testing.assert_array_equal(one.variance, two.variance)


def test_digests_differ_where_answers_may(one_line: Sequence) -> None:
    prior = Prior({"t1": Uniform(0.1, 3, log=True), "t2": Uniform(0.01, 1, log=True)})
    models = [
        Model.create(one_line),
        Model.create(one_line, prior),
        Model.create(one_line, config=NetworkConfig(core=Mlp(activation="relu"))),
        Model.create(played("turning")),
    ]
    assert len({model.digest for model in models}) == 4


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        described = json.loads((folder / DESCRIPTION).read_text())
        change(described)
        (folder / DESCRIPTION).write_text(json.dumps(described))

    return edit


class Trap:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("sprung"),))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / DESCRIPTION).unlink(), r"holds no model.json: give a folder that"),
        (lambda f: (f / WEIGHTS).unlink(), r"not a whole model \(.*\); train it anew"),
        (lambda f: cut(f / WEIGHTS), r"are not as they were written together"),
        (lambda f: cut(f / DESCRIPTION), r"not a whole model"),
        (lambda f: (f / DESCRIPTION).write_bytes(b"\xff\xfe\x00"), r"not a whole model"),
        (lambda f: (f / DESCRIPTION).write_text("[1, 2]"), r"its format is None"),
        (edited(lambda d: d.update(format="other/1")), r"its format is 'other/1', not 'spin"),
        (edited(lambda d: d["prior"]["laws"]["t1"].update(high=7.0)), r"written together"),
        (edited(lambda d: d["prior"]["laws"]["t1"].update(low=np.nan)), r"written together"),
        (edited(lambda d: d["network"].update(linear=[])), r"written together"),
        (edited(lambda d: d.pop("sha256")), r"written together"),
        (lambda f: (f / WEIGHTS).write_bytes(pickle.dumps(Trap())), r"written together"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(
    saved: Path, harm: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(saved.parent)
    harm(saved)
    with pytest.raises(ModelError, match=message) as refusal:
        Model.load(saved)
    assert str(refusal.value).startswith(f"{saved}: ")
    assert "\n" not in str(refusal.value)
    assert not Path("sprung").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def test_weights_of_another_model_are_refused(saved: Path, one_line: Sequence) -> None:
    Model.create(one_line, config=CONFIGS[0], seed=1).save(saved.parent / "other")
    (saved / WEIGHTS).write_bytes((saved.parent / "other" / WEIGHTS).read_bytes())
    with pytest.raises(ModelError, match="not as they were written together"):
        Model.load(saved)


def test_a_model_serves_its_sequence_alone(saved: Path) -> None:
    message = r"trained for another sequence \('one line', 30 samples\) than .*'turning'"
    with pytest.raises(ModelError, match=message):
        Model.load(saved, played("turning"))


def test_a_model_replaces_an_older_one_whole(saved: Path, one_line: Sequence) -> None:
    model = Model.create(one_line, config=CONFIGS[1], seed=9)
    model.save(saved)
    assert Model.load(saved).digest == model.digest
    assert {path.name for path in saved.iterdir()} == {DESCRIPTION, WEIGHTS}


def test_reading_a_model_leaves_the_random_numbers_of_others_alone(saved: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    Model.load(saved)
    assert torch.equal(torch.rand(2), expected)


def test_voxels_are_answered_alike_in_any_company(one_line: Sequence) -> None:
    model = Model.create(one_line)
    rng = np.random.default_rng(0)
    signals = model.compress(simulate(one_line, model.prior.draw(5000, rng)))
    whole = model.answer(signals, np.full(5000, 1e-3))
    part = model.answer(signals[4090:4110], np.full(20, 1e-3))
    np.testing.assert_allclose(part.mean, whole.mean[4090:4110], atol=1e-5)
