"""Pulseq files made with pypulseq, read back as blocks, and against their own waveforms."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint.errors import MissingExtraError, SequenceError
from spinprint.physics.bloch import simulate_bloch
from spinprint.physics.epg import simulate_epg
from spinprint.sequence import (
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    Sequence,
    SpinLock,
    T2Preparation,
    format_sequence,
    parse_sequence,
)
from spinprint.sequence.pulseq import read_pulseq
from spinprint.tissue import Tissue

pp = pytest.importorskip("pypulseq")

SPOILER = 250.0  # [cycles/m]: 1.25 cycles over the 5 mm of the field of view along z
RASTER = 1e-5  # of RF and gradients [s]
SYSTEM = pp.Opts(rf_raster_time=RASTER, rf_dead_time=0, rf_ringdown_time=0, adc_dead_time=0)


@dataclass
class Scanner:
    """Writes what is played to a file, one method an event; angles in degrees."""

    file: Any = field(default_factory=lambda: pp.Sequence(SYSTEM))
    fov: tuple[float, ...] = (0.2, 0.2, 0.005)

    def shape(self, signal: Any, use: str, **offsets: float) -> None:
        """A waveform [Hz] with one value a raster step."""
        self.file.add_block(
            pp.make_arbitrary_rf(
                np.asarray(signal), np.pi, no_signal_scaling=True, system=SYSTEM, use=use, **offsets
            )
        )

    def hard(
        self, flip: float, phase: float = 0.0, use: str = "excitation", length: float = 1e-4
    ) -> None:
        steps = round(length / RASTER)
        self.shape(np.full(steps, flip / 360 / length), use, phase_offset=np.deg2rad(phase))

    def adiabatic(self, use: str = "inversion", duration: float = 5.12e-3) -> None:
        """A hyperbolic secant of bandwidth 2.5 kHz for 5.12 ms."""
        scale = 5.12e-3 / duration
        pulse = pp.make_adiabatic_pulse(
            "hypsec", duration=duration, beta=1600 * scale, dwell=RASTER, system=SYSTEM, use=use
        )
        self.shape(pulse.signal, use)

    def spoil(self, area: float = SPOILER, channel: str = "z") -> None:
        self.file.add_block(pp.make_trapezoid(channel, area=area, duration=1e-3, system=SYSTEM))

    def wait(self, time: float) -> None:
        self.file.add_block(pp.make_delay(time))

    def adc(self, phase: float = 0.0, **offsets: float) -> None:
        """Eight samples of 10 us, the middle of them 0.04 ms after the begin."""
        self.file.add_block(
            pp.make_adc(8, dwell=1e-5, phase_offset=np.deg2rad(phase), system=SYSTEM, **offsets),
            pp.make_delay(1e-4),
        )

    def readout(
        self, flip: float, phase: float = 0.0, area: float = SPOILER, fill: float = 5.8e-3
    ) -> None:
        """A pulse, its sample 2.09 ms later and a spoiler: 9 ms in all, unless filled otherwise."""
        self.hard(flip, phase)
        self.wait(2e-3)
        self.adc(phase)
        self.spoil(area) if area else self.wait(1e-3)
        self.wait(fill)

    def crush(self, orders: int) -> None:
        """More than any spoilers of a test can undo."""
        self.spoil(orders * SPOILER)

    def write(self, path: Path, version: str = "1.5") -> Path:
        if self.fov:
            self.file.set_definition("FOV", list(self.fov))
        self.file.write(str(path), v141_compat=version != "1.5")
        if version == "1.3":
            path.write_text(as_version_13(path.read_text()))
        return path


def as_version_13(text: str) -> str:
    """The layout of 1.3: delays are events, pulses and gradients have no time shape, no uses."""
    sections = re.split(r"^(?=\[)", text.split("[SIGNATURE]")[0], flags=re.MULTILINE)
    durations: list[str] = []
    written = []
    for section in sections:
        name, _, body = section.partition("\n")
        rows = [row.split() for row in body.splitlines() if row and not row.startswith("#")]
        if name == "[VERSION]":
            rows = [["major", "1"], ["minor", "3"], ["revision", "0"]]
        elif name == "[BLOCKS]":
            durations = [str(10 * int(row[1])) for row in rows]
            rows = [[row[0], row[0], *row[2:]] for row in rows]
        elif name == "[RF]":
            assert all(row[4] == "0" for row in rows)
            rows = [row[:4] + row[5:] for row in rows]
        elif name == "[SHAPES]":
            written.append(section)
            continue
        elif not name.startswith("["):
            continue
        written.append("\n".join([name, *(" ".join(row) for row in rows), "", ""]))
    delays = [f"{index} {one}" for index, one in enumerate(durations, start=1)]
    written.insert(-1, "\n".join(["[DELAYS]", *delays, "", ""]))
    return "".join(written)


FLIPS = np.round(10 + 50 * np.sin(np.pi * np.arange(12) / 12) ** 2, 1)


def fisp() -> Scanner:
    """An adiabatic inversion, then a spoiled train."""
    scanner = Scanner()
    scanner.adiabatic()
    scanner.crush(37)
    scanner.wait(2.57e-3)
    for index, flip in enumerate(FLIPS):
        scanner.readout(flip, phase=117.0 * (index % 3), fill=5.8e-3 + 1e-4 * (index % 4))
    return scanner


def prepared() -> Scanner:
    """Every preparation that is not an inversion, each before a train of its own."""
    scanner = Scanner()
    for prepare in (t2_prep, spin_lock, diffusion_prep):
        prepare(scanner)
        scanner.crush(53)
        scanner.wait(2e-3)
        for flip in FLIPS[:6]:
            scanner.readout(flip)
        scanner.wait(50e-3)
        scanner.crush(37)
    for flip in FLIPS[:3]:
        scanner.readout(flip)
    return scanner


def t2_prep(scanner: Scanner) -> None:
    """90x 180y 90-x, 30 ms from first to last center."""
    scanner.hard(90, 0, "preparation")
    scanner.wait(14.9e-3)
    scanner.hard(180, 90, "refocusing")
    scanner.wait(14.9e-3)
    scanner.hard(90, 180, "preparation")


def spin_lock(scanner: Scanner, second: float = 400.0) -> None:
    """Tip down, 10 ms each of a lock along and against, tip up."""
    scanner.hard(90, 0, "preparation")
    scanner.shape(np.full(1000, 400.0), "preparation", phase_offset=np.pi / 2)
    scanner.shape(np.full(1000, second), "preparation", phase_offset=-np.pi / 2)
    scanner.hard(90, 180, "preparation")


GRADIENT, SEPARATION = 30_000.0, 15e-3  # area [cycles/m] and distance [s] of the lobes


def diffusion_prep(scanner: Scanner) -> None:
    """90x G 180y G 90-x."""
    scanner.hard(90, 0, "preparation")
    lobe = pp.make_trapezoid("z", area=GRADIENT, duration=SEPARATION - 1e-4, system=SYSTEM)
    scanner.file.add_block(lobe)
    scanner.hard(180, 90, "refocusing")
    scanner.file.add_block(lobe)
    scanner.hard(90, 180, "preparation")


# A direct simulation of the waveforms ---------------------------------------------------------


def simulate_waveforms(file: Any, tissue: Tissue, n: int = 257) -> np.ndarray:
    """Bloch equations in hard steps of the RF raster, for positions over one spoiler.

    Knows nothing of blocks and states: plays each event of each block of the file.
    """
    flat = tissue.flat()
    t1, t2 = flat.t1[:, None], flat.t2[:, None]
    b1, b0 = flat.get("b1").reshape(-1, 1), flat.get("b0").reshape(-1, 1)
    z = np.arange(n) / n / SPOILER
    xy, mz = np.zeros((flat.size, n), complex), np.ones((flat.size, n))
    signal = []

    def free(time: float, area: float = 0.0) -> None:
        nonlocal xy, mz
        turn = np.exp(2j * np.pi * (b0 * time + area * z) - time / t2)
        xy, mz = xy * turn, 1 + (mz - 1) * np.exp(-time / t1)

    def step(field: complex, time: float) -> None:
        """Rotate by Rodrigues' formula about a field in the plane, right-handed."""
        nonlocal xy, mz
        angle = 2 * np.pi * abs(field) * time * b1
        axis = field / abs(field) if field else 1.0
        along, across = (xy * np.conj(axis)).real, (xy * np.conj(axis)).imag
        across, mz = (
            across * np.cos(angle) - mz * np.sin(angle),
            mz * np.cos(angle) + across * np.sin(angle),
        )
        xy = (along + 1j * across) * axis

    for number in file.block_events:
        block = file.get_block(number)
        left = file.block_durations[number]
        if block.rf is not None:
            turned = block.rf.signal * np.exp(1j * block.rf.phase_offset)
            for one in turned:
                free(RASTER / 2)
                step(complex(one), RASTER)
                free(RASTER / 2)
            left -= len(turned) * RASTER
        if block.adc is not None:
            middle = block.adc.delay + block.adc.num_samples * block.adc.dwell / 2
            free(middle)
            # A right-handed turn about x brings z to -y: the constant phase is taken off.
            signal.append(1j * xy.mean(axis=1) * np.exp(-1j * block.adc.phase_offset))
            left -= middle
        free(left, block.gz.area if block.gz is not None else 0.0)
    return np.stack(signal, axis=-1).reshape(*tissue.shape, -1)


def tissues(**values: Any) -> Tissue:
    return Tissue(**{name: np.array(value) for name, value in values.items()})


# The tests --------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "played.seq"


@pytest.mark.parametrize("version", ["1.3", "1.4", "1.5"])
def test_fisp_is_the_same_in_every_version(path: Path, version: str) -> None:
    fisp().write(path, version)
    assert f"minor {version[-1]}" in path.read_text()
    sequence = read_pulseq(path)
    inversion, train, delay = sequence.blocks
    assert isinstance(inversion, Inversion)
    assert inversion.efficiency == pytest.approx(1, abs=0.01)
    assert isinstance(train, ReadoutTrain)
    np.testing.assert_allclose(np.rad2deg(train.flip), FLIPS, rtol=1e-5)
    np.testing.assert_allclose(np.rad2deg(train.phase), 117.0 * (np.arange(12) % 3), atol=1e-3)
    expected_tr = 9e-3 + 1e-4 * (np.arange(12) % 4)
    expected_tr[-1] = expected_tr[-2]
    np.testing.assert_allclose(train.tr, expected_tr, atol=1e-9)
    np.testing.assert_allclose(train.te, 2.09e-3, atol=1e-9)
    assert set(train.spoiler_cycles) == {1}
    assert isinstance(delay, Delay)
    assert sequence.name == "played"
    assert sequence.field_strength == 3.0


@pytest.mark.parametrize("version", ["1.3", "1.4", "1.5"])
def test_preparations_are_recognised_in_every_version(path: Path, version: str) -> None:
    prepared().write(path, version)
    blocks = read_pulseq(path).blocks
    t2, _, _, _, lock, _, _, _, diffusion, *_ = blocks
    assert isinstance(t2, T2Preparation)
    assert t2.echo_time == pytest.approx(30e-3)
    assert isinstance(lock, SpinLock)
    assert lock.lock_time == pytest.approx(20e-3)
    assert lock.frequency == pytest.approx(400, rel=1e-5)
    assert isinstance(diffusion, DiffusionPreparation)
    assert diffusion.echo_time == pytest.approx(30e-3)
    kinds = [block.type for block in blocks]
    train = ["delay", "readout_train", "delay"]
    assert kinds == [
        *["t2_prep", *train],
        *["spin_lock", *train],
        *["diffusion_prep", "delay", "readout_train", "crusher", "delay", "readout_train"],
    ]


def test_the_converted_file_survives_as_text(path: Path) -> None:
    sequence = read_pulseq(prepared().write(path))
    assert parse_sequence(format_sequence(sequence)) == sequence
