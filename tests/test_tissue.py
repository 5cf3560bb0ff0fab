"""Tissue and grids: broadcasting, ranges, order of atoms and constraints."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from spinprint import Axis, ParameterGrid, Tissue, TissueError


def tissue(**changes: Any) -> Tissue:
    given: dict[str, Any] = {"t1": [[1.0], [2.0]], "t2": [0.05, 0.06, 0.07]}
    return Tissue(**(given | changes))


def test_parameters_broadcast() -> None:
    voxels = tissue(b0=-20.0)
    assert voxels.shape == (2, 3)
    assert voxels.size == 6
    flat = voxels.flat()
    np.testing.assert_array_equal(flat.t1, [1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(flat.t2, [0.05, 0.06, 0.07] * 2)
    np.testing.assert_array_equal(flat.get("b0"), [-20.0] * 6)
    assert flat.t1rho is None


def test_a_scalar_tissue_has_no_axes() -> None:
    one = tissue(t1=1.0, t2=0.05)
    assert (one.shape, one.size) == ((), 1)
    assert one.flat().shape == (1,)


def test_an_empty_tissue_is_allowed() -> None:
    assert tissue(t1=[], t2=[]).size == 0


def test_take_selects_along_the_flat_axis() -> None:
    chosen = tissue(m0=1j).flat().take([5, 0])
    np.testing.assert_array_equal(chosen.t1, [2.0, 1.0])
    np.testing.assert_array_equal(chosen.t2, [0.07, 0.05])
    np.testing.assert_array_equal(chosen.get("m0"), [1j, 1j])


def test_replace_changes_and_removes() -> None:
    changed = tissue(adc=1e-3).replace(t1=3.0, adc=None)
    assert changed.shape == (3,)
    assert changed.adc is None


@pytest.mark.parametrize(("name", "neutral"), [("adc", 0.0), ("b1", 1.0), ("b0", 0.0), ("m0", 1.0)])
def test_what_is_not_given_is_neutral(name: str, neutral: float) -> None:
    assert tissue().get(name) == neutral


def test_t1rho_has_no_neutral_value() -> None:
    with pytest.raises(TissueError, match="t1rho is needed by this sequence and was not given"):
        tissue().get("t1rho")


def test_a_tissue_is_its_own_copy_and_frozen() -> None:
    t1 = np.array([1.0, 2.0])
    voxels = tissue(t1=t1, t2=0.05)
    t1[:] = 7.0
    np.testing.assert_array_equal(voxels.t1, [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        voxels.t1[0] = 3.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        voxels.t1 = t1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t1": None}, "t1 must be given"),
        ({"t2": None}, "t2 must be given"),
        ({"t1": 0.0}, "t1 = 0 s must be positive"),
        ({"t2": [0.05, -0.05, 0.05]}, "t2 = -0.05 s must be positive"),
        ({"t1rho": 0.0}, "t1rho = 0 s must be positive"),
        ({"adc": -1e-3}, "adc = -0.001 must be at least 0"),
        ({"b1": -0.1}, "b1 = -0.1 must be at least 0"),
        ({"t1": np.nan}, "t1 holds values that are not finite"),
        ({"b0": np.inf}, "b0 holds values that are not finite"),
        ({"m0": np.nan * 1j}, "m0 holds values that are not finite"),
        ({"t1": "1.0"}, "t1 must be an array of real numbers, not of <U3"),
        ({"t1": np.array([1 + 1j])}, "t1 must be an array of real numbers, not of complex128"),
        ({"t1": True}, "t1 must be an array of real numbers, not of bool"),
        ({"m0": "bright"}, "m0 must be an array of numbers"),
        ({"t1": [[1.0], [1.0, 2.0]]}, "t1 must be an array of numbers"),
        ({"t1": [1.0, 2.0]}, r"the shapes do not broadcast: t1 \(2,\), t2 \(3,\)"),
    ],
)
def test_impossible_tissue_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TissueError, match=f"^{message}"):
        tissue(**changes)


def test_zero_diffusion_zero_b1_and_any_b0_are_possible() -> None:
    assert tissue(adc=0.0, b1=0.0, b0=-300.0, m0=0.0).size == 6


def test_geometric_axis_keeps_ends_and_factor() -> None:
    axis = Axis.geometric(0.1, 3.0, factor=1.07)
    values = np.array(axis.values)
    ratios = values[1:] / values[:-1]
    assert (values[0], values[-1]) == (0.1, 3.0)
    assert ratios.max() <= 1.07
    np.testing.assert_allclose(ratios, ratios[0])
    # One value fewer would step too far.
    assert (3.0 / 0.1) ** (1 / (len(axis) - 2)) > 1.07


def test_a_geometric_axis_that_fits_exactly_gains_no_value() -> None:
    assert list(Axis.geometric(1.0, 8.0, factor=2.0)) == pytest.approx([1, 2, 4, 8])


def test_linear_axis_keeps_ends_and_step() -> None:
    np.testing.assert_allclose(Axis.linear(0.8, 1.2, step=0.1).values, [0.8, 0.9, 1.0, 1.1, 1.2])
    np.testing.assert_allclose(Axis.linear(0, 1, step=0.4).values, [0, 1 / 3, 2 / 3, 1])


def test_an_axis_may_be_one_value() -> None:
    assert Axis.geometric(2, 2, 1.1) == Axis.linear(2, 2, 0.1) == Axis((2.0,))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Axis(()), "a grid axis needs at least one value"),
        (lambda: Axis((1.0, np.nan)), "a grid axis needs at least one value, all of them finite"),
        (lambda: Axis((1.0, 1.0)), "the values of a grid axis must ascend, none twice"),
        (lambda: Axis((2.0, 1.0)), "the values of a grid axis must ascend, none twice"),
        (lambda: Axis(("1",)), "a grid axis must be an array of real numbers"),
        (lambda: Axis(((1.0,), (2.0,))), "the values of a grid axis must be one flat"),
        (lambda: Axis.geometric(0, 1, 1.1), "geometric axis 0 to 1 by 1.1: start must be pos"),
        (lambda: Axis.geometric(2, 1, 1.1), "geometric axis 2 to 1 by 1.1"),
        (lambda: Axis.geometric(1, 2, 1.0), "geometric axis 1 to 2 by 1: start"),
        (lambda: Axis.geometric(1, np.inf, 2), "geometric axis 1 to inf by 2"),
        (lambda: Axis.geometric(1, 2, np.inf), "geometric axis 1 to 2 by inf"),
        (lambda: Axis.linear(1, 0, 0.1), "linear axis 1 to 0 by 0.1: stop must not be below"),
        (lambda: Axis.linear(0, 1, 0), "linear axis 0 to 1 by 0"),
        (lambda: Axis.linear(0, np.nan, 1), "linear axis 0 to nan by 1"),
    ],
)
def test_impossible_axes_are_refused(build: Any, message: str) -> None:
    with pytest.raises(TissueError, match=f"^{message}"):
        build()


def grid(constraints: Any = None, **axes: Any) -> ParameterGrid:
    return ParameterGrid(axes) if constraints is None else ParameterGrid(axes, constraints)


def test_atoms_are_in_c_order_of_the_axes_as_given() -> None:
    atoms = grid(t1=[1.0, 2.0], t2=[0.1, 0.2], b1=[0.9, 1.0, 1.1]).tissue()
    np.testing.assert_array_equal(atoms.t1, np.repeat([1.0, 2.0], 6))
    np.testing.assert_array_equal(atoms.t2, np.tile(np.repeat([0.1, 0.2], 3), 2))
    np.testing.assert_array_equal(atoms.get("b1"), [0.9, 1.0, 1.1] * 4)
    swapped = grid(t2=[0.1, 0.2], t1=[1.0, 2.0]).tissue()
    np.testing.assert_array_equal(swapped.t1, [1.0, 2.0, 1.0, 2.0])


def test_constraints_drop_atoms_and_keep_the_order() -> None:
    values = [0.1, 0.2, 0.3]
    kept = grid(t1=values, t2=values, t1rho=values).tissue()
    assert kept.t1rho is not None
    atoms = list(zip(kept.t1, kept.t2, kept.t1rho, strict=True))
    expected = [
        (t1, t2, t1rho)
        for t1 in values
        for t2 in values
        for t1rho in values
        if t2 <= t1rho <= t1 and t2 <= t1
    ]
    assert atoms == expected
    assert grid((), t1=values, t2=values, t1rho=values).size == 27


def test_equal_values_of_two_axes_keep_the_constraint_despite_rounding() -> None:
    above = 0.3 * (1 + 1e-15)
    assert grid(t1=[0.3], t2=[above]).size == 1
    assert grid(t1=[0.3, 0.4], t2=[0.3001]).size == 1


def test_a_grid_survives_its_dictionary() -> None:
    made = ParameterGrid(
        {"t2": Axis.geometric(0.01, 0.3, 1.1), "t1": Axis.linear(0.2, 2, 0.1)}, (("t2", "t1"),)
    )
    read = ParameterGrid.from_dict(made.to_dict())
    assert read.to_json() == made.to_json()
    assert list(read.axes) == ["t2", "t1"]
    np.testing.assert_array_equal(read.tissue().t2, made.tissue().t2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: grid(t1=[1.0]), "the grid has no axis t2"),
        (lambda: grid(t2=[1.0]), "the grid has no axis t1"),
        (lambda: grid(t1=[1.0], t2=[0.1], T1rho=[1.0]), "grid axis 'T1rho' must be one of t1, t2"),
        (lambda: grid(t1=[1.0], t2=[0.1], m0=[1.0]), "grid axis 'm0' must be one of t1, t2, t1rh"),
        (lambda: grid(t1=[1.0], t2=[0.0, 0.1]), "t2 = 0 s must be positive"),
        (lambda: grid(t1=[1.0], t2=[0.1], adc=[-1e-3]), "adc = -0.001 must be at least 0"),
        (lambda: grid(t1=[0.1], t2=[0.2]), "no combination of the grid keeps t2 <= t1, t2 <= t1r"),
        (lambda: grid([("T2", "t1")], t1=[1.0], t2=[0.1]), "constraint on 'T2': it must be one of"),
    ],
)
def test_impossible_grids_are_refused(build: Any, message: str) -> None:
    with pytest.raises(TissueError, match=f"^{message}"):
        build()
