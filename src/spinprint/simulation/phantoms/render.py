"""From a drawing with its table of tissues to a phantom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...parameters import PARAMETERS
from ...streams import phantom_stream
from ...tissue import Tissue
from .fields import Fields, texture
from .mixture import Mixture
from .phantom import MAPPED, Phantom
from .pose import Pose
from .raster import Grid, LabelAt, Shares, rasterise
from .shapes import Points
from .tissue_table import TissueValues

_TEXTURE_LENGTH = 8.0


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A phantom before it is cut into voxels."""

    name: str
    """What people call it."""
    label_at: LabelAt
    """The label at each place of the body."""
    names: Mapping[int, str]
    """The name of each label but 0."""
    tissues: Mapping[int, TissueValues]
    """Mean values, spread and source for each label."""
    field_strength: float
    """Main field that the values belong to [T]."""
    regions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Labels that belong together."""
    description: str = ""
    """What it is, for a reader."""


def render(
    drawing: Drawing,
    grid: Grid,
    *,
    seed: int,
    fields: Fields,
    rescan: bool = False,
    partial_volume: bool = True,
) -> Phantom:
    """Cut a drawing into voxels and fill them with tissue.

    Parameters
    ----------
    drawing, grid
        What is imaged, and where the voxels lie in the scanner.
    seed
        Draws how tissue varies within each structure, and the fields.
    fields
        Bounds of B1, B0 and the phase of the receiving coil, which stay with the scanner.
    rescan
        Another visit: the same body with the same tissue, lying a little otherwise (`Pose`), in
        other fields.
    partial_volume
        Voxels at borders hold parts of several tissues; otherwise only that of the largest part,
        with the m0 of all.

    Raises
    ------
    TissueError
        The seed is negative.
    """
    pose = Pose.sample(phantom_stream(seed, "pose")) if rescan else Pose()
    shares = rasterise(lambda points: drawing.label_at(pose.to_body(points)), grid)
    points = grid.points()
    scanner = fields.draw(points, phantom_stream(seed, "fields", int(rescan)))
    body = Points(
        *(axis.ravel()[shares.voxel] for axis in np.broadcast_arrays(*pose.to_body(points)))
    )
    values = fill(shares.label, drawing.tissues, body, seed=seed)
    mixture = _mixture(shares, drawing, values, scanner, complex_m0=fields.phase is not None)
    labels, truth = _majority(shares, mixture, values, grid.shape)
    return Phantom(
        name=drawing.name,
        labels=labels,
        names=drawing.names,
        sources={drawing.names[label]: tissue.source for label, tissue in drawing.tissues.items()},
        tissue=Tissue(**truth, b1=scanner["b1"], b0=scanner["b0"]),
        affine=grid.affine,
        field_strength=drawing.field_strength,
        regions=drawing.regions,
        mixture=mixture if partial_volume else None,
        description=drawing.description,
    )


def fill(
    labels: NDArray[np.uint8],
    tissues: Mapping[int, TissueValues],
    places: Points,
    *,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """T1, T2, T1rho and ADC of each part, shape `(part,)`, varying smoothly within each tissue.

    Each tissue is its mean times the exponential of a random field of SD `spread` that turns
    over 8 mm. T2 and T1rho share a field, as both follow water and collagen, so that
    T2 <= T1rho holds everywhere.
    """
    # Voxels without signal hold typical tissue, which any simulation can digest.
    values = {name: np.full(labels.shape, PARAMETERS[name].typical) for name in MAPPED}
    for label, tissue in tissues.items():
        inside = labels == label
        at = Points(*(axis[inside] for axis in places))
        # A stream per label: a tissue looks the same whatever else the phantom holds.
        rng = phantom_stream(seed, "tissue", label)
        longitudinal, transverse, diffusion = (
            np.exp(tissue.spread * texture(at, _TEXTURE_LENGTH, rng)) for _ in range(3)
        )
        values["t2"][inside] = tissue.t2 * transverse
        values["t1rho"][inside] = tissue.t1rho * transverse
        values["t1"][inside] = np.maximum(tissue.t1 * longitudinal, tissue.t1rho * transverse)
        values["adc"][inside] = tissue.adc * diffusion
    return values


def _mixture(
    shares: Shares,
    drawing: Drawing,
    values: Mapping[str, NDArray[np.float64]],
    scanner: Mapping[str, NDArray[np.float64]],
    *,
    complex_m0: bool,
) -> Mixture:
    """The parts that give signal; m0 is share times density times the coil's phase."""
    keep = shares.label > 0
    voxel, label = shares.voxel[keep], shares.label[keep]
    density = np.zeros(256)
    density[list(drawing.tissues)] = [tissue.density for tissue in drawing.tissues.values()]
    m0 = shares.share[keep] * density[label]
    if complex_m0:
        m0 = m0 * np.exp(1j * scanner["phase"].ravel()[voxel])
    return Mixture(
        voxel=voxel,
        label=label,
        tissue=Tissue(
            **{name: value[keep] for name, value in values.items()},
            b1=scanner["b1"].ravel()[voxel],
            b0=scanner["b0"].ravel()[voxel],
            m0=m0,
        ),
    )


def _majority(
    shares: Shares,
    mixture: Mixture,
    values: Mapping[str, NDArray[np.float64]],
    shape: tuple[int, int, int],
) -> tuple[NDArray[np.uint8], dict[str, NDArray]]:
    """Label and values of the largest part of each voxel, and the m0 of all, `(x, y, z)`."""
    first = shares.first
    labels = shares.label[first].reshape(shape)
    truth = {name: value[first].reshape(shape) for name, value in values.items()}
    total = mixture.total_m0(labels.size).reshape(shape)
    return labels, truth | {"m0": np.where(labels > 0, total, 0)}
