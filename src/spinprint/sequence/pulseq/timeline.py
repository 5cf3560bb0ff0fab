"""Pulses, acquisitions and gradients on one axis of time, counted from the start of the file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pulse:
    """An RF pulse as hard steps of equal length."""

    block: int
    """Number of its block in the file."""
    use: str
    """What it is for, in the words of Pulseq; `undefined` before version 1.5."""
    start: float
    """Begin of the waveform [s]."""
    center: float
    """Time of the effective rotation [s]."""
    step: float
    """Length of a step [s]."""
    signal: Array
    """Complex amplitude of each step [Hz], shape `(step,)`."""
    phase: float
    """Phase offset [rad]."""
    frequency: float
    """Frequency offset [Hz]."""
    selective: bool
    """A gradient is on: the frequency offset moves the slice."""

    @property
    def duration(self) -> float:
        """Length of the waveform [s]."""
        return self.step * self.signal.size

    @cached_property
    def area(self) -> complex:
        """Integral of the amplitude [turns]; times 2 pi the flip angle if the phase is steady."""
        return complex(self.signal.sum() * self.step)

    @property
    def steady(self) -> bool:
        """True where only the amplitude is modulated, so that the area is the flip angle."""
        direction = self.area / abs(self.area) if self.area else 1.0
        across = np.imag(self.signal / direction)
        return bool(np.abs(across).max() <= 1e-3 * np.abs(self.signal).max())

    @property
    def axis(self) -> float:
        """Phase of the rotation at the center of the pulse, for the slice it selects [rad]."""
        turned = 2 * np.pi * self.frequency * (self.center - self.start)
        return self.phase + turned + float(np.angle(self.area))

    def rotation(self, offset: float) -> Array:
        """What the pulse does to a spin off resonance [Hz], a unitary of shape (2, 2).

        Each step is a rotation about the effective field; the pulse is their product. A slice is
        looked at in its center, where the frequency offset of its pulse vanishes.
        """
        time = (np.arange(self.signal.size) + 0.5) * self.step
        frequency = 0.0 if self.selective else self.frequency
        field = self.signal * np.exp(1j * (self.phase + 2 * np.pi * frequency * time))
        return _product(_unitary(field, np.full(time.shape, offset), self.step))


def mz_after(pulses: list[Pulse], offset: float = 0.0) -> float:
    """Mz that pulses and the precession between them leave of Mz = 1, without relaxation.

    Parameters
    ----------
    pulses
        In playing order.
    offset
        Off-resonance [Hz].
    """
    total, time = np.eye(2, dtype=complex), pulses[0].start
    for pulse in pulses:
        free = _unitary(np.zeros(1), np.array([offset]), pulse.start - time)[0]
        total = pulse.rotation(offset) @ free @ total
        time = pulse.start + pulse.duration
    return float(abs(total[0, 0]) ** 2 - abs(total[1, 0]) ** 2)


def _unitary(field: Array, offset: Array, time: float) -> Array:
    """Rotations about the fields (Re field, Im field, offset) [Hz], shape `(step, 2, 2)`."""
    strength = np.hypot(np.abs(field), offset)
    half = np.pi * strength * time
    sine = np.pi * time * np.sinc(strength * time)  # sin(half) / strength, also where it is 0
    turn = np.empty((*strength.shape, 2, 2), complex)
    turn[..., 0, 0] = np.cos(half) - 1j * sine * offset
    turn[..., 0, 1] = -1j * sine * np.conj(field)
    turn[..., 1, 0] = -1j * sine * field
    turn[..., 1, 1] = np.cos(half) + 1j * sine * offset
    return turn


def _product(turns: Array) -> Array:
    """The product of rotations, the first played rightmost, by halving their number."""
    while len(turns) > 1:
        if len(turns) % 2:
            turns = np.concatenate([turns, np.eye(2)[None]])
        turns = turns[1::2] @ turns[::2]
    return turns[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Acquisition:
    """One ADC event."""

    block: int
    """Number of its block in the file."""
    times: Array
    """Time of each sample [s], shape `(sample,)`."""
    start: float
    """Begin of the event [s], where its frequency offset has no phase yet."""
    phase: float
    """Phase of the receiver [rad]."""
    frequency: float
    """Frequency offset of the receiver [Hz]."""


@dataclass(frozen=True, eq=False)
class Gradient:
    """The gradient along one axis, linear between points; a time that stands twice is a jump."""

    times: Array
    """[s], not descending, shape `(point,)`."""
    values: Array
    """[Hz/m], shape `(point,)`."""

    @cached_property
    def _moments(self) -> Array:
        areas = np.diff(self.times) * (self.values[1:] + self.values[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(areas)])

    def moment(self, time: Array | float) -> Array:
        """Area from the start of the file to each time [cycles/m], shape of `time`."""
        time = np.asarray(time)
        left = np.clip(np.searchsorted(self.times, time, side="right") - 1, 0, len(self.times) - 2)
        width = self.times[left + 1] - self.times[left]
        since = np.clip(time - self.times[left], 0.0, width)
        slope = (self.values[left + 1] - self.values[left]) / np.where(width > 0, width, 1.0)
        return self._moments[left] + since * (self.values[left] + slope * since / 2)


@dataclass(frozen=True, eq=False, kw_only=True)
class Timeline:
    """All that a file plays."""

    pulses: list[Pulse]
    acquisitions: list[Acquisition]
    gradients: tuple[Gradient, Gradient, Gradient]
    """Along x, y and z."""
    duration: float
    """End of the last block [s]."""
    fov: Array
    """Field of view along x, y and z [m], NaN where the file does not say it, shape (3,)."""

    def moment(self, time: Array | float) -> Array:
        """Gradient area from the start of the file [cycles/m], shape `(..., 3)`."""
        return np.stack([gradient.moment(time) for gradient in self.gradients], axis=-1)
