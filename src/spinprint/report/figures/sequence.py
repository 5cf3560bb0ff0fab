"""The sequence as it is played: trains over the pulse number, preparations where they act."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ...sequence import Block, ReadoutTrain, Sequence
from .style import ACCENT, MUTED, styled

_PREPARATIONS = {
    # block type: name and unit in the figure, the field that tells them apart, its units in one
    # SI unit, colour
    "inversion": ("inversion, delay [ms]", "delay", 1e3, "#7a3b9a"),
    "t2_prep": ("T2 preparation, TE [ms]", "echo_time", 1e3, "#1b7f5c"),
    "spin_lock": ("spin-lock, TSL [ms]", "lock_time", 1e3, "#c2571a"),
    "diffusion_prep": ("diffusion preparation, b [s/mm²]", "b_value", 1.0, "#1f5a8c"),
}
_OTHER = "#5b6570"
_MOST_NOTES = 20  # preparations that still have room for their number


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

    The upper axis tells the time; preparations are lines in the colour of their kind, with
    the number that tells them apart.
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
    """An upper axis that tells when the pulses are played."""
    times = np.append(start_times(sequence), sequence.duration)
    pulses = np.append(np.arange(1, len(times)), len(times) - 0.5)
    ticks = np.asarray(MaxNLocator(9, steps=[1, 2, 5, 10]).tick_values(0, sequence.duration))
    ticks = ticks[(ticks >= times[0]) & (ticks <= sequence.duration)]
    clock = axes.secondary_xaxis("top")
    clock.set_xticks(np.interp(ticks, times, pulses), [f"{tick:g}" for tick in ticks])
    clock.set_xlabel("time [s]", color=MUTED)
