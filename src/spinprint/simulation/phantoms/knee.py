"""A synthetic knee with known T1, T2, T1rho, ADC, M0, B1 and B0."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from ...streams import phantom_stream
from .fields import Fields
from .knee_anatomy import CARTILAGE, REGIONS, STRUCTURES, KneeAnatomy, label_at
from .phantom import Phantom
from .raster import SAGITTAL, Grid, slice_spacing
from .render import Drawing, render
from .tissue_table import TissueValues, read_data, tissue_table

_MIDDLE = (0.0, 5.0)
_CONDYLE = 14.0
_WIDTH = 48.0
"""What few slices spread over [mm]: three meet both compartments and the notch."""

_PEOPLE = np.array([0.03, 0.06, 0.04])
"""Relative SD of T1, of T2 and T1rho, and of ADC between people [-]."""

_STRUCTURES = 0.02
"""Relative SD that each structure of a person has beyond that [-]."""


def knee(
    shape: tuple[int, int, int] = (112, 112, 3),
    seed: int = 0,
    *,
    volunteer: int | None = None,
    rescan: bool = False,
    field_of_view: tuple[float, float] = (140.0, 140.0),
    slice_thickness: float = 3.0,
    slice_distance: float | None = None,
    slice_position: float | None = None,
    anatomy: KneeAnatomy | None = None,
    fields: Fields = Fields(),  # noqa: B008 (frozen)
    partial_volume: bool = True,
) -> Phantom:
    """A left knee in sagittal slices, drawn analytically, so that any shape shows the same knee.

    Axes run to posterior, to superior and to lateral. Cortical bone, whose T2 lies far below
    every echo time, is background.

    Parameters
    ----------
    shape
        Number of voxels `(x, y, z)`.
    seed
        Draws how tissue varies within each structure, and the fields; the same at any shape.
    volunteer
        Draws a person, 0 or higher: sizes (`KneeAnatomy.sample`) and levels of T1, T2 and ADC.
        None is the drawn knee with the values of its table.
    rescan
        The same person with the same tissue on another visit: see `render.render`.
    field_of_view
        Extent from front to back and from foot to head [mm].
    slice_thickness
        Of each slice [mm].
    slice_distance
        From slice to slice [mm]. By default slices spread over 48 mm, so that three show the
        medial condyle, the notch and the lateral condyle, and touch where there is no gap left:
        32 slices of 3 mm hold the whole joint.
    slice_position
        The middle of the stack, from the midline to lateral [mm]. By default a single slice
        lies where condyle, menisci and patella all show, and a stack in the middle of the knee.
    anatomy
        Sizes, instead of those of `KneeAnatomy()` or of the volunteer.
    fields
        Bounds of B1, B0 and the coil's phase.
    partial_volume
        See `render.render`.

    Raises
    ------
    TissueError
        The shape, a size, the seed or the volunteer is impossible.
    """
    if slice_position is None:
        slice_position = _CONDYLE if tuple(shape[2:]) == (1,) else 0.0
    slices = math.prod(shape[2:])
    if slice_distance is None:
        slice_distance = slice_spacing(slices, slice_thickness, _WIDTH)
    grid = Grid(
        shape=shape,
        extent=(*field_of_view, slice_distance * slices),
        centre=(*_MIDDLE, slice_position),
        axes=SAGITTAL,
        thickness=slice_thickness,
    )
    person = seed if volunteer is None else person_seed(seed, volunteer)
    if anatomy is None:
        anatomy = (
            KneeAnatomy()
            if volunteer is None
            else KneeAnatomy.sample(phantom_stream(person, "anatomy"))
        )
    sizes = anatomy
    drawing = Drawing(
        name="knee",
        label_at=lambda points: label_at(points, sizes),
        names=STRUCTURES,
        tissues=_tissues(person, levels=volunteer is not None),
        field_strength=read_data("knee")["field_strength_t"],
        regions=REGIONS,
        description=_describe(volunteer, rescan=rescan),
    )
    return render(
        drawing, grid, seed=person, fields=fields, rescan=rescan, partial_volume=partial_volume
    )


def person_seed(seed: int, volunteer: int) -> int:
    """The seed of a volunteer: volunteers of one study differ, and so do those of two studies.

    Raises
    ------
    TissueError
        The seed or the volunteer is negative.
    """
    if volunteer < 0:
        raise TissueError(f"volunteer = {volunteer} must be at least 0")
    return int(phantom_stream(seed, "person", volunteer).integers(2**63))


def _tissues(seed: int, *, levels: bool) -> dict[int, TissueValues]:
    """Values by label; with `levels` those of a person, not of the table.

    Between people the SD is 3 % in T1, 6 % in T2 and T1rho and 4 % in ADC, a little of it apart
    for each structure: our choice, in the range that Sharafi et al. report between healthy
    subjects (PMC8005468, PMC5711646). All cartilage of a person goes together.
    """
    table = tissue_table("knee")
    own = {label: table[_entry(name)] for label, name in STRUCTURES.items()}
    if not levels:
        return own
    rng = phantom_stream(seed, "levels")
    common = _within_two(rng)
    people = {}
    for label, values in own.items():
        person, apart = _within_two(rng), _within_two(rng)
        person = common if label in CARTILAGE else person
        t1, t2, adc = np.exp(_PEOPLE * person + _STRUCTURES * apart).tolist()
        people[label] = dataclasses.replace(
            values,
            t1=max(values.t1 * t1, values.t1rho * t2),
            t2=values.t2 * t2,
            t1rho=values.t1rho * t2,
            adc=values.adc * adc,
        )
    return people


def _within_two(rng: np.random.Generator) -> NDArray[np.float64]:
    """Normal deviates of T1, T2 and ADC, none beyond two SDs."""
    return np.clip(rng.normal(size=3), -2, 2)


def _entry(name: str) -> str:
    """The entry of the table for a structure: both sides share one."""
    return name.removeprefix("medial ").removeprefix("lateral ")


def _describe(volunteer: int | None, *, rescan: bool) -> str:
    person = "drawn to look like an adult knee" if volunteer is None else f"volunteer {volunteer}"
    visit = ", scanned a second time" if rescan else ""
    return f"A synthetic left knee ({person}{visit}) at 3 T; it is no measured person."
