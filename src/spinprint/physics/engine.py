"""Run a fast kernel on all cores or on a GPU, for tissues with the same number of orders."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..device import accelerator
from ..parallel import even_share, for_chunks
from ..sequence import Sequence
from ..simd.vectors import LANES
from ..tissue import Tissue
from .kernels.epg import Played, play, workspace
from .program import Program, compile_sequence

_COLUMN = {"t1": 0, "t2": 1, "adc": 2, "b1": 3, "b0": 4}
"""Parameters in the kernel's table of tissues, and their rows; T1rho acts through gains."""

_CHUNK = 512
"""Tissues per call of the kernel: enough to hide its cost, few enough to divide among cores."""

WORTH_A_GPU = 1 << 15
"""Tissues with the same number of orders from which on a GPU, if available, is used instead of the
processor: torch takes some forty operations per event, 0.2 ms however few the tissues, in which
two cores play this many. An estimate, not measured on a GPU."""

compiled = lru_cache(maxsize=64)(compile_sequence)


def signal_type(sequence: Sequence, tissue: Tissue, wrt: tuple[str, ...]) -> type[Any]:
    """float32 where all pulses turn about one axis and nothing is off resonance, or complex64."""
    off_resonance = "b0" in wrt or (tissue.b0 is not None and bool(tissue.b0.any()))
    return np.float32 if compiled(sequence).one_axis and not off_resonance else np.complex64


def run(
    sequence: Sequence,
    tissue: Tissue,
    n_states: int,
    wrt: tuple[str, ...],
    out: NDArray[Any],
) -> None:
    """Write signal and derivatives of a flat tissue to `out`, `(tissue, 1 + parameter, time)`.

    `out` has the type that `signal_type` returns, or complex64. The signal is summed over the
    positions of the slice profile, if there is one.
    """
    kind = signal_type(sequence, tissue, wrt)
    if sequence.slice_profile is None:
        _play_all(compiled(sequence), tissue, n_states, wrt, kind, out)
        return
    out[:] = 0
    part = np.empty_like(out)
    for weight, position in sequence.slices:
        _play_all(compiled(position), tissue, n_states, wrt, kind, part)
        part *= np.float32(weight)
        out += part


def _play_all(
    program: Program,
    tissue: Tissue,
    n_states: int,
    wrt: tuple[str, ...],
    kind: type[Any],
    out: NDArray[Any],
) -> None:
    one_hot = np.zeros((len(wrt), len(_COLUMN)), np.float32)
    for row, name in enumerate(wrt):
        if name in _COLUMN:
            one_hot[row, _COLUMN[name]] = 1
    disperses = tissue.adc is not None or "adc" in wrt
    played = Played(
        events=program.events,
        times=program.times,
        gains=_gains(program, tissue, wrt),
        lanes=_lanes(tissue),
        wrt=one_hot,
        spoiler=program.spoiler if disperses else 0.0,
        nominal=tissue.b1 is None,
        n_states=min(n_states, program.all_orders),
    )
    device = accelerator() if tissue.size >= WORTH_A_GPU else None
    if device is not None:
        from .kernels.epg_torch import play_all  # loads torch, which takes seconds

        play_all(played, kind, device, out)
        return
    sides, n_times, width = 1 + len(wrt), len(program.times), out.itemsize // 4
    written = out.view(np.float32).reshape(tissue.size * sides, -1)

    def work(start: int, stop: int) -> None:
        diffusing = played.spoiler > 0
        memory = workspace(sides, played.n_states, n_times, kind, diffusing=diffusing)
        play(played, memory, start, stop, written, width)

    for_chunks(work, tissue.size, min(_CHUNK, even_share(tissue.size, LANES)))


def _table(rows: list[Any], size: int) -> NDArray[np.float32]:
    """Rows for the kernel, padded to whole vectors with the last value of each."""
    table = np.empty((len(rows), -(-size // LANES) * LANES), np.float32)
    for row, values in zip(table, rows, strict=True):
        row[:size] = values
        row[size:] = row[size - 1]
    return table


def _lanes(tissue: Tissue) -> NDArray[np.float32]:
    """Rates and fields, float32 `(R1 | R2 | ADC | B1 | B0, tissue)`."""
    columns = {"t1": 1 / tissue.t1, "t2": 1 / tissue.t2}
    columns |= {name: tissue.get(name) for name in ("adc", "b1", "b0")}
    return _table([columns[name] for name in _COLUMN], tissue.size)


def _gains(program: Program, tissue: Tissue, wrt: tuple[str, ...]) -> NDArray[np.float32]:
    """Gains and their derivatives, float32 `(preparation * (1 + parameter), tissue)`."""
    rows: list[Any] = []
    for gain in program.gains:
        value, slopes = gain.value(tissue, wrt)
        rows += [value, *(slopes.get(name, 0.0) for name in wrt)]
    return _table(rows, tissue.size)
