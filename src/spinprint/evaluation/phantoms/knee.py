"""A synthetic knee with known T1, T2, T1rho, ADC, M0, B1 and B0."""

from __future__ import annotations

import math

import numpy as np

from ...errors import TissueError
from ...tissue import Tissue
from .fields import ramp
from .knee_anatomy import STRUCTURES, KneeAnatomy, label_at
from .phantom import Phantom
from .raster import Grid, fill, rasterise
from .tissue_table import TissueValues

FIELD_STRENGTH = 3.0
"""Main field of the tissue table [T]."""

_GOLD = "T1, T2: Gold 2004, AJR 183:343, 3 T, as commonly quoted"
_CARTILAGE = (
    "T1: 0.85-0.95 s in condyles and plateaus at 3 T (PMC7016502); T2, T1rho: 26.9 and 32.6 ms"
    " for full thickness at 3 T (Sharafi, PMC5711646; PMC5597480), the difference of layers and"
    " plates about them is our choice; ADC: 0.68 at the bone to 1.45e-3 mm2/s at the surface"
    " (Filidoro 2005, doi 10.1002/mrm.20469, ex vivo, 9.4 T)"
)
_OURS = "density: our choice"

TABLE = {
    "fat": TissueValues(
        t1=0.371, t2=0.133, t1rho=0.145, adc=0.10e-3, density=1.0, spread=0.03,
        source=f"{_GOLD}; ADC: BrainWeb table of MRzero, 3 T; T1rho and {_OURS}",
    ),
    "muscle": TissueValues(
        t1=0.950, t2=0.026, t1rho=0.0317, adc=1.5e-3, density=0.75, spread=0.04,
        source="T1, T2, T1rho: calf muscle by fingerprinting, 3 T (Sharafi 2021, PMC8005468);"
        f" ADC and {_OURS}",
    ),
    "marrow": TissueValues(
        t1=0.365, t2=0.133, t1rho=0.145, adc=0.15e-3, density=0.9, spread=0.04,
        source=f"{_GOLD}; T1rho, ADC and {_OURS}",
    ),
    "femoral cartilage, deep": TissueValues(
        t1=0.90, t2=0.022, t1rho=0.028, adc=0.87e-3, density=0.65, spread=0.06,
        source=f"{_CARTILAGE}; {_OURS}",
    ),
    "femoral cartilage, superficial": TissueValues(
        t1=0.95, t2=0.033, t1rho=0.042, adc=1.26e-3, density=0.75, spread=0.06,
        source=f"{_CARTILAGE}; {_OURS}",
    ),
    "tibial cartilage, deep": TissueValues(
        t1=0.86, t2=0.020, t1rho=0.026, adc=0.87e-3, density=0.65, spread=0.06,
        source=f"{_CARTILAGE}; {_OURS}",
    ),
    "tibial cartilage, superficial": TissueValues(
        t1=0.92, t2=0.031, t1rho=0.040, adc=1.26e-3, density=0.75, spread=0.06,
        source=f"{_CARTILAGE}; {_OURS}",
    ),
    "patellar cartilage, deep": TissueValues(
        t1=0.92, t2=0.024, t1rho=0.031, adc=0.87e-3, density=0.65, spread=0.06,
        source=f"{_CARTILAGE}; {_OURS}",
    ),
    "patellar cartilage, superficial": TissueValues(
        t1=0.98, t2=0.036, t1rho=0.046, adc=1.26e-3, density=0.75, spread=0.06,
        source=f"{_CARTILAGE}; {_OURS}",
    ),
    "meniscus": TissueValues(
        t1=0.600, t2=0.0114, t1rho=0.0147, adc=0.9e-3, density=0.5, spread=0.10,
        source="T1: 598-603 ms at 3 T (PMC7016502); T2, T1rho: healthy, 3 T (Rauscher 2008,"
        f" doi 10.1148/radiol.2492071870); ADC and {_OURS}",
    ),
    "joint fluid": TissueValues(
        t1=3.620, t2=0.767, t1rho=0.90, adc=2.6e-3, density=1.0, spread=0.02,
        source=f"{_GOLD}; T1rho, ADC and {_OURS}",
    ),
    "infrapatellar fat pad": TissueValues(
        t1=0.390, t2=0.120, t1rho=0.130, adc=0.12e-3, density=0.95, spread=0.04,
        source=f"as fat, a little more watery by our choice: {_GOLD}; T1rho, ADC and {_OURS}",
    ),
    "tendon": TissueValues(
        t1=0.700, t2=0.008, t1rho=0.010, adc=0.6e-3, density=0.4, spread=0.05,
        source="our choice of a short T2; a tendon's depends on its angle to the field",
    ),
    "cruciate ligament": TissueValues(
        t1=0.750, t2=0.016, t1rho=0.020, adc=0.9e-3, density=0.55, spread=0.05,
        source="our choice, between tendon and muscle",
    ),
}  # fmt: skip
"""Mean values, spread and sources by structure.

"As commonly quoted" means that the paper itself was not at hand when the value was entered.
"""

_MIDDLE = (0.0, 5.0)
_CONDYLE = 14.0
_FIELD_LENGTH = 70.0


def knee(
    shape: tuple[int, int, int] = (112, 112, 1),
    seed: int = 0,
    *,
    field_of_view: tuple[float, float] = (140.0, 140.0),
    slice_thickness: float = 3.0,
    slice_position: float | None = None,
    anatomy: KneeAnatomy | None = None,
    b1_range: tuple[float, float] | None = None,
    b0_range: tuple[float, float] | None = None,
    phase_range: tuple[float, float] | None = (-1.5, 1.5),
) -> Phantom:
    """A left knee in sagittal slices, drawn analytically, so that any shape shows the same knee.

    Axes run to posterior, to superior and to lateral. The seed draws how tissue varies within
    each structure, and the fields. Borders: see `raster.rasterise`. Cortical bone, whose T2 lies
    far below every echo time, is background.

    Parameters
    ----------
    shape
        Number of voxels `(x, y, z)`.
    seed
        The same seed gives the same knee at any shape.
    field_of_view
        Extent from front to back and from foot to head [mm].
    slice_thickness
        Thickness and distance of slices [mm]; 32 slices of 3 mm hold the whole joint.
    slice_position
        The middle of the stack, from the midline to lateral [mm]. By default a single slice
        lies where condyle, menisci and patella all show, and a stack in the middle of the knee.
    anatomy
        Sizes; by default those of `KneeAnatomy()`.
    b1_range, b0_range, phase_range
        Bounds of smooth fields of relative B1 [-], of off-resonance [Hz], and of the coil's phase
        in m0 [rad]; None leaves B1 at 1, B0 at 0 and m0 real.

    Raises
    ------
    TissueError
        The shape, a size or a range is impossible.
    """
    if seed < 0:
        raise TissueError(f"seed = {seed} must be at least 0")
    if slice_position is None:
        slice_position = _CONDYLE if tuple(shape[2:]) == (1,) else 0.0
    grid = Grid(
        shape=shape,
        extent=(*field_of_view, slice_thickness * math.prod(shape[2:])),
        centre=(*_MIDDLE, slice_position),
    )
    anatomy = anatomy or KneeAnatomy()
    table = {label: TABLE[name] for label, name in STRUCTURES.items()}
    labels, density = rasterise(
        lambda points: label_at(points, anatomy),
        grid,
        {label: tissue.density for label, tissue in table.items()},
    )
    points = grid.points()
    # All three are drawn in any case, so that asking for one leaves the others as they are.
    rng = np.random.default_rng([seed, 0])
    b1 = ramp(points, b1_range or (1.0, 1.0), _FIELD_LENGTH, rng)
    b0 = ramp(points, b0_range or (0.0, 0.0), _FIELD_LENGTH, rng)
    phase = ramp(points, phase_range or (0.0, 0.0), _FIELD_LENGTH, rng)
    return Phantom(
        name="knee",
        labels=labels,
        names=STRUCTURES,
        sources={name: tissue.source for name, tissue in TABLE.items()},
        tissue=Tissue(
            **fill(labels, table, points, seed=seed),
            b1=b1,
            b0=b0,
            m0=density * np.exp(1j * phase) if phase_range else density,
        ),
        affine=grid.affine,
        field_strength=FIELD_STRENGTH,
    )
