"""The signal of a sequence by the fast kernel, on all cores."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, TissueError
from ..parallel import Progress, for_chunks
from ..sequence import Sequence
from ..tissue import Tissue
from .orders import orders_of
from .program import Program, compile_sequence

LANES = 16
"""Tissues the kernel plays at once."""

WRT = ("t1", "t2", "t1rho", "adc", "b1", "b0")
"""Parameters the signal can be differentiated for."""

_COLUMN = {"t1": 0, "t2": 1, "adc": 2, "b1": 3, "b0": 4}
"""What the kernel itself knows of a tissue, by row of its table; T1rho acts through gains."""

_CHUNK = 32 * LANES
"""Tissues per call of the kernel: enough to hide the call, few enough to share out."""

compiled = lru_cache(maxsize=64)(compile_sequence)


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
    """Signal of a sequence, and its derivatives.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    n_states
        Configuration orders kept; None takes, for each tissue, the fewest that keep its signal
        within 1e-4 of its peak.
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
    signal = simulate_flat(sequence, flat, n_states=n_states, wrt=tuple(wrt or ()))
    signal = signal.astype(np.complex64, copy=False)
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
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Signal and derivatives of a flat tissue per unit of m0, real where they can be.

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
    for name in wrt:
        if name not in WRT:
            raise TissueError(f"wrt = {name!r} must be one of {', '.join(WRT)}")
    if n_states is not None and n_states < 1:
        raise InputError(f"n_states = {n_states} must be at least 1: order 0 is what is sampled")
    for name in sequence.unknowns:
        tissue.get(name)  # raises for what is missing, before any work
    program = compiled(sequence)
    off_resonance = "b0" in wrt or (tissue.b0 is not None and bool(tissue.b0.any()))
    dtype = np.float32 if program.one_axis and not off_resonance else np.complex64
    out = np.empty((tissue.size, 1 + len(wrt), program.n_samples), dtype)
    if n_states is not None:
        _play_slices(sequence, tissue, n_states, wrt, out, progress)
        return out
    orders = orders_of(sequence, tissue)
    for count in np.unique(orders):
        # Tissues that need equally many orders are played together, so that what a tissue
        # gives never depends on its neighbours.
        index = np.flatnonzero(orders == count)
        if len(index) == tissue.size:
            _play_slices(sequence, tissue, int(count), wrt, out, progress)
        else:
            part = np.empty((len(index), *out.shape[1:]), dtype)
            _play_slices(sequence, tissue.take(index), int(count), wrt, part, progress)
            out[index] = part
    return out


def _play_slices(
    sequence: Sequence,
    tissue: Tissue,
    n_states: int,
    wrt: tuple[str, ...],
    out: NDArray[Any],
    progress: Progress | None,
) -> None:
    """Sum over the positions of the slice profile, if there is one."""
    if sequence.slice_profile is None:
        _play_all(compiled(sequence), tissue, n_states, wrt, out, progress)
        return
    out[:] = 0
    part = np.empty_like(out)
    for weight, seen in sequence.slices:
        _play_all(compiled(seen), tissue, n_states, wrt, part, progress)
        part *= np.float32(weight)
        out += part


def _play_all(
    program: Program,
    tissue: Tissue,
    n_states: int,
    wrt: tuple[str, ...],
    out: NDArray[Any],
    progress: Progress | None,
) -> None:
    from .kernels.epg import play, workspace

    n_states = min(n_states, program.all_orders)
    lanes, gains = _lanes(tissue), _gains(program, tissue, wrt)
    one_hot = np.zeros((len(wrt), len(_COLUMN)), np.float32)
    for row, name in enumerate(wrt):
        if name in _COLUMN:
            one_hot[row, _COLUMN[name]] = 1
    sides = 1 + len(wrt)
    disperses = tissue.adc is not None or "adc" in wrt
    spoiler = program.spoiler if disperses else 0.0
    written = out.view(np.float32).reshape(tissue.size * sides, -1)

    def work(start: int, stop: int) -> None:
        state, damping, window = workspace(sides, n_states, out.dtype, diffusing=spoiler > 0)
        for first in range(start, stop, LANES):
            play(
                program.events, gains, lanes, one_hot, np.float32(spoiler), first,
                min(LANES, stop - first), n_states, state, damping, window, written,
            )  # fmt: skip

    for_chunks(work, tissue.size, _CHUNK, progress)


def _padded(values: NDArray[Any], size: int) -> NDArray[np.float32]:
    """A row for the kernel: float32, the last value repeated up to whole vectors."""
    row = np.broadcast_to(values, (size,)).astype(np.float32)
    return np.pad(row, (0, -size % LANES), mode="edge")


def _lanes(tissue: Tissue) -> NDArray[np.float32]:
    """Rates and fields, float32 `(R1 | R2 | ADC | B1 | B0, tissue)`."""
    columns = {"t1": 1 / tissue.t1, "t2": 1 / tissue.t2}
    columns |= {name: tissue.get(name) for name in ("adc", "b1", "b0")}
    return np.stack([_padded(columns[name], tissue.size) for name in _COLUMN])


def _gains(program: Program, tissue: Tissue, wrt: tuple[str, ...]) -> NDArray[np.float32]:
    """Gains and their derivatives, float32 `(preparation * (1 + parameter), tissue)`."""
    rows = []
    none = np.zeros(tissue.size)
    for gain in program.gains:
        value, slopes = gain.value(tissue, wrt)
        rows += [_padded(one, tissue.size) for one in (value, *(slopes.get(n, none) for n in wrt))]
    return np.stack(rows) if rows else np.zeros((1, tissue.size), np.float32)
