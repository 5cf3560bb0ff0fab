"""The blocks a sequence is made of: frozen records in SI units, checked at construction.

A new block is one class here and one function each in `physics/reference/epg.py` (the reference),
`physics/reference/bloch.py` (the independent check) and `physics/program.py` (the fast kernels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..errors import SequenceError
from .events import Event, spin_lock_events, t2_events
from .fields import DEGREE, MILLI, Record, Train, choice, quantity


class Block(Record):
    """What all blocks share."""

    __slots__ = ()

    @property
    def duration(self) -> float:
        """Time the block takes [s]."""
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inversion(Block):
    """An adiabatic inversion, insensitive to B1, then a delay."""

    type: ClassVar[str] = "inversion"
    delay: float = quantity("delay_ms", si=MILLI)
    """Time from the pulse to the next block [s]."""
    efficiency: float = quantity("efficiency", 1.0, high=1.0)
    """The part of Mz that is inverted [-]: 1 is perfect, 0 saturates."""

    @property
    def duration(self) -> float:
        """The delay [s]; the pulse itself is instantaneous."""
        return self.delay


@dataclass(frozen=True, slots=True, kw_only=True)
class T2Preparation(Block):
    """A 90-180-90 preparation: Mz is weighted by exp(-TE/T2).

    That holds for ideal pulses, whatever B1 and B0; hard pulses are scaled by B1 and let B0
    precess between them.
    """

    type: ClassVar[str] = "t2_prep"
    echo_time: float = quantity("echo_time_ms", si=MILLI)
    """Time spent in the transverse plane [s]."""
    pulses: str = choice("pulses", "ideal", "hard")
    """`ideal` or `hard`."""

    @property
    def events(self) -> tuple[Event, ...]:
        """What hard pulses play; nothing where the pulses are ideal."""
        return () if self.pulses == "ideal" else t2_events(self.echo_time)

    @property
    def duration(self) -> float:
        """The echo time [s]."""
        return self.echo_time


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinLock(Block):
    """A spin-lock preparation: Mz is weighted by exp(-TSL/T1rho).

    That holds for the ideal scheme, whatever B1 and B0; the others are played with pulses and a
    lock field that B1 scales and B0 tilts.
    """

    type: ClassVar[str] = "spin_lock"
    lock_time: float = quantity("duration_ms", si=MILLI)
    """Time of spin-lock TSL [s]."""
    frequency: float = quantity("frequency_hz")
    """Amplitude of the lock field [Hz]."""
    scheme: str = choice("scheme", "ideal", "simple", "self_compensated", "balanced")
    """`ideal`, `simple`, `self_compensated` or `balanced`; see `events.spin_lock_events`."""

    def __post_init__(self) -> None:
        Record.__post_init__(self)
        if self.scheme != "ideal" and self.frequency == 0:
            raise SequenceError(
                f"frequency_hz = 0 must be positive where scheme = {self.scheme!r}: there is a"
                " field to play"
            )

    @property
    def events(self) -> tuple[Event, ...]:
        """What the scheme plays; nothing where it is ideal."""
        if self.scheme == "ideal":
            return ()
        return spin_lock_events(self.scheme, self.lock_time, self.frequency)

    @property
    def duration(self) -> float:
        """The lock time [s]."""
        return self.lock_time


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionPreparation(Block):
    """A diffusion-weighted 90-180-90: Mz is weighted by exp(-TE/T2 - b ADC)."""

    type: ClassVar[str] = "diffusion_prep"
    b_value: float = quantity("b_s_per_mm2")
    """Diffusion weighting [s/mm²]."""
    echo_time: float = quantity("echo_time_ms", si=MILLI)
    """Time spent in the transverse plane [s]."""

    @property
    def duration(self) -> float:
        """The echo time [s]."""
        return self.echo_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Crusher(Block):
    """A gradient that destroys all transverse magnetisation."""

    type: ClassVar[str] = "crusher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Block):
    """Free relaxation; transverse magnetisation is kept."""

    type: ClassVar[str] = "delay"
    length: float = quantity("duration_ms", si=MILLI)
    """How long [s]."""

    @property
    def duration(self) -> float:
        """The length [s]."""
        return self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadoutTrain(Block):
    """Pulses with one sample each; every field is a number or one number a pulse."""

    type: ClassVar[str] = "readout_train"
    flip: Train = quantity("flip_deg", si=DEGREE, low=-math.inf, listed=True)
    """Nominal flip angle [rad]."""
    phase: Train = quantity("phase_deg", 0.0, si=DEGREE, low=-math.inf, listed=True)
    """Phase of the pulse and of the receiver [rad]."""
    tr: Train = quantity("tr_ms", si=MILLI, listed=True)
    """Repetition time [s]."""
    te: Train = quantity("te_ms", si=MILLI, listed=True)
    """Echo time [s]."""
    spoiler_cycles: Train = quantity("spoiler_cycles", 1, values=(0, 1), listed=True)
    """1: an unbalanced gradient shifts all states by one order after the sample; 0: balanced."""

    def __post_init__(self) -> None:
        Record.__post_init__(self)
        for index, (te, tr) in enumerate(zip(self.te, self.tr, strict=True)):
            if te > tr:
                raise SequenceError(
                    f"te_ms[{index}] = {te / MILLI:g} exceeds tr_ms[{index}] = {tr / MILLI:g}:"
                    " the echo lies within its repetition"
                )

    @property
    def pulses(self) -> int:
        """Number of pulses, and of samples."""
        return len(self.flip)

    @property
    def duration(self) -> float:
        """Sum of the repetition times [s]."""
        return math.fsum(self.tr)


BLOCK_TYPES: dict[str, type[Block]] = {
    block.type: block
    for block in (
        Inversion,
        T2Preparation,
        SpinLock,
        DiffusionPreparation,
        Crusher,
        Delay,
        ReadoutTrain,
    )
}
