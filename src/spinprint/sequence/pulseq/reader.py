"""Reading Pulseq files with pypulseq."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cache import place_fonts
from ...errors import MissingExtraError, SequenceError
from ...text import read_text
from ..sequence import Sequence
from .limits import check_block, check_rasters, check_shapes
from .recognise import recognise
from .timeline import Acquisition, Gradient, Pulse, Timeline

Array = NDArray[Any]

_END = -1  # what pypulseq reads beyond the end of a file
_ENDS = 8  # how often it may do so; of a whole file it does three times


def read_pulseq(
    path: str | Path, *, field_strength: float = 3.0, spoiler_diffusion: bool = False
) -> Sequence:
    """Read a Pulseq file (versions 1.2 to 1.5) as a sequence of blocks.

    Times are counted between the centers of pulses; a sample is taken when an ADC passes the
    centre of k-space. An inversion is told by the use of its pulse (files before 1.5: by what the
    waveform does to Mz), its efficiency by the waveform on resonance at nominal B1. A phase
    between pulse and receiver that never changes is left to the phase of M0.

    Parameters
    ----------
    path
        The file.
    field_strength
        Main field [T], used where the file has no definition `B0`.
    spoiler_diffusion
        True states the dephasing of the spoilers, so that diffusion by them is simulated.

    Raises
    ------
    SequenceError
        The file cannot be read, or plays what no block expresses: the message names the file, its
        block and the way out.
    MissingExtraError
        pypulseq is not installed.
    """
    path = Path(path)
    pypulseq = _pypulseq()
    text = read_text(path, SequenceError)
    try:
        check_shapes(text)
        file, played = _load(pypulseq, text)
        strength = file.definitions.get("B0", field_strength)
        if isinstance(strength, np.ndarray) or not isinstance(strength, (int, float)):
            raise SequenceError(f"definition B0 = {strength} must be a number [T]")
        blocks, spoiler = recognise(_timeline(file, played, float(strength)))
        return Sequence(
            name=str(file.definitions.get("Name", "")) or path.stem,
            blocks=tuple(blocks),
            field_strength=float(strength),
            spoiler=spoiler if spoiler_diffusion else 0.0,
        )
    except SequenceError as error:
        raise SequenceError(f"{path}: {error}") from None


def _pypulseq() -> Any:
    place_fonts()  # for matplotlib, which pypulseq imports
    try:
        return import_module("pypulseq")
    except ImportError:
        raise MissingExtraError(
            "reading Pulseq files needs pypulseq: pip install 'spinprint[pulseq]'"
        ) from None


def _load(pypulseq: Any, text: str) -> tuple[Any, dict[int, SimpleNamespace]]:
    """The file as an object of pypulseq, and its blocks by number."""
    # The cache of pypulseq 1.5.0 keeps blocks of older files as they were before their update.
    file = pypulseq.Sequence(use_block_cache=False)
    failure = None
    with TemporaryDirectory() as folder, warnings.catch_warnings(), _mended():
        warnings.simplefilter("ignore")  # defaults of older versions are what is wanted
        warnings.filterwarnings("error", message=".*is higher than")
        # pypulseq takes an empty line for the end of a section, and not the end of the file.
        ended = Path(folder) / "ended.seq"
        ended.write_text(text + "\n\n", errors="replace")  # pypulseq reads it so
        try:
            # Uses are never guessed: pypulseq would go by the area of a pulse.
            file.read(str(ended), detect_rf_use=False)
            blocks = {number: file.get_block(number) for number in file.block_events}
        except Exception as error:
            # A damaged file makes pypulseq raise anything, from KeyError to AssertionError. It is
            # let go here, as it holds the file that pypulseq left open.
            failure = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if failure:
        raise SequenceError(f"pypulseq cannot read it as Pulseq ({failure})")
    if not blocks:
        raise SequenceError("not a Pulseq file: it has no section [BLOCKS]")
    return file, blocks


@contextmanager
def _mended() -> Iterator[None]:
    """Let pypulseq 1.5.0 read what it means to read, and stop where a file stops.

    Of files before 1.4 it hands shapes that compression did not shorten to its own function as a
    list, which calculates with an array. In a file cut short it reads on for ever.
    """
    module: Any = import_module("pypulseq.Sequence.read_seq")
    ended = 0

    def decompress(shape: SimpleNamespace, **options: Any) -> Array:
        shape.data = np.asarray(shape.data, dtype=float)
        return originals["decompress_shape"](shape, **options)

    def strip_line(file: Any) -> str | int:
        nonlocal ended
        line = originals["__strip_line"](file)
        ended += line == _END
        if ended > _ENDS:
            raise EOFError("the file ends within a section")
        return line

    mended = {"decompress_shape": decompress, "__strip_line": strip_line}
    originals = {name: getattr(module, name) for name in mended}
    for name, function in mended.items():
        setattr(module, name, function)
    try:
        yield
    finally:
        for name, function in originals.items():
            setattr(module, name, function)


def _timeline(file: Any, blocks: dict[int, SimpleNamespace], field_strength: float) -> Timeline:
    """All events of a file on one axis of time."""
    check_rasters(file)
    ppm = 1e-6 * file.system.gamma * field_strength  # [Hz]
    pulses: list[Pulse] = []
    acquisitions: list[Acquisition] = []
    points: dict[str, list[tuple[Array, Array]]] = {"gx": [], "gy": [], "gz": []}
    start = 0.0
    for number, block in blocks.items():
        _check_fixed(number, block)
        check_block(number, block, float(file.block_durations[number]), file.rf_raster_time)
        for axis, played in points.items():
            gradient = getattr(block, axis)
            if gradient is not None:
                times, values = _points(gradient)
                played.append((start + times, values))
        if block.rf is not None:
            pulses.append(_pulse(number, block, start, ppm, file.rf_raster_time))
        if block.adc is not None:
            acquisitions.append(_acquisition(number, block.adc, start, ppm))
        start += float(file.block_durations[number])
    x, y, z = (_gradient(played, start) for played in points.values())
    return Timeline(
        pulses=pulses,
        acquisitions=acquisitions,
        gradients=(x, y, z),
        duration=start,
        fov=_fov(file.definitions.get("FOV")),
    )


def _check_fixed(number: int, block: SimpleNamespace) -> None:
    """Refuse a block whose length is decided at the scanner."""
    waits = [one for one in getattr(block, "trigger", {}).values() if one.type == "trigger"]
    if waits:
        raise SequenceError(
            f"block {number}: it waits for a trigger; the timing must be fixed: leave it out"
        )
    if block.soft_delay is not None:
        raise SequenceError(
            f"block {number}: soft delay {block.soft_delay.hint!r} is set at the scanner;"
            " fix it with pypulseq's apply_soft_delay and write the file without it"
        )


def _pulse(number: int, block: SimpleNamespace, start: float, ppm: float, raster: float) -> Pulse:
    rf = block.rf
    steps = max(1, round(rf.shape_dur / raster))
    step = rf.shape_dur / steps
    # Between its points a waveform is linear; before the first and after the last it holds.
    signal = np.interp((np.arange(steps) + 0.5) * step, rf.t, rf.signal)
    center = start + rf.delay + rf.center
    gradients = [getattr(block, axis) for axis in ("gx", "gy", "gz")]
    return Pulse(
        block=number,
        use=rf.use,
        start=start + rf.delay,
        center=center,
        step=float(step),
        signal=signal,
        phase=float(rf.phase_offset + rf.phase_ppm * ppm),
        frequency=float(rf.freq_offset + rf.freq_ppm * ppm),
        selective=any(_is_on(gradient, rf.delay + rf.center) for gradient in gradients),
    )


def _is_on(gradient: SimpleNamespace | None, time: float) -> bool:
    """True where a gradient is played at a time of its block [s]."""
    return gradient is not None and np.interp(time, *_points(gradient), left=0, right=0) != 0


def _points(gradient: SimpleNamespace) -> tuple[Array, Array]:
    """Times in the block [s] and values [Hz/m] between which a gradient is linear."""
    if gradient.type == "trap":
        lengths = [gradient.rise_time, gradient.flat_time, gradient.fall_time]
        times = np.concatenate([[0.0], np.cumsum(lengths)])
        values = gradient.amplitude * np.array([0.0, 1.0, 1.0, 0.0])
    else:
        times = np.concatenate([[0.0], gradient.tt, [gradient.shape_dur]])
        values = np.concatenate([[gradient.first], gradient.waveform, [gradient.last]])
    return gradient.delay + times, values


def _gradient(played: list[tuple[Array, Array]], end: float) -> Gradient:
    """The events of one axis, zero between them."""
    times, values = [np.zeros(1)], [np.zeros(1)]
    for event_times, event_values in played:
        times += [event_times[:1], event_times, event_times[-1:]]
        values += [np.zeros(1), event_values, np.zeros(1)]
    # Blocks begin at sums of rounded numbers: a point may lie an instant before its forerunner.
    all_times = np.maximum.accumulate(np.concatenate([*times, [end]]))
    return Gradient(all_times, np.concatenate([*values, [0.0]]))


def _acquisition(number: int, adc: SimpleNamespace, start: float, ppm: float) -> Acquisition:
    if adc.phase_modulation.size:
        raise SequenceError(
            f"block {number}: the ADC modulates its phase; write it without phase_modulation"
        )
    begin = start + adc.delay
    return Acquisition(
        block=number,
        times=begin + (np.arange(adc.num_samples) + 0.5) * adc.dwell,
        start=begin,
        phase=float(adc.phase_offset + adc.phase_ppm * ppm),
        frequency=float(adc.freq_offset + adc.freq_ppm * ppm),
    )


def _fov(stated: Any) -> Array:
    """Field of view along x, y and z [m], NaN where it is not stated."""
    fov = np.full(3, np.nan)
    given = np.atleast_1d(stated)[:3] if stated is not None else np.empty(0)
    if given.dtype.kind == "f":
        fov[: given.size] = given
    return fov
