"""Slice profiles: how far the pulses of a readout train turn at each position of the slice.

Preparations are not selective; a pulse of nominal flip angle α turns the position x by an
effective flip angle, which B1 then multiplies. The signal is a weighted sum over positions.
Weights are in slice thicknesses: M0 is what a perfect slice of the nominal thickness would hold,
so that a profile of relative flip angle 1 over one thickness gives the signal without a profile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SequenceError
from .fields import DEGREE, Record, Train, quantity

Array = NDArray[Any]

_SAMPLES = 256
"""Hard pulses a shaped pulse is made of."""


class SliceProfile(Record):
    """What all slice profiles share."""

    __slots__ = ()
    highest_flip: ClassVar[float] = math.inf
    """The largest nominal flip angle [rad] the profile is defined for."""

    @property
    def weights(self) -> Array:
        """What each position counts [slice thicknesses], shape `(position,)`."""
        raise NotImplementedError

    def effective_flips(self, flip: ArrayLike) -> Array:
        """Effective flip angles [rad] of nominal ones `(pulse,)`, shape `(position, pulse)`."""
        raise NotImplementedError

    def check_flips(self, flip: ArrayLike) -> None:
        """Raise SequenceError where the profile is not defined for a nominal flip angle [rad]."""
        largest = np.abs(flip).max()
        if largest > self.highest_flip * (1 + 1e-9):
            raise SequenceError(
                f"a flip angle of {largest / DEGREE:g} degrees exceeds"
                f" {self.highest_flip / DEGREE:g}: choose another type of slice_profile"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenProfile(SliceProfile):
    """Relative flip angles and weights as they were measured or simulated elsewhere."""

    type: ClassVar[str] = "given"
    relative_flip: Train = quantity("relative_flip", low=-math.inf, listed=True)
    """Effective over nominal flip angle at each position [-], shape `(position,)`."""
    weight: Train = quantity("weight", listed=True)
    """What each position counts [slice thicknesses], shape `(position,)`."""

    def __post_init__(self) -> None:
        Record.__post_init__(self)
        if not any(self.weight):
            raise SequenceError("weight is 0 at every position: the slice gives no signal")

    @property
    def weights(self) -> Array:
        """What each position counts [slice thicknesses], shape `(position,)`."""
        return np.array(self.weight)

    def effective_flips(self, flip: ArrayLike) -> Array:
        """Effective flip angles [rad] of nominal ones `(pulse,)`, shape `(position, pulse)`."""
        return np.multiply.outer(np.array(self.relative_flip), flip)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SincProfile(SliceProfile):
    """A Hamming-windowed sinc under a constant gradient, refocused.

    Positions are in slice thicknesses, 0 the centre; ±1/2 is where the band of the sinc ends. The
    profile is even, so that one half of the extent stands for both. Positions are the middles of
    equal parts: of an even integrand that dies out this sum converges faster than any power.
    """

    time_bandwidth: float = quantity("time_bandwidth", low=1.0, high=32.0)
    """Duration times bandwidth of the pulse [-]."""
    positions: int = quantity("positions", 16, low=1, high=200, whole=True, optional=True)
    """Positions in one half of the extent."""
    extent: float = quantity("extent", 2.0, low=1.0, high=10.0, optional=True)
    """The range the positions cover, both halves [slice thicknesses]."""

    @property
    def weights(self) -> Array:
        """What each position counts [slice thicknesses], shape `(position,)`; sum: the extent."""
        return np.full(self.positions, self.extent / self.positions)

    def _pulse(self) -> tuple[Array, Array]:
        """Shape of the pulse, its sum 1, and time [duration], each of shape `(sample,)`."""
        time = (np.arange(_SAMPLES) + 0.5) / _SAMPLES - 0.5
        shape = np.sinc(self.time_bandwidth * time) * (0.54 + 0.46 * np.cos(2 * np.pi * time))
        return shape / shape.sum(), time

    def _turns(self) -> Array:
        """Precession during the pulse at each position [turns], shape `(position,)`."""
        position = (np.arange(self.positions) + 0.5) / self.positions * self.extent / 2
        return position * self.time_bandwidth


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallTipProfile(_SincProfile):
    """Effective flip angles by the Fourier transform of the pulse.

    Pauly, J Magn Reson 1989;81:43: exact for small flip angles.
    """

    type: ClassVar[str] = "small_tip"

    def effective_flips(self, flip: ArrayLike) -> Array:
        """Effective flip angles [rad] of nominal ones `(pulse,)`, shape `(position, pulse)`."""
        shape, time = self._pulse()
        relative = np.cos(2 * np.pi * np.outer(self._turns(), time)) @ shape
        return np.multiply.outer(relative, flip)


@dataclass(frozen=True, slots=True, kw_only=True)
class SLRProfile(_SincProfile):
    """Effective flip angles by the forward Shinnar-Le Roux transform of the pulse.

    Pauly, IEEE Trans Med Imaging 1991;10:53: a position is turned from z by 2 asin|β|. Of a
    symmetric pulse with half of its gradient refocused on either side β is imaginary, and its
    sign is kept. That the axis of rotation leaves the plane between centre and edge is left out.
    """

    type: ClassVar[str] = "slr"
    highest_flip: ClassVar[float] = math.pi

    def effective_flips(self, flip: ArrayLike) -> Array:
        """Effective flip angles [rad] of nominal ones `(pulse,)`, shape `(position, pulse)`."""
        distinct, place = np.unique(np.asarray(flip, dtype=float), return_inverse=True)
        shape, _ = self._pulse()
        beta = _cayley_klein(np.outer(shape, distinct), self._turns() / _SAMPLES)[1]
        return 2 * np.arcsin(np.clip(-beta.imag, -1, 1))[:, place]


def _cayley_klein(angles: Array, turns: Array) -> tuple[Array, Array]:
    """α and β of hard pulses about x, each in the middle of an interval of precession.

    Parameters
    ----------
    angles
        Hard pulses [rad], shape `(sample, pulse)`.
    turns
        Precession per interval [turns], shape `(position,)`.

    Returns
    -------
    α and β, each of shape `(position, pulse)`.
    """
    interval = np.exp(-1j * np.pi * turns)[:, None]
    half = np.sqrt(interval)
    alpha = np.ones((len(turns), angles.shape[1])) * half
    beta = np.zeros_like(alpha)
    for angle in angles:
        # The half interval after a pulse and that before the next one are one interval.
        cos, sin = np.cos(angle / 2), -1j * np.sin(angle / 2)
        alpha, beta = cos * alpha + sin * beta, sin * alpha + cos * beta
        alpha, beta = alpha * interval, beta * interval.conj()
    return alpha / half, beta / half.conj()


PROFILE_TYPES: dict[str, type[SliceProfile]] = {
    profile.type: profile for profile in (GivenProfile, SmallTipProfile, SLRProfile)
}
