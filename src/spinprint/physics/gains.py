"""Gains: the effect of preparations in the fast kernel.

Transverse magnetisation is crushed before and after a preparation and none recovers meanwhile, so
that a preparation multiplies Mz of every order by the same number, its gain, which depends on the
tissue alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..sequence.events import Event, Free, HardPulse, Lock
from ..tissue import Tissue

Array = NDArray[Any]
Vector = tuple[Array, Array, Array]
"""Magnetisation along x, y and z."""

_STEP = 1e-20
"""A step into the complex plane: f(x + ih) = f(x) + ih f'(x) without cancellation."""


class Gain(Protocol):
    """The longitudinal gain of one preparation."""

    def value(self, tissue: Tissue, wrt: tuple[str, ...]) -> tuple[Array, dict[str, Array]]:
        """The gain for a flat tissue, and its derivatives for those of `wrt` that it depends on.

        Each has the shape `(tissue,)`, or one that broadcasts to it.
        """


@dataclass(frozen=True)
class ExponentialGain:
    """Mz is multiplied by scale · exp(-Σ weight · rate).

    The rates are 1/T2, 1/T1rho and ADC; the weights are times [s] and b [s/mm²].
    """

    scale: float = 1.0
    t2: float = 0.0
    t1rho: float = 0.0
    adc: float = 0.0

    def value(self, tissue: Tissue, wrt: tuple[str, ...]) -> tuple[Array, dict[str, Array]]:
        """The gain and its derivatives, see `Gain`."""
        exponent = np.zeros(tissue.size)
        slopes: dict[str, Array] = {}
        for name in ("t2", "t1rho"):
            if weight := getattr(self, name):
                rate = 1 / tissue.get(name)
                exponent = exponent - weight * rate
                slopes[name] = weight * rate**2
        if self.adc:
            exponent = exponent - self.adc * tissue.get("adc")
            slopes["adc"] = np.full(tissue.size, -self.adc)
        gain = self.scale * np.exp(exponent)
        return gain, {name: gain * slopes[name] for name in wrt if name in slopes}


@dataclass(frozen=True)
class PlayedGain:
    """The gain of pulses and locks, played on a magnetisation vector of unit Mz per tissue.

    Every event is an analytic function of the tissue, so that a complex step yields derivatives
    to machine precision (Squire and Trapp, SIAM Rev 1998;40:110).
    """

    events: tuple[Event, ...]
    t1rho_factor: float = 1.0
    """T1rho at this lock frequency relative to that of the tissue [-]."""

    def value(self, tissue: Tissue, wrt: tuple[str, ...]) -> tuple[Array, dict[str, Array]]:
        """The gain and its derivatives, see `Gain`."""
        locks = any(isinstance(event, Lock) for event in self.events)
        names = ("t2", "b1", "b0", *(("t1", "t1rho") if locks else ()))
        given = {name: tissue.get(name) for name in names}
        slopes = {
            name: self._mz(given | {name: given[name] + 1j * _STEP}).imag / _STEP
            for name in wrt
            if name in given
        }
        return self._mz(given), slopes

    def _mz(self, tissue: dict[str, Array]) -> Array:
        zero = np.zeros(())
        m: Vector = (zero, zero, np.ones(()))
        for event in self.events:
            match event:
                case HardPulse(flip, phase):
                    angle = flip * tissue["b1"]
                    m = _turn(m, np.cos(angle), np.sin(angle), phase)
                case Free(time):
                    decay = np.exp(-time / tissue["t2"])
                    m = _precess(m, 2 * np.pi * tissue["b0"] * time, decay)
                case Lock():
                    m = self._lock(m, event, tissue)
        return m[2]

    def _lock(self, m: Vector, event: Lock, tissue: dict[str, Array]) -> Vector:
        """Relax in the frame whose z is the effective field; rates as in `epg.lock`."""
        field = 2 * np.pi * event.frequency * tissue["b1"]
        offset = 2 * np.pi * tissue["b0"]
        strength = np.sqrt(field**2 + offset**2)
        exists = strength != 0  # without any field, z stays z
        unit = np.where(exists, strength, 1)
        sin, cos = field / unit, np.where(exists, offset / unit, 1)
        r1, r2 = 1 / tissue["t1"], 1 / tissue["t2"]
        r1rho = 1 / (tissue["t1rho"] * self.t1rho_factor)
        along = r1 * cos**2 + r1rho * sin**2
        across = (r1 * sin**2 + r1rho * cos**2 + r2) / 2
        x, y, z = _turn(m, cos, -sin, event.phase)
        z = z * np.exp(-along * event.time)
        x, y, z = _precess((x, y, z), strength * event.time, np.exp(-across * event.time))
        return _turn((x, y, z), cos, sin, event.phase)


def _turn(m: Vector, cos: Array, sin: Array, phase: float) -> Vector:
    """Rotate z towards the direction `phase` [rad] by the angle of this cosine and sine."""
    x, y, z = m
    cx, cy = np.cos(phase), np.sin(phase)
    along, across = cx * x + cy * y, cx * y - cy * x
    along, z = cos * along + sin * z, cos * z - sin * along
    return cx * along - cy * across, cy * along + cx * across, z


def _precess(m: Vector, angle: Array, decay: Array) -> Vector:
    """Rotate about z by an angle [rad] while the transverse part decays."""
    x, y, z = m
    cos, sin = decay * np.cos(angle), decay * np.sin(angle)
    return cos * x - sin * y, cos * y + sin * x, z
