"""A training that is killed anywhere, or started twice, leaves one whole model."""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from spinprint import Model, ModelError, OutputError, Sequence, train
from spinprint.files import claim
from spinprint.training import _journal

from .conftest import quick, stage


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_training_that_is_killed_anywhere_goes_on_to_the_same_model(
    sequence: Sequence,
    tmp_path: Path,
    killed_at: Callable[[int, Callable[[], object]], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_journal, "_board", lambda _: None)  # has threads, which no copy has
    config = quick(stage("first", steps=2), stage("last", steps=2))
    whole = train(sequence, config, tmp_path / "whole")

    def work(folder: Path) -> Model:
        return train(sequence, config, folder)

    for n in itertools.count(step=5):
        folder = tmp_path / str(n)
        killed = killed_at(n, partial(work, folder))
        if (folder / "model.json").exists():
            assert Model.load(folder, sequence).digest == whole.digest
        work(folder)
        assert Model.load(folder, sequence).digest == whole.digest
        assert listing(folder) == listing(tmp_path / "whole")
        if not killed:
            break
    assert n > 20


def test_of_two_trainings_in_one_folder_the_second_is_refused(
    sequence: Sequence, tmp_path: Path
) -> None:
    config = quick(stage(steps=2))
    messages: list[str] = []

    def second(*_: object) -> None:
        """Comes while the first is at work; a thread counts as another process."""

        def attempt() -> None:
            with pytest.raises(OutputError) as caught:
                train(sequence, quick(stage(steps=2), seed=1), tmp_path)
            messages.append(str(caught.value))

        thread = Thread(target=attempt)
        thread.start()
        thread.join()

    first = train(sequence, config, tmp_path, listener=second)
    assert messages == [
        f"{tmp_path}: is being written by another spinprint process: wait for it or choose another"
        " place"
    ]
    assert Model.load(tmp_path).digest == first.digest
    with pytest.raises(ModelError, match="holds a model of another training"):
        train(sequence, quick(stage(steps=2), seed=1), tmp_path)
    with claim(tmp_path, "training"):
        pass
