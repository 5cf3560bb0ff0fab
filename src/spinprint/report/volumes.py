"""Maps and their truth as panels of a viewer, with the default windows, colours and legends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..maps import Maps, Status
from .quantities import DISPLAY, ERROR_COLOURS, M0_COLOURS, SD_COLOURS, Display
from .viewer import Categories, Panels, Viewer, Volume, Window

STATUS_COLOURS = {
    Status.OK: "#a9cdb7",
    Status.NO_SIGNAL: "#8c8c8c",
    Status.AT_EDGE: "#e69f00",
    Status.NOT_CONVERGED: "#cc3d6f",
    Status.NOT_FINITE: "#1b1f24",
}
"""Colour of each status; outside the mask is background."""

_LABEL_COLOURS = (
    "#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7",
    "#9c755f", "#2f4b7c", "#a05195", "#d45087", "#86bcb6", "#d37295", "#8cd17d", "#b6992d",
    "#499894", "#79706e", "#d7b5a6", "#1b7f5c",
)  # fmt: skip
_GREY = "#8c8c8c"


def maps_viewer(
    maps: Maps,
    truth: Mapping[str, ArrayLike] | None = None,
    labels: ArrayLike | None = None,
    names: Mapping[int, str] | None = None,
    counted: ArrayLike | None = None,
    reference: str = "truth",
) -> Viewer:
    """All maps of a result: one row per quantity, then M0, status and structures.

    Parameters
    ----------
    maps
        Estimates, shape `(x, y, z)` or fewer axes.
    truth
        True maps by parameter, same shape [SI units]; NaN where there is none.
    labels
        The structure of each voxel, 0 for none, same shape.
    names
        The name of each label; by default its number.
    counted
        True where the error is meaningful, same shape; it is shown only there. None shows it
        everywhere.
    reference
        What `truth` is called, as a noun.

    Raises
    ------
    SeriesError
        The maps have more than three axes, or the truth or the labels another shape.
    """
    asked = maps.status != Status.OUTSIDE
    known = truth or {}
    rows = [quantity_panels(name, maps, known.get(name), counted, reference) for name in maps]
    others: list[Volume | Categories] = [_m0(maps), _status(maps)]
    if labels is not None:
        others.append(label_panel(labels, names or {}))
    heading = "M0 and status" if labels is None else "M0, status and structures"
    return Viewer(rows=(*rows, Panels(heading, others)), asked=asked, affine=maps.affine)


def quantity_panels(
    name: str,
    maps: Maps,
    truth: ArrayLike | None = None,
    counted: ArrayLike | None = None,
    reference: str = "truth",
) -> Panels:
    """Truth and estimate in one window, the relative error, and the stated SD of one quantity.

    Of quantities that may be 0, as B0, the error and the SD are absolute.

    Parameters
    ----------
    name
        A parameter of the maps.
    maps
        Estimates.
    truth
        The true map, shape of the maps [SI unit]; NaN where there is none.
    counted
        True where the error is shown, same shape; None shows it everywhere.
    reference
        What `truth` is called, as a noun.
    """
    display, estimate = DISPLAY[name], maps[name].astype(float)
    asked = maps.status != Status.OUTSIDE
    true = None if truth is None else np.where(asked, truth, np.nan).astype(float)
    both = [display.factor * array for array in (estimate, true) if array is not None]
    window = (
        Window.from_zero(*both)
        if display.centre is None
        else Window.symmetric(*both, centre=display.centre)
    )

    def values(array: NDArray[Any], caption: str) -> Volume:
        return Volume(
            caption=caption,
            values=display.factor * array,
            label=display.label,
            colours=display.colours,
            window=window,
        )

    panels = [values(estimate, "Estimate")]
    if true is not None:
        judged = true if counted is None else np.where(counted, true, np.nan)
        panels = [values(true, reference.capitalize()), *panels, _error(display, estimate, judged)]
    if name in maps.sd:
        panels.append(_deviation(display, estimate, maps.sd[name]))
    return Panels(display.symbol, panels)


def relative_error(
    display: Display, estimate: NDArray[np.float64], reference: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str]:
    """The error of SI values and its unit: % of the reference, or absolute if that may be 0."""
    if display.centre is not None:
        return display.factor * (estimate - reference), display.unit
    return 100 * ratio(estimate - reference, reference), "%"


def label_panel(labels: ArrayLike, names: Mapping[int, str]) -> Categories:
    """The structures of a volume, each in its colour; 0 is background.

    Parameters
    ----------
    labels
        The structure of each voxel, whole numbers, shape `(x, y, z)` or fewer axes.
    names
        The name of each label; by default its number.
    """
    codes = np.asarray(labels)
    present = [int(label) for label in np.unique(codes) if label != 0]
    colours = dict(zip(present, _LABEL_COLOURS, strict=False))
    key = {label: (colours.get(label, _GREY), names.get(label, str(label))) for label in present}
    return Categories(caption="Structure", codes=codes, key=key)


def _status(maps: Maps) -> Categories:
    key = {int(status): (colour, status.meaning) for status, colour in STATUS_COLOURS.items()}
    return Categories(caption="Status", codes=maps.status, key=key)


def _m0(maps: Maps) -> Volume:
    modulus = np.abs(maps.m0)
    return Volume(
        caption="Modulus of M0",
        values=modulus,
        label="|M0| [unit of the series]",
        colours=M0_COLOURS,
        window=Window.from_zero(modulus),
    )


def _error(display: Display, estimate: NDArray[np.float64], true: NDArray[np.float64]) -> Volume:
    error, unit = relative_error(display, estimate, true)
    return Volume(
        caption="Relative error" if unit == "%" else "Error",
        values=error,
        label=f"error of {display.symbol} [{unit}]",
        colours=ERROR_COLOURS,
        window=Window.symmetric(error),
    )


def _deviation(display: Display, estimate: NDArray[np.float64], sd: NDArray[np.float32]) -> Volume:
    if display.centre is None:
        deviation, unit = 100 * ratio(sd.astype(float), np.abs(estimate)), "%"
    else:
        deviation, unit = display.factor * sd.astype(float), display.unit
    return Volume(
        caption="Stated SD",
        values=deviation,
        label=f"SD of {display.symbol} [{unit}]",
        colours=SD_COLOURS,
        window=Window.from_zero(deviation),
    )


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """The quotient, NaN where the whole is 0."""
    nothing = np.full(np.shape(part), np.nan)
    return np.divide(part, whole, out=nothing, where=np.asarray(whole) != 0)
