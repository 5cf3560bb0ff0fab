"""Voxels of several tissues: what they hold, and what they give."""

from typing import Any

import numpy as np
import pytest

import spinprint as sp
from spinprint.errors import TissueError
from spinprint.simulation.phantoms import Mixture, Phantom, Pose, mixture
from spinprint.simulation.phantoms.raster import AXIAL, CORONAL, SAGITTAL, Grid, rasterise
from spinprint.simulation.phantoms.shapes import Points

GRID = Grid(shape=(4, 3, 2), extent=(8.0, 6.0, 10.0), centre=(1.0, 0.0, 0.0))


def two_halves(edge: float) -> Any:
    """1 in front of an edge and 2 behind it."""

    def label_at(points: Points) -> Any:
        shape = np.broadcast_shapes(*(axis.shape for axis in points))
        return np.broadcast_to(np.where(points.posterior < edge, 1, 2).astype(np.uint8), shape)

    return label_at


def test_shares_are_those_of_the_geometry() -> None:
    # Voxels end at -3, -1, 1, 3, 5: the edge cuts the second at two thirds.
    shares = rasterise(two_halves(1 / 3), GRID)
    sums = np.bincount(shares.voxel, shares.share)
    np.testing.assert_allclose(sums, np.ones(24))
    share = {
        (voxel // 6, label): part
        for voxel, label, part in zip(*(column.tolist() for column in shares), strict=True)
    }
    assert share == {
        (0, 1): 1, (1, 1): pytest.approx(2 / 3), (1, 2): pytest.approx(1 / 3), (2, 2): 1, (3, 2): 1
    }  # fmt: skip
    first = shares.label[shares.first].reshape(4, 3, 2)
    np.testing.assert_array_equal(first[:, 0, 0], [1, 1, 2, 2])


def test_a_gap_between_slices_is_not_sampled() -> None:
    def seen(points: Points) -> Any:
        inside = np.abs(np.abs(points.lateral) - 2.5) < 1.0
        shape = np.broadcast_shapes(*(axis.shape for axis in points))
        return np.broadcast_to(inside.astype(np.uint8), shape)

    thin = Grid(shape=(4, 3, 2), extent=(8.0, 6.0, 10.0), centre=(0.0, 0.0, 0.0), thickness=2.0)
    assert (rasterise(seen, thin).label == 1).all()
    whole = rasterise(seen, GRID)
    np.testing.assert_allclose(whole.share[whole.label == 1], 1 / 3)


@pytest.mark.parametrize("axes", [SAGITTAL, CORONAL, AXIAL])
def test_the_affine_leads_to_the_places(axes: tuple[str, str, str]) -> None:
    grid = Grid(shape=(4, 3, 2), extent=(8.0, 6.0, 10.0), centre=(1.0, 2.0, 3.0), axes=axes)
    points = np.stack(np.broadcast_arrays(*grid.points()), axis=-1)
    voxels = np.argwhere(np.ones(grid.shape))
    world = voxels @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    posterior, superior, lateral = points.reshape(-1, 3).T
    np.testing.assert_allclose(world, np.stack([-lateral, -posterior, superior], axis=1))


def test_a_pose_is_a_rigid_movement() -> None:
    points = GRID.points()
    assert Pose().to_body(points) is points
    pose = Pose(turn=(5.0, -3.0, 8.0), shift=(1.0, 2.0, -3.0))
    here, body = (
        np.stack(np.broadcast_arrays(*places), axis=-1).reshape(-1, 3)
        for places in (points, pose.to_body(points))
    )
    between = [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (here, body)]
    np.testing.assert_allclose(between[0], between[1], atol=1e-9)
    shifted = Pose(shift=(1.0, 2.0, -3.0)).to_body(points)
    np.testing.assert_allclose(shifted.superior - (points.superior - 2), 0, atol=1e-12)
    with pytest.raises(TissueError, match="must be finite"):
        Pose(turn=(np.nan, 0, 0))


def test_the_body_turns_about_its_axes_and_then_shifts() -> None:
    turned = Pose(turn=(90.0, 0.0, 0.0), shift=(0.0, 5.0, 0.0))  # about the posterior axis
    seen = Points(*(np.array([value]) for value in (1.0, 5.0, 2.0)))
    # Superior has become lateral: what is seen 2 mm to lateral lies 2 mm up in the body.
    np.testing.assert_allclose(np.ravel(turned.to_body(seen)), (1.0, 2.0, 0.0), atol=1e-12)


def test_samples_fill_voxels_evenly() -> None:
    np.testing.assert_allclose(np.diff(GRID.axis(0, 3)), 2 / 3)
    np.testing.assert_allclose(GRID.axis(0, 3).mean(), GRID.centre[0])


def test_poses_are_of_the_size_that_is_stated() -> None:
    rng = np.random.default_rng(1)
    poses = [Pose.sample(rng) for _ in range(300)]
    for values in ([pose.turn for pose in poses], [pose.shift for pose in poses]):
        assert np.std(values) == pytest.approx(1.9, rel=0.1)  # 2, cut at twice that
        assert np.abs(values).max() <= 4


def parts(**changes: Any) -> Mixture:
    tissue = sp.Tissue(
        t1=np.array([1.0, 4.0, 0.8]), t2=np.array([0.05, 1.0, 0.1]), m0=np.array([0.6, 0.3, 0.9])
    )
    values = {
        "voxel": np.array([2, 2, 5]),
        "label": np.array([1, 2, 1], np.uint8),
        "tissue": tissue,
    }
    return Mixture(**(values | changes))


def two_voxels(**changes: Any) -> Phantom:
    tissue = parts().tissue
    labels = np.zeros(6, np.uint8)
    labels[[2, 5]] = 1
    volume = {
        "t1": np.ones(6), "t2": np.full(6, 0.05), "m0": np.array([0, 0, 0.9, 0, 0, 0.9])
    }  # fmt: skip
    volume["t1"][5], volume["t2"][5] = tissue.t1[2], tissue.t2[2]
    given = {
        "name": "two", "labels": labels.reshape(3, 2, 1), "names": {1: "gel", 2: "oil"},
        "sources": {"gel": "a book", "oil": "a book"}, "affine": np.eye(4), "field_strength": 3.0,
        "tissue": sp.Tissue(**{k: v.reshape(3, 2, 1) for k, v in volume.items()}),
        "mixture": parts(), "regions": {"all": (1, 2)},
    }  # fmt: skip
    return Phantom(**(given | changes))


@pytest.mark.parametrize("chunk", [1, 8192])
def test_signals_add_up(short: sp.Sequence, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixture, "_CHUNK", chunk)
    series = two_voxels().image(short)
    alone = sp.simulate(short, parts().tissue)
    np.testing.assert_allclose(series[1, 0, 0], alone[0] + alone[1], rtol=1e-6)
    np.testing.assert_allclose(series[2, 1, 0], alone[2], rtol=1e-6)
    assert np.count_nonzero(np.abs(series).sum(axis=-1)) == 2


def test_purity_is_the_share_of_the_signal_giving_protons() -> None:
    purity = two_voxels().purity
    assert purity[1, 0, 0] == pytest.approx(0.6 / 0.9)
    assert purity[2, 1, 0] == 1
    assert np.isnan(purity).sum() == 4


def test_a_phantom_without_mixture_is_one_tissue_a_voxel() -> None:
    pure = two_voxels(mixture=None)
    np.testing.assert_array_equal(pure.parts.voxel, [2, 5])
    assert (pure.purity[pure.mask] == 1).all()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"voxel": np.array([5, 2, 2])}, "sorted by voxel"),
        ({"voxel": np.array([2, 5])}, "equally many"),
        ({"tissue": sp.Tissue(t1=np.ones(3), t2=np.ones(3))}, "have an m0"),
    ],
)
def test_parts_that_are_none_are_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(TissueError, match=rule):
        parts(**changes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"mixture": parts(voxel=np.array([2, 2, 6]))}, "voxels outside the volume"),
        ({"mixture": parts(voxel=np.array([2, 5, 5]))}, "must add up to its m0"),
        ({"regions": {"all": (1, 3)}}, "region 'all' must hold labels that have a name"),
        ({"regions": {"none": ()}}, "region 'none' must hold labels"),
    ],
)
def test_a_phantom_that_contradicts_its_parts_is_refused(
    changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(TissueError, match=rule):
        two_voxels(**changes)
