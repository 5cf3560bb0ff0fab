"""The brain: anatomy where it belongs, and the values of its table."""

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from spinprint.simulation.phantoms import Phantom, brain
from spinprint.simulation.phantoms.brain_anatomy import LABELS
from spinprint.simulation.phantoms.tissue_table import tissue_table

VOXEL = 220 / 150


@pytest.fixture(scope="module")
def ganglia() -> Phantom:
    """The slice through the basal ganglia."""
    return brain((150, 150, 1))


def inside(phantom: Phantom, name: str) -> NDArray[np.bool_]:
    return np.asarray(np.isin(phantom.labels, phantom.regions[name]))


def depth_below_skin(phantom: Phantom, name: str) -> float:
    """Median over a structure [mm]."""
    head = ndimage.binary_fill_holes(phantom.mask[:, :, 0])
    depth = ndimage.distance_transform_edt(head) * VOXEL
    return float(np.median(depth[inside(phantom, name)[:, :, 0]]))


def test_structures_lie_one_within_the_other(ganglia: Phantom) -> None:
    order = ["scalp", "cortical grey matter", "white matter", "ventricles"]
    depths = [depth_below_skin(ganglia, name) for name in order]
    assert depths == sorted(depths)


def test_bone_lies_between_scalp_and_brain(ganglia: Phantom) -> None:
    scalp = ndimage.binary_dilation(inside(ganglia, "scalp")[:, :, 0], iterations=2)
    within = inside(ganglia, "subarachnoid fluid") | inside(ganglia, "cortical grey matter")
    assert not (scalp & within[:, :, 0]).any()


def test_the_cortex_is_a_ribbon(ganglia: Phantom) -> None:
    """Folded, some 3 mm thick, with fluid outside and white matter inside."""
    cortex = inside(ganglia, "cortical grey matter")[:, :, 0]
    thickness = 4 * np.mean(ndimage.distance_transform_edt(cortex)[cortex]) * VOXEL
    assert 3.0 < thickness < 8.0  # cut obliquely, it looks thicker
    edge = ndimage.binary_dilation(cortex) & ~cortex
    touched = ganglia.labels[:, :, 0][edge]
    for name in ("white matter", "subarachnoid fluid"):
        assert (touched == LABELS[name]).mean() > 0.2
    # Folds: it is much longer than the outline of the brain.
    whole = ndimage.binary_fill_holes(inside(ganglia, "subarachnoid fluid")[:, :, 0])
    outline = whole & ~ndimage.binary_erosion(whole)
    assert cortex.sum() * VOXEL / thickness > 1.5 * outline.sum()


def test_both_halves_are_alike_but_not_equal(ganglia: Phantom) -> None:
    mirrored = ganglia.labels[::-1]
    assert 0.75 < (mirrored == ganglia.labels).mean() < 0.99


def test_the_default_slices_go_from_the_cerebellum_to_above_the_ventricles() -> None:
    phantom = brain()
    deep = inside(phantom, "deep grey matter").sum(axis=(0, 1))
    assert deep[1] > 100
    assert deep[2] == 0
    assert nibabel.aff2axcodes(phantom.affine) == ("L", "P", "S")
    np.testing.assert_allclose(nibabel.affines.voxel_sizes(phantom.affine)[2], 28)


def test_values_are_those_of_the_table(ganglia: Phantom) -> None:
    published = {  # MRzero's table at 3 T: T1, T2 [s], ADC [mm2/s]
        "cortical grey matter": (1.56, 0.083, 0.83e-3),
        "white matter": (0.83, 0.075, 0.65e-3),
        "cerebrospinal fluid": (4.16, 1.65, 3.19e-3),
        "scalp": (0.37, 0.125, 0.1e-3),
    }
    for name, values in published.items():
        where = inside(ganglia, name)
        for parameter, value in zip(("t1", "t2", "adc"), values, strict=True):
            found = np.median(ganglia.tissue.get(parameter)[where])
            assert found == pytest.approx(value, rel=0.02), (name, parameter)
    assert "Helenius" in tissue_table("brain")["deep grey matter"].source
    # Diffusion grows from white matter over cortex to fluid.
    adc = [tissue_table("brain")[name].adc for name in published if name != "scalp"]
    assert adc[1] < adc[0] < adc[2]
