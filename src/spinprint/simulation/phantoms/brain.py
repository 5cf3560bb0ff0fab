"""A synthetic brain with known T1, T2, T1rho, ADC, M0, B1 and B0."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...errors import InputError
from . import brain_anatomy
from . import brainweb as database
from .fields import Fields
from .phantom import Phantom
from .raster import AXIAL, Grid, slice_spacing
from .render import Drawing, render
from .tissue_table import TissueValues, read_data, tissue_table

_FLUID = "cerebrospinal fluid"
_HEIGHT = 84.0
_LEVEL = 8.0
"""Of the frontal horns, the thalamus and the atria."""


def brain(
    shape: tuple[int, int, int] = (112, 112, 3),
    seed: int = 0,
    *,
    rescan: bool = False,
    brainweb: int | None = None,
    download: bool | None = None,
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
    brainweb
        A head of the BrainWeb database instead of the drawn one, by its number:
        see the module `brainweb`.
    download
        Whether to fetch the subject if it is not on this machine; nothing is fetched otherwise.
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
    InputError
        The subject cannot be had: see `brainweb.load_head`.
    """
    if brainweb is None and download:
        raise InputError("--download fetches a BrainWeb subject: name it with --brainweb")
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
    drawing = _drawn() if brainweb is None else _segmented(brainweb, download=bool(download))
    return render(
        drawing, grid, seed=seed, fields=fields, rescan=rescan, partial_volume=partial_volume
    )


def _drawn() -> Drawing:
    return Drawing(
        name="brain",
        label_at=brain_anatomy.label_at,
        names=brain_anatomy.STRUCTURES,
        tissues=_tissues(brain_anatomy.STRUCTURES),
        field_strength=read_data("brain")["field_strength_t"],
        regions=brain_anatomy.REGIONS,
        description="A synthetic head at 3 T, drawn to look like an adult's; no measured person.",
    )


def _segmented(subject: int, *, download: bool) -> Drawing:
    return Drawing(
        name="brain",
        label_at=database.load_head(subject, download=download).label_at,
        names=database.STRUCTURES,
        tissues=_tissues(database.STRUCTURES),
        field_strength=read_data("brain")["field_strength_t"],
        regions=database.REGIONS,
        description=f"The head of BrainWeb subject {subject} with synthetic tissue at 3 T.",
    )


def _tissues(names: Mapping[int, str]) -> dict[int, TissueValues]:
    """Values by label; ventricles and the fluid around the brain share an entry."""
    table = tissue_table("brain")
    return {label: table.get(name) or table[_FLUID] for label, name in names.items()}
