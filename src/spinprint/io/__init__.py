"""Files in and out: image series, masks and field maps in, maps as a BIDS derivative out.

`read_series` and its kin tell a format by its first bytes. nibabel, h5py and scipy are imported
when a file of their kind is read or written.
"""

from .beside import MapPlace
from .derivative import (
    check_derivative,
    earlier_maps,
    read_maps,
    read_origin,
    run_name,
    stage_maps,
    write_maps,
)
from .field_units import StatedUnit
from .fields import FieldFiles, read_field, read_purity
from .geometry import Geometry, Remark, require_place
from .labels import read_labels, write_labels
from .masks import read_mask
from .series import Series, read_series, write_series
from .tables import write_csv

__all__ = [
    "FieldFiles",
    "Geometry",
    "MapPlace",
    "Remark",
    "Series",
    "StatedUnit",
    "check_derivative",
    "earlier_maps",
    "read_field",
    "read_labels",
    "read_maps",
    "read_mask",
    "read_origin",
    "read_purity",
    "read_series",
    "require_place",
    "run_name",
    "stage_maps",
    "write_csv",
    "write_labels",
    "write_maps",
    "write_series",
]
