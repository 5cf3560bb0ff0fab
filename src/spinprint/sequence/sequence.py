"""A sequence: blocks in the order the scanner plays them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import SequenceError
from .blocks import Block, DiffusionPreparation, ReadoutTrain, SpinLock
from .fields import MILLI, number, quantities, quantity, written
from .slice_profile import SliceProfile

FORMAT = "spinprint-sequence/1"


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """Blocks in playing order, with what all of them share.

    Raises
    ------
    SequenceError
        The name is no text, a block is none, no block samples, the field strength is not
        positive, the spoiler is negative, the dispersion leaves no T1rho at a spin-lock, or the
        slice profile is none or not defined for a flip angle.
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
    t1rho_dispersion: float = quantity(
        "t1rho_dispersion_per_khz", 0.0, si=MILLI, low=-math.inf, optional=True
    )
    """Relative change of T1rho with the frequency of the lock [1/Hz]."""
    t1rho_reference: float = quantity("t1rho_reference_hz", 0.0, optional=True)
    """The frequency of the lock for which T1rho of a tissue holds [Hz]."""
    slice_profile: SliceProfile | None = None
    """How the pulses of readout trains turn across the slice; None turns all of it alike."""

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
        for name, field in quantities(type(self)).items():
            object.__setattr__(self, name, field.accept(getattr(self, name)))
        self._check_dispersion()
        self._check_profile()

    def _check_dispersion(self) -> None:
        if self.t1rho_reference and not self.t1rho_dispersion:
            raise SequenceError(
                f"t1rho_reference_hz = {self.t1rho_reference:g} means nothing without"
                " t1rho_dispersion_per_khz: leave it out or state the dispersion"
            )
        for index, block in enumerate(self.blocks, start=1):
            if isinstance(block, SpinLock) and not self.t1rho_factor(block.frequency) > 0:
                raise SequenceError(
                    f"block {index} (spin_lock): frequency_hz = {block.frequency:g} leaves no"
                    f" positive T1rho with t1rho_dispersion_per_khz ="
                    f" {self.t1rho_dispersion / MILLI:g}"
                )

    def _check_profile(self) -> None:
        if self.slice_profile is None:
            return
        if not isinstance(self.slice_profile, SliceProfile):
            raise SequenceError(f"slice_profile = {self.slice_profile!r} must be a slice profile")
        for index, block in enumerate(self.blocks, start=1):
            if isinstance(block, ReadoutTrain):
                try:
                    self.slice_profile.check_flips(block.flip)
                except SequenceError as error:
                    raise SequenceError(f"block {index} (readout_train): {error}") from None

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

    def t1rho_factor(self, frequency: float) -> float:
        """T1rho under a lock of a nominal frequency [Hz] relative to that of the tissue [-].

        Dispersion is linear in the frequency. That B1 and B0 move the field away from its nominal
        frequency is left out here: it changes T1rho far less than it changes the lock.
        """
        return 1 + self.t1rho_dispersion * (frequency - self.t1rho_reference)

    @cached_property
    def slices(self) -> tuple[tuple[float, Sequence], ...]:
        """The sequence as each position of the slice sees it, after the weight of its signal.

        The signal is the weighted sum; one position of weight 1 where there is no profile.
        """
        profile = self.slice_profile
        if profile is None:
            return ((1.0, self),)
        flips = {train: profile.effective_flips(train.flip) for train in set(self.trains)}

        def seen(block: Block, position: int) -> Block:
            if isinstance(block, ReadoutTrain):
                return dataclasses.replace(block, flip=flips[block][position])
            return block

        return tuple(
            (
                float(weight),
                dataclasses.replace(
                    self,
                    blocks=tuple(seen(block, position) for block in self.blocks),
                    slice_profile=None,
                ),
            )
            for position, weight in enumerate(profile.weights)
        )

    def to_dict(self) -> dict[str, Any]:
        """The sequence as it stands in a file: plain values in file units."""
        head: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "field_strength_t": self.field_strength,
            "spoiler_rad_per_mm": self.spoiler,
        }
        if self.citation:
            head["citation"] = self.citation
        head |= written(self)
        if self.slice_profile is not None:
            head["slice_profile"] = _table(self.slice_profile)
        return head | {"block": [_table(block) for block in self.blocks]}

    def __hash__(self) -> int:
        """From the digest, which is made once: caches look sequences up all the time."""
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the scanner plays: equal for sequences that give equal signals.

        Name and citation do not count, so that a renamed copy still fits its dictionary.
        """
        played = {
            key: value for key, value in self.to_dict().items() if key not in ("name", "citation")
        }
        return hashlib.sha256(json.dumps(played, sort_keys=True).encode()).hexdigest()


def _table(record: Block | SliceProfile) -> dict[str, Any]:
    return {"type": record.type} | written(record)
