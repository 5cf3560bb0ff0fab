"""Extended phase graphs in torch, for a GPU: the same events and results as in `epg.py`.

All tissues of a chunk are played at once, with one torch operation per step. States F+, F- and Z
are `(1 + parameter, order, tissue)`, the signal's first, then its derivatives; float32 where every
pulse turns about one axis and complex64 elsewhere. Notation and rules are those of `epg.py`.
Tested on torch's CPU device; speed and memory on CUDA have not been measured.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch

from .epg import ADC, B0, B1, R1, R2, spread

MEMORY = 1 << 30
"""Maximum number of bytes on the device per chunk of tissues, which holds at least one tissue."""

_COPIES = 18
"""Maximum number of arrays of the size of F+ that exist at once."""


class _Chunk(NamedTuple):
    """Some tissues, and the derivatives of relaxation for each parameter."""

    r1: torch.Tensor
    r2: torch.Tensor
    adc: torch.Tensor
    b1: torch.Tensor
    b0: torch.Tensor
    gains: torch.Tensor
    """`(preparation * (1 + parameter), tissue)`."""
    slope_f: torch.Tensor
    """Logarithmic derivative of F+ by parameter, per second, `(parameter, 1, tissue)`."""
    slope_z: torch.Tensor
    """That of Z."""
    disperses: torch.Tensor
    """1 for the ADC, 0 for all other parameters, `(parameter, 1, 1)`."""
    wrt_b1: list[int]
    """Rows of the derivatives for B1."""


def play_all(played, kind, device, out):
    """Play all events for all tissues, in chunks that fit into `MEMORY`.

    Parameters
    ----------
    played
        As for `epg.play`; times and nominal are not used.
    kind
        Type of the states: np.complex64 where phases or B0 need it, else np.float32.
    device
        Torch's device.
    out
        Written: signal and derivatives, float32 or complex64 `(tissue, 1 + parameter, time)`.
    """
    n_tissues, sides, n_samples = out.shape
    bytes_per_tissue = sides * out.itemsize * (_COPIES * (played.n_states + 1) + 2 * n_samples)
    size = max(1, MEMORY // bytes_per_tissue)
    kind = torch.complex64 if kind is np.complex64 else torch.float32
    with torch.inference_mode():
        for start in range(0, n_tissues, size):
            part = slice(start, min(start + size, n_tissues))
            tables = played.lanes[:, part], played.gains[:, part], played.wrt
            chunk = _chunk(*(torch.from_numpy(table).to(device) for table in tables), kind)
            samples = _play(played, chunk, (n_samples, sides), kind)
            out[part] = samples.permute(2, 1, 0).cpu().numpy()


def _chunk(lanes, gains, wrt, kind):
    column = {name: wrt[:, name, None, None] for name in (R1, R2, ADC, B0)}
    slope_f = column[R2] * lanes[R2] ** 2
    if kind.is_complex:
        slope_f = torch.complex(slope_f, (2 * math.pi * column[B0]).expand_as(slope_f))
    return _Chunk(
        *lanes,
        gains=gains,
        slope_f=slope_f,
        slope_z=column[R1] * lanes[R1] ** 2,
        disperses=column[ADC],
        wrt_b1=[1 + row for row in range(len(wrt)) if wrt[row, B1]],
    )


def _play(played, chunk, shape, kind):
    """Samples of a chunk, `(time, 1 + parameter, tissue)`."""
    n_samples, sides = shape
    tissues = len(chunk.r1)
    out = torch.empty((n_samples, sides, tissues), dtype=kind, device=chunk.r1.device)
    fp, fm, z = out.new_zeros((3, sides, 1, tissues))
    z[0] = 1
    taken = 0
    for values in played.events.tolist():
        event = SimpleNamespace(**dict(zip(played.events.dtype.names, values, strict=True)))
        # Higher orders cannot return before the last sample.
        active = event.remaining + 1
        fp, fm, z = fp[:, :active], fm[:, :active], z[:, :active]
        if event.preparation >= 0:
            first = event.preparation * sides
            gain = chunk.gains[first : first + sides, None]
            more = gain[1:] * z[:1]
            z = gain[:1] * z
            z[1:] += more
            fp, fm = torch.zeros_like(fp), torch.zeros_like(fm)
            continue
        q, v, z = _pulse(event, chunk, fp, fm, z)
        if event.sampled:
            sample = _relaxation(chunk, event.te, kind) * (q[:, 0] + v[:, 0])
            if sides > 1:
                sample[1:] += event.te * chunk.slope_f[:, 0] * sample[:1]
            out[taken] = sample
            taken += 1
        fp, fm, z = _relax(event, chunk, played.spoiler, (q + v, q - v, z), kind)
        if event.shift:
            fp, fm, z = (state[:, : played.n_states] for state in _shift(fp, fm, z))
    return out


def _pulse(event, chunk, fp, fm, z):
    """q, v and Z after the pulse; a larger flip angle turns (q, Z) along (Z, -q)."""
    turns = chunk.b1 * event.turns
    angle = 2 * math.pi * (turns - turns.round())
    c, s = torch.cos(angle), torch.sin(angle)
    u, v = (fp + fm) / 2, (fp - fm) / 2
    q, z = c * u + s * z, c * z - s * u
    by_b1 = 2 * math.pi * event.turns
    for row in chunk.wrt_b1:
        q[row] += by_b1 * z[0]
        z[row] -= by_b1 * q[0]
    return q, v, z


def _relax(event, chunk, spoiler, states, kind):
    """Relaxation, the turn into the frame of the next pulse, diffusion and recovery."""
    tr = event.tr
    e1 = torch.exp(-tr * chunk.r1)
    turn = complex(event.cos, event.sin) if kind.is_complex else event.cos
    w = turn * _relaxation(chunk, tr, kind)
    factors = [w, w.conj(), e1]
    b_values = (0.0, 0.0, 0.0)
    if spoiler > 0:
        orders = torch.arange(states[0].shape[1], device=e1.device)[:, None]
        b_values = spread.py_func(spoiler, event, orders)
        damping = (torch.exp(-b * chunk.adc) for b in b_values)
        factors = [factor * damped for factor, damped in zip(factors, damping, strict=True)]
    states = [factor * state for factor, state in zip(factors, states, strict=True)]
    if len(states[0]) > 1:
        slopes = (chunk.slope_f, chunk.slope_f.conj(), chunk.slope_z)
        for state, slope, b in zip(states, slopes, b_values, strict=True):
            state[1:] += (tr * slope - chunk.disperses * b) * state[:1]
        states[2][1:, 0] -= tr * chunk.slope_z[:, 0] * e1
    states[2][0, 0] += 1 - e1
    return states


def _relaxation(chunk, time, kind):
    """The factor of F+ over a time: decay and, for complex states, a turn."""
    decay = torch.exp(-time * chunk.r2)
    if not kind.is_complex:
        return decay
    turns = chunk.b0 * time
    return torch.polar(decay, 2 * math.pi * (turns - turns.round()))


def _shift(fp, fm, z):
    """One order up for F+, down for F-; order 0 changes sides."""
    empty = torch.zeros_like(z[:, :1])
    fm = torch.cat([fm[:, 1:], empty, empty], dim=1)
    fp = torch.cat([fm[:, :1].conj(), fp], dim=1)
    return fp, fm, torch.cat([z, empty], dim=1)
