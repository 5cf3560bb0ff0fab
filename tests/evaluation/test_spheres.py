"""A constellation of spheres is found wherever it lies, and although some maps are wrong."""

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spinprint.errors import SeriesError
from spinprint.evaluation.spheres import place_spheres, sphere_labels
from spinprint.maps import Maps, Status
from spinprint.simulation.phantoms import nist_geometry

SPHERES = [sphere for sphere in nist_geometry() if sphere.array != "pd"]
CENTRES = np.array([sphere.centre for sphere in SPHERES])
RADIUS = 9.0
# Times that fall by the same factor from sphere to sphere, as those of the phantom nearly do [s].
STEPS = 0.7 ** np.array([sphere.index - 1 for sphere in SPHERES])
IS_NICKEL = np.array([sphere.array == "t1" for sphere in SPHERES])
EXPECTED = {
    "t1": np.where(IS_NICKEL, 2.0, 2.5) * STEPS,
    "t2": np.where(IS_NICKEL, 1.5, 0.6) * STEPS,
}
VOLUME = (54, 52, 50)
SPACING = np.diag([4.0, 4.0, 4.4, 1.0])
SPACING[:3, 3] = [-108, -104, -113]
# A coronal slice: voxel axes to the right and up, thick from back to front.
SLICE = (96, 96, 1)


def coronal(front: float, thick: float = 5.0) -> np.ndarray:
    affine = np.zeros((4, 4))
    affine[0, 0] = affine[2, 1] = 220 / 96
    affine[1, 2] = thick
    affine[:, 3] = [-109, front, -109, 1]
    return affine


def scanned(
    shape: tuple[int, ...],
    affine: np.ndarray,
    rotation: Any = None,
    shift: Any = (0, 0, 0),
    *,
    noise: float = 0.03,
    factor: float = 1.0,
    spoilt: tuple[int, ...] = (),
) -> Maps:
    """Maps of the phantom: spheres with walls in water, T2 wrong by a factor, some spoilt."""
    turn = np.eye(3) if rotation is None else rotation
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    places = (grid @ affine[:3, :3].T + affine[:3, 3] - np.asarray(shift, float)) @ turn
    shell = np.linalg.norm(places, axis=-1) < 100
    values = {"t1": np.where(shell, 3.3, np.nan), "t2": np.where(shell, 2.0, np.nan)}
    for number, centre in enumerate(CENTRES):
        distance = np.linalg.norm(places - centre, axis=-1)
        for name, array in values.items():
            array[distance < RADIUS + 1] = np.nan
            inside = 3.0 if number in spoilt else EXPECTED[name][number]
            array[distance < RADIUS] = inside * (factor if name == "t2" else 1)
    rng = np.random.default_rng(0)
    told = np.isfinite(values["t1"])
    return Maps(
        values={
            name: (array * (1 + noise * rng.normal(size=shape))).astype(np.float32)
            for name, array in values.items()
        },
        sd={},
        m0=np.ones(shape, np.complex64),
        status=np.where(told, Status.OK, Status.OUTSIDE).astype(np.uint8),
        sigma=np.ones(shape, np.float32),
        affine=affine,
    )


def test_a_turned_and_shifted_phantom_is_found_to_a_millimetre() -> None:
    rotation = Rotation.from_euler("xyz", (93, 4, 200), degrees=True).as_matrix()
    shift = np.array([4.0, -6.0, 7.0])
    placement = place_spheres(scanned(VOLUME, SPACING, rotation, shift), CENTRES, RADIUS, EXPECTED)
    assert placement.found.all()
    off = np.linalg.norm(placement.centres - (CENTRES @ rotation.T + shift), axis=1)
    assert off.max() < 1.0


@pytest.mark.parametrize(("front", "array"), [(58.0, "t1"), (15.0, "t2")])
def test_a_single_slice_shows_which_array_it_cuts(front: float, array: str) -> None:
    rotation = Rotation.from_euler("y", 37, degrees=True).as_matrix()
    maps = scanned(SLICE, coronal(front), rotation, (5.0, 0.0, -4.0))
    placement = place_spheres(maps, CENTRES, RADIUS, EXPECTED)
    shown = np.array([sphere.array == array for sphere in SPHERES])
    assert (placement.found == shown).all()
    off = placement.centres - (CENTRES @ rotation.T + [5.0, 0.0, -4.0])
    assert np.abs(off[shown][:, [0, 2]]).max() < 1.0  # in the plane
    labels = sphere_labels(SLICE, maps.affine, placement.centres, 7.0)  # type: ignore[arg-type]
    assert set(np.unique(labels)) - {0} == set(np.flatnonzero(shown) + 1)
    # Only tissue of the sphere itself lies in its core.
    for number in np.flatnonzero(shown):
        inside = maps["t1"][labels == number + 1]
        assert np.abs(inside / EXPECTED["t1"][number] - 1).max() < 0.2


def test_gross_errors_of_some_spheres_and_a_bias_of_all_do_not_matter() -> None:
    maps = scanned(SLICE, coronal(56.5), factor=0.75, spoilt=(3, 7, 12), noise=0.1)
    placement = place_spheres(maps, CENTRES, RADIUS, EXPECTED)
    assert placement.found.sum() == 11
    assert not placement.found[[3, 7, 12]].any()
    assert np.abs(placement.centres - CENTRES)[:14, [0, 2]].max() < 1.5


def test_cores_hold_whole_voxels_and_grow_with_the_radius() -> None:
    small, large = (sphere_labels(VOLUME, SPACING, CENTRES, core) for core in (6.0, 8.0))
    assert ((small == large) | (small == 0)).all()
    counts = np.bincount(large.ravel(), minlength=29)[1:]
    volume = 4.0 * 4.0 * 4.4
    assert (counts > 0).all()
    assert (counts * volume < 4 / 3 * np.pi * 8**3).all()
    assert not sphere_labels(VOLUME, SPACING, [[500.0, 0, 0]], 8.0).any()


def test_slices_far_apart_cut_spheres_through_their_middle() -> None:
    affine = coronal(-23.5, thick=40.0)
    labels = sphere_labels((96, 96, 3), affine, CENTRES, 7.0)
    for number, sphere in enumerate(SPHERES, start=1):
        slices = np.flatnonzero((labels == number).any(axis=(0, 1)))
        assert slices.tolist() == [{"t1": 2, "t2": 1}[sphere.array]]
    thin = sphere_labels((96, 96, 1), coronal(56.5, thick=1.0), CENTRES, 7.0)
    assert np.abs(np.bincount(labels.ravel())[1:15] - np.bincount(thin.ravel())[1:15]).max() <= 4


def test_what_is_not_there_is_not_found() -> None:
    rng = np.random.default_rng(1)
    maps = scanned(SLICE, coronal(56.5))
    water = maps.replace(
        values={name: rng.uniform(1, 3, SLICE).astype(np.float32) for name in maps}
    )
    with pytest.raises(SeriesError, match=r"only \d of 28 spheres were found"):
        place_spheres(water, CENTRES, RADIUS, EXPECTED)
    with pytest.raises(SeriesError, match="state no place in space"):
        place_spheres(maps.replace(affine=None), CENTRES, RADIUS, EXPECTED)
    with pytest.raises(SeriesError, match="share no parameter"):
        place_spheres(maps, CENTRES, RADIUS, {"adc": np.ones(28)})
