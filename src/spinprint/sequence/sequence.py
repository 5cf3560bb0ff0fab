"""A sequence: blocks in the order the scanner plays them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import SequenceError
from .blocks import Block, DiffusionPreparation, ReadoutTrain, SpinLock, number, quantities

FORMAT = "spinprint-sequence/1"


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """Blocks in playing order, with what all of them share.

    Raises
    ------
    SequenceError
        The name is no text, a block is none, no block samples, the field strength is not
        positive, or the spoiler is negative.
    """

    name: str
    """What people call it."""
    blocks: tuple[Block, ...]
    """The blocks in playing order."""
    field_strength: float
    """Main field [T]."""
    spoiler: float = 0.0
    """Dephasing per spoiler [rad/mm]; 0 leaves diffusion by spoilers out."""
    citation: str = ""
    """Where the sequence comes from."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        for key in ("name", "citation"):
            if not isinstance(getattr(self, key), str):
                raise SequenceError(f"{key} = {getattr(self, key)!r} must be text")
        for block in self.blocks:
            if not isinstance(block, Block):
                raise SequenceError(f"blocks holds {block!r}: each must be a block")
        if not any(isinstance(block, ReadoutTrain) for block in self.blocks):
            raise SequenceError("no block is a readout_train: a sequence must sample something")
        strength = number("field_strength_t", self.field_strength)
        if not (math.isfinite(strength) and strength > 0):
            raise SequenceError(f"field_strength_t = {strength:g} must be positive and finite")
        spoiler = number("spoiler_rad_per_mm", self.spoiler)
        if not (math.isfinite(spoiler) and spoiler >= 0):
            raise SequenceError(f"spoiler_rad_per_mm = {spoiler:g} must be finite, at least 0")
        object.__setattr__(self, "field_strength", strength)
        object.__setattr__(self, "spoiler", spoiler + 0.0)  # the sum turns -0 into 0

    @property
    def trains(self) -> tuple[ReadoutTrain, ...]:
        """The blocks that sample."""
        return tuple(block for block in self.blocks if isinstance(block, ReadoutTrain))

    @property
    def n_samples(self) -> int:
        """Length of the axis `time` of a signal."""
        return sum(train.pulses for train in self.trains)

    @property
    def duration(self) -> float:
        """Time to play all blocks [s]."""
        return math.fsum(block.duration for block in self.blocks)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """The tissue parameters the signal depends on, apart from M0, B1 and B0."""
        locks = any(isinstance(block, SpinLock) and block.lock_time > 0 for block in self.blocks)
        weights = any(
            isinstance(block, DiffusionPreparation) and block.b_value > 0 for block in self.blocks
        )
        spoils = self.spoiler > 0 and any(any(train.spoiler_cycles) for train in self.trains)
        return ("t1", "t2", *(["t1rho"] if locks else []), *(["adc"] if weights or spoils else []))

    def to_dict(self) -> dict[str, Any]:
        """The sequence as it stands in a file: plain values in file units."""
        head = {
            "format": FORMAT,
            "name": self.name,
            "field_strength_t": self.field_strength,
            "spoiler_rad_per_mm": self.spoiler,
        }
        if self.citation:
            head["citation"] = self.citation
        return head | {"block": [_block_to_dict(block) for block in self.blocks]}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the scanner plays: equal for sequences that give equal signals.

        Name and citation do not count, so that a renamed copy still fits its dictionary.
        """
        played = {
            key: value for key, value in self.to_dict().items() if key not in ("name", "citation")
        }
        return hashlib.sha256(json.dumps(played, sort_keys=True).encode()).hexdigest()


def _block_to_dict(block: Block) -> dict[str, Any]:
    written: dict[str, Any] = {"type": block.type}
    for name, field in quantities(type(block)).items():
        value = getattr(block, name)
        if field.per_pulse:
            # A constant train is written as one number, unless it has to fix the length.
            fixes_length = name == "flip"
            same = len(set(value)) == 1 and not (fixes_length and len(value) > 1)
            value = field.to_file(value[0]) if same else [field.to_file(one) for one in value]
        else:
            value = field.to_file(value)
        written[field.key] = value
    return written
