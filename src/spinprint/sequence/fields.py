"""How the records of a sequence file declare their fields: key, unit and rule, once.

A record is a frozen dataclass in SI units; reading, writing, showing and checking it follow from
the declarations of its fields.
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

MILLI = 1e-3
DEGREE = math.pi / 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """How one number, or a list of numbers, stands in a file."""

    key: str
    si: float = 1.0  # one file unit in SI units [-]
    low: float = 0.0
    high: float = math.inf
    values: tuple[float, ...] = ()  # where only these are allowed
    whole: bool = False  # where only whole numbers are allowed
    listed: bool = False  # a number or a list; all lists of a record have one length
    optional: bool = False  # a file may leave it out, and does where it is at its default

    def to_file(self, value: float) -> float:
        """The value in file units, rounded to the 15 digits a decimal number always keeps."""
        if self.whole:
            return int(value)
        return float(f"{value / self.si:.15g}") + 0.0  # the sum turns -0 into 0

    def to_si(self, value: float) -> float:
        """The value in SI units of a number in a file."""
        return value * self.si

    def snap(self, value: float) -> float:
        """The nearest value [SI] that a file can state, so that files keep sequences exactly."""
        return int(value) if self.whole else self.to_si(self.to_file(value))

    @property
    def rule(self) -> str:
        """The allowed values as words."""
        if self.values:
            return "one of " + ", ".join(f"{value:g}" for value in self.values)
        kind = "a whole number " if self.whole else ""
        if math.isinf(self.high):
            return "a finite number" if math.isinf(self.low) else f"{kind}at least {self.low:g}"
        return f"{kind}from {self.low:g} to {self.high:g}"

    def check(self, value: float, place: str = "") -> None:
        """Raise SequenceError unless the value [SI] is allowed; `place` is its index as text."""
        finite = math.isfinite(value)
        shown = float(f"{value / self.si:.15g}") if finite else value
        allowed = shown in self.values if self.values else self.low <= shown <= self.high
        if not (finite and allowed and (shown.is_integer() or not self.whole)):
            raise SequenceError(f"{self.key}{place} = {shown:g} must be {self.rule}")

    def accept(self, value: Any) -> Any:
        """What a record keeps of the value [SI] it was given: checked, snapped, lists as tuples."""
        if self.listed:
            return self._accept_list(value)
        value = number(self.key, value)
        self.check(value)
        return self.snap(value)

    def _accept_list(self, value: Any) -> tuple[float, ...]:
        if isinstance(value, np.ndarray):
            value = value.tolist()
        single = isinstance(value, str) or not isinstance(value, Iterable)
        given = [("", value)] if single else [(f"[{i}]", one) for i, one in enumerate(value)]
        if not given:
            raise SequenceError(f"{self.key} is empty: a list holds at least one number")
        numbers = [(place, number(self.key + place, one)) for place, one in given]
        for place, one in numbers:
            self.check(one, place)
        return tuple(self.snap(one) for _, one in numbers)

    def read(self, value: Any) -> Any:
        """The value [SI] of what stands in a file: a number, or a list of numbers."""
        if isinstance(value, list) and self.listed:
            return [self.to_si(number(f"{self.key}[{i}]", one)) for i, one in enumerate(value)]
        return self.to_si(number(self.key, value))

    def write(self, value: Any, *, as_list: bool = True) -> Any:
        """What stands in a file for a record's value; equal numbers as one unless `as_list`."""
        if not self.listed:
            return self.to_file(value)
        if len(set(value)) == 1 and (len(value) == 1 or not as_list):
            return self.to_file(value[0])
        return [self.to_file(one) for one in value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How one of a few words stands in a file; the first is what a file may leave out."""

    key: str
    values: tuple[str, ...]
    listed: ClassVar[bool] = False
    optional: ClassVar[bool] = True

    def accept(self, value: Any) -> str:
        """The word, or a SequenceError that lists the allowed ones."""
        if not (isinstance(value, str) and value in self.values):
            raise SequenceError(f"{self.key} = {value!r} must be one of {', '.join(self.values)}")
        return value

    def to_file(self, value: str) -> str:
        """The word itself."""
        return value

    def read(self, value: Any) -> Any:
        """The word itself; the record checks it."""
        return value

    def write(self, value: str, *, as_list: bool = True) -> str:  # noqa: ARG002
        """The word itself."""
        return value


def quantity(key: str, default: Any = dataclasses.MISSING, **rules: Any) -> Any:
    """A dataclass field that knows how its number is written in a file."""
    return dataclasses.field(default=default, metadata={"file": Quantity(key=key, **rules)})


def choice(key: str, *values: str) -> Any:
    """A dataclass field that holds one of a few words, the first unless another is given."""
    return dataclasses.field(default=values[0], metadata={"file": Choice(key=key, values=values)})


def quantities(record_type: type) -> dict[str, Any]:
    """The declarations, each a Quantity or a Choice, of a record type by field name."""
    fields = dataclasses.fields(record_type)
    return {field.name: field.metadata["file"] for field in fields if "file" in field.metadata}


def written(record: Any) -> dict[str, Any]:
    """The declared fields of a record as they stand in a file: plain values in file units."""
    defaults = {field.name: field.default for field in dataclasses.fields(record)}
    plain = {}
    as_list = True  # the first list fixes the length of all
    for name, field in quantities(type(record)).items():
        value = getattr(record, name)
        if not (field.optional and value == defaults[name]):
            plain[field.key] = field.write(value, as_list=as_list)
        as_list = as_list and not field.listed
    return plain


class Record:
    """What blocks and slice profiles share: a name in the file and the check of their fields."""

    __slots__ = ()
    type: ClassVar[str]

    def __post_init__(self) -> None:
        fields = quantities(type(self))
        values = {name: field.accept(getattr(self, name)) for name, field in fields.items()}
        lists = [name for name, field in fields.items() if field.listed]
        length = max((len(values[name]) for name in lists), default=1)
        for name in lists:
            if len(values[name]) not in (1, length):
                raise SequenceError(
                    f"{fields[name].key} has {len(values[name])} values where another key has"
                    f" {length}: the lists of a {self.type} are equally long"
                )
            values[name] *= length // len(values[name])
        for name, value in values.items():
            object.__setattr__(self, name, value)


def number(key: str, value: Any) -> float:
    """The value as a float, or a SequenceError that names the key."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise SequenceError(f"{key} = {value!r} must be a number")
    try:
        return float(value)
    except OverflowError:
        raise SequenceError(f"{key} holds an integer too large for a number") from None
