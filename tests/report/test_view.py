"""Slices lie on the page as radiologists look at them, and no more of them than there is room."""

import itertools

import numpy as np
import pytest

from spinprint.report.view import View, volume

SIGNED = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((-1, 1), repeat=3)
]


@pytest.mark.parametrize(("order", "signs"), SIGNED)
def test_slices_are_shown_as_radiologists_look_at_them(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    shape, edges = (4, 5, 2), np.array([1.0, 2.0, 4.0])
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * edges[axis]
    view = View.of(np.ones(shape, bool), affine)
    index = np.indices(shape)
    places = np.einsum("wa,axyz->wxyz", affine[:3, :3], index)
    right, up = (
        np.array([view.plane(one, 1)[where] for one in places])
        - [view.plane(one, 1)[-1, 0] for one in places]
        for where in ((-1, -1), (0, 0))
    )
    # Up is superior, or anterior in an axial slice; to the right is left or posterior.
    across = order[2]
    vertical = 1 if across == 2 else 2
    horizontal = ({0, 1, 2} - {across, vertical}).pop()
    assert up[vertical] > 0
    assert right[horizontal] < 0
    assert view.ends == (*("RL", "AP")[horizontal], *("PA", "IS")[vertical - 1])
    # Each column and row knows its place in the array.
    columns, rows = view.places()
    across_page, up_page = (1, 0) if view.swapped else (0, 1)
    assert view.plane(index[across_page], 1)[0].tolist() == columns
    assert view.plane(index[up_page], 1)[:, 0].tolist() == rows
    heights = {world: edges[axis] for axis, world in enumerate(order)}
    assert view.aspect == heights[vertical] / heights[horizontal]


def test_without_an_affine_voxels_are_square_and_nameless() -> None:
    view = View.of(np.ones((4, 5, 2), bool))
    assert (view.aspect, view.ends) == (1.0, None)
    assert view.plane(np.arange(40).reshape(4, 5, 2), 0).shape == (5, 4)
    assert volume(np.ones(4)).shape == (4, 1, 1)


def test_an_affine_at_45_degrees_names_no_side() -> None:
    affine = np.eye(4)
    affine[:2, :2] = [[1, 1], [1, -1]]
    affine[0, 0] = affine[0, 1] = 1.01
    assert View.of(np.ones((4, 5, 2), bool), affine).ends is None


def test_only_slices_and_voxels_that_were_asked_for_are_shown() -> None:
    asked = np.zeros((30, 20, 50), bool)
    asked[10:14, 7, 3:43] = True
    view = View.of(asked)
    assert view.indices == tuple(range(3, 43))
    assert view.plane(asked, 3).shape == (5, 8)  # two voxels of margin on each side
    nothing = np.zeros_like(asked)
    assert View.of(nothing).plane(nothing, 0).shape == (20, 30)


@pytest.mark.parametrize(
    ("voxels", "slices", "step"),
    [
        (10**6, 50, 1),
        (600 * 20, 20, 1),  # fewer slices
        (600 * 16, 16, 1),
        (600 * 15, 50, 2),  # then fewer voxels, which leaves room for slices
        (100, 16, 10),
        (3, 3, 30),  # one voxel a slice: nothing is left to leave out but slices
    ],
)
def test_a_view_keeps_within_its_voxels(voxels: int, slices: int, step: int) -> None:
    view = View.of(np.ones((30, 20, 50), bool)).within(voxels)
    assert (len(view.indices), view.step) == (slices, step)
    shown = sum(view.plane(np.ones((30, 20, 50)), index).size for index in view.indices)
    assert shown <= voxels
    assert (view.indices[0], view.indices[-1]) == (0, 49)
