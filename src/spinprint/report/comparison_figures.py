"""The figures of an evaluation: which arrays go into which, and what their alt texts say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..evaluation.comparison import Comparison, Role
from ..maps import Status
from .page import Picture
from .quantities import DISPLAY, ERROR_COLOURS, Display, shown
from .view import View
from .window import Window

if TYPE_CHECKING:
    from ..evaluation.agreement import Agreement, Line

Array = NDArray[np.float64]

KINDS = ("bland_altman", "scatter", "regions", "error_map", "calibration")
"""Figures of a parameter, by the name that their files have behind that of the parameter."""

_MOST_SLICES = 6


def comparison_pictures(comparison: Comparison, parameter: str) -> dict[str, Picture]:
    """The figures of one parameter by kind, those of `KINDS` that can be drawn."""
    display = DISPLAY[parameter]
    estimate, reference = (display.factor * one for one in comparison.pair(parameter))
    pictures = {}
    found = comparison.agreement(parameter, "voxels")
    centres = tuple(display.factor * one for one in comparison.medians(parameter)[1:])
    if found:
        pictures["bland_altman"] = _bland_altman(
            comparison, display, found, estimate, reference, centres
        )
        pictures["scatter"] = _scatter(
            comparison, display, found.line, estimate, reference, centres
        )
    if len(centres[0]) > 1:
        pictures["regions"] = _regions(comparison, display, parameter)
    pictures["error_map"] = _error_map(comparison, display, parameter)
    if parameter in comparison.maps.sd:
        pictures["calibration"] = _calibration(comparison, display, parameter)
    return pictures


def relative(display: Display, estimate: Array, reference: Array) -> tuple[Array, str]:
    """The error and its unit: percent of the reference, or absolute for what may be 0."""
    if display.centre is not None:
        return display.factor * (estimate - reference), display.unit
    nothing = np.full(np.shape(estimate), np.nan)
    error = np.divide(estimate - reference, reference, out=nothing, where=reference != 0)
    return 100 * error, "%"


def _called(comparison: Comparison) -> str:
    return "true" if comparison.reference.role is Role.TRUTH else "reference"


def _bland_altman(
    comparison: Comparison,
    display: Display,
    found: Agreement,
    estimate: Array,
    reference: Array,
    centres: tuple[Array, ...],
) -> Picture:
    from .figures import bland_altman_figure

    in_percent = found.percent is not None and display.centre is None
    limits = (
        found.percent if in_percent and found.percent else found.difference.scaled(display.factor)
    )

    def difference(a: Array, b: Array) -> Array:
        return 200 * (a - b) / (a + b) if in_percent else a - b

    def size(a: Array, b: Array) -> Array:
        return b if comparison.reference.role is Role.TRUTH else (a + b) / 2

    against = _called(comparison) if comparison.reference.role is Role.TRUTH else "mean"
    unit = "% of the mean" if in_percent else display.unit
    figure = bland_altman_figure(
        size(estimate, reference),
        difference(estimate, reference),
        limits,
        size_label=f"{against} {display.label}",
        difference_label=f"difference of {display.symbol} [{unit}]",
        centres=(size(*centres), difference(*centres)) if centres[0].size else None,
    )
    ends = " to ".join(shown(one.value) for one in (limits.lower, limits.upper))
    return Picture(
        figure,
        f"Bland-Altman plot of {display.symbol}: bias {shown(limits.bias.value)}, 95 % limits of"
        f" agreement {ends} {unit}, over {limits.n} voxels.",
        f"{display.symbol}: differences against size",
    )


def _scatter(
    comparison: Comparison,
    display: Display,
    line: Line | None,
    estimate: Array,
    reference: Array,
    centres: tuple[Array, ...],
) -> Picture:
    from .figures import scatter_figure

    called = _called(comparison)
    figure = scatter_figure(
        reference,
        estimate,
        reference_label=f"{called} {display.label}",
        estimate_label=f"estimated {display.label}",
        line=None if line is None else line.scaled(display.factor),
        centres=(centres[1], centres[0]) if centres[0].size else None,
    )
    slope = f" The regression has the slope {shown(line.slope.value)}." if line else ""
    return Picture(
        figure,
        f"Estimated against {called} {display.symbol} of {estimate.size} voxels, with the line of"
        f" identity.{slope}",
        f"{display.symbol}: estimate against {called} value",
    )


def _regions(comparison: Comparison, display: Display, parameter: str) -> Picture:
    from .figures import region_figure

    maps, labels = comparison.maps, comparison.labels
    error, unit = relative(
        display, maps[parameter].astype(float), np.asarray(comparison.reference.values[parameter])
    )
    found, _, middle = comparison.medians(parameter)
    places = [comparison.counted & (labels == label) for label in found]
    bounds = None
    if parameter in comparison.bound:
        factor = np.abs(100 / middle) if unit == "%" else np.full(len(found), display.factor)
        sd = [_median(comparison.bound[parameter][where]) for where in places]
        bounds = (np.array(sd) * factor).tolist()
    figure = region_figure(
        [error[where] for where in places],
        found,
        f"error of {display.symbol} [{unit}]",
        bounds=bounds,
    )
    medians = [_median(error[where]) for where in places]
    return Picture(
        figure,
        f"Errors of {display.symbol} in {len(found)} structures as boxes; their medians lie from"
        f" {shown(min(medians))} to {shown(max(medians))} {unit}.",
        f"{display.symbol}: errors in each structure",
    )


def _error_map(comparison: Comparison, display: Display, parameter: str) -> Picture:
    from .figures import error_map_figure

    maps = comparison.maps
    error, unit = relative(
        display, maps[parameter].astype(float), np.asarray(comparison.reference.values[parameter])
    )
    asked = comparison.counted
    error = np.where(asked, error, np.nan)
    view = View.of(maps.status != Status.OUTSIDE, maps.affine)
    shown_slices = np.linspace(0, len(view.indices) - 1, min(len(view.indices), _MOST_SLICES))
    indices = [view.indices[int(one)] for one in shown_slices.round()]
    reach = Window.symmetric(error).high
    figure = error_map_figure(
        [view.plane(error, index) for index in indices],
        [view.plane(asked, index) for index in indices],
        reach=reach,
        label=f"error of {display.symbol} [{unit}]",
        colours=ERROR_COLOURS,
        numbers=[index + 1 for index in indices],
        aspect=view.aspect,
    )
    return Picture(
        figure,
        f"Errors of {display.symbol} in {len(indices)} slices, blue too low and red too high;"
        f" colours reach to {shown(reach)} {unit}.",
        f"{display.symbol}: map of errors",
    )


def _calibration(comparison: Comparison, display: Display, parameter: str) -> Picture:
    from .figures import calibration_figure

    maps = comparison.maps
    error = maps[parameter].astype(float) - np.asarray(comparison.reference.values[parameter])
    sd = maps.sd[parameter].astype(float)
    z = np.divide(error, sd, out=np.full(error.shape, np.nan), where=sd > 0)[comparison.counted]
    z = z[np.isfinite(z)]
    return Picture(
        calibration_figure(z, display.symbol),
        f"Histogram of the errors of {display.symbol} over their stated SD; its own SD is"
        f" {shown(float(z.std()) if z.size else np.nan)}, where 1 is right.",
        f"{display.symbol}: errors over stated SD",
    )


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
