"""Sequences, fingerprints and the singular vectors of dictionaries, over the pulse number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from ...sequence import Block, ReadoutTrain, Sequence
from .style import (
    ACCENT,
    MUTED,
    SECOND,
    styled,
)

_PREPARATIONS = {
    # block type: name and unit in the figure, the field that distinguishes them, its units per
    # SI unit, colour
    "inversion": ("inversion, delay [ms]", "delay", 1e3, "#7a3b9a"),
    "t2_prep": ("T2 preparation, TE [ms]", "echo_time", 1e3, "#1b7f5c"),
    "spin_lock": ("spin-lock, TSL [ms]", "lock_time", 1e3, "#c2571a"),
    "diffusion_prep": ("diffusion preparation, b [s/mm²]", "b_value", 1.0, "#1f5a8c"),
}
_OTHER = "#5b6570"
_MOST_NOTES = 20  # preparations up to which there is room for their numbers
_VISIBLE = 0.02  # part of the fit's norm from which the imaginary part is drawn
_FLOOR = 1e-8  # below, singular values are rounding


@dataclass(frozen=True, slots=True)
class _Mark:
    """A preparation and the pulse it acts before."""

    pulse: int
    kind: str
    note: str
    colour: str


@styled
def sequence_figure(sequence: Sequence) -> Figure:
    """Flip angle, TR and TE over the pulse number, and the phase where it is not 0.

    The upper axis shows the time; preparations are lines in the colour of their kind, with the
    number that distinguishes them.
    """
    trains = {
        name: np.concatenate([np.array(getattr(train, name)) for train in sequence.trains])
        for name in ("flip", "phase", "tr", "te")
    }
    with_phase = bool(trains["phase"].any())
    heights = [3.0, 1.6, 1.3] if with_phase else [3.0, 1.6]
    figure = Figure(figsize=(9.6, 1.3 + 0.62 * sum(heights)), layout="constrained")
    panels = figure.subplots(
        len(heights), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    marks = _marks(sequence)
    _draw(panels[0], np.rad2deg(trains["flip"]), ACCENT)
    panels[0].set_ylabel("flip angle [°]")
    panels[0].set_ylim(bottom=min(0, panels[0].get_ylim()[0]))
    _draw(panels[1], 1e3 * trains["tr"], ACCENT, "TR")
    _draw(panels[1], 1e3 * trains["te"], MUTED, "TE")
    panels[1].set_ylabel("time [ms]")
    panels[1].set_ylim(0, 1.2e3 * trains["tr"].max() or 1)
    panels[1].legend(loc="center right", ncols=2)
    if with_phase:
        _draw(panels[2], np.rad2deg(trains["phase"]), ACCENT)
        panels[2].set_ylabel("phase [°]")
    for panel in panels:
        for mark in marks:
            panel.axvline(mark.pulse - 0.5, color=mark.colour, lw=0.9, alpha=0.75, zorder=0)
    _note(figure, panels[0], marks)
    _add_time(panels[0], sequence)
    panels[-1].set_xlabel("pulse number")
    panels[-1].set_xlim(0.5 - 0.004 * sequence.n_samples, sequence.n_samples + 0.5)
    figure.align_ylabels()
    return figure


def start_times(sequence: Sequence) -> NDArray[np.float64]:
    """The time from the first block to each pulse, shape `(time,)` [s]."""
    starts, now = [], 0.0
    for block in sequence.blocks:
        if isinstance(block, ReadoutTrain):
            starts.append(now + np.concatenate([[0.0], np.cumsum(block.tr)[:-1]]))
        now += block.duration
    return np.concatenate(starts)


def _draw(axes: Axes, values: NDArray[np.float64], colour: str, name: str = "") -> None:
    axes.step(np.arange(1, len(values) + 1), values, where="mid", color=colour, label=name)
    axes.margins(y=0.08)


def _marks(sequence: Sequence) -> list[_Mark]:
    marks, pulse = [], 1
    for block in sequence.blocks:
        if isinstance(block, ReadoutTrain):
            pulse += block.pulses
        elif block.type not in ("delay", "crusher"):
            marks.append(_mark(pulse, block))
    return marks


def _mark(pulse: int, block: Block) -> _Mark:
    if block.type not in _PREPARATIONS:
        return _Mark(pulse, block.type.replace("_", " "), "", _OTHER)
    kind, name, factor, colour = _PREPARATIONS[block.type]
    return _Mark(pulse, kind, f"{factor * getattr(block, name):g}", colour)


def _note(figure: Figure, axes: Axes, marks: list[_Mark]) -> None:
    """The kinds as a legend in their colours; their numbers at the top, if there is room."""
    if len(marks) <= _MOST_NOTES:
        for mark in marks:
            axes.annotate(
                mark.note, (mark.pulse - 0.5, 1), (2.5, -1), xycoords=("data", "axes fraction"),
                textcoords="offset points", va="top", size=7.5, color=mark.colour,
            )  # fmt: skip
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.1 * (high - low) * bool(marks))
    kinds = {mark.kind: mark.colour for mark in marks}
    lines = [axes.plot([], [], color=colour, lw=1.6)[0] for colour in kinds.values()]
    if kinds:
        figure.legend(lines, list(kinds), loc="outside upper right", ncols=len(kinds))


def _add_time(axes: Axes, sequence: Sequence) -> None:
    """An upper axis with the times of the pulses."""
    times = np.append(start_times(sequence), sequence.duration)
    pulses = np.append(np.arange(1, len(times)), len(times) - 0.5)
    ticks = np.asarray(MaxNLocator(9, steps=[1, 2, 5, 10]).tick_values(0, sequence.duration))
    ticks = ticks[(ticks >= times[0]) & (ticks <= sequence.duration)]
    clock = axes.secondary_xaxis("top")
    clock.set_xticks(np.interp(ticks, times, pulses), [f"{tick:g}" for tick in ticks])
    clock.set_xlabel("time [s]", color=MUTED)


@styled
def fingerprint_figure(measured: NDArray[Any], fitted: NDArray[Any]) -> Figure:
    """Measured samples as dots and the fit as a line, rotated so that the fit is most real.

    The imaginary part is drawn only where the fit has one.

    Parameters
    ----------
    measured, fitted
        Complex samples, shape `(time,)` [unit of the series].
    """
    # The angle that puts most of the fit's energy into the real part; its sign is that of the sum.
    turn = np.exp(-0.5j * np.angle((fitted.astype(complex) ** 2).sum()))
    turn *= np.sign((fitted * turn).real.sum()) or 1.0
    measured, fitted = measured * turn, fitted * turn
    figure = Figure(figsize=(4.6, 2.2), layout="constrained")
    axes = figure.subplots()
    parts = [("", measured.real, fitted.real, ACCENT)]
    if np.linalg.norm(fitted.imag) > _VISIBLE * np.linalg.norm(fitted):
        parts = [
            ("real, ", measured.real, fitted.real, ACCENT),
            ("imaginary, ", measured.imag, fitted.imag, SECOND),
        ]
    pulse = np.arange(1, len(fitted) + 1)
    for name, dots, line, colour in parts:
        axes.plot(
            pulse, dots, ".", ms=2.2, color=MUTED, alpha=0.75, mew=0,
            label=f"{name}measured",
        )  # fmt: skip
        axes.plot(pulse, line, color=colour, lw=0.9, label=f"{name}fit")
    axes.axhline(0, color=MUTED, lw=0.4, zorder=0)
    axes.set_xlabel("pulse number")
    axes.set_ylabel("signal [unit of the series]")
    axes.set_xlim(0, len(fitted) + 1)
    axes.margins(y=0.1)
    axes.legend(loc="best", ncols=len(parts), markerscale=3)
    return figure


@styled
def spectrum_figure(singular_values: NDArray[Any], rank: int | None = None) -> Figure:
    """Singular values over the largest, on a logarithmic axis, with the rank that is kept.

    Parameters
    ----------
    singular_values
        Descending, shape `(time,)` [-].
    rank
        Number of singular vectors kept.
    """
    relative = np.asarray(singular_values) / singular_values[0]
    shown = min(len(relative), max(40, 2 * (rank or 0)))
    relative = np.maximum(relative[:shown], _FLOOR)
    figure = Figure(figsize=(4.6, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(np.arange(1, shown + 1), relative, ".-", color=ACCENT, ms=4)
    if rank is not None:
        axes.axvline(rank + 0.5, color=SECOND, lw=1)
        axes.annotate(
            f"rank {rank}", (rank + 0.5, 1), (4, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", color=SECOND,
        )  # fmt: skip
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=MUTED, alpha=0.25, lw=0.5)
    axes.set_xlabel("singular vector")
    axes.set_ylabel("singular value [of the largest]")
    return figure


@styled
def singular_vectors_figure(vectors: NDArray[Any], starts: NDArray[Any] | None = None) -> Figure:
    """One panel per vector, the first on top; the modulus where they are complex.

    Parameters
    ----------
    vectors
        Orthonormal columns, `(time, vector)`.
    starts
        Samples before which something is played, such as a preparation, `(event,)`; drawn as
        lines.
    """
    count = vectors.shape[1]
    shown = np.abs(vectors) if np.iscomplexobj(vectors) else np.asarray(vectors)
    figure = Figure(figsize=(6.4, 0.5 + 0.75 * count), layout="constrained")
    panels = figure.subplots(count, sharex=True, squeeze=False)[:, 0]
    pulses = np.arange(1, len(shown) + 1)
    reach = 1.1 * float(np.abs(shown).max())
    for number, (panel, vector) in enumerate(zip(panels, shown.T, strict=True), start=1):
        for start in () if starts is None else starts:
            panel.axvline(start + 0.5, color=MUTED, lw=0.4, alpha=0.6, zorder=0)
        # The sign of a singular vector is free: the larger side is drawn upwards.
        sign = 1 if vector[np.argmax(np.abs(vector))] >= 0 else -1
        panel.plot(pulses, sign * vector, color=ACCENT, lw=0.9)
        panel.axhline(0, color=MUTED, lw=0.4)
        panel.set_ylim(-reach if (shown < 0).any() else 0, reach)
        panel.set_ylabel(str(number), rotation=0, ha="right", va="center")
        panel.set_yticks([])
    panels[-1].set_xlabel("pulse number")
    panels[-1].set_xlim(1, len(shown))
    return figure
