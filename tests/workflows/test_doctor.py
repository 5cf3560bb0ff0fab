from pathlib import Path

import pytest

from spinprint.workflows import doctor


def test_what_is_missing_comes_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPINPRINT_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)  # noqa: ARG005
    found = "\n".join(doctor.examine())
    assert "pip install 'spinprint[pulseq]'" in found
    assert "cannot be written: dictionaries are built anew each time" in found


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("cpu", "runs on: the processor"),
        ("torch-cpu", "on the processor, as SPINPRINT_DEVICE says"),
        ("gpu", "SPINPRINT_DEVICE = 'gpu' must be cpu, cuda or torch-cpu"),
    ],
)
def test_where_the_work_runs(choice: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINPRINT_DEVICE", choice)
    assert told in "\n".join(doctor.examine())
