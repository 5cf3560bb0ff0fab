"""The reference: extended phase graphs in plain numpy, float64, to read beside a pulse diagram.

Transverse magnetisation is a sum of configuration states F+k and F-k (dephased by k spoilers
one way and the other), longitudinal magnetisation a sum of Zk, k = 0, 1, … (Hennig 1991;
Weigel, J Magn Reson Imaging 2015;41:266). Everything faster is compared with this file.

To add a block: write the function that plays it and register it with `@play.register`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from ...sequence import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    Sequence,
    SpinLock,
    T2Preparation,
)
from ...sequence.events import Event, Free, HardPulse, Lock
from ...tissue import Tissue
from .spins import Array, Spins, signal_of


@dataclass(kw_only=True)
class State(Spins):
    """Configuration states of all tissues, shape `(tissue, order)`.

    F-k is stored as the conjugate of the state of order -k.
    """

    f_plus: Array
    f_minus: Array
    z: Array


def simulate_epg(sequence: Sequence, tissue: Tissue, n_states: int | None = None) -> Array:
    """Signal of a sequence by extended phase graphs.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    n_states
        Orders 0 to n_states - 1 are kept; None keeps all that can return to order 0.

    Returns
    -------
    complex128, shape `(..., time)`, per unit of m0 times m0.

    Raises
    ------
    TissueError
        A parameter that the sequence needs was not given.
    """

    def equilibrium(sequence: Sequence, tissue: dict[str, Array], size: int) -> State:
        shape = (size, all_orders(sequence) if n_states is None else n_states)
        f_plus, f_minus, z = np.zeros((3, *shape), complex)
        z[:, 0] = 1.0
        return State(sequence=sequence, tissue=tissue, f_plus=f_plus, f_minus=f_minus, z=z)

    return signal_of(sequence, tissue, equilibrium, play)


def all_orders(sequence: Sequence) -> int:
    """The number of orders that can return to order 0 in time: the signal is then exact."""
    shifts = sum(int(sum(train.spoiler_cycles)) for train in sequence.trains)
    return shifts // 2 + 2


# The blocks ---------------------------------------------------------------------------------


@singledispatch
def play(block: Block, state: State) -> None:
    """Let a block act on the state."""
    raise NotImplementedError(f"no reference for block {block.type!r}")


@play.register
def _inversion(block: Inversion, state: State) -> None:
    crush(state)
    state.z *= -block.efficiency
    relax(state, block.delay)


@play.register
def _t2_preparation(block: T2Preparation, state: State) -> None:
    crush(state)
    if block.pulses == "ideal":
        state.z *= np.exp(-block.echo_time / state["t2"])
    else:
        play_events(block.events, state)


@play.register
def _spin_lock(block: SpinLock, state: State) -> None:
    crush(state)
    if block.scheme != "ideal":
        play_events(block.events, state)
    elif block.lock_time > 0:
        t1rho = state["t1rho"] * state.sequence.t1rho_factor(block.frequency)
        state.z *= np.exp(-block.lock_time / t1rho)


@play.register
def _diffusion_preparation(block: DiffusionPreparation, state: State) -> None:
    crush(state)
    state.z *= np.exp(-block.echo_time / state["t2"] - block.b_value * state["adc"])


@play.register
def _crusher(block: Crusher, state: State) -> None:  # noqa: ARG001
    crush(state)


@play.register
def _delay(block: Delay, state: State) -> None:
    relax(state, block.length)


@play.register
def _readout_train(block: ReadoutTrain, state: State) -> None:
    pulses = zip(block.flip, block.phase, block.tr, block.te, block.spoiler_cycles, strict=True)
    for flip, phase, tr, te, spoiler_cycles in pulses:
        rotate(state, flip * state["b1"], phase)
        relax(state, te)
        sample(state, phase)
        relax(state, tr - te, spoiled=spoiler_cycles == 1)
        if spoiler_cycles == 1:
            shift(state)


# The events of preparations ------------------------------------------------------------------


def play_events(events: Iterable[Event], state: State) -> None:
    """Play the events of a preparation, then crush; T1 recovers nothing meanwhile."""
    for event in events:
        match event:
            case HardPulse(flip, phase):
                rotate(state, flip * state["b1"], phase)
            case Free(time):
                precess(state, 2 * np.pi * state["b0"] * time, np.exp(-time / state["t2"]))
            case Lock():
                lock(state, event)
    crush(state)


def lock(state: State, event: Lock) -> None:
    """A lock field, relaxation averaged over the precession about the effective field.

    The rates are 1/T1rho along the lock, 1/T2 across and 1/T1 along z. With θ the angle between
    z and the effective field, their mean along it is R1 cos²θ + R1rho sin²θ (Trott and Palmer,
    J Magn Reson 2002;154:157) and, as rotations keep the sum of the three, across it
    (R1 sin²θ + R1rho cos²θ + R2) / 2, which is (R1 + R2) / 2 on resonance (Torrey, Phys Rev
    1949;76:1059). The error is of the order of rates over field.
    """
    field, offset = 2 * np.pi * event.frequency * state["b1"], 2 * np.pi * state["b0"]
    theta = np.arctan2(field, offset)
    r1, r2 = 1 / state["t1"], 1 / state["t2"]
    r1rho = 1 / (state["t1rho"] * state.sequence.t1rho_factor(event.frequency))
    along = r1 * np.cos(theta) ** 2 + r1rho * np.sin(theta) ** 2
    across = (r1 * np.sin(theta) ** 2 + r1rho * np.cos(theta) ** 2 + r2) / 2
    rotate(state, -theta, event.phase)  # the effective field becomes z
    state.z = state.z * np.exp(-along * event.time)
    precess(state, np.hypot(field, offset) * event.time, np.exp(-across * event.time))
    rotate(state, theta, event.phase)


# The events ---------------------------------------------------------------------------------


def rotate(state: State, angle: Array, phase: float) -> None:
    """An RF pulse [rad]; the axis is such that phase 0 turns Mz into positive real F.

    Weigel 2015, Eq. 15, with the phase counted from the axis of the resulting signal.
    """
    cos2, sin2, sin = np.cos(angle / 2) ** 2, np.sin(angle / 2) ** 2, np.sin(angle)
    turn = np.exp(1j * phase)
    f_plus, f_minus, z = state.f_plus, state.f_minus, state.z
    state.f_plus = cos2 * f_plus - sin2 * turn**2 * f_minus + sin * turn * z
    state.f_minus = cos2 * f_minus - sin2 / turn**2 * f_plus + sin / turn * z
    state.z = np.cos(angle) * z - sin / 2 * (f_plus / turn + f_minus * turn)


def precess(state: State, angle: Array, decay: Array) -> None:
    """Transverse magnetisation turns by an angle [rad] and decays."""
    state.f_plus = state.f_plus * decay * np.exp(1j * angle)
    state.f_minus = state.f_minus * decay * np.exp(-1j * angle)


def relax(state: State, time: float, *, spoiled: bool = False) -> None:
    """Relaxation, off-resonance and diffusion over a time [s], with or without a spoiler on."""
    precess(state, 2 * np.pi * state["b0"] * time, np.exp(-time / state["t2"]))
    decay = np.exp(-time / state["t1"])
    order = np.arange(state.z.shape[-1])
    state.f_plus = state.f_plus * diffuse(state, order, time, spoiled)
    state.f_minus = state.f_minus * diffuse(state, -order, time, spoiled)
    state.z = state.z * decay * diffuse(state, order, time, False)
    state.z[:, :1] += 1 - decay


def diffuse(state: State, order: Array, time: float, spoiled: bool) -> Array:
    """The damping exp(-b ADC) of the orders over a time [s]; Weigel 2015, Eqs. 28 and 29."""
    s = state.sequence.spoiler
    if spoiled:
        b = ((order * s + s / 2) ** 2 + s**2 / 12) * time
    else:
        b = (order * s) ** 2 * time
    return np.exp(-b * state["adc"])


def shift(state: State) -> None:
    """A spoiler moves F+ one order up and F- one down; what passes order 0 changes sides."""
    state.f_plus[:, 1:] = state.f_plus[:, :-1].copy()
    state.f_minus[:, :-1] = state.f_minus[:, 1:].copy()
    state.f_minus[:, -1] = 0
    state.f_plus[:, 0] = state.f_minus[:, 0].conj()


def crush(state: State) -> None:
    """All transverse magnetisation is lost."""
    state.f_plus[:] = 0
    state.f_minus[:] = 0


def sample(state: State, phase: float) -> None:
    """The receiver takes F of order 0, demodulated by its phase [rad]."""
    state.samples.append(state.f_plus[:, 0] * np.exp(-1j * phase))
