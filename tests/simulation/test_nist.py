"""The system phantom holds the published values, sphere by sphere."""

import tomllib
from importlib.resources import files

import numpy as np
import pytest

from spinprint.errors import TissueError
from spinprint.simulation.phantoms import Phantom, nist, nist_geometry
from spinprint.simulation.phantoms.nist import SPHERES


@pytest.fixture(scope="module")
def default() -> Phantom:
    return nist()


def times(phantom: Phantom, array: str, index: int) -> tuple[float, float]:
    """T1 and T2 of a sphere [ms]."""
    (label,) = phantom.regions[f"{array.upper()} array, sphere {index}"]
    inside = phantom.labels == label
    t1, t2 = (phantom.tissue.get(name)[inside] * 1e3 for name in ("t1", "t2"))
    assert np.ptp(t1) == np.ptp(t2) == 0  # a solution is uniform
    return float(t1[0]), float(t2[0])


# From NIST's PhantomViewer, and for T1 at 3 T also Table 1 of the rrsg2020 book.
PUBLISHED = [
    ("K3290", 3.0, "t1", 1, 1989, 1465),
    ("K3290", 3.0, "t1", 2, 1454, 1076),
    ("K3290", 3.0, "t1", 3, 984.1, 717.9),
    ("K3290", 3.0, "t1", 14, 21.719, 15.83),
    ("K3290", 3.0, "t2", 1, 2480, 581.3),
    ("K3290", 3.0, "t2", 8, 608.6, 46.42),
    ("K3290", 3.0, "t2", 12, 176.6, 11.237),
    ("K3290", 1.5, "t1", 1, 2033, 1669),
    ("K3290", 1.5, "t1", 10, 92.7, 81.9),
    ("K3290", 1.5, "t2", 1, 2376, 939.4),
    ("K3290", 1.5, "t2", 14, 83.33, 8.15),
    ("PLL2020", 3.0, "t1", 1, 1883.965, 1489.406),
    ("PLL2020", 3.0, "t1", 3, 987.267, 736.968),
    ("PLL2020", 3.0, "t2", 5, 1197.565, 112.664),
    ("PLL2020", 3.0, "t2", 14, 82.458, 5.097),
]


@pytest.mark.parametrize(("batch", "field_strength", "array", "index", "t1", "t2"), PUBLISHED)
def test_spheres_have_the_published_times(
    batch: str, field_strength: float, array: str, index: int, t1: float, t2: float
) -> None:
    phantom = nist((64, 64, 3), batch=batch, field_strength=field_strength)
    assert phantom.field_strength == field_strength
    assert times(phantom, array, index) == pytest.approx((t1, t2), rel=1e-12)


def test_no_list_is_short_out_of_order_or_a_copy_of_another() -> None:
    table = tomllib.loads(
        (files("spinprint.simulation.phantoms") / "data/nist.toml").read_text("utf-8")
    )
    lists = [tuple(array[key]) for array in table["array"] for key in ("t1_ms", "t2_ms")]
    assert len(lists) == len(set(lists)) == 12
    for values in lists:
        assert len(values) == 14
        assert list(values) == sorted(values, reverse=True)
    assert table["pd"]["density"] == sorted(table["pd"]["density"])
    assert len(table["pd"]["density"]) == 14


def test_relaxation_of_a_solution_hardly_depends_on_the_field(default: Phantom) -> None:
    """A swapped list or an order turned round would show as a factor."""
    low = nist(field_strength=1.5)
    for index in range(1, 15):
        t1, t2 = (np.divide(times(low, "t1", index), times(default, "t1", index))).tolist()
        assert 1.0 < t1 < 1.1
        assert 1.1 < t2 < 1.35
        t1, t2 = (np.divide(times(low, "t2", index), times(default, "t2", index))).tolist()
        assert 0.75 < t1 < 1.01
        assert 1.2 < t2 < 1.65


def test_spheres_lie_where_the_geometry_says(default: Phantom) -> None:
    for label, sphere in SPHERES.items():
        voxels = np.argwhere(default.labels == label)
        centre = default.affine[:3, :3] @ voxels.mean(axis=0) + default.affine[:3, 3]
        np.testing.assert_allclose(centre, sphere.centre, atol=0.35)
        area = len(voxels) * abs(default.affine[0, 0]) ** 2
        assert area == pytest.approx(np.pi * sphere.radius**2, rel=0.1)
    assert [sphere.name for sphere in nist_geometry()] == [default.names[i] for i in range(1, 43)]


def test_a_slice_shows_an_array(default: Phantom) -> None:
    for slice_, array in enumerate(("PD", "T2", "T1")[::-1]):
        shown = set(np.unique(default.labels[:, :, slice_]).tolist()) - {0, 43}
        assert shown == set(default.regions[f"{array} array"])
    single = nist((64, 64, 1))
    assert set(single.regions["T2 array"]) <= set(np.unique(single.labels).tolist())
    assert np.linalg.norm(single.affine[:3, 2]) == pytest.approx(6)
    stack = nist((32, 32, 24))
    assert np.linalg.norm(stack.affine[:3, 2]) == pytest.approx(5)
    assert set(np.unique(stack.labels)) >= {0, *range(1, 44)}


def test_proton_density_grows_along_its_array(default: Phantom) -> None:
    table = [5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 90, 100]
    m0 = np.abs(default.tissue.get("m0"))
    for label, percent in zip(default.regions["PD array"], table, strict=True):
        assert 100 * m0[default.labels == label].max() == pytest.approx(percent)


def test_walls_and_air_are_dark(default: Phantom) -> None:
    """Every sphere has a rim without signal between it and the water."""
    water = default.labels == 43
    spheres = (default.labels > 0) & ~water
    touching = (spheres[1:] & water[:-1]).sum() + (spheres[:-1] & water[1:]).sum()
    edges = np.diff(spheres.astype(int), axis=0)
    assert touching < 0.75 * np.count_nonzero(edges)
    assert not default.mask[0].any()


def test_temperature_and_assumptions_are_stated(default: Phantom) -> None:
    assert "20 C" in default.description
    assert "T1rho = T2 is our assumption" in default.description
    for name in ("t1rho",):
        np.testing.assert_array_equal(default.truth()[name], default.truth()["t2"])
    assert default.tissue.get("adc")[default.mask].max() == pytest.approx(2.025e-3)
    assert "our choice" in default.sources["PD array, sphere 1"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"batch": "PLL2020", "field_strength": 1.5}, "PLL2020 has published values at 3 T, not"),
        ({"field_strength": 7.0}, "K3290 has published values at 3 T and 1.5 T, not at 7 T"),
        ({"batch": "k3290"}, "batch 'k3290' must be one of K3290, PLL2020"),
    ],
)
def test_what_was_never_published_is_refused(options: dict[str, float], rule: str) -> None:
    with pytest.raises(TissueError, match=rule):
        nist((8, 8, 3), **options)  # type: ignore[arg-type]
