"""Typical voxels of different tissues, with the signal that their estimates predict."""

import numpy as np
import pytest

from spinprint.errors import SeriesError
from spinprint.maps import Maps, Status
from spinprint.physics.simulate import simulate
from spinprint.report import pick_fingerprints
from spinprint.sequence import Inversion, ReadoutTrain, Sequence
from spinprint.tissue import Tissue

SEQUENCE = Sequence(
    name="short",
    field_strength=3.0,
    blocks=(
        Inversion(delay=0.02),
        ReadoutTrain(flip=np.radians(np.linspace(5, 60, 30)), tr=0.01, te=0.002),
    ),
)
T1 = np.array([0.3, 0.31, 0.32, 0.33, 0.9, 0.92, 3.0, 1.0])
T2 = np.array([0.1, 0.1, 0.1, 0.1, 0.03, 0.03, 1.0, 0.03])
LABELS = np.array([1, 1, 1, 1, 2, 2, 3, 0])
NAMES = {1: "fat", 2: "muscle", 3: "fluid"}
M0 = 2 * np.exp(0.7j)
B1 = np.linspace(0.8, 1.2, 8)


@pytest.fixture
def series() -> np.ndarray:
    return simulate(SEQUENCE, Tissue(t1=T1, t2=T2, b1=B1, m0=np.full(8, M0)))


@pytest.fixture
def maps() -> Maps:
    return Maps(
        values={"t1": T1.astype(np.float32), "t2": T2.astype(np.float32)},
        sd={},
        m0=np.full(8, M0, np.complex64),
        status=np.full(8, Status.OK, np.uint8),
        sigma=np.ones(8, np.float32),
    )


def test_the_largest_structure_then_those_that_differ_most(series: np.ndarray, maps: Maps) -> None:
    picked = pick_fingerprints(series, maps, SEQUENCE, labels=LABELS, names=NAMES, b1=B1, count=2)
    assert [one.name for one in picked] == ["fat", "fluid"]
    everything = pick_fingerprints(series, maps, SEQUENCE, labels=LABELS, names=NAMES, b1=B1)
    assert [one.name for one in everything] == ["fat", "fluid", "muscle"]


def test_the_fit_of_a_true_estimate_is_the_signal(series: np.ndarray, maps: Maps) -> None:
    for one in pick_fingerprints(series, maps, SEQUENCE, labels=LABELS, b1=B1):
        peak = np.abs(one.measured).max()
        assert np.abs(one.fitted - one.measured).max() < 1e-4 * peak
        voxel = int(np.argmin(np.abs(T1 - one.values["t1"])))
        assert np.array_equal(one.measured, series[voxel])
    # Without the B1 that was played, it is not.
    (fat,) = pick_fingerprints(series, maps, SEQUENCE, labels=LABELS, count=1)
    assert np.abs(fat.fitted - fat.measured).max() > 1e-2 * np.abs(fat.measured).max()


def test_without_labels_voxels_spread_over_t1(series: np.ndarray, maps: Maps) -> None:
    maps.status[7] = Status.AT_EDGE
    picked = pick_fingerprints(series, maps, SEQUENCE, b1=B1, count=3)
    assert [one.values["t1"] for one in picked] == pytest.approx([0.31, 0.33, 0.92])
    assert [one.name for one in picked] == ["voxel 1", "voxel 2", "voxel 3"]


def test_doubtful_voxels_are_not_picked(series: np.ndarray, maps: Maps) -> None:
    maps.status[:6] = Status.AT_EDGE
    picked = pick_fingerprints(series, maps, SEQUENCE, labels=LABELS, names=NAMES)
    assert [one.name for one in picked] == ["fluid"]
    maps.status[:] = Status.NO_SIGNAL
    assert pick_fingerprints(series, maps, SEQUENCE, labels=LABELS) == ()
    assert pick_fingerprints(series, maps, SEQUENCE) == ()


def test_maps_that_lack_an_unknown_give_none(series: np.ndarray, maps: Maps) -> None:
    assert pick_fingerprints(series, maps.replace(values={"t1": maps["t1"]}), SEQUENCE) == ()


def test_what_does_not_fit_is_refused(series: np.ndarray, maps: Maps) -> None:
    with pytest.raises(SeriesError, match=r"shape \(8, 29\); it must be \(8, 30\)"):
        pick_fingerprints(series[:, :-1], maps, SEQUENCE)
    with pytest.raises(SeriesError, match="labels of shape"):
        pick_fingerprints(series, maps, SEQUENCE, labels=LABELS[:3])
