"""Pulseq files made with pypulseq, read back as blocks, and against their own waveforms."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint.errors import MissingExtraError, SequenceError
from spinprint.physics.reference.bloch import simulate_bloch
from spinprint.physics.reference.epg import simulate_epg
from spinprint.sequence import (
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
    format_sequence,
    parse_sequence,
)
from spinprint.sequence.pulseq import read_pulseq
from spinprint.tissue import Tissue

pp = pytest.importorskip("pypulseq")
compress_shape = importlib.import_module("pypulseq.compress_shape").compress_shape

SPOILER = 250.0  # [cycles/m]: 1.25 cycles over the 5 mm of the field of view along z
RASTER = 1e-5  # of RF and gradients [s]
SYSTEM = pp.Opts(
    rf_raster_time=RASTER,
    rf_dead_time=0,
    rf_ringdown_time=0,
    adc_dead_time=0,
    max_grad=1e10,  # [Hz/m]: no test is about what gradients can do
    max_slew=1e15,
)


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
        self,
        flip: float,
        phase: float = 0.0,
        area: float = SPOILER,
        fill: float = 5.8e-3,
        length: float = 1e-4,
    ) -> None:
        """A pulse, its sample 2.09 ms later and a spoiler: 9 ms in all, unless said otherwise."""
        self.hard(flip, phase, length=length)
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
            written.append(re.sub(SHAPE, lambda shape: as_derivatives(*shape.groups()), section))
            continue
        elif not name.startswith("["):
            continue
        written.append("\n".join([name, *(" ".join(row) for row in rows), "", ""]))
    delays = [f"{index} {one}" for index, one in enumerate(durations, start=1)]
    written.insert(-1, "\n".join(["[DELAYS]", *delays, "", ""]))
    return "".join(written)


SHAPE = r"(shape_id \d+\nnum_samples (\d+)\n)([^s\[]*)"


def as_derivatives(head: str, count: str, data: str) -> str:
    """From 1.4 on a shape that compression would not shorten stands as it is; not so before."""
    values = np.array(data.split(), dtype=float)
    if values.size == int(count):
        values = compress_shape(values, force_compression=True).data
    return head + "\n".join(f"{value:.9g}" for value in values) + "\n\n"


FLIPS = np.round(10 + 50 * np.sin(np.pi * np.arange(12) / 12) ** 2, 1)


def fisp(inversion: float = 5.12e-3) -> Scanner:
    """An adiabatic inversion, then a spoiled train."""
    scanner = Scanner()
    scanner.adiabatic(duration=inversion)
    scanner.crush(37)
    scanner.wait(2.57e-3)
    for index, flip in enumerate(FLIPS):
        scanner.readout(flip, phase=117.0 * (index % 3), fill=5.8e-3 + 1e-4 * (index % 4))
    return scanner


def prepared() -> Scanner:
    """Every preparation that is not an inversion, each before a train of its own."""
    scanner = Scanner()
    # No crusher undoes what others did: no sum or difference of some is within a train of zero.
    for prepare, before, after in (
        (t2_prep, 31, 71),
        (spin_lock, 151, 311),
        (diffusion_prep, 631, 1277),
    ):
        prepare(scanner)
        scanner.crush(before)
        scanner.wait(2e-3)
        for flip in FLIPS[:6]:
            scanner.readout(flip)
        scanner.wait(50e-3)
        scanner.crush(after)
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


GRADIENT, SEPARATION = 30_250.0, 15e-3  # area [cycles/m] and distance [s] of the lobes


def diffusion_prep(scanner: Scanner) -> None:
    """90x G 180y G 90-x."""
    scanner.hard(90, 0, "preparation")
    lobe = pp.make_trapezoid("z", area=GRADIENT, duration=SEPARATION - 1e-4, system=SYSTEM)
    scanner.file.add_block(lobe)
    scanner.hard(180, 90, "refocusing")
    scanner.file.add_block(lobe)
    scanner.hard(90, 180, "preparation")


# A direct simulation of the waveforms ---------------------------------------------------------


def simulate_waveforms(file: Any, tissue: Tissue, n: int = 2053) -> np.ndarray:
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
def path(tmp_path: Path) -> Path:
    return tmp_path / "played.seq"


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


# Against the waveforms


def error(scanner: Scanner, path: Path, tissue: Tissue, simulate: Callable[..., Any]) -> np.ndarray:
    """Largest difference over the peak of the signal, shape `(tissue,)`."""
    signal = simulate(read_pulseq(scanner.write(path)), tissue)
    played = simulate_waveforms(scanner.file, tissue)
    return np.abs(signal - played).max(axis=-1) / np.abs(played).max(axis=-1)


@pytest.mark.parametrize("simulate", [simulate_epg, simulate_bloch])
def test_preparations_agree_with_the_waveforms(path: Path, simulate: Callable[..., Any]) -> None:
    tissue = tissues(t1=[0.8, 1.5, 4.0], t2=[0.05, 0.1, 2.0], t1rho=[0.05, 0.1, 2.0], adc=0.0)
    assert error(prepared(), path, tissue, simulate).max() < 1e-3


def test_fisp_agrees_with_the_waveforms_the_better_the_shorter_the_inversion(path: Path) -> None:
    """A block inverts in an instant; what relaxes during the pulse is the difference."""
    tissue = tissues(t1=[0.8, 1.5], t2=[0.05, 0.1], b0=[0.0, 30.0], b1=[1.0, 1.1])
    slow = error(fisp(inversion=5.12e-3), path, tissue, simulate_epg)
    fast = error(fisp(inversion=1.28e-3), path, tissue, simulate_epg)
    assert slow.max() < 0.03
    assert all(fast < slow / 2)


def bssfp(length: float) -> Scanner:
    scanner = Scanner()
    for index, flip in enumerate(np.tile(FLIPS, 2)):
        scanner.readout(flip, 180.0 * (index % 2), area=0.0, fill=0.8e-3, length=length)
    return scanner


def test_a_balanced_train_agrees_with_the_waveforms_the_better_the_shorter_its_pulses(
    path: Path,
) -> None:
    tissue = tissues(t1=[0.8, 1.5, 4.0], t2=[0.05, 0.1, 2.0], b0=[0.0, 40.0, -75.0], b1=[1, 0.9, 1])
    long = error(bssfp(length=1e-4), path, tissue, simulate_epg)
    short = error(bssfp(length=2e-5), path, tissue, simulate_epg)
    assert short.max() < 1e-3
    assert all(short < long / 3)
    (train,) = read_pulseq(path).trains
    assert set(train.spoiler_cycles) == {0}


# Uses, and what waveforms do


def test_an_inversion_is_told_by_its_use_and_its_waveform_never_by_its_area(path: Path) -> None:
    scanner = Scanner()
    scanner.adiabatic(duration=10.24e-3)
    scanner.readout(10)
    pulse = scanner.file.get_block(1).rf
    area = 360 * abs(np.sum(pulse.signal)) * RASTER
    assert area > 250  # degrees: by its area it would be anything but an inversion
    for version in ("1.4", "1.5"):
        inversion = read_pulseq(scanner.write(path, version)).blocks[0]
        assert isinstance(inversion, Inversion)
        assert inversion.efficiency > 0.99


@pytest.mark.parametrize(
    ("flip", "frequency", "block"),
    [
        (90.0, 0.0, Inversion(delay=1.1e-3, efficiency=0.0)),
        (120.0, 0.0, Inversion(delay=1.1e-3, efficiency=0.5)),
        (90.0, -10_000.0, Crusher()),
    ],
)
def test_saturation(path: Path, flip: float, frequency: float, block: Any) -> None:
    scanner = Scanner()
    scanner.shape(np.full(20, flip / 360 / 2e-4), "saturation", freq_offset=frequency)
    scanner.spoil()
    scanner.hard(20, length=1e-4)
    scanner.adc()
    made = read_pulseq(scanner.write(path)).blocks[0]
    assert type(made) is type(block)
    if isinstance(block, Inversion):
        assert made.efficiency == pytest.approx(block.efficiency, abs=1e-5)  # type: ignore[attr-defined]
        assert made.duration == pytest.approx(1.15e-3)


def test_the_b_value_is_that_of_stejskal_and_tanner(path: Path) -> None:
    (diffusion,) = [
        block
        for block in read_pulseq(prepared().write(path)).blocks
        if isinstance(block, DiffusionPreparation)
    ]
    lobe = SEPARATION - 1e-4
    q = 2 * np.pi * GRADIENT * 1e-3  # [rad/mm]; a rectangle: rise times are one raster step
    assert diffusion.b_value == pytest.approx(q**2 * (SEPARATION - lobe / 3), rel=1e-3)


# Gradients and timing


def test_a_sample_is_taken_when_the_adc_passes_the_centre_of_k_space(path: Path) -> None:
    """A readout with prephasing along x and encoding along y, off-centre slice, rewound."""
    scanner = Scanner()
    pulse, select, rephase = pp.make_sinc_pulse(
        np.deg2rad(30),
        duration=1e-3,
        slice_thickness=5e-3,
        apodization=0.5,
        time_bw_product=4,
        freq_offset=500.0,
        phase_offset=-2 * np.pi * 500.0 * 0.5e-3,
        return_gz=True,
        system=SYSTEM,
        use="excitation",
    )
    read = pp.make_trapezoid("x", flat_area=320, flat_time=3.2e-3, rise_time=1e-4, system=SYSTEM)

    def gradient(channel: str, area: float) -> Any:
        return pp.make_trapezoid(channel, area=area, duration=1e-3, system=SYSTEM)

    for line in (-40.0, -20.0, 0.0, 20.0, 40.0):
        scanner.file.add_block(pulse, select)
        scanner.file.add_block(gradient("x", -read.area / 4), gradient("y", line), rephase)
        adc = pp.make_adc(64, dwell=5e-5, delay=read.rise_time, system=SYSTEM)
        scanner.file.add_block(read, adc)
        scanner.file.add_block(
            gradient("x", -read.area * 3 / 4), gradient("y", -line), gradient("z", 4 / 5e-3)
        )
    sequence = read_pulseq(scanner.write(path), spoiler_diffusion=True)
    (train,) = sequence.trains
    np.testing.assert_allclose(np.rad2deg(train.flip), 30, rtol=1e-5)
    np.testing.assert_allclose(np.cos(train.phase), 1, atol=1e-6)
    from_pulse = 0.5e-3 + select.fall_time + 1e-3
    # The first quarter of the echo takes that of the flat top less half the ramp.
    quarter = read.area / 4 / read.amplitude + read.rise_time / 2
    np.testing.assert_allclose(train.te, from_pulse + quarter, atol=2.6e-5)
    assert set(train.spoiler_cycles) == {1}
    left = select.area + rephase.area + 4 / 5e-3  # from pulse to pulse
    assert sequence.spoiler == pytest.approx(2e-3 * np.pi * left, rel=1e-3)


def test_spoilers_weight_diffusion_only_where_asked_for(path: Path) -> None:
    fisp().write(path)
    assert read_pulseq(path).unknowns == ("t1", "t2")
    asked = read_pulseq(path, spoiler_diffusion=True)
    assert asked.unknowns == ("t1", "t2", "adc")
    assert asked.spoiler == pytest.approx(2e-3 * np.pi * SPOILER, rel=1e-5)


def test_name_and_field_come_from_the_definitions(path: Path) -> None:
    scanner = fisp()
    scanner.write(path)
    assert read_pulseq(path, field_strength=7.0).field_strength == 7.0
    scanner.file.set_definition("B0", 1.5)
    scanner.file.set_definition("Name", "fisp at low field")
    sequence = read_pulseq(scanner.write(path), field_strength=7.0)
    assert sequence.field_strength == 1.5
    assert sequence.name == "fisp at low field"


# Refusals


def play(*acts: Callable[[Scanner], Any]) -> Scanner:
    scanner = Scanner()
    for act in acts:
        act(scanner)
    return scanner


def readouts(scanner: Scanner) -> None:
    for _ in range(3):
        scanner.readout(20)


REFUSED: dict[str, tuple[Scanner, str]] = {
    "no ADC": (play(lambda s: s.adiabatic()), "holds no ADC"),
    "noise scan": (play(lambda s: s.adc(), readouts), "block 1: an ADC comes before any pulse"),
    "two ADCs": (
        play(lambda s: s.hard(20), lambda s: s.adc(), lambda s: s.adc(), readouts),
        "block 3: a second ADC follows the same pulse",
    ),
    "dummy": (
        play(lambda s: s.hard(20), lambda s: s.wait(5e-3), readouts),
        r"block 1: a pulse for excitation \(it leaves Mz = 0.94\) .* dummy pulse needs an ADC",
    ),
    "spin echo": (
        play(lambda s: s.hard(180, 90, "refocusing"), lambda s: s.adc()),
        "block 1: a pulse for refocusing has an ADC",
    ),
    "receiver": (
        play(
            lambda s: s.hard(20, 50), lambda s: s.adc(50), lambda s: s.hard(20), lambda s: s.adc(50)
        ),
        "block 4: the phase of the ADC does not follow",
    ),
    "adiabatic excitation": (
        play(lambda s: s.adiabatic("excitation"), lambda s: s.adc()),
        "block 1: the phase of an excitation changes within the pulse",
    ),
    "off resonance": (
        play(
            lambda s: s.shape(np.full(10, 500.0), "excitation", freq_offset=300.0),
            lambda s: s.adc(),
        ),
        "block 1: an excitation is 300 Hz off resonance without a gradient",
    ),
    "no inversion": (
        play(lambda s: s.hard(60, use="inversion"), readouts),
        "block 1: a pulse for inversion leaves Mz = 0.50",
    ),
    "partial saturation": (
        play(lambda s: s.hard(45, use="saturation"), readouts),
        "block 1: a saturation leaves Mz = 0.71",
    ),
    "not refocused": (
        play(
            lambda s: s.hard(90, 0, "preparation"),
            lambda s: s.wait(20e-3),
            lambda s: s.hard(90, 180, "preparation"),
            readouts,
        ),
        "block 1: a pulse for preparation .* begins no preparation that is known",
    ),
    "lock off axis": (
        play(
            lambda s: s.hard(90, 0, "preparation"),
            lambda s: s.shape(np.full(1000, 412.5), "preparation"),
            lambda s: s.hard(90, 180, "preparation"),
            readouts,
        ),
        "block 1: a pulse for preparation .* begins no preparation that is known",
    ),
    "lock amplitudes": (
        play(lambda s: spin_lock(s, second=500.0), readouts),
        "block 2: the amplitude of a spin-lock varies from 400 to 500 Hz",
    ),
    "gradient left": (
        play(
            lambda s: s.hard(90, 0, "preparation"),
            lambda s: s.spoil(),
            lambda s: s.hard(180, 90, "refocusing"),
            lambda s: s.wait(1e-3),
            lambda s: s.hard(90, 180, "preparation"),
            readouts,
        ),
        "block 5: the gradients of a preparation leave 250 cycles/m",
    ),
    "half a cycle": (
        play(*[lambda s: s.readout(20, area=100.0)] * 2),
        "block 1: the gradients from this pulse to the next dephase a voxel by 0.5 cycles",
    ),
    "two spoilers": (
        play(readouts, lambda s: s.readout(20, area=1.5 * SPOILER), readouts),
        "block 16: the spoiler after this pulse differs",
    ),
    "spoiler before the ADC": (
        play(*[lambda s: (s.hard(20), s.spoil(), s.adc())] * 2),
        "block 1: the sample after this pulse is dephased by 1.25 cycles",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_block_expresses_is_refused_by_name(path: Path, case: str) -> None:
    scanner, message = REFUSED[case]
    with pytest.raises(SequenceError, match=message) as caught:
        read_pulseq(scanner.write(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_second_slice_is_refused(path: Path) -> None:
    scanner = Scanner()
    for offset in (0.0, 1000.0):
        pulse, select, _ = pp.make_sinc_pulse(
            np.deg2rad(30),
            duration=1e-3,
            slice_thickness=5e-3,
            freq_offset=offset,
            phase_offset=-2 * np.pi * offset * 0.5e-3,
            return_gz=True,
            system=SYSTEM,
            use="excitation",
        )
        scanner.file.add_block(pulse, select)
        scanner.spoil(-select.area / 2)
        scanner.adc()
        scanner.spoil()
    with pytest.raises(SequenceError, match="block 5: a second slice is excited"):
        read_pulseq(scanner.write(path))


def test_without_a_field_of_view_the_voxel_is_not_known(path: Path) -> None:
    scanner = fisp()
    scanner.fov = ()
    with pytest.raises(
        SequenceError, match=r"block 4: a gradient is left along z .* definition FOV"
    ):
        read_pulseq(scanner.write(path))


def test_a_delay_set_at_the_scanner_is_refused(path: Path) -> None:
    scanner = fisp()
    scanner.file.add_block(pp.make_soft_delay("TE", default_duration=1e-3))
    with pytest.raises(SequenceError, match="soft delay 'TE' is set at the scanner"):
        read_pulseq(scanner.write(path))


def test_a_trigger_is_refused(path: Path) -> None:
    scanner = fisp()
    scanner.file.add_block(pp.make_trigger("physio1", duration=1e-3))
    with pytest.raises(SequenceError, match="it waits for a trigger"):
        read_pulseq(scanner.write(path))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 3], "cannot read it as Pulseq"),
        (lambda text: text[: len(text) // 2], "cannot read it as Pulseq"),
        (lambda text: text.replace("minor 5", "minor 9"), "1.9.0 is higher than installed"),
        (lambda _: "[[block]]\ntype = 'inversion'\n", "cannot read it as Pulseq"),
        (lambda _: "", "not a Pulseq file"),
    ],
)
def test_a_damaged_file_is_refused(path: Path, damage: Callable[[str], str], message: str) -> None:
    path.write_text(damage(fisp().write(path).read_text()))
    with pytest.raises(SequenceError, match=message) as caught:
        read_pulseq(path)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_and_windows_lines_are_read(path: Path) -> None:
    text = fisp().write(path).read_text()
    plain = read_pulseq(path)
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_pulseq(path).digest == plain.digest
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(SequenceError, match=r"played\.seq: cannot be read as text .it is UTF-16"):
        read_pulseq(path)


@pytest.mark.parametrize("version", ["1.3", "1.5"])
def test_a_file_cut_at_any_line_ends(path: Path, version: str) -> None:
    lines = fisp().write(path, version).read_text().splitlines(keepends=True)
    whole = read_pulseq(path)
    stated = [i + 1 for i, line in enumerate(lines) if line.startswith("num_samples")]
    for end in (*stated, *range(0, len(lines), 7)):  # the first kept pypulseq reading for ever
        path.write_text("".join(lines[:end]))
        with suppress(SequenceError):
            assert read_pulseq(path).n_samples == whole.n_samples  # only the signature is gone


@pytest.mark.parametrize(
    ("pattern", "new", "message"),
    [
        (r"num_samples \d+", "num_samples 1000000000", "a shape has 1000000000 samples"),
        (r"num_samples \d+", "num_samples 1e3", "a shape of 1e3 samples: their number must be w"),
        (r"num_samples \d+", "num_samples -4", "a shape of -4 samples"),
        (r"(\[ADC\][^\[]*?\n1 )8 ", r"\g<1>1000000000 ", "the ADC has 1000000000 samples: 1 t"),
        (r"(\[ADC\][^\[]*?\n1 )8 ", r"\g<1>0 ", "the ADC has 0 samples"),
        (r"(\[ADC\][^\[]*?\n1 8 )\d+", r"\g<1>nan", "block 6: the ADC holds a value"),
        (r"(\[TRAP\][^\[]*?\n\s*\d+\s+)\S+", r"\g<1>inf", "cannot read it as Pulseq"),
        (
            "RadiofrequencyRasterTime .*",
            "RadiofrequencyRasterTime 0",
            "= 0.0 must be a positiv",
        ),
        ("BlockDurationRaster .*", "BlockDurationRaster x", "BlockDurationRaster = x must be a p"),
    ],
)
def test_sizes_and_values_are_checked_before_they_are_used(
    path: Path, pattern: str, new: str, message: str
) -> None:
    text = fisp().write(path).read_text()
    damaged = re.sub(pattern, new, text, count=1)
    assert damaged != text
    path.write_text(damaged)
    with pytest.raises(SequenceError, match=message):
        read_pulseq(path)


def test_shapes_of_unequal_length_are_refused(path: Path) -> None:
    scanner = fisp()
    scanner.shape(500 * np.hanning(20), "excitation")
    text = scanner.write(path).read_text()
    shapes = text[text.index("[SHAPES]") :]
    halves = re.sub(r"num_samples 20\n((?:[^\n]+\n)+)", _halved, shapes, count=1)
    assert halves != shapes
    path.write_text(text.replace(shapes, halves))
    with pytest.raises(SequenceError, match=r"equally long|cannot read it as Pulseq"):
        read_pulseq(path)


def _halved(shape: re.Match[str]) -> str:
    lines = shape[1].splitlines(keepends=True)
    return f"num_samples {len(lines) // 2}\n" + "".join(lines[: len(lines) // 2])


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(SequenceError, match=r"played\.seq: no such file"):
        read_pulseq(path)


def test_a_field_that_is_no_number_is_refused(path: Path) -> None:
    scanner = fisp()
    scanner.file.set_definition("B0", "3T")
    with pytest.raises(SequenceError, match="definition B0 = 3T must be a number"):
        read_pulseq(scanner.write(path))


def test_without_pypulseq_the_install_line_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypulseq", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spinprint\[pulseq\]'"):
        read_pulseq(path)


def test_importing_the_reader_loads_no_pypulseq() -> None:
    check = "import sys, spinprint.sequence.pulseq; assert 'pypulseq' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)
