"""The signal of a sequence by the fast kernel, on all cores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, TissueError
from ..memory import aligned
from ..parameters import PARAMETERS
from ..sequence import Sequence
from ..tissue import Tissue
from .engine import run, signal_type
from .orders import orders_of


@overload
def simulate(
    sequence: Sequence, tissue: Tissue, *, n_states: int | None = None, wrt: None = None
) -> NDArray[np.complex64]: ...
@overload
def simulate(
    sequence: Sequence, tissue: Tissue, *, n_states: int | None = None, wrt: Iterable[str]
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]: ...
def simulate(
    sequence: Sequence,
    tissue: Tissue,
    *,
    n_states: int | None = None,
    wrt: Iterable[str] | None = None,
) -> Any:
    """Signal of a sequence, and its derivatives, in single precision.

    Rounding is some 1e-6 of the peak; balanced trains add it up to about 1e-7 T2/TR of the peak.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    n_states
        Configuration orders kept; None takes, for each tissue, the fewest that keep its signal
        within 1e-5 of its peak, and derivatives asked for within 1e-4 of theirs.
    wrt
        Parameters to differentiate for, of t1, t2, t1rho, adc, b1, b0.

    Returns
    -------
    complex64 signal, shape `(..., time)`, per unit of m0 times m0; with `wrt` also the
    derivatives, shape `(..., parameter, time)`, per s, mm²/s, relative B1 or Hz.

    Raises
    ------
    TissueError
        A parameter that the sequence needs was not given, or `wrt` names no parameter.
    InputError
        `n_states` is below 1.
    """
    flat = tissue.flat()
    signal = simulate_flat(sequence, flat, n_states=n_states, wrt=tuple(wrt or ()), real=False)
    if flat.m0 is not None:
        signal *= flat.m0.astype(np.complex64)[:, None, None]
    if wrt is None:
        return signal.reshape(*tissue.shape, sequence.n_samples)
    signal = signal.reshape(*tissue.shape, *signal.shape[1:])
    return signal[..., 0, :], signal[..., 1:, :]


def simulate_flat(
    sequence: Sequence,
    tissue: Tissue,
    *,
    n_states: int | None = None,
    wrt: tuple[str, ...] = (),
    real: bool = True,
    magnitude: bool = False,
) -> NDArray[Any]:
    """Signal and derivatives of a flat tissue per unit of m0, real where they can be.

    Parameters
    ----------
    sequence, tissue, n_states, wrt
        As for `simulate`.
    real
        False gives complex64 in any case.
    magnitude
        True gives the modulus of the signal and the derivatives of the modulus, float32.

    Returns
    -------
    shape `(tissue, 1 + parameter, time)`: the signal, then its derivatives; float32 where all
    pulses turn about one axis and nothing is off resonance, complex64 elsewhere.

    Raises
    ------
    TissueError
        A parameter that the sequence needs was not given, or `wrt` names no parameter.
    InputError
        `n_states` is below 1.
    """
    if magnitude:
        return _modulus(simulate_flat(sequence, tissue, n_states=n_states, wrt=wrt))
    for name in wrt:
        if name not in PARAMETERS:
            raise TissueError(f"wrt = {name!r} must be one of {', '.join(PARAMETERS)}")
    if n_states is not None and n_states < 1:
        raise InputError(f"n_states = {n_states} must be at least 1: order 0 is what is sampled")
    for name in sequence.unknowns:
        tissue.get(name)  # raises for what is missing, before any work
    kind = signal_type(sequence, tissue, wrt) if real else np.complex64
    out = aligned((tissue.size, 1 + len(wrt), sequence.n_samples), kind)
    if tissue.size == 0:
        return out
    if n_states is not None:
        run(sequence, tissue, n_states, wrt, out)
        return out
    orders = orders_of(sequence, tissue, slopes=bool(wrt))
    for count in np.unique(orders):
        # Tissues that need equally many orders are played together, so that what a tissue
        # gives never depends on its neighbours.
        index = np.flatnonzero(orders == count)
        if len(index) == tissue.size:
            run(sequence, tissue, int(count), wrt, out)
        else:
            part = np.empty((len(index), *out.shape[1:]), out.dtype)
            run(sequence, tissue.take(index), int(count), wrt, part)
            out[index] = part
    return out


def _modulus(signals: NDArray[Any]) -> NDArray[np.float32]:
    """Of signals and their derivatives `(tissue, 1 + parameter, time)`: d|s| = Re(s* ds) / |s|.

    The modulus has no derivative where the signal is 0; there it counts as 0.
    """
    size = np.abs(signals[:, :1])
    turn = np.divide(signals[:, :1], size, out=np.zeros_like(signals[:, :1]), where=size > 0)
    along = (turn.conj() * signals).real
    along[:, :1] = size
    return np.ascontiguousarray(along, np.float32)
