"""The blocks a sequence is made of: frozen records in SI units, checked at construction.

Every field declares its key in the file, the unit of that key and its rule, once. Reading,
writing, showing and checking follow from the declaration, so that a new block is one class
here, one function in `physics/epg.py` (the reference) and one in `physics/program.py` (the
fast kernel).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SequenceError

if TYPE_CHECKING:

    class Train:
        """One value a pulse, shape `(time,)`: given as a number or any list, kept as a tuple."""

        def __get__(self, instance: object, owner: type) -> tuple[float, ...]: ...
        def __set__(self, instance: object, value: ArrayLike) -> None: ...

else:
    Train = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """How one field stands in a file: its key, the factor to SI, and the values it may take."""

    key: str
    si: float = 1.0  # one file unit in SI units [-]
    low: float = 0.0
    high: float = math.inf
    values: tuple[float, ...] = ()  # where only these are allowed
    per_pulse: bool = False

    def to_file(self, value: float) -> float:
        """The value in file units, rounded to the 15 digits a decimal number always keeps."""
        return float(f"{value / self.si:.15g}") + 0.0  # the sum turns -0 into 0

    def to_si(self, value: float) -> float:
        """The value in SI units of a number in a file."""
        return value * self.si

    def snap(self, value: float) -> float:
        """The nearest value [SI] that a file can state, so that files keep sequences exactly."""
        return self.to_si(self.to_file(value))

    @property
    def rule(self) -> str:
        """The allowed values as words."""
        if self.values:
            return "one of " + ", ".join(f"{value:g}" for value in self.values)
        if math.isinf(self.high):
            return "a finite number" if math.isinf(self.low) else f"at least {self.low:g}"
        return f"from {self.low:g} to {self.high:g}"

    def check(self, value: float, place: str = "") -> None:
        """Raise SequenceError unless the value [SI] is allowed; `place` is its index as text."""
        shown = self.to_file(value) if math.isfinite(value) else value
        allowed = shown in self.values if self.values else self.low <= shown <= self.high
        if not (math.isfinite(value) and allowed):
            raise SequenceError(f"{self.key}{place} = {shown:g} must be {self.rule}")


def quantity(key: str, default: Any = dataclasses.MISSING, **rules: Any) -> Any:
    """A dataclass field that knows how it is written in a file."""
    return dataclasses.field(default=default, metadata={"quantity": Quantity(key=key, **rules)})


MILLI = 1e-3
DEGREE = math.pi / 180


class Block:
    """What all blocks share: their name in a file and the check of their fields."""

    __slots__ = ()
    type: ClassVar[str]

    def __post_init__(self) -> None:
        for name, field in quantities(type(self)).items():
            value = number(field.key, getattr(self, name))
            field.check(value)
            object.__setattr__(self, name, field.snap(value))

    @property
    def duration(self) -> float:
        """Time the block takes [s]."""
        return 0.0


def quantities(block_type: type[Block]) -> dict[str, Quantity]:
    """The declared quantities of a block type by field name."""
    fields = dataclasses.fields(block_type)  # type: ignore[arg-type]
    return {field.name: field.metadata["quantity"] for field in fields}


def number(key: str, value: Any) -> float:
    """The value as a float, or a SequenceError that names the key."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise SequenceError(f"{key} = {value!r} must be a number")
    try:
        return float(value)
    except OverflowError:
        raise SequenceError(f"{key} holds an integer too large for a number") from None


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
    """A 90-180-90 preparation: Mz is weighted by exp(-TE/T2)."""

    type: ClassVar[str] = "t2_prep"
    echo_time: float = quantity("echo_time_ms", si=MILLI)
    """Time spent in the transverse plane [s]."""

    @property
    def duration(self) -> float:
        """The echo time [s]."""
        return self.echo_time


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinLock(Block):
    """A spin-lock preparation: Mz is weighted by exp(-TSL/T1rho)."""

    type: ClassVar[str] = "spin_lock"
    lock_time: float = quantity("duration_ms", si=MILLI)
    """Time of spin-lock TSL [s]."""
    frequency: float = quantity("frequency_hz")
    """Amplitude of the lock field [Hz]."""

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
    flip: Train = quantity("flip_deg", si=DEGREE, low=-math.inf, per_pulse=True)
    """Nominal flip angle [rad]."""
    phase: Train = quantity("phase_deg", 0.0, si=DEGREE, low=-math.inf, per_pulse=True)
    """Phase of the pulse and of the receiver [rad]."""
    tr: Train = quantity("tr_ms", si=MILLI, per_pulse=True)
    """Repetition time [s]."""
    te: Train = quantity("te_ms", si=MILLI, per_pulse=True)
    """Echo time [s]."""
    spoiler_cycles: Train = quantity("spoiler_cycles", 1, values=(0, 1), per_pulse=True)
    """1: an unbalanced gradient shifts all states by one order after the sample; 0: balanced."""

    def __post_init__(self) -> None:
        fields = quantities(type(self))
        trains = {name: _train(field, getattr(self, name)) for name, field in fields.items()}
        pulses = max(len(train) for train in trains.values())
        for name, train in trains.items():
            if len(train) not in (1, pulses):
                raise SequenceError(
                    f"{fields[name].key} has {len(train)} values where another key has {pulses}:"
                    " every list of a train has one value a pulse"
                )
            object.__setattr__(self, name, train * (pulses // len(train)))
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


def _train(field: Quantity, value: Any) -> tuple[float, ...]:
    """A number or a list of numbers as a tuple, each checked and snapped."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    single = isinstance(value, str) or not isinstance(value, Iterable)
    given = [("", value)] if single else [(f"[{i}]", one) for i, one in enumerate(value)]
    if not given:
        raise SequenceError(f"{field.key} is empty: a readout train has at least one pulse")
    numbers = [(place, number(field.key + place, one)) for place, one in given]
    for place, one in numbers:
        field.check(one, place)
    return tuple(field.snap(one) for _, one in numbers)


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
