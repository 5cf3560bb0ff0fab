"""Closed forms: signals that need no simulation, per unit of M0, for arguments that broadcast.

Signals are those of a pulse of phase 0; times in seconds, angles in radians.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def inversion_recovery(delay: ArrayLike, t1: ArrayLike, efficiency: ArrayLike = 1.0) -> Array:
    """Mz a delay [s] after an inversion of equilibrium: 1 - (1 + efficiency) exp(-TI/T1)."""
    return 1 - (1 + _array(efficiency)) * _decay(delay, t1)


def spoiled_steady_state(
    flip: ArrayLike, tr: ArrayLike, te: ArrayLike, t1: ArrayLike, t2: ArrayLike
) -> Array:
    """Signal when nothing transverse outlives a repetition.

    Ernst and Anderson, Rev Sci Instrum 1966;37:93.
    """
    e1 = _decay(tr, t1)
    return np.sin(flip) * (1 - e1) / (1 - np.cos(flip) * e1) * _decay(te, t2)


def gradient_spoiled_steady_state(
    flip: ArrayLike, tr: ArrayLike, te: ArrayLike, t1: ArrayLike, t2: ArrayLike
) -> Array:
    """Signal of FISP: the mean over all precession angles in a repetition, without diffusion.

    Haenicke and Vogel, Magn Reson Med 2003;49:771.
    """
    e1, e2, cos = _decay(tr, t1), _decay(tr, t2), np.cos(flip)
    root = np.sqrt((1 - e2**2) / ((1 - e1 * cos) ** 2 - (e2 * (e1 - cos)) ** 2))
    return np.tan(_array(flip) / 2) * (1 - (e1 - cos) * root) * _decay(te, t2)


def balanced_steady_state(
    flip: ArrayLike,
    tr: ArrayLike,
    te: ArrayLike,
    t1: ArrayLike,
    t2: ArrayLike,
    b0: ArrayLike = 0.0,
) -> Array:
    """Complex signal of a balanced train of alternating phase, off resonance by b0 [Hz].

    Freeman and Hill, J Magn Reson 1971;4:366. The signal is demodulated by the phase of its
    pulse; on resonance it is real and positive.
    """
    e1, e2, cos = _decay(tr, t1), _decay(tr, t2), np.cos(flip)
    # Between two pulses the magnetisation turns by this angle as seen from their axes.
    angle = 2 * np.pi * _array(b0) * _array(tr) + np.pi
    bottom = (1 - e1 * cos) * (1 - e2 * np.cos(angle)) - e2 * (e1 - cos) * (e2 - np.cos(angle))
    start = (1 - e1) * np.sin(flip) * (1 - e2 * np.exp(-1j * angle)) / bottom
    return start * np.exp(2j * np.pi * _array(b0) * _array(te)) * _decay(te, t2)


def spin_echo(
    tau: ArrayLike, t2: ArrayLike, spoiler: ArrayLike = 0.0, adc: ArrayLike = 0.0
) -> Array:
    """The echo at 2 tau of a 90 and a 180 degree pulse, a spoiler [rad/mm] on all the time.

    Carr and Purcell, Phys Rev 1954;94:630: b = 2/3 (spoiler)² tau for spins that diffuse.
    """
    b = 2 / 3 * _array(spoiler) ** 2 * _array(tau)
    return np.exp(-2 * _array(tau) / _array(t2) - b * _array(adc))


def stimulated_echo(
    tau: ArrayLike,
    mixing: ArrayLike,
    t1: ArrayLike,
    t2: ArrayLike,
    spoiler: ArrayLike = 0.0,
    adc: ArrayLike = 0.0,
) -> Array:
    """The magnitude of the echo of three 90 degree pulses, the spoiler [rad/mm] on over both tau.

    Hahn, Phys Rev 1950;80:580; diffusion after Tanner, J Chem Phys 1970;52:2523:
    b = (spoiler)² (mixing + 2/3 tau).
    """
    b = _array(spoiler) ** 2 * (_array(mixing) + 2 / 3 * _array(tau))
    return _decay(mixing, t1) * _decay(2 * _array(tau), t2) * np.exp(-b * _array(adc)) / 2


def _decay(time: ArrayLike, constant: ArrayLike) -> Array:
    return np.exp(-_array(time) / _array(constant))


def _array(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=float)
