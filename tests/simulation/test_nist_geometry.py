"""The spheres lie where NIST's description of the phantom puts them."""

from itertools import combinations

import numpy as np
import pytest

from spinprint.simulation.phantoms import Sphere, nist_geometry
from spinprint.simulation.phantoms.nist_geometry import (
    FIDUCIAL_RADIUS,
    OUTER_RADIUS,
    SHELL_RADIUS,
    fiducial_centres,
)


def by_index(array: str) -> dict[int, Sphere]:
    return {sphere.index: sphere for sphere in nist_geometry() if sphere.array == array}


def test_three_arrays_of_fourteen() -> None:
    spheres = nist_geometry()
    assert [sphere.array for sphere in spheres] == ["t1"] * 14 + ["t2"] * 14 + ["pd"] * 14
    for array in ("t1", "t2", "pd"):
        assert list(by_index(array)) == list(range(1, 15))
    assert len({sphere.name for sphere in spheres}) == 42


def test_planes_are_forty_millimetres_apart_with_t1_in_front() -> None:
    fronts = [by_index(array)[1].centre[1] for array in ("t1", "t2", "pd")]
    assert fronts == [56.5, 16.5, -23.5]


@pytest.mark.parametrize(
    ("index", "right", "up"),
    [
        (1, 0, 50),
        (2, -29.389, 40.451),  # 36 degrees on, to the phantom's left
        (6, 0, -50),
        (11, 20, 20),
        (12, -20, 20),
        (13, -20, -20),
        (14, 20, -20),
    ],
)
def test_places_within_an_array(index: int, right: float, up: float) -> None:
    x, _, z = by_index("t2")[index].centre
    np.testing.assert_allclose((x, z), (right, up), atol=1e-3)


def test_nothing_overlaps_and_all_lies_in_the_shell() -> None:
    spheres = [(np.array(sphere.centre), OUTER_RADIUS) for sphere in nist_geometry()]
    spheres += [(np.array(centre), FIDUCIAL_RADIUS) for centre in fiducial_centres()]
    assert len(spheres) == 42 + 56
    for (first, one), (second, two) in combinations(spheres, 2):
        assert np.linalg.norm(first - second) > one + two
    assert all(np.linalg.norm(centre) + radius < SHELL_RADIUS for centre, radius in spheres)
