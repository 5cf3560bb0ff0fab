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

ALONG, UP, ACROSS, BACK = 0.0, math.pi, math.pi / 2, -math.pi / 2
"""Phases: tip down along x, tip up, and refocusing about x with one or the other sign."""

HALF_PI = math.pi / 2


def t2_events(echo_time: float) -> tuple[Event, ...]:
    """90x - TE/2 - 180y - TE/2 - 90(-x)."""
    return (
        HardPulse(HALF_PI, ALONG),
        Free(echo_time / 2),
        HardPulse(math.pi, ACROSS),
        Free(echo_time / 2),
        HardPulse(HALF_PI, UP),
    )


def spin_lock_events(scheme: str, time: float, frequency: float) -> tuple[Event, ...]:
    """The events of a spin-lock scheme, in playing order.

    simple
        90x - lock - 90(-x).
    self_compensated
        The lock field changes its sign half way: a rotary echo (Solomon, Phys Rev Lett
        1959;2:301; Charagundla, J Magn Reson 2003;162:113).
    balanced
        Lock - 180y - opposite lock - 180(-y) - lock with times in the ratio 1 : 2 : 1 (Gram,
        Magn Reson Med 2021;85:2771; Sharafi, Magn Reson Med 2021;86:372).
    """

    def lock(part: float, phase: float) -> Lock:
        return Lock(part * time, frequency, phase)

    inner: dict[str, tuple[Event, ...]] = {
        "simple": (lock(1, ALONG),),
        "self_compensated": (lock(1 / 2, ALONG), lock(1 / 2, UP)),
        "balanced": (
            lock(1 / 4, ALONG),
            HardPulse(math.pi, BACK),
            lock(1 / 2, UP),
            HardPulse(math.pi, ACROSS),
            lock(1 / 4, ALONG),
        ),
    }
    played = tuple(
        event for event in inner[scheme] if not (isinstance(event, Lock) and event.time == 0)
    )
    return (HardPulse(HALF_PI, ALONG), *played, HardPulse(HALF_PI, UP))
