"""A phantom is checked once, at construction, and says what it knows."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from spinprint.errors import TissueError
from spinprint.simulation.phantoms import Phantom, TissueValues
from spinprint.tissue import Tissue

SHAPE = (3, 2, 1)


def parts(**changes: Any) -> dict[str, Any]:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[0], labels[1, 1] = 1, 2
    tissue = Tissue(
        t1=np.full(SHAPE, 1.0),
        t2=np.full(SHAPE, 0.05),
        t1rho=np.full(SHAPE, 0.06),
        m0=np.where(labels > 0, 1j, 0),
    )
    return {
        "name": "two tubes",
        "labels": labels,
        "names": {1: "gel", 2: "oil"},
        "sources": {"gel": "a book, 3 T", "oil": "a book, 3 T"},
        "tissue": tissue,
        "affine": np.eye(4),
        "field_strength": 3.0,
    } | changes


def test_truth_is_known_inside_the_labels_and_nan_outside() -> None:
    phantom = Phantom(**parts())
    truth = phantom.truth(("t1", "t2", "t1rho"))
    assert list(truth) == ["t1", "t2", "t1rho"]
    assert phantom.mask.sum() == 3
    for name, value in (("t1", 1.0), ("t2", 0.05), ("t1rho", 0.06)):
        assert truth[name].dtype == np.float32
        np.testing.assert_allclose(truth[name][phantom.mask], value, rtol=1e-6)
        assert np.isnan(truth[name][~phantom.mask]).all()


def test_a_parameter_it_does_not_know_is_refused() -> None:
    with pytest.raises(TissueError, match=r"two tubes.*'adc'.*t1, t2, t1rho, m0"):
        Phantom(**parts()).truth()


def wrong_parts() -> list[Any]:
    tissue: Tissue = parts()["tissue"]
    bright = np.ones(SHAPE)
    return [
        ({"labels": np.zeros(SHAPE)}, "uint8"),
        ({"labels": np.zeros((3, 2), dtype=np.uint8)}, r"\(x, y, z\)"),
        ({"labels": np.zeros((3, 2, 2), dtype=np.uint8)}, "must be equal"),
        ({"names": {1: "gel"}}, "label 2 has no name"),
        ({"names": {0: "air", 1: "gel", 2: "oil"}}, "label 0 is the background"),
        ({"sources": {"gel": "a book, 3 T"}}, "'oil' states no source"),
        ({"tissue": tissue.replace(m0=None)}, "m0 must be given"),
        ({"tissue": tissue.replace(m0=bright)}, "0 where the label is 0"),
        ({"tissue": tissue.replace(t2=bright * 0.07)}, "t2 <= t1rho must hold"),
        ({"tissue": tissue.replace(t1=bright * 0.055)}, "t1rho <= t1 must hold"),
        ({"affine": np.eye(3)}, "4 x 4"),
        ({"affine": np.diag([1.0, 0, 1, 1])}, "invertible"),
        ({"field_strength": 0.0}, "field strength 0 T must be positive"),
    ]


@pytest.mark.parametrize(("changes", "rule"), wrong_parts())
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(TissueError, match=rule):
        Phantom(**parts(**changes))


def test_it_cannot_be_changed() -> None:
    labels = parts()["labels"]
    phantom = Phantom(**parts(labels=labels))
    labels[:] = 0
    assert phantom.mask.any()
    with pytest.raises(ValueError, match="read-only"):
        phantom.labels[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        phantom.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"t2": 0.07}, "T2 <= T1rho <= T1"),
        ({"t1": 0.04}, "T2 <= T1rho <= T1"),
        ({"t2": 0.0}, "0 < T2"),
        ({"adc": -1e-3}, "not negative"),
        ({"density": np.nan}, "finite"),
        ({"source": ""}, "source"),
    ],
)
def test_a_tissue_table_holds_possible_values_with_a_source(
    changes: dict[str, Any], rule: str
) -> None:
    values: dict[str, Any] = {
        "t1": 1.0,
        "t2": 0.05,
        "t1rho": 0.06,
        "adc": 1e-3,
        "density": 1.0,
        "spread": 0.1,
    }
    with pytest.raises(TissueError, match=rule):
        TissueValues(**({**values, "source": "a book, 3 T"} | changes))
