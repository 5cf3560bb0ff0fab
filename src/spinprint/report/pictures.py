"""Pictures of pages: the arrays that go into each figure, and alternative texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..evaluation import Comparison
from ..maps import Status
from ..sequence import Sequence as PulseSequence
from .fingerprints import Fingerprint
from .page import Gallery, Picture
from .quantities import DISPLAY, ERROR_COLOURS, Display, listed, shown
from .view import View
from .viewer import Window
from .volumes import ratio, relative_error

if TYPE_CHECKING:
    from ..evaluation.agreement import Agreement, Line

Array = NDArray[np.float64]
Pictures = Mapping[str, Mapping[str, Picture]]

KINDS = ("bland_altman", "scatter", "regions", "error_map", "calibration")
"""Figures of a parameter, by the name that their files have behind that of the parameter."""

_MOST_SLICES = 6


def draw_comparison(comparison: Comparison) -> dict[str, dict[str, Picture]]:
    """All figures of an evaluation, by parameter and kind."""
    return {name: comparison_pictures(comparison, name) for name in comparison.parameters}


def comparison_pictures(comparison: Comparison, parameter: str) -> dict[str, Picture]:
    """The figures of one parameter by kind, those of `KINDS` that can be drawn."""
    display = DISPLAY[parameter]
    pairs = tuple(display.factor * array for array in comparison.pair(parameter))
    labels, *middles = comparison.medians(parameter)
    centres = tuple(display.factor * array for array in middles)
    estimate = comparison.maps[parameter].astype(float)
    reference = np.asarray(comparison.reference.values[parameter])
    error, unit = relative_error(display, estimate, reference)
    pictures = {}
    if agreement := comparison.agreement(parameter, "voxels"):
        pictures["bland_altman"] = _bland_altman(comparison, display, agreement, pairs, centres)
        pictures["scatter"] = _scatter(comparison, display, agreement.line, pairs, centres)
    if len(labels) > 1:
        bounds = _region_bounds(comparison, parameter, display, labels, middles[1])
        pictures["regions"] = _regions(comparison, display, labels, error, unit, bounds)
    pictures["error_map"] = _error_map(comparison, display, error, unit)
    if parameter in comparison.maps.sd:
        sd = comparison.maps.sd[parameter].astype(float)
        pictures["calibration"] = _calibration(comparison, display, estimate - reference, sd)
    return pictures


def fingerprint_gallery(fingerprints: Sequence[Fingerprint]) -> Gallery:
    """The measured and the fitted signal of each fingerprint."""
    from .figures import fingerprint_figure

    pictures = []
    for fingerprint in fingerprints:
        values = [
            f"{DISPLAY[name].symbol} {shown(DISPLAY[name].factor * value)} {DISPLAY[name].unit}"
            for name, value in fingerprint.values.items()
        ]
        pictures.append(
            Picture(
                fingerprint_figure(fingerprint.measured, fingerprint.fitted),
                f"Measured signal of {fingerprint.name} as dots and the signal of its estimate as a"
                f" line, over {len(fingerprint.measured)} pulses.",
                ": ".join(filter(None, (fingerprint.name, listed(values)))),
            )
        )
    return Gallery(pictures, columns=2)


def sequence_picture(sequence: PulseSequence) -> Picture:
    """Flip angle, TR and TE over the pulse number."""
    from .figures import sequence_figure

    flips = [flip for train in sequence.trains for flip in train.flip]
    low, high = (shown(np.rad2deg(flip), 1) for flip in (min(flips), max(flips)))
    return Picture(
        sequence_figure(sequence),
        f"Line plots over {sequence.n_samples} pulses in {shown(sequence.duration)} s: flip"
        f" angle from {low} to {high} degrees, repetition and echo times, and preparations"
        " as vertical lines.",
    )


def spectrum_picture(singular_values: NDArray[Any], rank: int | None = None) -> Picture:
    """The singular values of a dictionary, and how many of its singular vectors are kept."""
    from .figures import spectrum_figure

    kept = "" if rank is None else f" The first {rank} are kept."
    return Picture(
        spectrum_figure(singular_values, rank),
        f"Singular values of the dictionary, falling steeply.{kept}",
        "Singular values of the dictionary",
    )


def _bland_altman(
    comparison: Comparison,
    display: Display,
    agreement: Agreement,
    pairs: tuple[Array, ...],
    centres: tuple[Array, ...],
) -> Picture:
    from .figures import bland_altman_figure

    percent = agreement.percent if display.centre is None else None
    limits = percent or agreement.difference.scaled(display.factor)

    def difference(a: Array, b: Array) -> Array:
        return 200 * ratio(a - b, a + b) if percent else a - b

    def size(a: Array, b: Array) -> Array:
        return b if comparison.against_truth else (a + b) / 2

    against = comparison.reference.role.adjective if comparison.against_truth else "mean"
    unit = "% of the mean" if percent else display.unit
    figure = bland_altman_figure(
        size(*pairs),
        difference(*pairs),
        limits,
        size_label=f"{against} {display.label}",
        difference_label=f"difference of {display.symbol} [{unit}]",
        centres=(size(*centres), difference(*centres)) if centres[0].size else None,
    )
    ends = " to ".join(shown(limit.value) for limit in (limits.lower, limits.upper))
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
    pairs: tuple[Array, ...],
    centres: tuple[Array, ...],
) -> Picture:
    from .figures import scatter_figure

    estimate, reference = pairs
    called = comparison.reference.role.adjective
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


def _region_bounds(
    comparison: Comparison, parameter: str, display: Display, labels: list[int], reference: Array
) -> list[float] | None:
    """Median Cramér-Rao deviation of each region in the unit of `relative_error`, if known."""
    if parameter not in comparison.bound:
        return None
    deviations = comparison.bound[parameter]
    sd = [_median(deviations[_inside(comparison, label)]) for label in labels]
    is_percent = display.centre is None
    hundred = np.full(len(labels), 100.0)
    factor = np.abs(ratio(hundred, reference)) if is_percent else display.factor
    bounds: list[float] = (np.array(sd) * factor).tolist()
    return bounds


def _regions(
    comparison: Comparison,
    display: Display,
    labels: list[int],
    error: Array,
    unit: str,
    bounds: list[float] | None,
) -> Picture:
    from .figures import region_figure

    errors = [error[_inside(comparison, label)] for label in labels]
    medians = [_median(values) for values in errors]
    return Picture(
        region_figure(errors, labels, f"error of {display.symbol} [{unit}]", bounds=bounds),
        f"Errors of {display.symbol} in {len(labels)} structures as boxes; their medians lie from"
        f" {shown(min(medians))} to {shown(max(medians))} {unit}.",
        f"{display.symbol}: errors in each structure",
    )


def _error_map(comparison: Comparison, display: Display, error: Array, unit: str) -> Picture:
    from .figures import error_map_figure

    maps, asked = comparison.maps, comparison.counted
    error = np.where(asked, error, np.nan)
    view = View.of(maps.status != Status.OUTSIDE, maps.affine)
    places = np.linspace(0, len(view.indices) - 1, min(len(view.indices), _MOST_SLICES))
    indices = [view.indices[int(place)] for place in places.round()]
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


def _calibration(comparison: Comparison, display: Display, error: Array, sd: Array) -> Picture:
    from .figures import calibration_figure

    z = np.divide(error, sd, out=np.full(error.shape, np.nan), where=sd > 0)[comparison.counted]
    z = z[np.isfinite(z)]
    return Picture(
        calibration_figure(z, display.symbol),
        f"Histogram of the errors of {display.symbol} over their stated SD; its own SD is"
        f" {shown(float(z.std()) if z.size else np.nan)}, where 1 is right.",
        f"{display.symbol}: errors over stated SD",
    )


def _inside(comparison: Comparison, label: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = comparison.counted & (comparison.labels == label)
    return inside


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
