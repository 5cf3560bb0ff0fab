"""A sequence compiled to flat arrays, the input of the fast kernels.

Two kinds of event are enough. A *pulse* turns, relaxes, may be sampled and may be followed by
a spoiler; free relaxation is a pulse without flip angle or sample. A *preparation* crushes the
transverse magnetisation and scales the longitudinal one by a gain.

To add a block: register the function that compiles it with `@compile_block.register`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from ..sequence import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    Sequence,
    SpinLock,
    T2Preparation,
)
from .gains import ExponentialGain, Gain, PlayedGain

NEXT_TO_180 = 1e-9
"""Minimum cosine of half a flip angle, which keeps the tangent finite."""

EVENT = np.dtype(
    [
        ("preparation", np.int32),  # its row in the gains, -1 for a pulse
        ("turns", np.float32),  # flip angle [turns]
        ("t", np.float32),  # for nominal B1: half the tangent of half the flip angle,
        ("g", np.float32),  # its sine,
        ("k", np.float32),  # and 1 + its cosine
        ("te", np.float32),  # time to the sample [s]
        ("tr", np.float32),  # time to the next event [s]
        ("te_row", np.int32),  # rows of te and tr among the distinct times
        ("tr_row", np.int32),
        ("cos", np.float32),  # turn from this event's phase to the next one's
        ("sin", np.float32),
        ("sampled", np.int32),
        ("shift", np.int32),  # orders by which the states move after the relaxation
        ("remaining", np.int32),  # shifts from here on, this event's included
        ("paired", np.int32),  # whether it and the next are sampled pulses with a shift by one
    ]
)


@dataclass
class _Tape:
    """The events so far, one row each."""

    sequence: Sequence
    rows: list[tuple[float, ...]] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)

    def prepare(self, gain: Gain) -> None:
        self.rows.append((len(self.gains), 0, 0, 0, math.nan, 0, 0))
        self.gains.append(gain)

    def pulse(
        self,
        tr: float,
        *,
        flip: float = 0.0,
        phase: float = math.nan,
        te: float = 0.0,
        sampled: bool = False,
        shift: int = 0,
    ) -> None:
        self.rows.append((-1, flip / (2 * math.pi), te, tr, phase, sampled, shift))


@singledispatch
def compile_block(block: Block, tape: _Tape) -> None:
    """Append the events of a block to the tape."""
    raise NotImplementedError(f"no kernel for block {block.type!r}")


@compile_block.register
def _inversion(block: Inversion, tape: _Tape) -> None:
    tape.prepare(ExponentialGain(scale=-block.efficiency))
    tape.pulse(block.delay)


@compile_block.register
def _t2_preparation(block: T2Preparation, tape: _Tape) -> None:
    ideal = block.pulses == "ideal"
    tape.prepare(ExponentialGain(t2=block.echo_time) if ideal else PlayedGain(block.events))


@compile_block.register
def _spin_lock(block: SpinLock, tape: _Tape) -> None:
    factor = tape.sequence.t1rho_factor(block.frequency)
    ideal = block.scheme == "ideal"
    tape.prepare(
        ExponentialGain(t1rho=block.lock_time / factor) if ideal
        else PlayedGain(block.events, t1rho_factor=factor)
    )  # fmt: skip


@compile_block.register
def _diffusion_preparation(block: DiffusionPreparation, tape: _Tape) -> None:
    tape.prepare(ExponentialGain(t2=block.echo_time, adc=block.b_value))


@compile_block.register
def _crusher(block: Crusher, tape: _Tape) -> None:  # noqa: ARG001
    tape.prepare(ExponentialGain())


@compile_block.register
def _delay(block: Delay, tape: _Tape) -> None:
    tape.pulse(block.length)


@compile_block.register
def _readout_train(block: ReadoutTrain, tape: _Tape) -> None:
    pulses = zip(block.flip, block.phase, block.tr, block.te, block.spoiler_cycles, strict=True)
    for flip, phase, tr, te, cycles in pulses:
        tape.pulse(tr, flip=flip, phase=phase, te=te, sampled=True, shift=int(cycles))


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled sequence: its events in order and the gains of its preparations."""

    events: NDArray[np.void]
    """Records of `EVENT`, shape `(event,)`."""
    times: NDArray[np.float32]
    """The distinct times of the events [s], shape `(time,)`."""
    gains: tuple[Gain, ...]
    """Gains of the preparations, which events refer to by row."""
    spoiler: float
    """Dephasing per spoiler [rad/mm]; 0 if no event has a spoiler."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.events["sampled"].sum())

    @property
    def one_axis(self) -> bool:
        """True where all pulses turn about one axis, so that real arithmetic is exact."""
        return not self.events["sin"].any()

    @property
    def all_orders(self) -> int:
        """The number of orders that can return to order 0 in time: the signal is then exact."""
        return int(self.events["remaining"].max()) // 2 + 2


def compile_sequence(sequence: Sequence) -> Program:
    """Compile a sequence without slice profile into events.

    Phases become rotations of the frame between neighbouring events: in the frame of its own
    pulse, every rotation is real, and so is the demodulated signal.
    """
    tape = _Tape(sequence)
    for block in sequence.blocks:
        compile_block(block, tape)
    preparation, turns, te, tr, phase, sampled, shift = np.array(tape.rows, dtype=float).T
    step = np.diff(_fill(phase), append=_fill(phase)[-1])
    events = np.zeros(len(tape.rows), EVENT)
    events["preparation"], events["turns"], events["te"], events["tr"] = preparation, turns, te, tr
    events["sampled"], events["shift"] = sampled, shift
    times, row = np.unique(np.stack([events["te"], events["tr"]]), return_inverse=True)
    events["te_row"], events["tr_row"] = row
    c, s = np.cos(np.pi * turns), np.sin(np.pi * turns)
    c = np.where(np.abs(c) > NEXT_TO_180, c, NEXT_TO_180)
    events["t"], events["g"], events["k"] = s / c / 2, 2 * s * c, 2 * c**2
    events["cos"], events["sin"] = np.cos(step), -np.sin(step)
    # For phases in steps of half turns, the sine is nothing but rounding errors.
    events["sin"][np.abs(events["sin"]) < 1e-9] = 0
    events["remaining"] = np.cumsum(shift[::-1])[::-1]
    plain = (sampled == 1) & (shift == 1)
    events["paired"][:-1] = plain[:-1] & plain[1:]
    return Program(events, times, tuple(tape.gains), sequence.spoiler if shift.any() else 0.0)


def _fill(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give events without a phase that of the pulse before them."""
    known = np.flatnonzero(~np.isnan(phase))
    last = np.searchsorted(known, np.arange(len(phase)), side="right") - 1
    return phase[known[np.maximum(last, 0)]]
