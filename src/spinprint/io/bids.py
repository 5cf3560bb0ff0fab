"""What the files of a derivative are called, and what each says of itself.

Names and units follow the Brain Imaging Data Structure (`VERSION`), quantitative MRI and
derivatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError
from ..maps import UNITS, Maps, Status
from ..parameters import PARAMETERS

VERSION = "1.11.1"
"""Of BIDS: the newest one that its validator (3.0.2) knows; it warns of any other."""

DESCRIPTION = "dataset_description.json"
IGNORE = ".bidsignore"
README = "README"

M0_MAGNITUDE, M0_PHASE = "M0map", "desc-phase_M0map"
STATUS, SIGMA = "desc-status_dseg", "sigma"
SD = "desc-sd_"
ARBITRARY = "arbitrary"  # the unit of what depends on the scaling of the series

FORMER = {M0_PHASE: "part-phase_M0map", STATUS: "desc-status_mask"}
"""What 0.1.0 called them. BIDS has no entity `part` on maps, and a mask has two levels only."""

IGNORED = (
    "# BIDS has no suffix for noise, scores and what else is known of each voxel.",
    "*_map.*",
)
"""The lines of `.bidsignore`: patterns of files that no rule covers, each below its reason."""

IGNORED_BEFORE = (
    "*_ADC.*",
    "*_TB1map.*",
    "*_fieldmap.*",
    *(f"*_{name}.*" for name in FORMER.values()),
)
"""Lines of 0.1.0 that are no longer needed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MapFile:
    """One image of a derivative, with the part of its sidecar that no other has."""

    folder: str
    ending: str
    """Of the name, behind the subject."""
    voxels: NDArray[Any]
    """Shape `(x, y, z)`."""
    sidecar: Mapping[str, Any]
    table: str = ""
    """What its codes mean, as tab-separated values; empty where it has no codes."""

    def stem(self, subject: str) -> str:
        """The path without suffix, relative to the dataset."""
        return f"sub-{subject}/{self.folder}/sub-{subject}_{self.ending}"


def map_files(maps: Maps) -> list[MapFile]:
    """The images that maps of up to three axes become.

    Raises
    ------
    OutputError
        A parameter has no name in BIDS, or two images would have the same name.
    """
    files = list(_map_files(maps))
    endings = [file.ending for file in files]
    for ending in endings:
        if endings.count(ending) > 1:
            raise OutputError(f"two maps would be called …_{ending}.nii.gz: rename one")
    return files


def extra_ending(name: str) -> str:
    """The ending of the name of an additional map, as `desc-score_map`.

    A BIDS label has letters and digits only: `t1_low` becomes `t1Low`.
    """
    label = re.sub(r"[^0-9A-Za-z]+(.?)", lambda match: match[1].upper(), name)
    return f"desc-{label}_map"


def _map_files(maps: Maps) -> Iterator[MapFile]:
    for name, values in maps.values.items():
        yield _parameter(name, values)
        if name in maps.sd:
            yield _parameter(name, maps.sd[name], SD, "Standard deviation of ")
    yield _image(
        "anat",
        M0_MAGNITUDE,
        np.abs(maps.m0),
        Description="M0, equilibrium magnetisation times receive sensitivity, not calibrated",
        Units=ARBITRARY,
    )
    unknown = ": not known, as magnitudes were mapped" if maps.provenance.get("magnitude") else ""
    phase = f"Phase of M0{unknown}"
    yield _image("anat", M0_PHASE, np.angle(maps.m0), Description=phase, Units="rad")
    if "b0" in maps.values:
        yield _magnitude(maps)
    yield _status(maps)
    yield _extra(SIGMA, maps.sigma, "Noise per real and imaginary channel", ARBITRARY)
    for name, values in maps.extra.items():
        # An extra that says more of a parameter, as a quantile does, begins with its name.
        units = UNITS.get(name.split("_")[0], "1")
        yield _extra(name, values, name.replace("_", " ").capitalize(), units)


def _parameter(name: str, values: NDArray[Any], entity: str = "", of: str = "") -> MapFile:
    if name not in PARAMETERS:
        known = ", ".join(PARAMETERS)
        raise OutputError(f"a map of {name!r} has no name in BIDS; known are {known}")
    parameter = PARAMETERS[name]
    folder, suffix = parameter.bids
    return _image(
        folder,
        entity + suffix,
        values,
        Description=of + parameter.description,
        Units=parameter.unit,
    )


def _magnitude(maps: Maps) -> MapFile:
    """The image without which BIDS takes no fieldmap: anatomy in the place of the field."""
    folder, _ = PARAMETERS["b0"].bids
    return _image(
        folder,
        "magnitude",
        np.abs(maps.m0),
        Description="Modulus of M0, the anatomy that belongs to the field map",
        Units=ARBITRARY,
    )


def _status(maps: Maps) -> MapFile:
    rows = [("index", "name"), *((str(int(status)), status.label) for status in Status)]
    return _image(
        "anat",
        STATUS,
        maps.status,
        dtype=np.uint8,
        table="".join("\t".join(row) + "\n" for row in rows),
        Description="What happened in each voxel",
        Levels={str(int(status)): status.meaning for status in Status},
        VoxelCounts={str(int(status)): count for status, count in maps.counts().items()},
        SpatialReference="orig",  # the place of the series, not that of a template
    )


def _extra(name: str, values: NDArray[Any], description: str, units: str) -> MapFile:
    # The label drops characters, so that the sidecar has to keep the name as it was.
    return _image(
        "anat", extra_ending(name), values, Description=description, Units=units, Name=name
    )


def _image(
    folder: str,
    ending: str,
    voxels: NDArray[Any],
    *,
    dtype: Any = np.float32,
    table: str = "",
    **sidecar: Any,
) -> MapFile:
    array = np.asarray(voxels, dtype=dtype)
    return MapFile(
        folder=folder,
        ending=ending,
        voxels=array.reshape(*array.shape, *(1,) * (3 - array.ndim)),
        sidecar=sidecar,
        table=table,
    )
