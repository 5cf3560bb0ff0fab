"""Encoding of the maps of a viewer in a page: 16 bits per voxel, compressed, as text."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache import place_fonts
from .quantities import shown
from .view import View
from .viewer import Categories, Viewer, Volume

MAX_VOXELS = 8_000_000
"""Largest number of voxels in all maps of a viewer: 16 MB, and 22 MB as text if incompressible.

Of larger maps a viewer holds fewer slices, then every second or third voxel, and states this.
"""

_LARGEST = 60_000.0  # values are scaled to this, near the largest number of 16 bits
_OUTSIDE = -np.inf  # codes of voxels without a value
_MISSING = np.nan
_STOPS = 33  # colours of a colour map that a page holds; it draws straight lines between them
_LONGEST = 8.0  # largest ratio of width to height of a slice: a line of voxels stays visible


@dataclass(frozen=True, slots=True)
class PanelData:
    """A map, encoded."""

    caption: str
    """Its name."""
    label: str
    """Quantity and unit; empty for categories."""
    alt: str
    """Alternative text for those who cannot see it."""
    settings: str
    """Settings for the script, JSON."""
    voxels: str
    """The voxels, slice by slice, row by row: base64 of zlib of all low, then all high bytes."""
    key: tuple[tuple[str, str, int], ...] = ()
    """Colour, name and number of voxels of each category that occurs."""


@dataclass(frozen=True, slots=True)
class ViewerData:
    """A viewer, encoded."""

    settings: str
    """Settings of the slices for the script, JSON."""
    rows: tuple[tuple[str, tuple[PanelData, ...]], ...]
    """Heading and maps of each row."""
    slices: tuple[int, ...]
    """The slices, counted from 1."""
    total: int
    """Slices of the volume."""
    size: tuple[int, int]
    """Columns and rows of a slice."""
    ratio: float
    """Width of a slice over its height [-]."""
    ends: tuple[tuple[str, str], ...]
    """Side and letter of each known direction."""
    omitted: str
    """What was left out of the maps, in a sentence."""


def viewer_data(viewer: Viewer) -> ViewerData:
    """Encode a viewer with at most `MAX_VOXELS` voxels."""
    whole = View.of(viewer.asked, viewer.affine)
    view = whole.within(MAX_VOXELS // max(len(viewer.panels), 1))
    columns, rows = view.places()
    total = viewer.asked.shape[2] if viewer.asked.ndim == 3 else 1
    settings = {
        "columns": columns,
        "rows": rows,
        "slices": view.indices,
        "total": total,
        "swapped": view.swapped,
        "affine": None if viewer.affine is None else viewer.affine[:3].tolist(),
    }
    return ViewerData(
        settings=json.dumps(settings),
        rows=tuple(
            (row.heading, tuple(_panel_data(panel, viewer, view) for panel in row.panels))
            for row in viewer.rows
        ),
        slices=tuple(index + 1 for index in view.indices),
        total=total,
        size=(len(columns), len(rows)),
        ratio=min(len(columns) / (len(rows) * view.aspect), _LONGEST),
        ends=tuple(zip(("left", "right", "bottom", "top"), view.ends or (), strict=False)),
        omitted=_omitted(whole, view),
    )


def _panel_data(panel: Volume | Categories, viewer: Viewer, view: View) -> PanelData:
    if isinstance(panel, Categories):
        return _category_data(panel, view)
    given = np.asarray(panel.values, float)  # the quotient of two small numbers may be large
    finite = given[np.isfinite(given) & viewer.asked]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    scale = largest / _LARGEST if largest else 1.0
    values = np.where(np.isfinite(given), given / scale, _MISSING)
    values = np.where(viewer.asked, values, _OUTSIDE)
    settings = {
        "caption": panel.caption,
        "label": panel.label,
        "scale": scale,
        "low": panel.window.low,
        "high": panel.window.high,
        "colours": _stops(panel.colours),
    }
    middle = f"median {shown(float(np.median(finite)))}" if finite.size else "empty"
    reach = f"colours from {panel.window.low:g} to {panel.window.high:g}"
    return PanelData(
        caption=panel.caption,
        label=panel.label,
        alt=f"{panel.caption}, {panel.label}, {middle}; {reach}.",
        settings=json.dumps(settings),
        voxels=_packed(values.astype(np.float16), view),
    )


def _category_data(panel: Categories, view: View) -> PanelData:
    """Encode codes as their index in the key, counted from 1; 0 is background."""
    codes, counts = np.unique(panel.codes, return_counts=True)
    present = {int(code): int(count) for code, count in zip(codes, counts, strict=True)}
    key = {code: entry for code, entry in panel.key.items() if code in present}
    index = np.zeros(panel.codes.shape, np.uint16)
    for place, code in enumerate(key, start=1):
        index[panel.codes == code] = place
    settings = {"caption": panel.caption, "key": list(key.values())}
    return PanelData(
        caption=panel.caption,
        label="",
        alt=f"{panel.caption}, in the colours of the list below it.",
        settings=json.dumps(settings),
        voxels=_packed(index, view),
        key=tuple((colour, name, present[code]) for code, (colour, name) in key.items()),
    )


def _packed(array: NDArray[Any], view: View) -> str:
    planes = np.stack([view.plane(array, index) for index in view.indices])
    # High bytes beside high bytes compress better.
    content = planes.astype(planes.dtype.newbyteorder("<")).reshape(-1, 1).view(np.uint8)
    return base64.b64encode(zlib.compress(content.T.tobytes(), 9)).decode("ascii")


def _stops(name: str) -> str:
    """Colours of a colour map at even steps, six hexadecimal digits each."""
    place_fonts()
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    colours = colormaps[name](np.linspace(0, 1, _STOPS))
    return "".join(to_hex(colour)[1:] for colour in colours)


def _omitted(whole: View, view: View) -> str:
    parts = []
    if len(view.indices) < len(whole.indices):
        parts.append(f"{len(view.indices)} of {len(whole.indices)} slices, spread evenly")
    if view.step > 1:
        parts.append(f"one voxel in {view.step} along rows and columns")
    return f"To keep the page small, it shows {' and '.join(parts)}." if parts else ""
