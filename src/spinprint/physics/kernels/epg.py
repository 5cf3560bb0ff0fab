"""Extended phase graphs of sixteen tissues at once, with derivatives in forward mode.

One text for all cases: states are Vectors where every pulse turns about one axis and Pairs
elsewhere (see `simd.py`); spoiler diffusion costs nothing where there is none. Per event and
order k, with half sum u = (F+k + F-k)/2, half difference v = (F+k - F-k)/2 and a flip angle
with cosine c and sine s,

    q = c u + s Zk,   F+k <- w (q + v),   F-k <- w* (q - v),   Zk <- e1 (c Zk - s u)

where w and e1 relax (and w turns into the frame of the next pulse); writing F+k one row up and
F-k one row down is the spoiler. Two buffers, old and new, take turns. Derivatives follow by
the product rule: relaxation has the logarithmic derivative `slope`, and a change of the flip
angle moves (q, Zk) along (c Zk - s u, -q).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .simd import (
    LANES,
    conj,
    cos_sin,
    exp,
    like,
    load,
    load_lanes,
    number,
    prefetch,
    store,
    store_parts,
    store_transposed,
)

# Rows of `lanes`: what the kernel knows of each tissue.
R1, R2, ADC, B1, B0 = range(5)
TWO_PI = np.float32(2 * np.pi)


def workspace(sides, n_states, dtype):
    """State, damping and window for `play`: what it reads and writes most, on cache lines."""
    real = np.dtype(np.float32)
    kinds = ((6 * sides * (n_states + 2), dtype), (3 * n_states, real), (sides * LANES, real))
    return [_on_cache_lines((rows, LANES), kind) for rows, kind in kinds]


def _on_cache_lines(shape, dtype):
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


@njit(nogil=True, cache=True, error_model="numpy")
def play(events, gains, lanes, wrt, spoiler, first, valid, n_states, state, damping, window, out):
    """Play all events for the sixteen tissues from column `first` on.

    Parameters
    ----------
    events
        Records of `program.EVENT`.
    gains
        Gain of each preparation, followed by its derivatives, float32
        `(preparation * (1 + parameter), tissue)`.
    lanes
        Rates and fields, float32 `(R1 | R2 | ADC | B1 | B0, tissue)`.
    wrt
        One row a parameter, float32 `(parameter, R1 | R2 | ADC | B1 | B0)`: 1 at its own
        column; all zeros for a parameter that acts through the preparations alone.
    spoiler
        Dephasing per spoiler [rad/mm], 0 without diffusion.
    first, valid
        First tissue, and how many of the sixteen are wanted.
    n_states
        Orders kept.
    state, damping, window
        What `workspace` gives; complex64 states where phases or B0 need them, else float32.
    out
        Signal and derivatives, float32 `(tissue * (1 + parameter), time * (1 | 2))`; real and
        imaginary parts alternate where states are complex.
    """
    sides = 1 + wrt.shape[0]  # the signal, then its derivatives
    rows = n_states + 2  # order 0 is at row 1, so that a shift may leave the range by one
    width = state.itemsize // 4  # numbers a sample takes
    zero, one = number(0.0), number(1.0)
    for row in range(state.shape[0]):
        store(state, row, zero)
    # A buffer holds F+ of all sides, F- of all sides, then Z of all sides.
    old, new = 0, 3 * sides * rows
    store(state, old + 1 + 2 * sides * rows, one)

    r1, r2 = load_lanes(lanes, R1, first), load_lanes(lanes, R2, first)
    b1, b0 = load_lanes(lanes, B1, first), load_lanes(lanes, B0, first)
    adc = load_lanes(lanes, ADC, first)
    # Coefficients are made one event ahead: their long chains of arithmetic then overlap with
    # the passage through the orders.
    te = tr = np.float32(-1)
    next_echo = next_ring = like(state, one, zero)
    next_e1 = one
    next_c, next_s = cos_sin(b1 * number(events[0].turns))
    damped = (np.float32(-1), np.float32(-1), -1)
    active, taken = 1, 0
    for index in range(-1, events.shape[0]):
        c, s, echo, ring, e1 = next_c, next_s, next_echo, next_ring, next_e1
        if index + 1 < events.shape[0]:
            coming = events[index + 1]
            next_c, next_s = cos_sin(b1 * number(coming.turns))
            if coming.te != te or coming.tr != tr:
                te, tr = coming.te, coming.tr
                next_echo = relaxation(state, width, r2, b0, te)
                next_ring = relaxation(state, width, r2, b0, tr)
                next_e1 = exp(number(-tr) * r1)
        if index < 0:
            continue
        event = events[index]
        # Higher orders cannot return before the last sample.
        active = min(active, event.remaining + 1)
        if event.preparation >= 0:
            prepare(gains, event.preparation, first, state, old, sides, rows, active)
            continue
        shift = event.shift
        if spoiler > 0 and damped != (event.te, event.tr, shift):
            damped = (event.te, event.tr, shift)
            for k in range(n_states):
                store_damping(damping, adc, k, spread(spoiler, event.te, event.tr, shift, k))
        w = ring * like(state, number(event.cos), number(event.sin))

        if event.sampled:
            seen, turned = sample(state, old, 0, rows, sides, c, s)
            seen = echo * seen
            store_parts(window, taken % LANES, seen)
            for side in range(1, sides):
                moved, _ = sample(state, old, side, rows, sides, c, s)
                angle = number(wrt[side - 1, B1] * TWO_PI * event.turns)
                drift = slope(state, wrt[side - 1, R2] * event.te, wrt[side - 1, B0] * event.te, r2)
                moved = echo * (moved + angle * turned) + drift * seen
                store_parts(window, side * LANES + taken % LANES, moved)
            taken += width
            if taken % LANES == 0:
                flush(window, out, first, valid, sides, taken)
            elif taken % LANES == width:
                announce(out, first, valid, sides, taken)

        advance(state, damping, old, new, rows, sides, active, shift, spoiler, c, s, w, e1)
        for side in range(1, sides):
            drift = slope(state, wrt[side - 1, R2] * event.tr, wrt[side - 1, B0] * event.tr, r2)
            slope_z = number(wrt[side - 1, R1] * event.tr) * (r1 * r1)
            differentiate(
                state, damping, old, new, side, rows, sides, active, shift, spoiler, c, s, w, e1,
                drift, slope_z,
            )  # fmt: skip
            if wrt[side - 1, B1] != 0:
                angle = number(TWO_PI * event.turns)
                overturn(
                    state, damping, old, new, side, rows, sides, active, shift, spoiler, c, s, w,
                    e1, angle,
                )  # fmt: skip
            if spoiler > 0 and wrt[side - 1, ADC] != 0:
                disperse(state, new, side, rows, sides, active, shift, spoiler, event.te, event.tr)
            close(state, new, side, rows, sides, active, shift, zero - slope_z * e1)
        close(state, new, 0, rows, sides, active, shift, one - e1)
        active = min(active + shift, n_states)
        old, new = new, old
    if taken % LANES:
        flush(window, out, first, valid, sides, taken)


@njit(forceinline=True)
def relaxation(state, width, r2, b0, time):
    """What a time does to F+: decay, and a turn where states are complex."""
    decay = exp(number(-time) * r2)
    turn = like(state, number(1.0), number(0.0))
    if width == 2:
        cos, sin = cos_sin(b0 * number(time))
        turn = like(state, cos, sin)
    return decay * turn


@njit(forceinline=True)
def slope(state, decay, turn, r2):
    """The logarithmic derivative of `relaxation` over times that count for R2 and for B0."""
    return like(state, number(decay) * (r2 * r2), number(turn * TWO_PI))


@njit(forceinline=True)
def sample(state, old, side, rows, sides, c, s):
    """F of order 0 just after the pulse, and the longitudinal part turned alike."""
    at = old + 1 + side * rows
    fp, fm = load(state, at), load(state, at + sides * rows)
    z, u = load(state, at + 2 * sides * rows), number(0.5) * (fp + fm)
    return c * u + s * z + number(0.5) * (fp - fm), c * z - s * u


@njit(forceinline=True)
def advance(state, damping, old, new, rows, sides, active, shift, spoiler, c, s, w, e1):
    """Pulse, relaxation, diffusion and spoiler for all orders of the signal."""
    half = number(0.5)
    apart, up = sides * rows, new + 1 + shift
    down, long = new + 1 + apart - shift, new + 1 + 2 * apart
    for k in range(active):
        at = old + 1 + k
        fp, fm, z = load(state, at), load(state, at + apart), load(state, at + 2 * apart)
        u, v = half * (fp + fm), half * (fp - fm)
        q = c * u + s * z
        fp, fm, z = w * (q + v), conj(w) * (q - v), e1 * (c * z - s * u)
        if spoiler > 0:
            fp, fm = load(damping, 3 * k) * fp, load(damping, 3 * k + 1) * fm
            z = load(damping, 3 * k + 2) * z
        store(state, up + k, fp)
        store(state, down + k, fm)
        store(state, long + k, z)


@njit(forceinline=True)
def differentiate(
    state, damping, old, new, side, rows, sides, active, shift, spoiler, c, s, w, e1,
    drift, slope_z,
):  # fmt: skip
    """The same for a derivative; relaxation changes by its slope times the signal's states."""
    half = number(0.5)
    apart, own = sides * rows, side * rows
    up, down, long = new + 1 + shift, new + 1 + apart - shift, new + 1 + 2 * apart
    back = conj(drift)
    for k in range(active):
        at = old + 1 + k + own
        fp, fm, z = load(state, at), load(state, at + apart), load(state, at + 2 * apart)
        u, v = half * (fp + fm), half * (fp - fm)
        q = c * u + s * z
        fp, fm, z = w * (q + v), conj(w) * (q - v), e1 * (c * z - s * u)
        if spoiler > 0:
            fp, fm = load(damping, 3 * k) * fp, load(damping, 3 * k + 1) * fm
            z = load(damping, 3 * k + 2) * z
        store(state, up + k + own, fp + drift * load(state, up + k))
        store(state, down + k + own, fm + back * load(state, down + k))
        store(state, long + k + own, z + slope_z * load(state, long + k))


@njit(forceinline=True)
def overturn(
    state, damping, old, new, side, rows, sides, active, shift, spoiler, c, s, w, e1, angle
):
    """What B1 adds to its derivative: a larger flip angle turns q and Z along (Z, -q)."""
    half = number(0.5)
    apart, own = sides * rows, side * rows
    up, down, long = new + 1 + shift, new + 1 + apart - shift, new + 1 + 2 * apart
    for k in range(active):
        at = old + 1 + k
        u, z = half * (load(state, at) + load(state, at + apart)), load(state, at + 2 * apart)
        more, less = w * angle * (c * z - s * u), e1 * angle * (c * u + s * z)
        plus, minus = more, conj(w) * angle * (c * z - s * u)
        if spoiler > 0:
            plus, minus = load(damping, 3 * k) * plus, load(damping, 3 * k + 1) * minus
            less = load(damping, 3 * k + 2) * less
        store(state, up + k + own, load(state, up + k + own) + plus)
        store(state, down + k + own, load(state, down + k + own) + minus)
        store(state, long + k + own, load(state, long + k + own) - less)


@njit(forceinline=True)
def disperse(state, new, side, rows, sides, active, shift, spoiler, te, tr):
    """What the ADC adds to its derivative: minus b times the state of the signal."""
    apart, own = sides * rows, side * rows
    up, down, long = new + 1 + shift, new + 1 + apart - shift, new + 1 + 2 * apart
    for k in range(active):
        b_plus, b_minus, b_z = spread(spoiler, te, tr, shift, k)
        for at, b in ((up + k, b_plus), (down + k, b_minus), (long + k, b_z)):
            store(state, at + own, load(state, at + own) - number(b) * load(state, at))


@njit(forceinline=True)
def close(state, new, side, rows, sides, active, shift, recovery):
    """Recovery of Z0; what a shift leaves empty or brings to life; order 0 changes sides."""
    zero = number(0.0)
    plus = new + 1 + side * rows
    minus, long = plus + sides * rows, plus + 2 * sides * rows
    store(state, long, load(state, long) + recovery)
    if shift:
        store(state, minus + active - 1, zero)
        store(state, minus + active, zero)
        store(state, long + active, zero)
        store(state, plus, conj(load(state, minus)))


@njit(forceinline=True)
def spread(spoiler, te, tr, shift, k):
    """Diffusion weighting of F+k, F-k and Zk over an event [s/mm²]; Weigel 2015, Eqs. 28, 29."""
    order = k * spoiler
    free = order * order
    if shift == 0:
        return tr * free, tr * free, tr * free
    lag = tr - te
    ramp = spoiler * spoiler / np.float32(12)
    b_plus = te * free + lag * ((order + spoiler / 2) ** 2 + ramp)
    b_minus = te * free + lag * ((order - spoiler / 2) ** 2 + ramp)
    return b_plus, b_minus, tr * free


@njit(forceinline=True)
def store_damping(damping, adc, k, weights):
    """exp(-b ADC) of F+k, F-k and Zk."""
    b_plus, b_minus, b_z = weights
    store(damping, 3 * k, exp(number(-b_plus) * adc))
    store(damping, 3 * k + 1, exp(number(-b_minus) * adc))
    store(damping, 3 * k + 2, exp(number(-b_z) * adc))


@njit(forceinline=True)
def prepare(gains, preparation, first, state, buffer, sides, rows, active):
    """F is lost and Z multiplied by the gain; derivatives by the product rule."""
    zero = number(0.0)
    gain = load_lanes(gains, preparation * sides, first)
    for side in range(sides - 1, -1, -1):
        for k in range(active):
            at = buffer + 1 + side * rows + k
            long = at + 2 * sides * rows
            scaled = gain * load(state, long)
            if side > 0:
                change = load_lanes(gains, preparation * sides + side, first)
                scaled = scaled + change * load(state, long - side * rows)
            store(state, at, zero)
            store(state, at + sides * rows, zero)
            store(state, long, scaled)


@njit(forceinline=True)
def announce(out, first, valid, sides, taken):
    """Have the memory that the window will be written to at hand by then."""
    for row in range(first * sides, (first + valid) * sides):
        prefetch(out, row, taken)


@njit(forceinline=True)
def flush(window, out, first, valid, sides, taken):
    """Write the window, one row a sample, to the rows of the tissues."""
    count = (taken - 1) % LANES + 1
    start = taken - count
    for side in range(sides):
        if count == LANES and valid == LANES:
            store_transposed(window, side * LANES, out, first * sides + side, sides, start)
        else:
            for lane in range(valid):
                for column in range(count):
                    value = window[side * LANES + column, lane]
                    out[(first + lane) * sides + side, start + column] = value
