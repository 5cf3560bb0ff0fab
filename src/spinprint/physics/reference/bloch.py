"""The independent check: Bloch equations of many isochromats, plain numpy, float64.

A voxel is a set of isochromats spread evenly over one turn of what a spoiler dephases. Each is
one magnetisation vector: it is turned by pulses, precesses and relaxes, and the receiver measures
the mean (Guenthner, Sci Rep 2021;11:21289, relates the two pictures). No configuration state
occurs here, so that agreement with `epg.py` tests both. Only diffusion needs orders, because it
moves spins between isochromats: a Fourier transform over the positions leads there and back.
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
class Voxel(Spins):
    """The isochromats of all tissues, shape `(tissue, isochromat)`."""

    xy: Array
    """Transverse magnetisation, complex."""
    z: Array
    """Longitudinal magnetisation, real."""
    position: Array
    """Dephasing of each isochromat per spoiler [rad], shape `(isochromat,)`."""


def simulate_bloch(sequence: Sequence, tissue: Tissue, n_isochromats: int | None = None) -> Array:
    """Signal of a sequence by isochromats.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    n_isochromats
        Number per voxel; None takes as many as make the mean exact: one more than there are
        spoilers. With fewer, the orders n, 2n, … leak into the signal.

    Returns
    -------
    complex128, shape `(..., time)`, per unit of m0 times m0.

    Raises
    ------
    TissueError
        A parameter that the sequence needs was not given.
    """

    def equilibrium(sequence: Sequence, tissue: dict[str, Array], size: int) -> Voxel:
        n = all_isochromats(sequence) if n_isochromats is None else n_isochromats
        return Voxel(
            sequence=sequence,
            tissue=tissue,
            xy=np.zeros((size, n), complex),
            z=np.ones((size, n)),
            position=2 * np.pi * np.arange(n) / n,
        )

    return signal_of(sequence, tissue, equilibrium, play)


def all_isochromats(sequence: Sequence) -> int:
    """The number of isochromats from which on no order leaks into the signal."""
    return 1 + sum(int(sum(train.spoiler_cycles)) for train in sequence.trains)


# The blocks ---------------------------------------------------------------------------------


@singledispatch
def play(block: Block, voxel: Voxel) -> None:
    """Let a block act on the voxel."""
    raise NotImplementedError(f"no Bloch simulation of block {block.type!r}")


@play.register
def _inversion(block: Inversion, voxel: Voxel) -> None:
    prepare(voxel, np.array(-block.efficiency))
    relax(voxel, block.delay)


@play.register
def _t2_preparation(block: T2Preparation, voxel: Voxel) -> None:
    if block.pulses == "ideal":
        prepare(voxel, np.exp(-block.echo_time / voxel["t2"]))
    else:
        play_events(block.events, voxel)


@play.register
def _spin_lock(block: SpinLock, voxel: Voxel) -> None:
    if block.scheme != "ideal":
        play_events(block.events, voxel)
    elif block.lock_time > 0:
        t1rho = voxel["t1rho"] * voxel.sequence.t1rho_factor(block.frequency)
        prepare(voxel, np.exp(-block.lock_time / t1rho))
    else:
        prepare(voxel, np.array(1.0))


@play.register
def _diffusion_preparation(block: DiffusionPreparation, voxel: Voxel) -> None:
    prepare(voxel, np.exp(-block.echo_time / voxel["t2"] - block.b_value * voxel["adc"]))


@play.register
def _crusher(block: Crusher, voxel: Voxel) -> None:  # noqa: ARG001
    prepare(voxel, np.array(1.0))


@play.register
def _delay(block: Delay, voxel: Voxel) -> None:
    relax(voxel, block.length)


@play.register
def _readout_train(block: ReadoutTrain, voxel: Voxel) -> None:
    pulses = zip(block.flip, block.phase, block.tr, block.te, block.spoiler_cycles, strict=True)
    for flip, phase, tr, te, spoiler_cycles in pulses:
        turn(voxel, flip * voxel["b1"], phase)
        relax(voxel, te)
        receive(voxel, phase)
        relax(voxel, tr - te, spoiled=spoiler_cycles == 1)


# The events ---------------------------------------------------------------------------------


def prepare(voxel: Voxel, weight: Array) -> None:
    """Transverse magnetisation is lost, longitudinal magnetisation is weighted."""
    voxel.xy = np.zeros_like(voxel.xy)
    voxel.z = voxel.z * weight


def play_events(events: Iterable[Event], voxel: Voxel) -> None:
    """Play the events of a preparation between two crushers; T1 recovers nothing meanwhile."""
    prepare(voxel, np.array(1.0))
    for event in events:
        match event:
            case HardPulse(flip, phase):
                turn(voxel, flip * voxel["b1"], phase)
            case Free(time):
                voxel.xy = voxel.xy * np.exp((2j * np.pi * voxel["b0"] - 1 / voxel["t2"]) * time)
            case Lock():
                lock(voxel, event)
    prepare(voxel, np.array(1.0))


def lock(voxel: Voxel, event: Lock) -> None:
    """Every vector turns about the effective field; its part along the field is locked.

    The rates are those of `epg.lock`.
    """
    field = event.frequency * voxel["b1"] * np.exp(1j * event.phase)
    strength = np.hypot(np.abs(field), voxel["b0"])
    unit = np.where(strength > 0, strength, 1)
    nxy, nz = field / unit, np.where(strength > 0, voxel["b0"] / unit, 1)
    r1, r2 = 1 / voxel["t1"], 1 / voxel["t2"]
    r1rho = 1 / (voxel["t1rho"] * voxel.sequence.t1rho_factor(event.frequency))
    along = np.exp(-(r1 * nz**2 + r1rho * (1 - nz**2)) * event.time)
    across = np.exp(-(r1 * (1 - nz**2) + r1rho * nz**2 + r2) / 2 * event.time)
    angle = 2 * np.pi * strength * event.time
    part = (nxy.conj() * voxel.xy).real + nz * voxel.z  # along the field
    # The cross product of the field and the vector, its two transverse components as one number.
    cross_xy = 1j * (nz * voxel.xy - nxy * voxel.z)
    cross_z = (nxy.conj() * voxel.xy).imag
    cos, sin = across * np.cos(angle), across * np.sin(angle)
    voxel.xy = along * part * nxy + cos * (voxel.xy - part * nxy) + sin * cross_xy
    voxel.z = along * part * nz + cos * (voxel.z - part * nz) + sin * cross_z


def turn(voxel: Voxel, angle: Array, phase: float) -> None:
    """An RF pulse [rad] turns every vector from z towards the direction `phase` in the plane."""
    in_frame = voxel.xy * np.exp(-1j * phase)
    along, across = in_frame.real, in_frame.imag
    along, voxel.z = (
        np.cos(angle) * along + np.sin(angle) * voxel.z,
        np.cos(angle) * voxel.z - np.sin(angle) * along,
    )
    voxel.xy = (along + 1j * across) * np.exp(1j * phase)


def relax(voxel: Voxel, time: float, *, spoiled: bool = False) -> None:
    """Relaxation, off-resonance and diffusion over a time [s], with or without a spoiler on."""
    if voxel.sequence.spoiler > 0:
        diffuse(voxel, time, spoiled)
    voxel.xy = voxel.xy * np.exp(2j * np.pi * voxel["b0"] * time - time / voxel["t2"])
    voxel.z = 1 + (voxel.z - 1) * np.exp(-time / voxel["t1"])
    if spoiled:
        voxel.xy = voxel.xy * np.exp(1j * voxel.position)


def diffuse(voxel: Voxel, time: float, spoiled: bool) -> None:
    """Damp the modulation of the magnetisation over the positions.

    A modulation k·position of the transverse magnetisation is exp(i k s x) in space, s being the
    spoiler [rad/mm]; over a time it is damped by exp(-ADC ∫ (wave number)² dt), and while the
    spoiler is on the wave number runs from k s to (k + 1) s.
    """
    n, s = voxel.position.size, voxel.sequence.spoiler
    start = np.fft.fftfreq(n, 1 / n) * s
    end = start + s if spoiled else start
    b_transverse = (start**2 + start * end + end**2) / 3 * time
    b_longitudinal = start**2 * time
    voxel.xy = np.fft.ifft(np.fft.fft(voxel.xy) * np.exp(-b_transverse * voxel["adc"]))
    voxel.z = np.fft.ifft(np.fft.fft(voxel.z) * np.exp(-b_longitudinal * voxel["adc"])).real


def receive(voxel: Voxel, phase: float) -> None:
    """The receiver takes the mean of all isochromats, demodulated by its phase [rad]."""
    voxel.samples.append(voxel.xy.mean(axis=-1) * np.exp(-1j * phase))
