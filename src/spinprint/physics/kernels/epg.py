"""Extended phase graphs of a vector of tissues at once, with derivatives in forward mode.

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

from collections import namedtuple

import numpy as np
from numba import njit

from .simd import (
    LANES,
    conj,
    cos_sin,
    exp,
    is_complex,
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

Place = namedtuple("Place", "old new rows apart active shift")
"""Where states lie: row of F+0 in the old and the new buffer, rows from the signal to its first
derivative (and so on), rows from F+ to F- and from F- to Z, orders in use, shift of the event."""

Pulse = namedtuple("Pulse", "c s w e1")
"""What an event does: cosine and sine of the flip angle, relaxation of F+ and of Z."""


def workspace(sides, n_states, dtype, *, diffusing):
    """State, damping and window for `play`: what it reads and writes most, on cache lines."""
    real = np.float32
    damping = _on_cache_lines((3 * n_states, LANES), real) if diffusing else None
    state = _on_cache_lines((6 * sides * (n_states + 2), LANES), dtype)
    return state, damping, _on_cache_lines((sides * LANES, LANES), real)


def _on_cache_lines(shape, dtype):
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


@njit(nogil=True, cache=True, error_model="numpy")
def play(
    events, gains, lanes, wrt, spoiler, nominal, start, stop, n_states,
    state, damping, window, width, out,
):  # fmt: skip
    """Play all events for the tissues `start` to `stop`, a vector at a time.

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
        Dephasing per spoiler [rad/mm].
    nominal
        Whether B1 is 1 everywhere, so that cosines and sines need not be computed.
    start, stop
        First tissue and the one after the last.
    n_states
        Orders kept.
    state, damping, window
        What `workspace` gives; complex64 states where phases or B0 need them, else float32;
        no damping where there is no diffusion by spoilers.
    width
        Numbers a sample takes in `out`: 1, or 2 for a real and an imaginary part.
    out
        Signal and derivatives, float32 `(tissue * (1 + parameter), time * width)`.
    """
    for first in range(start, stop, LANES):
        play_vector(
            events, gains, lanes, wrt, spoiler, nominal, first, min(LANES, stop - first), n_states,
            state, damping, window, width, out,
        )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def play_vector(
    events, gains, lanes, wrt, spoiler, nominal, first, valid, n_states,
    state, damping, window, width, out,
):  # fmt: skip
    """Play all events for the `valid` tissues of one vector, from column `first` on."""
    sides = 1 + wrt.shape[0]  # the signal, then its derivatives
    rows = n_states + 2  # one more at either end, so that a shift may leave the range
    apart = sides * rows
    zero, one = number(0.0), number(1.0)
    for row in range(state.shape[0]):
        store(state, row, zero)
    old, new = 1, 1 + 3 * apart
    store(state, old + 2 * apart, one)

    r1, r2 = load_lanes(lanes, R1, first), load_lanes(lanes, R2, first)
    b1, b0 = load_lanes(lanes, B1, first), load_lanes(lanes, B0, first)
    adc = load_lanes(lanes, ADC, first)
    # Coefficients are made one event ahead: their long chains of arithmetic then overlap with
    # the passage through the orders.
    te = tr = np.float32(-1)
    next_echo = next_ring = like(state, one, zero)
    next_e1 = one
    next_c = next_s = zero
    damped = (np.float32(-1), np.float32(-1), -1)
    active, taken = 1, 0
    for index in range(-1, events.shape[0]):
        c, s, echo, ring, e1 = next_c, next_s, next_echo, next_ring, next_e1
        if index + 1 < events.shape[0]:
            coming = events[index + 1]
            next_c, next_s = number(coming.flip_cos), number(coming.flip_sin)
            if not nominal:
                next_c, next_s = cos_sin(b1 * number(coming.turns))
            if coming.te != te:
                te = coming.te
                next_echo = relaxation(state, r2, b0, te)
            if coming.tr != tr:
                tr = coming.tr
                next_ring = relaxation(state, r2, b0, tr)
                next_e1 = exp(number(-tr) * r1)
        if index < 0:
            continue
        event = events[index]
        # Higher orders cannot return before the last sample.
        active = min(active, event.remaining + 1)
        at = Place(old, new, rows, apart, active, event.shift)
        if event.preparation >= 0:
            prepare(gains, event.preparation * sides, first, state, at, sides)
            continue
        if damping is not None and damped != (event.te, event.tr, event.shift):
            damped = (event.te, event.tr, event.shift)
            for k in range(n_states):
                store_damping(damping, adc, k, spread(spoiler, event, k))
        w = ring * like(state, number(event.cos), number(event.sin))
        pulse = Pulse(c, s, w, e1)
        angle = TWO_PI * event.turns

        if event.sampled:
            seen, turned = after_pulse(state, at, pulse, 0)
            seen = echo * seen
            write(window, taken % LANES, width, seen)
            for side in range(1, sides):
                moved, _ = after_pulse(state, at, pulse, side)
                moved = moved + number(wrt[side - 1, B1] * angle) * turned
                drift = slope(state, wrt, side, event.te, r2)
                moved = echo * moved + drift * seen
                write(window, side * LANES + taken % LANES, width, moved)
            taken += width
            if taken % LANES == 0:
                flush(window, out, first, valid, sides, taken)
            elif taken % LANES == width:
                announce(out, first, valid, sides, taken)

        advance(state, damping, at, pulse, 0, None)
        for side in range(1, sides):
            slope_z = number(wrt[side - 1, R1] * event.tr) * (r1 * r1)
            slopes = slope(state, wrt, side, event.tr, r2), slope_z
            advance(state, damping, at, pulse, side, slopes)
            if wrt[side - 1, B1] != 0:
                turn_further(state, damping, at, pulse, side, number(angle))
            if damping is not None and wrt[side - 1, ADC] != 0:
                disperse(state, at, side, spoiler, event)
            close(state, at, side, zero - slope_z * e1)
        close(state, at, 0, one - e1)
        active = min(active + event.shift, n_states)
        old, new = new, old
    if taken % LANES:
        flush(window, out, first, valid, sides, taken)


@njit(forceinline=True)
def relaxation(state, r2, b0, time):
    """What a time does to F+: decay, and a turn where states are complex."""
    decay = exp(number(-time) * r2)
    turn = like(state, number(1.0), number(0.0))
    if is_complex(state):
        cos, sin = cos_sin(b0 * number(time))
        turn = like(state, cos, sin)
    return decay * turn


@njit(forceinline=True)
def slope(state, wrt, side, time, r2):
    """The logarithmic derivative of `relaxation` for a parameter."""
    decay, turn = wrt[side - 1, R2] * time, wrt[side - 1, B0] * time
    return like(state, number(decay) * (r2 * r2), number(turn * TWO_PI))


@njit(forceinline=True)
def after_pulse(state, at, pulse, side):
    """F of order 0 just after the pulse, and Z0."""
    row = at.old + side * at.rows
    fp, fm, z = load(state, row), load(state, row + at.apart), load(state, row + 2 * at.apart)
    u, v = number(0.5) * (fp + fm), number(0.5) * (fp - fm)
    return pulse.c * u + pulse.s * z + v, pulse.c * z - pulse.s * u


@njit(forceinline=True)
def write(window, row, width, sample):
    """Put a sample into the window; one without imaginary part has the imaginary part 0."""
    if width == 2:
        store(window, row + 1, number(0.0))
    store_parts(window, row, sample)


@njit(forceinline=True)
def advance(state, damping, at, pulse, side, slopes):
    """Pulse, relaxation, diffusion and spoiler for all orders of the signal or a derivative.

    A derivative has slopes of F+ and of Z: what relaxation adds in proportion to the signal.
    """
    # Factors of two and of relaxation are taken out of the loop.
    half = number(0.5)
    c, s, w = pulse.c, pulse.s + pulse.s, half * pulse.w
    back = conj(w)
    cz, sz = pulse.e1 * pulse.c, pulse.e1 * (half * pulse.s)
    own, apart = side * at.rows, at.apart
    for k in range(at.active):
        row = at.old + own + k
        fp, fm, z = load(state, row), load(state, row + apart), load(state, row + 2 * apart)
        u, v = fp + fm, fp - fm
        q = c * u + s * z
        fp, fm, z = w * (q + v), back * (q - v), cz * z - sz * u
        if damping is not None:
            fp, fm = load(damping, 3 * k) * fp, load(damping, 3 * k + 1) * fm
            z = load(damping, 3 * k + 2) * z
        row = at.new + k
        plus, minus, long = row + at.shift, row + apart - at.shift, row + 2 * apart
        if slopes is not None:
            fp = fp + slopes[0] * load(state, plus)
            fm = fm + conj(slopes[0]) * load(state, minus)
            z = z + slopes[1] * load(state, long)
        store(state, plus + own, fp)
        store(state, minus + own, fm)
        store(state, long + own, z)


@njit(forceinline=True)
def turn_further(state, damping, at, pulse, side, angle):
    """What B1 adds to its derivative: a larger flip angle turns (q, Z) along (Z, -q)."""
    half, own, apart = number(0.5), side * at.rows, at.apart
    for k in range(at.active):
        row = at.old + k
        u = half * (load(state, row) + load(state, row + apart))
        z = load(state, row + 2 * apart)
        along = angle * (pulse.c * z - pulse.s * u)
        fp, fm = pulse.w * along, conj(pulse.w) * along
        z = pulse.e1 * (angle * (pulse.c * u + pulse.s * z))
        if damping is not None:
            fp, fm = load(damping, 3 * k) * fp, load(damping, 3 * k + 1) * fm
            z = load(damping, 3 * k + 2) * z
        row = at.new + own + k
        plus, minus, long = row + at.shift, row + apart - at.shift, row + 2 * apart
        store(state, plus, load(state, plus) + fp)
        store(state, minus, load(state, minus) + fm)
        store(state, long, load(state, long) - z)


@njit(forceinline=True)
def disperse(state, at, side, spoiler, event):
    """What the ADC adds to its derivative: minus b times the state of the signal."""
    own = side * at.rows
    for k in range(at.active):
        b_plus, b_minus, b_z = spread(spoiler, event, k)
        row = at.new + k
        plus, minus, long = row + at.shift, row + at.apart - at.shift, row + 2 * at.apart
        for place, b in ((plus, b_plus), (minus, b_minus), (long, b_z)):
            store(state, place + own, load(state, place + own) - number(b) * load(state, place))


@njit(forceinline=True)
def close(state, at, side, recovery):
    """Recovery of Z0; what a shift leaves empty or brings to life; order 0 changes sides."""
    zero = number(0.0)
    plus = at.new + side * at.rows
    minus, long = plus + at.apart, plus + 2 * at.apart
    store(state, long, load(state, long) + recovery)
    if at.shift:
        store(state, minus + at.active - 1, zero)
        store(state, minus + at.active, zero)
        store(state, long + at.active, zero)
        store(state, plus, conj(load(state, minus)))


@njit(forceinline=True)
def spread(spoiler, event, k):
    """Diffusion weighting of F+k, F-k and Zk over an event [s/mm²]; Weigel 2015, Eqs. 28, 29."""
    order = k * spoiler
    free = order * order
    if event.shift == 0:
        return event.tr * free, event.tr * free, event.tr * free
    lag, ramp = event.tr - event.te, spoiler * spoiler / np.float32(12)
    b_plus = event.te * free + lag * ((order + spoiler / 2) ** 2 + ramp)
    b_minus = event.te * free + lag * ((order - spoiler / 2) ** 2 + ramp)
    return b_plus, b_minus, event.tr * free


@njit(forceinline=True)
def store_damping(damping, adc, k, weights):
    """exp(-b ADC) of F+k, F-k and Zk."""
    b_plus, b_minus, b_z = weights
    store(damping, 3 * k, exp(number(-b_plus) * adc))
    store(damping, 3 * k + 1, exp(number(-b_minus) * adc))
    store(damping, 3 * k + 2, exp(number(-b_z) * adc))


@njit(forceinline=True)
def prepare(gains, row, first, state, at, sides):
    """F is lost and Z multiplied by the gain; derivatives by the product rule."""
    zero = number(0.0)
    gain = load_lanes(gains, row, first)
    for side in range(sides - 1, -1, -1):
        for k in range(at.active):
            plus = at.old + side * at.rows + k
            long = plus + 2 * at.apart
            scaled = gain * load(state, long)
            if side > 0:
                more = load_lanes(gains, row + side, first)
                scaled = scaled + more * load(state, long - side * at.rows)
            store(state, plus, zero)
            store(state, plus + at.apart, zero)
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
