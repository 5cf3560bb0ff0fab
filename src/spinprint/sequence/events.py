"""What a preparation made of RF pulses plays, as data: a new scheme is a new list of events.

Phases are counted as in a readout train: a pulse of phase φ turns z towards the direction φ of
the transverse plane, and a lock of phase φ has its field along that direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HardPulse:
    """An instantaneous pulse, scaled by B1."""

    flip: float
    """Nominal flip angle [rad]."""
    phase: float
    """Phase [rad]."""


@dataclass(frozen=True, slots=True)
class Free:
    """Precession by B0 and decay by T2; T1 is left out."""

    time: float
    """How long [s]."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock field, scaled by B1 and tilted by B0."""

    time: float
    """How long [s]."""
    frequency: float
    """Nominal amplitude [Hz]."""
    phase: float
    """Direction [rad]."""


Event = HardPulse | Free | Lock

X, Y, MINUS_X, MINUS_Y = 0.0, math.pi / 2, math.pi, -math.pi / 2
"""Directions of the transverse plane [rad]; B0 turns x towards y."""

_DOWN, _UP = HardPulse(math.pi / 2, X), HardPulse(math.pi / 2, MINUS_X)


def t2_events(echo_time: float) -> tuple[Event, ...]:
    """90 - TE/2 - 180 - TE/2 - (-90), the 180 about the axis the 90 has turned z to."""
    half = Free(echo_time / 2)
    return (_DOWN, half, HardPulse(math.pi, Y), half, _UP)


def spin_lock_events(scheme: str, time: float, frequency: float) -> tuple[Event, ...]:
    """The events of a spin-lock scheme, in playing order.

    simple
        90 - lock - (-90).
    self_compensated
        The lock field changes its sign half way: a rotary echo (Solomon, Phys Rev Lett
        1959;2:301; Charagundla, J Magn Reson 2003;162:113).
    balanced
        Lock - 180 - opposite lock - (-180) - lock with times in the ratio 1 : 2 : 1, the 180
        about the axis of the lock (Gram, Magn Reson Med 2021;85:2771; Sharafi, Magn Reson Med
        2021;86:372).
    """

    def lock(part: float, phase: float) -> Lock:
        return Lock(part * time, frequency, phase)

    inner: dict[str, tuple[Event, ...]] = {
        "simple": (lock(1, X),),
        "self_compensated": (lock(1 / 2, X), lock(1 / 2, MINUS_X)),
        "balanced": (
            lock(1 / 4, X),
            HardPulse(math.pi, MINUS_Y),
            lock(1 / 2, MINUS_X),
            HardPulse(math.pi, Y),
            lock(1 / 4, X),
        ),
    }
    # A lock of no time needs no T1rho.
    played = (one for one in inner[scheme] if isinstance(one, HardPulse) or time > 0)
    return (_DOWN, *played, _UP)
