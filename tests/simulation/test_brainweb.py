"""BrainWeb's heads, by a stand-in for brainweb-dl: nothing is fetched here."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest

from spinprint.errors import InputError, MissingExtraError
from spinprint.simulation.phantoms import brain
from spinprint.simulation.phantoms import brainweb as database

SHAPE = (91, 109, 91)
STEP = 2.0
"""Coarser than the real volumes, to be quick."""


def head() -> Any:
    """A crude segmentation, (right, front, top): a ball of grey and white matter in a skull."""
    right, front, top = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    radius = np.sqrt(((right - 45) / 38) ** 2 + ((front - 54) / 48) ** 2 + ((top - 40) / 38) ** 2)
    classes = np.zeros(SHAPE, np.uint8)
    for edge, value in ((1, 6), (0.9, 7), (0.8, 1), (0.75, 2), (0.65, 3)):
        classes[radius < edge] = value
    classes[(radius < 0.3) & (front > 54)] = 1  # fluid in front
    return classes


@pytest.fixture(scope="module", params=["x first", "z first"])
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What brainweb-dl leaves on disk; version 0.4 with z first."""
    path = tmp_path_factory.mktemp("brainweb") / "brainweb_s04_crisp.nii.gz"
    classes = head() if request.param == "x first" else head().transpose(2, 1, 0)
    nibabel.Nifti1Image(classes, np.diag([0.5, 0.5, 0.5, 1])).to_filename(path)
    return path


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Calls of the stand-in."""
    calls: list[int] = []

    def get_brainweb20(subject: int, brainweb_dir: Path, segmentation: str) -> Path:
        path = brainweb_dir / f"brainweb_s{subject:02d}_{segmentation}.nii.gz"
        if not path.exists():
            calls.append(subject)
            raise OSError("no route to host")
        return path

    module = SimpleNamespace(get_brainweb20=get_brainweb20)
    monkeypatch.setitem(sys.modules, "brainweb_dl", module)
    return calls


def test_a_head_is_shown_upright(
    stored: Path, fetched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAINWEB_DIR", str(stored.parent))
    monkeypatch.setattr(database, "_STEP", STEP)
    phantom = brain((60, 60, 3), brainweb=4)
    assert not fetched
    assert "BrainWeb subject 4" in phantom.description
    assert {phantom.names[label] for label in np.unique(phantom.labels) if label} == {
        "cortical grey matter", "white matter", "cerebrospinal fluid", "muscle and skin"
    }  # fmt: skip
    # The fluid lies in front of the middle, the skull is dark, and the volume is in place.
    middle = phantom.labels[:, :, 1]
    x, y = np.argwhere(middle[20:40, 15:45] == 3).mean(axis=0).tolist()
    right, front, _, _ = phantom.affine @ [x + 20, y + 15, 1, 1]
    assert front > -18 + 5
    assert abs(right) < 2
    outline = np.argwhere(middle > 0)
    ends = phantom.affine[:3] @ np.c_[outline, np.ones(len(outline)), np.ones(len(outline))].T
    np.testing.assert_allclose((ends[0].min(), ends[0].max()), (-76, 76), atol=6)
    np.testing.assert_allclose((ends[1].min(), ends[1].max()), (-114, 78), atol=6)
    assert (middle[30] == 0).any()
    assert 0.1 < (phantom.purity[phantom.mask] < 1).mean() < 0.9


def test_nothing_is_fetched_unasked(
    fetched: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAINWEB_DIR", str(tmp_path))
    with pytest.raises(InputError, match=r"subject 5 is not in .*: add --download to fetch it"):
        brain((8, 8, 1), brainweb=5)
    assert not fetched
    with pytest.raises(InputError, match="subject 5 cannot be fetched or read: no route to host"):
        brain((8, 8, 1), brainweb=5, download=True)
    assert fetched == [5]


def test_a_file_that_is_no_segmentation(
    fetched: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAINWEB_DIR", str(tmp_path))
    path = tmp_path / "brainweb_s06_crisp.nii.gz"
    nibabel.Nifti1Image(np.full((4, 4, 4), 99, np.uint8), np.eye(4)).to_filename(path)
    with pytest.raises(InputError, match="holds no BrainWeb segmentation"):
        brain((8, 8, 1), brainweb=6)
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match="subject 6 cannot be fetched or read"):
        brain((8, 8, 1), brainweb=6)
    assert not fetched


def test_subjects_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="BrainWeb has no subject 7; it has 4, 5, 6, 18"):
        brain((8, 8, 1), brainweb=7)
    with pytest.raises(
        InputError, match="--download fetches a BrainWeb subject: name it with --brainweb"
    ):
        brain((8, 8, 1), download=True)
    monkeypatch.setitem(sys.modules, "brainweb_dl", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spinprint\[brainweb\]'"):
        brain((8, 8, 1), brainweb=4)


@pytest.mark.usefixtures("fetched")
def test_without_a_home_the_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAINWEB_DIR", raising=False)
    monkeypatch.setenv("HOME", "~")  # what cannot be resolved
    with pytest.raises(InputError, match="set BRAINWEB_DIR"):
        brain((8, 8, 1), brainweb=4)
