"""From a timeline to blocks: what each pulse and gradient does, or a refusal that says why not.

A pulse with one ADC before the next pulse belongs to a readout train. Pulses without an ADC are
preparations; a group of them is known by what it does to the magnetisation, played out with
rotations, never by its area alone: the area of an adiabatic pulse says nothing about its angle.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SequenceError
from ..blocks import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
)
from .timeline import Acquisition, Pulse, Timeline, mz_after

Array = NDArray[Any]

BALANCED = 0.01
"""Up to this dephasing of a voxel [cycles] a repetition counts as balanced."""
SPOILED = 0.9
"""From this dephasing of a voxel [cycles] on it counts as spoiled."""
SAME_SPOILER = 0.05
"""Spoilers that differ by less [cycles] shift by the same order."""
ECHO = 0.1
"""Up to this dephasing [cycles] along an axis that is not encoded an echo is an echo."""
REPHASED = 10.0
"""Up to this gradient area [cycles/m] a preparation counts as rephased at its last pulse."""
WEIGHTS_DIFFUSION = 1.0
"""From this b-value [s/mm²] on a preparation is one for diffusion."""


@dataclass(frozen=True, kw_only=True)
class Readout:
    """A pulse with its sample."""

    block: int
    center: float  # of the pulse [s]
    echo: float  # time of the sample [s]
    flip: float  # [rad]
    phase: float  # [rad]

    @property
    def start(self) -> float:
        """Where what came before ends [s]."""
        return self.center

    end = start


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A block that stands for one or several pulses, and when these begin and end [s]."""

    made: Block
    start: float
    end: float


def recognise(timeline: Timeline) -> tuple[list[Block], float]:
    """The blocks of a timeline, and the dephasing of their spoilers [rad/mm].

    Raises
    ------
    SequenceError
        Something is played that no block expresses; the message names the block of the file.
    """
    acts = _acts(timeline)
    readouts = [act for act in acts if isinstance(act, Readout)]
    if not readouts:
        raise SequenceError("the file holds no ADC: a sequence must sample something")
    following = {id(act): after for act, after in pairwise(acts)}
    voxel = _voxel(timeline)
    spoiling = _Spoiling.of(timeline, readouts, following, voxel)
    blocks: list[Block] = []
    train: list[tuple[Readout, float, bool]] = []
    for act in acts:
        after = following.get(id(act))
        gap = (after.start if after else timeline.duration) - act.end
        if isinstance(act, Preparation):
            blocks += _prepared(act.made, gap)
            continue
        spoiled, crushed = spoiling.after(act, after)
        train.append((act, gap, spoiled))
        if crushed or not isinstance(after, Readout):
            blocks += _train(train, crushed)
            train = []
    return blocks, 2e-3 * np.pi * float(np.linalg.norm(spoiling.common))


# What is played -----------------------------------------------------------------------------


def _acts(timeline: Timeline) -> list[Readout | Preparation]:
    """Readouts and preparations in playing order."""
    acts: list[Readout | Preparation] = []
    waiting: list[Pulse] = []  # pulses without an ADC so far
    slices: set[float] = set()
    receiver: float | None = None  # phase of the receiver against the pulse [rad]
    ends = [*(pulse.center for pulse in timeline.pulses[1:]), np.inf]
    adcs = list(timeline.acquisitions)
    if adcs and (not timeline.pulses or adcs[0].start < timeline.pulses[0].center):
        raise _refusal(adcs[0].block, "an ADC comes before any pulse", "leave noise scans out")
    for pulse, end in zip(timeline.pulses, ends, strict=True):
        own = []
        while adcs and adcs[0].start < end:
            own.append(adcs.pop(0))
        if not own:
            waiting.append(pulse)
            continue
        if len(own) > 1:
            raise _refusal(
                own[1].block,
                "a second ADC follows the same pulse",
                "a readout train has one sample a pulse: keep one ADC",
            )
        acts += _preparations(waiting, timeline)
        waiting = []
        readout, against = _readout(pulse, own[0], timeline)
        acts.append(readout)
        receiver = against if receiver is None else receiver
        if abs(np.angle(np.exp(1j * (against - receiver)))) > 1e-3:
            raise _refusal(
                own[0].block,
                "the phase of the ADC does not follow the phase of its pulse",
                "give both the same phase offset",
            )
        slices.add(round(pulse.frequency, 1))
        if len(slices) > 1:
            raise _refusal(
                pulse.block,
                "a second slice is excited",
                "write a file for one slice and convert it",
            )
    return acts + _preparations(waiting, timeline)


def _readout(pulse: Pulse, adc: Acquisition, timeline: Timeline) -> tuple[Readout, float]:
    """A pulse with its sample, and the phase of the receiver against it [rad]."""
    if pulse.use not in ("excitation", "undefined", "other"):
        raise _refusal(
            pulse.block,
            f"a pulse for {pulse.use} has an ADC before the next pulse",
            "samples are taken after excitations only; trains of spin echoes have no block",
        )
    if not pulse.steady:
        raise _refusal(
            pulse.block,
            "the phase of an excitation changes within the pulse",
            "its angle is not its area: use a pulse whose amplitude alone is modulated",
        )
    if pulse.frequency and not pulse.selective:
        raise _refusal(
            pulse.block,
            f"an excitation is {pulse.frequency:g} Hz off resonance without a gradient",
            "excite on resonance",
        )
    echo = _echo(timeline, pulse, adc)
    received = adc.phase + 2 * np.pi * adc.frequency * (echo - adc.start)
    readout = Readout(
        block=pulse.block,
        center=pulse.center,
        echo=echo,
        flip=_file_digits(2 * np.pi * abs(pulse.area)),
        phase=_file_digits(pulse.axis % (2 * np.pi)),
    )
    return readout, received - pulse.axis


def _echo(timeline: Timeline, pulse: Pulse, adc: Acquisition) -> float:
    """When the samples of an ADC pass the centre of k-space [s]; the middle of those that do."""
    k = timeline.moment(adc.times) - timeline.moment(pulse.center)
    distance = np.linalg.norm(k, axis=-1)
    nearest = distance <= distance.min() + 1e-6 * max(1.0, distance.max())
    return float(adc.times[nearest].mean())


# Preparations -------------------------------------------------------------------------------


def _preparations(pulses: list[Pulse], timeline: Timeline) -> list[Preparation]:
    """The preparations that pulses without an ADC make up."""
    found = []
    while pulses:
        made, count = _preparation(pulses, timeline)
        found.append(Preparation(made=made, start=pulses[0].center, end=pulses[count - 1].center))
        pulses = pulses[count:]
    return found


def _preparation(pulses: list[Pulse], timeline: Timeline) -> tuple[Block, int]:
    """The block that the first pulses make up, and how many of them."""
    first = pulses[0]
    mz = mz_after(pulses[:1])
    if first.use == "saturation":
        return _saturation(first, mz), 1
    if first.use == "inversion" or (first.use in ("undefined", "other") and mz < -0.9):
        return _inversion(first, mz), 1
    for count in range(3, len(pulses) + 1):
        # Back at +z on resonance and near it: tipped down, refocused or locked, tipped up.
        group = pulses[:count]
        if abs(mz) < 0.3 and all(mz_after(group, offset) > 0.95 for offset in (0.0, 10.0, -10.0)):
            return _tipped(group, timeline), count
    raise _refusal(
        first.block,
        f"a pulse for {first.use} (it leaves Mz = {mz:.2f}) begins no preparation that is known",
        "known are inversion, saturation, 90-180-90 and spin-lock; a dummy pulse needs an ADC",
    )


def _inversion(pulse: Pulse, mz: float) -> Inversion:
    if mz > 0:
        raise _refusal(
            pulse.block,
            f"a pulse for inversion leaves Mz = {mz:.2f} of 1",
            "an inversion has an efficiency from 0 to 1: check the amplitude of the waveform",
        )
    return Inversion(delay=0.0, efficiency=round(-mz, 6))


def _saturation(pulse: Pulse, mz: float) -> Block:
    if pulse.selective:
        raise _refusal(pulse.block, "a saturation is selective in space", "leave the band out")
    if mz > 0.95:
        return Crusher()  # it spares water, as the saturation of fat does
    if mz > 0.05:
        raise _refusal(
            pulse.block,
            f"a saturation leaves Mz = {mz:.2f} of 1",
            "use a saturation that spares water (Mz near 1) or is complete (Mz near 0)",
        )
    return Inversion(delay=0.0, efficiency=round(max(-mz, 0.0), 6))


def _tipped(group: list[Pulse], timeline: Timeline) -> Block:
    """Tip down, something in the transverse plane, tip up."""
    locks = [pulse for pulse in group[1:-1] if _locks(pulse)]
    if locks:
        return _spin_lock(locks)
    echo_time = _tidy(group[-1].center - group[0].center)
    b_value, left = _diffusion(group, timeline)
    if np.abs(left).max() > REPHASED:
        raise _refusal(
            group[-1].block,
            f"the gradients of a preparation leave {np.abs(left).max():.0f} cycles/m at its last"
            " pulse",
            "balance them about the refocusing pulses",
        )
    if b_value < WEIGHTS_DIFFUSION:
        return T2Preparation(echo_time=echo_time)
    return DiffusionPreparation(b_value=float(f"{b_value:.6g}"), echo_time=echo_time)


def _locks(pulse: Pulse) -> bool:
    """True for a pulse of steady phase that turns by a full turn or more."""
    return pulse.use != "refocusing" and pulse.steady and abs(pulse.area) >= 1


def _spin_lock(locks: list[Pulse]) -> SpinLock:
    """Time and amplitude of one or several locks."""
    means = np.array([abs(pulse.area) / pulse.duration for pulse in locks])
    peaks = np.array([np.abs(pulse.signal).max() for pulse in locks])
    if peaks.max() > 1.05 * means.min():
        raise _refusal(
            locks[0].block,
            f"the amplitude of a spin-lock varies from {means.min():.0f} to {peaks.max():.0f} Hz",
            "lock with one constant amplitude",
        )
    return SpinLock(
        lock_time=_tidy(sum(pulse.duration for pulse in locks)),
        frequency=float(f"{means.mean():.6g}"),
    )


def _diffusion(group: list[Pulse], timeline: Timeline) -> tuple[float, Array]:
    """b-value [s/mm²] of the gradients between pulses, and the area left in the end [cycles/m].

    b = ∫ (2 pi k)² dt (Stejskal and Tanner 1965); each pulse in between inverts k.
    """
    k, b_value = np.zeros(3), 0.0
    for before, after in pairwise(group):
        time = np.linspace(before.center, after.center, 2001)
        path = k + timeline.moment(time) - timeline.moment(before.center)
        b_value += float(np.trapezoid((2 * np.pi * path) ** 2, time, axis=0).sum()) * 1e-6
        k = -path[-1]
    return b_value, k


# Spoilers -----------------------------------------------------------------------------------


def _voxel(timeline: Timeline) -> Array:
    """Edge of a voxel along x, y and z [m]: from the k-space sampled, else the field of view.

    NaN where neither is known.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    centers = np.array([pulse.center for pulse in timeline.pulses])
    for adc in timeline.acquisitions:
        center = centers[np.searchsorted(centers, adc.start) - 1]
        k = timeline.moment(adc.times) - timeline.moment(center)
        low, high = np.minimum(low, k.min(axis=0)), np.maximum(high, k.max(axis=0))
    extent = high - low
    encoded = extent * np.nan_to_num(timeline.fov, nan=1.0) > 2
    return np.where(encoded, 1 / np.where(encoded, extent, 1.0), timeline.fov)


@dataclass(frozen=True, eq=False)
class _Spoiling:
    """The gradient area between pulses, seen over a voxel."""

    timeline: Timeline
    voxel: Array  # [m], shape (3,)
    common: Array  # area of the spoiler that most repetitions play [cycles/m], shape (3,)

    @classmethod
    def of(
        cls,
        timeline: Timeline,
        readouts: list[Readout],
        following: dict[int, Readout | Preparation],
        voxel: Array,
    ) -> _Spoiling:
        """Find the spoiler of the trains; refuse samples that are taken while it dephases."""
        spoiling = cls(timeline, voxel, np.zeros(3))
        areas = []
        for readout in readouts:
            spoiling.check_echo(readout)
            after = following.get(id(readout))
            until = after.start if after else timeline.duration
            area = spoiling.area(readout.center, until)
            if spoiling.cycles(area, readout) >= SPOILED:
                areas.append(area)
        common = np.median(areas, axis=0) if areas else np.zeros(3)
        return dataclasses.replace(spoiling, common=common)

    def area(self, start: float, end: float) -> Array:
        """Gradient area between two times [cycles/m], shape (3,)."""
        return self.timeline.moment(end) - self.timeline.moment(start)

    def cycles(self, area: Array, readout: Readout) -> float:
        """Dephasing of a voxel by a gradient area along the axis where it is largest [cycles]."""
        unknown = np.isnan(self.voxel) & (np.abs(area) > BALANCED)
        if unknown.any():
            raise _refusal(
                readout.block,
                f"a gradient is left along {'xyz'[int(unknown.argmax())]} after this pulse, where"
                " the size of a voxel is not known",
                "state the field of view as definition FOV",
            )
        return float(np.abs(area * np.nan_to_num(self.voxel)).max())

    def check_echo(self, readout: Readout) -> None:
        """Refuse a sample that is dephased along an axis that is not encoded."""
        area = self.area(readout.center, readout.echo)
        fov = np.nan_to_num(self.timeline.fov)
        left = np.abs(area * np.where(self.voxel == self.timeline.fov, fov, 0.0)).max()
        if left > ECHO:
            raise _refusal(
                readout.block,
                f"the sample after this pulse is dephased by {left:.2f} cycles a voxel",
                "play spoilers after the ADC",
            )

    def after(self, readout: Readout, after: Readout | Preparation | None) -> tuple[bool, bool]:
        """Whether a repetition is spoiled, and whether it ends in a crusher."""
        until = after.start if after else self.timeline.duration
        area = self.area(readout.center, until)
        cycles = self.cycles(area, readout)
        if not isinstance(after, Readout):
            return cycles >= SPOILED, False  # what follows destroys the rest in any case
        if cycles <= BALANCED:
            return False, False
        if cycles < SPOILED:
            raise _refusal(
                readout.block,
                f"the gradients from this pulse to the next dephase a voxel by {cycles:.2g} cycles",
                f"balance them ({BALANCED:g} or less) or spoil ({SPOILED:g} or more)",
            )
        if self.cycles(area - self.common, readout) <= SAME_SPOILER:
            return True, False
        if cycles > 2 * self.cycles(self.common, readout):
            return True, True
        raise _refusal(
            readout.block,
            "the spoiler after this pulse differs from the others",
            "all spoilers must have one area: rewind the readout gradients",
        )


# Blocks -------------------------------------------------------------------------------------


def _prepared(made: Block, gap: float) -> list[Block]:
    """A preparation and the time until what follows."""
    if isinstance(made, Inversion):
        return [dataclasses.replace(made, delay=_tidy(gap))]
    return [made, *_delay(gap)]


def _train(train: list[tuple[Readout, float, bool]], crushed: bool) -> list[Block]:
    """A readout train; its last repetition is as long as the one before, the rest is a delay."""
    readouts = [readout for readout, _, _ in train]
    te = [_tidy(readout.echo - readout.center) for readout in readouts]
    tr = [_tidy(gap) for _, gap, _ in train]
    last = tr[-1] if len(tr) == 1 else min(tr[-1], max(tr[-2], te[-1]))
    rest = tr[-1] - last
    made = ReadoutTrain(
        flip=[readout.flip for readout in readouts],
        phase=[readout.phase for readout in readouts],
        tr=[*tr[:-1], last],
        te=te,
        spoiler_cycles=[int(spoiled) for _, _, spoiled in train],
    )
    return [made, *([Crusher()] if crushed else []), *_delay(rest)]


def _delay(time: float) -> list[Block]:
    time = _tidy(time)
    return [Delay(length=time)] if time > 0 else []


def _tidy(time: float) -> float:
    """A time to the nanosecond, finer than any raster [s]."""
    return round(float(time), 9)


def _file_digits(angle: float) -> float:
    """An angle [rad] to the six digits of its degrees that a Pulseq file holds."""
    return float(np.deg2rad(float(f"{np.rad2deg(angle):.6g}")))


def _refusal(block: int, what: str, way_out: str) -> SequenceError:
    return SequenceError(f"block {block}: {what}; {way_out}")
