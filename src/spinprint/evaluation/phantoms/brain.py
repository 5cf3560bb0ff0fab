"""A synthetic brain with known T1, T2, T1rho, ADC, M0, B1 and B0."""

from __future__ import annotations

import math

from .brain_anatomy import REGIONS, STRUCTURES, label_at
from .fields import Fields
from .phantom import Phantom
from .raster import AXIAL, Grid, slice_spacing
from .render import Drawing, render
from .tissue_table import read_data, tissue_table

_FLUID = "cerebrospinal fluid"
_HEIGHT = 84.0
_LEVEL = 8.0
"""Of the frontal horns, the thalamus and the atria."""


def brain(
    shape: tuple[int, int, int] = (112, 112, 3),
    seed: int = 0,
    *,
    rescan: bool = False,
    field_of_view: tuple[float, float] = (220.0, 220.0),
    slice_thickness: float = 4.0,
    slice_distance: float | None = None,
    slice_position: float = _LEVEL,
    fields: Fields = Fields(),  # noqa: B008 (frozen)
    partial_volume: bool = True,
) -> Phantom:
    """A head in axial slices, drawn analytically, so that any shape shows the same head.

    Axes run to the left, to posterior and to superior. Values and sources: `data/brain.toml`.
    Bone gives no signal.

    Parameters
    ----------
    shape
        Number of voxels `(x, y, z)`.
    seed
        Draws how tissue varies within each structure, and the fields; the same at any shape.
    rescan
        The same head on another visit: see `render.render`.
    field_of_view
        Extent from side to side and from front to back [mm].
    slice_thickness
        Of each slice [mm].
    slice_distance
        From slice to slice [mm]. By default slices spread over 84 mm, so that three show the
        cerebellum, the basal ganglia and the centrum semiovale, and touch where there is no gap
        left.
    slice_position
        The middle of the stack above the line between the commissures [mm].
    fields
        Bounds of B1, B0 and the coil's phase.
    partial_volume
        See `render.render`.

    Raises
    ------
    TissueError
        The shape, a size or the seed is impossible.
    """
    slices = math.prod(shape[2:])
    if slice_distance is None:
        slice_distance = slice_spacing(slices, slice_thickness, _HEIGHT)
    grid = Grid(
        shape=shape,
        extent=(*field_of_view, slice_distance * slices),
        centre=(0.0, 0.0, slice_position),
        axes=AXIAL,
        thickness=slice_thickness,
    )
    table = tissue_table("brain")
    drawing = Drawing(
        name="brain",
        label_at=label_at,
        names=STRUCTURES,
        tissues={label: table.get(name) or table[_FLUID] for label, name in STRUCTURES.items()},
        field_strength=read_data("brain")["field_strength_t"],
        regions=REGIONS,
        description="A synthetic head at 3 T, drawn to look like an adult's; no measured person.",
    )
    return render(
        drawing, grid, seed=seed, fields=fields, rescan=rescan, partial_volume=partial_volume
    )
