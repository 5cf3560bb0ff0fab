"""A sequence compiled to flat arrays: what the fast kernels read.

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
from ..tissue import Tissue

EVENT = np.dtype(
    [
        ("preparation", np.int32),  # its row in the gains, -1 for a pulse
        ("turns", np.float32),  # flip angle [turns]
        ("te", np.float32),  # time to the sample [s]
        ("tr", np.float32),  # time to the next event [s]
        ("cos", np.float32),  # turn from this event's phase to the next one's
        ("sin", np.float32),
        ("sampled", np.int32),
        ("shift", np.int32),  # orders the states move by after the relaxation
        ("remaining", np.int32),  # shifts from here to the last sample
    ]
)

Gradient = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Gain:
    """A preparation: Mz is multiplied by scale · exp(-Σ weight · rate).

    The rates are 1/T1, 1/T2, 1/T1rho and ADC; the weights are times [s] and b [s/mm²].
    """

    scale: float = 1.0
    t1: float = 0.0
    t2: float = 0.0
    t1rho: float = 0.0
    adc: float = 0.0

    def value(self, tissue: Tissue) -> tuple[NDArray[np.float64], Gradient]:
        """The gain and its derivatives, each of shape `(tissue,)`."""
        exponent = np.zeros(tissue.size)
        slopes: Gradient = {}
        for name in ("t1", "t2", "t1rho"):
            if weight := getattr(self, name):
                rate = 1 / tissue.get(name)
                exponent = exponent - weight * rate
                slopes[name] = weight * rate**2
        if self.adc:
            exponent = exponent - self.adc * tissue.get("adc")
            slopes["adc"] = np.full(tissue.size, -self.adc)
        gain = self.scale * np.exp(exponent)
        return gain, {name: gain * slope for name, slope in slopes.items()}


@dataclass
class _Tape:
    """Events as they are written down, one row each."""

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
    """Write a block's events on the tape."""
    raise NotImplementedError(f"no kernel for block {block.type!r}")


@compile_block.register
def _inversion(block: Inversion, tape: _Tape) -> None:
    tape.prepare(Gain(scale=-block.efficiency))
    tape.pulse(block.delay)


@compile_block.register
def _t2_preparation(block: T2Preparation, tape: _Tape) -> None:
    tape.prepare(Gain(t2=block.echo_time))


@compile_block.register
def _spin_lock(block: SpinLock, tape: _Tape) -> None:
    tape.prepare(Gain(t1rho=block.lock_time))


@compile_block.register
def _diffusion_preparation(block: DiffusionPreparation, tape: _Tape) -> None:
    tape.prepare(Gain(t2=block.echo_time, adc=block.b_value))


@compile_block.register
def _crusher(block: Crusher, tape: _Tape) -> None:  # noqa: ARG001
    tape.prepare(Gain())


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
    """What the kernels play: events in order and the gains of the preparations."""

    events: NDArray[np.void]
    """Records of `EVENT`, shape `(event,)`."""
    gains: tuple[Gain, ...]
    """The preparations, by the event's row."""
    spoiler: float
    """Dephasing per spoiler [rad/mm]; 0 where no spoiler shifts anything."""

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
        """The number of orders with which nothing is cut off: those that can return in time."""
        return int(self.events["remaining"].max()) // 2 + 2


def compile_sequence(sequence: Sequence) -> Program:
    """Write a sequence down as events.

    Phases become turns of the frame between neighbouring events: in the frame of its own pulse
    every rotation is real, and so is the demodulated signal.
    """
    tape = _Tape()
    for block in sequence.blocks:
        compile_block(block, tape)
    preparation, turns, te, tr, phase, sampled, shift = np.array(tape.rows, dtype=float).T
    step = np.diff(_fill(phase), append=_fill(phase)[-1])
    events = np.zeros(len(tape.rows), EVENT)
    events["preparation"], events["turns"], events["te"], events["tr"] = preparation, turns, te, tr
    events["sampled"], events["shift"] = sampled, shift
    events["cos"], events["sin"] = np.cos(step), -np.sin(step)
    # Phases in steps of half turns leave a sine of rounding errors only.
    events["sin"][np.abs(events["sin"]) < 1e-9] = 0
    events["remaining"] = np.cumsum(shift[::-1])[::-1]
    return Program(events, tuple(tape.gains), sequence.spoiler if shift.any() else 0.0)


def _fill(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Events without a phase of their own take that of the pulse before them."""
    known = np.flatnonzero(~np.isnan(phase))
    last = np.searchsorted(known, np.arange(len(phase)), side="right") - 1
    return phase[known[np.maximum(last, 0)]]
