"""The knee: anatomy where it belongs, values from its table, and the same knee at any shape."""

import dataclasses
import itertools
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.errors import TissueError
from spinprint.simulation.phantoms import Fields, KneeAnatomy, Phantom, cartilage_regions, knee
from spinprint.simulation.phantoms.knee_anatomy import CARTILAGE, LABELS, STRUCTURES
from spinprint.simulation.phantoms.tissue_table import tissue_table

TABLE = tissue_table("knee")
SLICE = (112, 112, 1)


@pytest.fixture(scope="module")
def slice_of_knee() -> Phantom:
    return knee(SLICE)


@pytest.fixture(scope="module")
def whole_knee() -> Phantom:
    return knee((47, 53, 12), slice_thickness=8.0)


def inside(phantom: Phantom, *names: str) -> NDArray[np.bool_]:
    """Where structures lie; those of the table are found on both sides."""
    labels = [label for name, label in LABELS.items() if entry(name) in names or name in names]
    return np.isin(phantom.labels, labels)


def entry(name: str) -> str:
    return name.removeprefix("medial ").removeprefix("lateral ")


def centre(phantom: Phantom, *names: str) -> NDArray[np.float64]:
    """The middle of a structure in world axes: right, anterior, superior [mm]."""
    where = np.argwhere(inside(phantom, *names)).mean(axis=0)
    return phantom.affine[:3, :3] @ where + phantom.affine[:3, 3]


def test_every_structure_is_there(slice_of_knee: Phantom, whole_knee: Phantom) -> None:
    assert set(np.unique(whole_knee.labels)) == {0, *STRUCTURES}
    # The single slice lies in the lateral compartment, beside the notch.
    missing = set(STRUCTURES) - set(np.unique(slice_of_knee.labels).tolist())
    names = {STRUCTURES[label] for label in missing}
    assert {name for name in names if not name.startswith("medial")} == {"cruciate ligament"}
    assert len(names) == 5
    assert set(slice_of_knee.sources) == set(STRUCTURES.values())


def test_medial_and_lateral_plates_lie_on_their_side(whole_knee: Phantom) -> None:
    for side, sign in (("medial", 1), ("lateral", -1)):  # a left knee: lateral is left
        for plate in ("femoral", "tibial"):
            labels = cartilage_regions()[f"{side} {plate} cartilage"]
            right = np.argwhere(np.isin(whole_knee.labels, labels)) @ whole_knee.affine[:3, :3].T
            assert (sign * (right[:, 0] + whole_knee.affine[0, 3]) > 0).all()


def test_plates_of_cartilage_have_two_layers_each() -> None:
    regions = cartilage_regions()
    assert list(regions) == [
        "medial femoral cartilage",
        "lateral femoral cartilage",
        "medial tibial cartilage",
        "lateral tibial cartilage",
        "patellar cartilage",
    ]
    assert sorted(label for labels in regions.values() for label in labels) == sorted(CARTILAGE)
    for region, labels in regions.items():
        assert [STRUCTURES[label] for label in labels] == [
            f"{region}, deep",
            f"{region}, superficial",
        ]


def test_structures_lie_as_in_a_knee(slice_of_knee: Phantom) -> None:
    at = {name: centre(slice_of_knee, name) for name in PRESENT}
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


PRESENT = set(TABLE) - {"cruciate ligament"}


@pytest.mark.parametrize("plate", ["femoral", "tibial", "patellar"])
def test_cartilage_is_as_thick_as_the_anatomy_says(plate: str) -> None:
    def volume(**sizes: float) -> int:
        anatomy = KneeAnatomy(**sizes)
        phantom = knee(SLICE, anatomy=anatomy)
        return int(inside(phantom, f"{plate} cartilage, deep").sum())

    half, most = volume(), volume(superficial=0.25)
    assert 1.3 < most / half < 1.8  # 75 % of the thickness instead of 50 %
    assert volume(**{f"{plate}_cartilage": 4.5}) > half


def test_a_larger_knee_is_larger(slice_of_knee: Phantom) -> None:
    larger = knee(SLICE, anatomy=KneeAnatomy(scale=1.1), slice_position=14 * 1.1)
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
    same, other = knee(SLICE, seed=0), knee(SLICE, seed=1)
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
    volume = knee((31, 37, 3), slice_thickness=4.0, slice_distance=4.0, slice_position=10.0)
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
    assert np.isrealobj(knee((9, 9, 1), fields=Fields(phase=None)).tissue.get("m0"))


def test_fields_stay_within_their_bounds_and_are_smooth() -> None:
    phantom = knee((64, 64, 1), fields=Fields(b1=(0.85, 1.15), b0=(-40.0, 60.0)))
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
    alone = knee((16, 16, 1), fields=Fields(b0=(-40.0, 40.0)))
    together = knee((16, 16, 1), fields=Fields(b0=(-40.0, 40.0), b1=(0.8, 1.2)))
    np.testing.assert_array_equal(alone.tissue.b0, together.tissue.b0)
    np.testing.assert_array_equal(alone.tissue.m0, together.tissue.m0)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"shape": (0, 8, 1)}, "three positive whole numbers"),
        ({"shape": (8, 8)}, "three positive whole numbers"),
        ({"shape": (8.5, 8, 1)}, "three positive whole numbers"),
        ({"seed": -1}, "at least 0"),
        ({"volunteer": -1}, "volunteer = -1 must be at least 0"),
        ({"slice_thickness": 0.0}, "every extent must be positive"),
        ({"slice_thickness": 0.0, "slice_distance": 3.0}, "the thickness must be positive"),
        ({"slice_distance": 2.0}, "3 mm thick and 2 mm apart"),
        ({"slice_distance": 0.0}, "every extent must be positive"),
        ({"field_of_view": (np.nan, 140.0)}, "every extent must be positive"),
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


VOLUNTEERS = range(14)
LOW = (40, 40, 3)


@pytest.fixture(scope="module")
def volunteers() -> list[Phantom]:
    return [knee(LOW, volunteer=number) for number in VOLUNTEERS]


def test_volunteers_differ_in_anatomy_and_tissue(volunteers: list[Phantom]) -> None:
    for first, second in itertools.combinations(volunteers, 2):
        assert (first.labels != second.labels).mean() > 0.005
    levels = np.array(
        [[level(person, name) for person in volunteers] for name in ("t1", "t2", "adc")]
    )
    # 3, 6 and 4 % by design; 14 people tell an SD to within a half.
    np.testing.assert_allclose(levels.std(axis=1, ddof=1), (0.03, 0.06, 0.04), rtol=0.5)


def level(person: Phantom, name: str) -> float:
    """The mean logarithm of a parameter of cartilage over the table's."""
    logs = [
        np.log(person.tissue.get(name)[person.labels == label] / getattr(TABLE[entry(part)], name))
        for label, part in STRUCTURES.items()
        if label in CARTILAGE
    ]
    return float(np.concatenate(logs).mean())


def test_every_volunteer_has_every_region(volunteers: list[Phantom]) -> None:
    for person in volunteers:
        for region, labels in person.regions.items():
            assert np.isin(person.labels, labels).any(), region


def test_a_rescan_is_the_same_person_lying_otherwise() -> None:
    fields = Fields(b1=(0.85, 1.15))
    shape = (72, 72, 3)
    first, second = (
        knee(shape, volunteer=3, rescan=again, fields=fields) for again in (False, True)
    )
    moved = (first.labels != second.labels).mean()
    assert 0.01 < moved < 0.25
    assert (first.tissue.get("b1") != second.tissue.get("b1")).any()
    for name in ("t1", "t2", "adc"):
        # The person's own level, but for other voxels of tissue that varies by 6 %.
        assert level(second, name) == pytest.approx(level(first, name), abs=0.02), name


def test_tissue_moves_with_the_person() -> None:
    """Where a rescan shows a place of the body, it shows the values of that place."""
    from spinprint.simulation.phantoms import Pose
    from spinprint.simulation.phantoms.knee import person_seed
    from spinprint.simulation.phantoms.raster import Grid
    from spinprint.streams import phantom_stream

    person = person_seed(0, 2)
    pose = Pose.sample(phantom_stream(person, "pose"))
    assert pose != Pose()
    shape = (56, 56, 3)
    scans = [knee(shape, volunteer=2, rescan=again) for again in (False, True)]
    grid = Grid(shape=shape, extent=(140.0, 140.0, 48.0), centre=(0.0, 5.0, 0.0), thickness=3.0)
    body = np.stack(np.broadcast_arrays(*pose.to_body(grid.points())), axis=-1)
    axes = [grid.axis(axis) for axis in range(3)]
    voxel = tuple(
        np.clip(np.round((body[..., i] - axes[i][0]) / (axes[i][1] - axes[i][0])), 0, n - 1).astype(
            int
        )
        for i, n in enumerate(shape)
    )
    near = np.abs(body[..., 2] - axes[2][voxel[2]]) < 1.0  # in the plane of a slice of the first
    both = near & (scans[1].labels == LABELS["marrow"])
    both &= scans[0].labels[voxel] == LABELS["marrow"]
    assert both.sum() > 300
    moved, still = scans[1].tissue.t1[both], scans[0].tissue.t1[both]
    assert np.corrcoef(moved, scans[0].tissue.t1[voxel][both])[0, 1] > 0.97
    assert np.corrcoef(moved, still)[0, 1] < 0.95
