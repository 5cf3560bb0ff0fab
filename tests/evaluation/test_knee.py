"""The knee: anatomy where it belongs, values from its table, and the same knee at any shape."""

import dataclasses
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.errors import TissueError
from spinprint.evaluation.phantoms import PHANTOMS, KneeAnatomy, Phantom, knee
from spinprint.evaluation.phantoms.knee import TABLE
from spinprint.evaluation.phantoms.knee_anatomy import LABELS, STRUCTURES


@pytest.fixture(scope="module")
def slice_of_knee() -> Phantom:
    return PHANTOMS["knee"]()


@pytest.fixture(scope="module")
def whole_knee() -> Phantom:
    return knee((47, 53, 12), slice_thickness=8.0)


def inside(phantom: Phantom, *names: str) -> NDArray[np.bool_]:
    return np.isin(phantom.labels, [LABELS[name] for name in names])


def centre(phantom: Phantom, *names: str) -> NDArray[np.float64]:
    """The middle of a structure in world axes: right, anterior, superior [mm]."""
    where = np.argwhere(inside(phantom, *names)).mean(axis=0)
    return phantom.affine[:3, :3] @ where + phantom.affine[:3, 3]


def test_every_structure_is_there(slice_of_knee: Phantom, whole_knee: Phantom) -> None:
    assert set(np.unique(whole_knee.labels)) == {0, *STRUCTURES}
    # The default slice lies beside the notch, where the cruciate ligaments are not.
    missing = set(STRUCTURES) - set(np.unique(slice_of_knee.labels).tolist())
    assert {STRUCTURES[label] for label in missing} == {"cruciate ligament"}
    assert set(slice_of_knee.sources) == set(STRUCTURES.values())


def test_structures_lie_as_in_a_knee(slice_of_knee: Phantom) -> None:
    at = {name: centre(slice_of_knee, name) for name in STRUCTURES.values() if name in PRESENT}
    anterior, superior = 1, 2
    order = ["femoral cartilage, deep", "meniscus", "tibial cartilage, deep"]
    heights = [at[name][superior] for name in order]
    assert heights == sorted(heights, reverse=True)
    assert (
        at["patellar cartilage, deep"][anterior] > at["patellar cartilage, superficial"][anterior]
    )
    assert at["patellar cartilage, superficial"][anterior] > at["meniscus"][anterior]
    assert at["tendon"][anterior] > at["infrapatellar fat pad"][anterior] > at["meniscus"][anterior]
    assert at["muscle"][anterior] < at["marrow"][anterior]
    for plate in ("femoral", "tibial"):
        deep, superficial = (at[f"{plate} cartilage, {layer}"] for layer in ("deep", "superficial"))
        # The joint line is at height 0: the deep layer is the one further from it.
        assert abs(deep[superior]) > abs(superficial[superior])


PRESENT = set(STRUCTURES.values()) - {"cruciate ligament"}


@pytest.mark.parametrize("plate", ["femoral", "tibial", "patellar"])
def test_cartilage_is_as_thick_as_the_anatomy_says(plate: str) -> None:
    def volume(**sizes: float) -> int:
        anatomy = KneeAnatomy(**sizes)
        phantom = knee((112, 112, 1), anatomy=anatomy)
        return int(inside(phantom, f"{plate} cartilage, deep").sum())

    half, most = volume(), volume(superficial=0.25)
    assert 1.3 < most / half < 1.8  # 75 % of the thickness instead of 50 %
    assert volume(**{f"{plate}_cartilage": 4.5}) > half


def test_a_larger_knee_is_larger(slice_of_knee: Phantom) -> None:
    larger = knee(anatomy=KneeAnatomy(scale=1.1), slice_position=14 * 1.1)
    femur = inside(slice_of_knee, "meniscus").sum()
    assert inside(larger, "meniscus").sum() / femur == pytest.approx(1.21, rel=0.1)


@pytest.mark.parametrize("size", [field.name for field in dataclasses.fields(KneeAnatomy)])
def test_every_size_changes_the_drawing(size: str) -> None:
    usual = getattr(KneeAnatomy(), size)
    shape = (56, 56, 1)
    changed = knee(shape, anatomy=KneeAnatomy(**{size: 1.5 * usual}))
    assert (changed.labels != knee(shape).labels).any()


def test_the_body_is_one_piece_in_air(whole_knee: Phantom) -> None:
    # The patient ends within the image from front to back, and goes on to foot and head.
    assert not whole_knee.mask[[0, -1]].any()
    assert whole_knee.mask[:, [0, -1]].any(axis=(0, 2)).all()
    assert 0.4 < whole_knee.mask.mean() < 0.8


def test_cortical_bone_gives_no_signal(slice_of_knee: Phantom) -> None:
    """Between marrow and the tissue around it there is a dark rim."""
    marrow, other = inside(slice_of_knee, "marrow"), slice_of_knee.mask
    other = other & ~marrow
    touches = (marrow[1:] & other[:-1]) | (marrow[:-1] & other[1:])
    assert touches.sum() < 0.2 * (np.diff(marrow.astype(int), axis=0) != 0).sum()


def test_tissue_values_are_those_of_the_table(whole_knee: Phantom) -> None:
    for name, values in TABLE.items():
        where = inside(whole_knee, name)
        for parameter in ("t1", "t2", "t1rho", "adc"):
            ratio = whole_knee.tissue.get(parameter)[where] / getattr(values, parameter)
            # Within three spreads everywhere, and not all the same.
            assert (np.abs(np.log(ratio)) <= 3.01 * values.spread).all(), (name, parameter)
            assert ratio.std() > 0.1 * values.spread, (name, parameter)


def test_physical_order_holds_everywhere(whole_knee: Phantom) -> None:
    tissue = whole_knee.tissue
    assert (tissue.get("t2") <= tissue.get("t1rho")).all()
    assert (tissue.get("t1rho") <= tissue.get("t1")).all()
    assert np.abs(tissue.get("m0")).max() <= 1.0 + 1e-12


def test_borders_darken_where_bone_takes_part(slice_of_knee: Phantom) -> None:
    """M0 is the mean density of what a voxel holds: below the table at borders with bone."""
    where = inside(slice_of_knee, "marrow")
    density = np.abs(slice_of_knee.tissue.get("m0")[where])
    table = TABLE["marrow"].density
    assert np.median(density) == pytest.approx(table)
    assert 0.3 * table < density.min() < 0.8 * table


def test_the_seed_draws_tissue_and_leaves_anatomy(slice_of_knee: Phantom) -> None:
    same, other = knee(seed=0), knee(seed=1)
    np.testing.assert_array_equal(same.tissue.t1, slice_of_knee.tissue.t1)
    np.testing.assert_array_equal(other.labels, slice_of_knee.labels)
    for name in ("t1", "t2", "t1rho", "adc", "m0"):
        assert (other.tissue.get(name) != slice_of_knee.tissue.get(name)).any(), name


def test_any_shape_shows_the_same_knee() -> None:
    """A grid three times as fine has a voxel in the middle of each coarse one: equal tissue."""
    coarse, fine = knee((41, 37, 1)), knee((123, 111, 1))
    agree = coarse.labels == fine.labels[1::3, 1::3]
    assert agree.mean() > 0.95
    for name in ("t1", "t2", "t1rho", "adc"):
        np.testing.assert_allclose(
            coarse.tissue.get(name)[agree], fine.tissue.get(name)[1::3, 1::3][agree], rtol=1e-12
        )


def test_a_slice_is_part_of_the_volume() -> None:
    volume = knee((31, 37, 3), slice_thickness=4.0, slice_position=10.0)
    single = knee((31, 37, 1), slice_thickness=4.0, slice_position=14.0)
    np.testing.assert_array_equal(volume.labels[:, :, 2:], single.labels)
    np.testing.assert_allclose(volume.tissue.t1[:, :, 2:], single.tissue.t1)
    np.testing.assert_allclose(
        volume.affine @ [0, 0, 2, 1], single.affine @ [0, 0, 0, 1], atol=1e-9
    )


def test_the_affine_is_sagittal_in_mm(slice_of_knee: Phantom) -> None:
    assert nibabel.aff2axcodes(slice_of_knee.affine) == ("P", "S", "L")
    np.testing.assert_allclose(nibabel.affines.voxel_sizes(slice_of_knee.affine), (1.25, 1.25, 3.0))
    # The middle of the stack: 14 mm to the left, 5 mm above the joint line.
    middle = slice_of_knee.affine @ [55.5, 55.5, 0, 1]
    np.testing.assert_allclose(middle, (-14, 0, 5, 1), atol=1e-9)


def test_fields_are_neutral_unless_asked_for(slice_of_knee: Phantom) -> None:
    assert (slice_of_knee.tissue.get("b1") == 1).all()
    assert (slice_of_knee.tissue.get("b0") == 0).all()
    assert np.isrealobj(knee((9, 9, 1), phase_range=None).tissue.get("m0"))


def test_fields_stay_within_their_bounds_and_are_smooth() -> None:
    phantom = knee((64, 64, 1), b1_range=(0.85, 1.15), b0_range=(-40.0, 60.0))
    fields = {
        "b1": (phantom.tissue.get("b1"), 0.85, 1.15),
        "b0": (phantom.tissue.get("b0"), -40.0, 60.0),
        "phase": (np.angle(phantom.tissue.get("m0")), -1.5, 1.5),
    }
    for name, (field, low, high) in fields.items():
        values = field[phantom.mask] if name == "phase" else field
        assert values.min() >= low, name
        assert values.max() <= high, name
        assert np.ptp(values) > 0.1 * (high - low), name
        if name != "phase":
            assert np.abs(np.diff(field, axis=0)).max() < 0.08 * (high - low), name


def test_asking_for_one_field_leaves_the_others() -> None:
    alone = knee((16, 16, 1), b0_range=(-40.0, 40.0))
    together = knee((16, 16, 1), b0_range=(-40.0, 40.0), b1_range=(0.8, 1.2))
    np.testing.assert_array_equal(alone.tissue.b0, together.tissue.b0)
    np.testing.assert_array_equal(alone.tissue.m0, together.tissue.m0)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"shape": (0, 8, 1)}, "three positive whole numbers"),
        ({"shape": (8, 8)}, "three positive whole numbers"),
        ({"shape": (8.5, 8, 1)}, "three positive whole numbers"),
        ({"seed": -1}, "at least 0"),
        ({"slice_thickness": 0.0}, "every extent must be positive"),
        ({"field_of_view": (np.nan, 140.0)}, "every extent must be positive"),
        ({"b1_range": (1.2, 0.8)}, "must be finite and ascend"),
        ({"b1_range": (-1.0, -0.5)}, "b1 .* at least 0"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict[str, Any], rule: str) -> None:
    with pytest.raises(TissueError, match=rule):
        knee(**({"shape": (8, 8, 1)} | arguments))


@pytest.mark.parametrize(
    ("sizes", "rule"),
    [({"scale": 0.0}, "scale = 0"), ({"superficial": 1.0}, "below 1"), ({"fat": -2.0}, "fat = -2")],
)
def test_impossible_anatomy_is_refused(sizes: dict[str, float], rule: str) -> None:
    with pytest.raises(TissueError, match=rule):
        KneeAnatomy(**sizes)
