"""The pictures of a report: which arrays go into which figures, and what their alt texts say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..maps import Status
from .content import ReportContent
from .embed import Picture, png, svg
from .figures import (
    View,
    Window,
    calibration_figure,
    category_figure,
    fingerprint_figure,
    map_figure,
    sequence_figure,
    spectrum_figure,
)
from .quantities import DISPLAY, ERROR_COLOURS, M0_COLOURS, SD_COLOURS, Display, listed, shown

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


@dataclass(frozen=True, slots=True)
class Panel:
    """One map: a picture for each slice shown."""

    caption: str
    """What the map is."""
    slices: tuple[Picture, ...]
    """One picture a slice."""


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend."""

    colour: str
    """As CSS writes it."""
    name: str
    """What the colour stands for."""
    count: int
    """Voxels of it."""


class Pictures:
    """Draws the figures of one report."""

    def __init__(self, content: ReportContent) -> None:
        self.content = content
        self.view = View.of(content.maps)
        self.asked = content.maps.status != Status.OUTSIDE

    @property
    def slice_numbers(self) -> tuple[int, ...]:
        """The slices shown, counted from 1."""
        return tuple(index + 1 for index in self.view.indices)

    def sequence(self) -> Picture:
        """Flip angle, TR and TE over the pulse number."""
        sequence = self.content.sequence
        flips = [flip for train in sequence.trains for flip in train.flip]
        low, high = (shown(np.rad2deg(flip), 1) for flip in (min(flips), max(flips)))
        return svg(
            sequence_figure(sequence),
            f"Line plots over {sequence.n_samples} pulses in {shown(sequence.duration)} s: flip"
            f" angle from {low} to {high} degrees, repetition and echo times, and preparations"
            " as vertical lines.",
        )

    def spectrum(self) -> Picture | None:
        """The singular values, if they are known."""
        values, rank = self.content.singular_values, self.content.rank
        if values is None:
            return None
        kept = "" if rank is None else f" The first {rank} are kept."
        figure = spectrum_figure(values, rank)
        return svg(figure, f"Singular values of the dictionary, falling steeply.{kept}")

    def fingerprints(self) -> list[tuple[str, str, Picture]]:
        """Name, estimate in words, and picture of each fingerprint."""
        return [
            (
                one.name,
                listed([_stated(name, value) for name, value in one.values.items()]),
                svg(
                    fingerprint_figure(one.measured, one.fitted),
                    f"Measured signal of {one.name} as dots and the signal of its estimate as a"
                    f" line, over {len(one.measured)} pulses.",
                ),
            )
            for one in self.content.fingerprints
        ]

    def quantity(self, name: str) -> list[Panel]:
        """Truth and estimate in one window, their relative error, and the relative stated SD."""
        display, estimate = DISPLAY[name], self.content.maps[name].astype(float)
        true = self._truth(name)
        both = [estimate] if true is None else [true[self.asked], estimate]
        in_unit = [display.factor * one for one in both]
        window = (
            Window.from_zero(*in_unit)
            if display.centre is None
            else Window.symmetric(*in_unit, centre=display.centre)
        )

        def values(array: NDArray[Any], caption: str) -> Panel:
            return self._panel(
                display.factor * array, caption, window, display.label, display.colours
            )

        panels = [values(estimate, "Estimate")]
        if true is not None:
            panels = [values(true, "Truth"), *panels]
            panels.append(self._error(display, estimate, true))
        if name in self.content.maps.sd:
            panels.append(self._deviation(display, estimate, self.content.maps.sd[name]))
        return panels

    def calibration(self) -> list[Picture]:
        """For each quantity with a truth, its errors over the stated SD."""
        pictures = []
        for name, sd in self.content.maps.sd.items():
            true = self._truth(name)
            if true is None:
                continue
            z = _ratio(self.content.maps[name] - true, sd.astype(float))
            z = z[np.isfinite(z)]
            symbol = DISPLAY[name].symbol
            within = shown(100 * float(np.mean(np.abs(z) <= 1)), 1) if z.size else "–"
            alt = (
                f"Histogram of the errors of {symbol} over their stated standard deviation, with"
                f" the standard normal curve; {within} % lie within ±1."
            )
            pictures.append(svg(calibration_figure(z, symbol), alt))
        return pictures

    def m0(self) -> Panel:
        """The modulus of M0."""
        modulus = np.abs(self.content.maps.m0)
        window = Window.from_zero(modulus)
        return self._panel(
            modulus, "Modulus of M0", window, "|M0| [unit of the series]", M0_COLOURS
        )

    def status(self) -> tuple[Panel, list[Key]]:
        """What happened in each voxel."""
        counts = self.content.maps.counts()
        keys = {status: colour for status, colour in STATUS_COLOURS.items() if status in counts}
        colours = {int(status): colour for status, colour in keys.items()}
        panel = self._categories(self.content.maps.status, colours, "Status of each voxel")
        legend = [Key(colour, status.meaning, counts[status]) for status, colour in keys.items()]
        return panel, legend

    def structures(self) -> tuple[Panel, list[Key]] | None:
        """The labels, if there are any."""
        names, labels = self.content.label_names(), self.content.labels
        if labels is None or not names:
            return None
        colours = dict(zip(names, _LABEL_COLOURS, strict=False))
        colours = {label: colours.get(label, _GREY) for label in names}
        panel = self._categories(np.asarray(labels), colours, "Structures")
        legend = [
            Key(colours[label], name, int((labels == label).sum())) for label, name in names.items()
        ]
        return panel, legend

    def _truth(self, name: str) -> NDArray[np.float64] | None:
        """The true map of a parameter where an estimate was asked for, NaN elsewhere."""
        true = (self.content.truth or {}).get(name)
        return None if true is None else np.where(self.asked, true, np.nan).astype(float)

    def _error(
        self, display: Display, estimate: NDArray[np.float64], true: NDArray[np.float64]
    ) -> Panel:
        error = 100 * _ratio(estimate - true, true)
        label = f"error of {display.symbol} [%]"
        return self._panel(error, "Relative error", Window.symmetric(error), label, ERROR_COLOURS)

    def _deviation(
        self, display: Display, estimate: NDArray[np.float64], sd: NDArray[np.float32]
    ) -> Panel:
        if display.centre is None:
            relative = 100 * _ratio(sd.astype(float), np.abs(estimate))
            label = f"SD of {display.symbol} [%]"
        else:  # of what may be 0, a relative deviation says nothing
            relative = display.factor * sd.astype(float)
            label = f"SD of {display.label}"
        return self._panel(relative, "Stated SD", Window.from_zero(relative), label, SD_COLOURS)

    def _panel(
        self,
        values: NDArray[Any],
        caption: str,
        window: Window,
        label: str,
        colours: str,
    ) -> Panel:
        def draw(index: int) -> Picture:
            plane = self.view.plane(values, index)
            figure = map_figure(
                plane,
                view=self.view,
                window=window,
                label=label,
                colours=colours,
                asked=self.view.plane(self.asked, index),
            )
            finite = plane[np.isfinite(plane)]
            median = f", median {shown(float(np.median(finite)))}" if finite.size else ", empty"
            return png(
                figure,
                f"{caption}, {label}{median}; colours from {window.low:g} to {window.high:g}.",
            )

        return Panel(caption, self._each(draw))

    def _categories(self, codes: NDArray[Any], colours: dict[int, str], caption: str) -> Panel:
        def draw(index: int) -> Picture:
            plane = self.view.plane(codes, index)
            figure = category_figure(plane, view=self.view, colours=colours)
            return png(figure, f"{caption}, in the colours of the list beside it.")

        return Panel(caption, self._each(draw))

    def _each(self, draw: Callable[[int], Picture]) -> tuple[Picture, ...]:
        return tuple(draw(index) for index in self.view.indices)


def _stated(name: str, value: float) -> str:
    display = DISPLAY[name]
    return f"{display.symbol} {shown(display.factor * value)} {display.unit}"


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """The quotient, NaN where the whole is 0."""
    nothing = np.full(np.shape(part), np.nan)
    return np.divide(part, whole, out=nothing, where=np.asarray(whole) != 0)
