"""The ISMRM/NIST system phantom: spheres of known T1, T2 and proton density in water at 20 C."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import TissueError
from .fields import Fields
from .nist_geometry import (
    ARRAYS,
    FIDUCIAL_RADIUS,
    OUTER_RADIUS,
    PLATES,
    SHELL_RADIUS,
    SPHERES_PER_ARRAY,
    Sphere,
    fiducial_centres,
    nist_geometry,
)
from .phantom import Phantom
from .raster import CORONAL, Grid, slice_spacing
from .render import Drawing, render
from .shapes import Points
from .tissue_table import TissueValues, read_data

SPHERES: dict[int, Sphere] = dict(enumerate(nist_geometry(), start=1))
"""The sphere of each label from 1 to 42: t1, t2, pd."""

WATER, FIDUCIAL = len(SPHERES) + 1, len(SPHERES) + 2

NAMES = {label: sphere.name for label, sphere in SPHERES.items()} | {
    WATER: "water",
    FIDUCIAL: "fiducial spheres",
}
"""The name of each label; 0 is air, and plastic, which gives no signal."""

REGIONS = {
    f"{array.upper()} array": tuple(
        label for label, sphere in SPHERES.items() if sphere.array == array
    )
    for array in ARRAYS
} | {name: (label,) for label, name in NAMES.items()}
"""Labels by region: whole arrays, and every sphere by itself."""

_SOLUTION = {"t1": "NiCl2", "t2": "MnCl2"}
_T1RHO = "T1rho = T2 is our assumption: none is published"
_PLATE = 3.0  # thickness [mm], our choice

_STACK = 120.0
_MIDDLE = -16.5  # of the three arrays, towards posterior


def nist(
    shape: tuple[int, int, int] = (112, 112, 3),
    seed: int = 0,
    *,
    field_strength: float = 3.0,
    batch: str = "K3290",
    rescan: bool = False,
    field_of_view: tuple[float, float] = (220.0, 220.0),
    slice_thickness: float = 6.0,
    fields: Fields = Fields(),  # noqa: B008 (frozen)
    partial_volume: bool = True,
) -> Phantom:
    """The phantom in coronal slices; values and their sources stand in `data/nist.toml`.

    Axes run to the left, to superior and to posterior. The stack of 120 mm holds the three
    arrays: three slices show T1, T2 and PD, one shows T2. Around the spheres is water; plastic
    gives no signal.

    Parameters
    ----------
    shape
        Number of voxels `(x, y, z)`.
    seed
        Draws the fields, and how the phantom lies on a `rescan`; its values are no draw.
    field_strength
        1.5 or 3 [T].
    batch
        K3290 (prototypes and serial numbers up to 130-0041) or PLL2020 (from 130-0042).
    rescan
        Lying a little otherwise, in other fields: see `render.render`.
    field_of_view
        Extent from side to side and from foot to head [mm].
    slice_thickness
        Of each slice where they do not touch [mm]; slices spread over the stack of 120 mm.
    fields
        Bounds of B1, B0 and the coil's phase.
    partial_volume
        See `render.render`.

    Raises
    ------
    TissueError
        There are no values for the batch at this field strength, or the shape, a size or the
        seed is impossible.
    """
    drawing = Drawing(
        name="nist",
        label_at=label_at,
        names=NAMES,
        tissues=dict(_tissues(batch, field_strength)),
        field_strength=field_strength,
        regions=REGIONS,
        description=(
            f"ISMRM/NIST system phantom, batch {batch}, {field_strength:g} T,"
            f" {read_data('nist')['temperature_c']:g} C. {_T1RHO}."
        ),
    )
    slices = math.prod(shape[2:])
    thickness = min(slice_thickness, _STACK / max(slices, 1))
    grid = Grid(
        shape=shape,
        extent=(*field_of_view, slices * slice_spacing(slices, thickness, _STACK)),
        centre=(0.0, 0.0, _MIDDLE),
        axes=CORONAL,
        thickness=thickness,
    )
    return render(
        drawing, grid, seed=seed, fields=fields, rescan=rescan, partial_volume=partial_volume
    )


def sphere_values(batch: str = "K3290", field_strength: float = 3.0) -> dict[int, TissueValues]:
    """What the tables say of the spheres of the T1 and T2 arrays, by label; see `nist`.

    Those of the PD array are left out: no relaxation times are published with their densities.

    Raises
    ------
    TissueError
        There are no values for the batch at this field strength.
    """
    return {
        label: values
        for label, values in _tissues(batch, field_strength)
        if label in SPHERES and SPHERES[label].array != "pd"
    }


def label_at(points: Points) -> NDArray[np.uint8]:
    """The label at each place, shape `(...)`; 0 in air and plastic."""
    radius = np.sqrt(points.posterior**2 + points.superior**2 + points.lateral**2)
    labels = np.where(radius < SHELL_RADIUS, WATER, 0).astype(np.uint8)
    for front in PLATES:
        labels[np.broadcast_to(np.abs(points.posterior + front) < _PLATE / 2, labels.shape)] = 0
    for centre in fiducial_centres():
        _ball(labels, points, centre, FIDUCIAL_RADIUS, FIDUCIAL)
    for label, sphere in SPHERES.items():
        _ball(labels, points, sphere.centre, OUTER_RADIUS, 0)
        _ball(labels, points, sphere.centre, sphere.radius, label)
    return labels


def _ball(
    labels: NDArray[np.uint8],
    points: Points,
    centre: tuple[float, float, float],
    radius: float,
    label: int,
) -> None:
    right, front, up = centre
    along = (points.posterior + front) ** 2
    if along.min() < radius**2:  # most lie in other slices
        square = along + (points.superior - up) ** 2 + (points.lateral + right) ** 2
        labels[square < radius**2] = label


def _tissues(batch: str, field_strength: float) -> Iterator[tuple[int, TissueValues]]:
    """Values by label, times in seconds; the phantom is uniform within a sphere."""
    data = read_data("nist")
    arrays = {
        name: _relaxation(data, name, batch, field_strength)
        | {"density": [1.0] * SPHERES_PER_ARRAY}
        for name in _SOLUTION
    }
    water = data["water"]
    repeated = {key: [water[key]] * SPHERES_PER_ARRAY for key in ("t1_ms", "t2_ms")}
    arrays["pd"] = repeated | data["pd"]
    for label, sphere in SPHERES.items():
        array = arrays[sphere.array]
        t1, t2, density = (array[key][sphere.index - 1] for key in ("t1_ms", "t2_ms", "density"))
        yield label, _values(data, t1, t2, density, array["source"])
    for label, name in ((WATER, "water"), (FIDUCIAL, "fiducial")):
        entry = data[name]
        yield label, _values(data, entry["t1_ms"], entry["t2_ms"], 1.0, entry["source"])


def _relaxation(
    data: dict[str, Any], name: str, batch: str, field_strength: float
) -> dict[str, Any]:
    """The lists of an array, and their source."""
    if batch not in data["batches"]:
        raise TissueError(f"batch {batch!r} must be one of {', '.join(data['batches'])}")
    of_batch = [
        array for array in data["array"] if (array["batch"], array["name"]) == (batch, name)
    ]
    for array in of_batch:
        if array["field_strength_t"] == field_strength:
            source = (
                f"T1, T2: {_SOLUTION[name]}, batch {batch}, {field_strength:g} T, 20 C, NIST's"
                " PhantomViewer (Stupic 2021, doi 10.1002/mrm.28779)"
            )
            return array | {"source": source}
    known = " and ".join(f"{array['field_strength_t']:g} T" for array in of_batch)
    raise TissueError(
        f"the system phantom of batch {batch} has published values at {known}, not at"
        f" {field_strength:g} T"
    )


def _values(
    data: dict[str, Any], t1_ms: float, t2_ms: float, density: float, source: str
) -> TissueValues:
    return TissueValues(
        t1=t1_ms / 1e3,
        t2=t2_ms / 1e3,
        t1rho=t2_ms / 1e3,
        adc=data["adc_um2_per_ms"] / 1e3,
        density=density,
        spread=0.0,
        source=f"{source}; {data['adc_source']}; {_T1RHO}",
    )
