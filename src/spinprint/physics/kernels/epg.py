"""Extended phase graphs of a vector of tissues at once, with derivatives in forward mode.

One text for all cases: states are Vectors where every pulse turns about one axis and Pairs
elsewhere (see `simd.py`); spoiler diffusion costs nothing where there is none. Per event and
order k, with half sum u = (F+k + F-k)/2, half difference v = (F+k - F-k)/2 and a flip angle
with cosine c and sine s,

    q = c u + s Zk,   F+k <- w (q + v),   F-k <- w* (q - v),   Zk <- e1 (c Zk - s u)

where w and e1 relax (and w turns into the frame of the next pulse); writing F+k one row up and
F-k one row down is the spoiler. Derivatives follow by the product rule: relaxation has the
logarithmic derivative `slope`, and a change of the flip angle moves (q, Zk) along
(c Zk - s u, -q).

`play_one` does all this, from an old buffer to a new one. In spoiled trains without diffusion
`play_two` does the same for two pulses in one pass, in place: memory, not arithmetic, is what
the time goes to. It is a shortcut alone; without it all results stay the same.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np
from numba import njit

from .simd import (
    BARE,
    LANES,
    conj,
    cos_sin,
    exp,
    inlined,
    is_complex,
    like,
    load,
    load_lanes,
    number,
    on_lines,
    prefetch,
    rotate,
    store,
    store_parts,
    store_transposed,
)

# Rows of `lanes`: what the kernel knows of each tissue.
R1, R2, ADC, B1, B0 = range(5)
TWO_PI = np.float32(2 * np.pi)

LARGE = 1 << 21
"""Numbers of an output that no cache would keep until it is used: it is written past the cache."""

BLOCK = 32
"""Events whose coefficients are made in one go: their long chains of arithmetic overlap."""

Place = namedtuple("Place", "old new rows apart active shift")
"""Where states lie: row of F+0 in the old and the new buffer, rows from the signal to its first
derivative (and so on), rows from F+ to F- and from F- to Z, orders in use, shift of the event."""

Scene = namedtuple("Scene", "state damping window sides wrt spoiler r1 r2")
"""What stays the same from event to event."""

Pulse = namedtuple("Pulse", "c s e1 decay cos sin echo echo_cos echo_sin")
"""What an event does: cosine and sine of the flip angle; to the next event, relaxation of Z, decay
of F+, and cosine and sine of its turn; to the sample, the same three of F+. Real states do not
turn, but for signs, which are in the decay."""

C, S, E1, DECAY, COS, SIN, ECHO, ECHO_COS, ECHO_SIN = range(9)  # their rows in `pulses`
PULSE_ROWS = 9

Turn = namedtuple("Turn", "c s d cz sz cos sin")
"""Pulse and relaxation of any order: with u = F+ + F- and v = F+ - F-, F+ and F- become
c u + s Z + d v and c u + s Z - d v, each turned, and Z becomes cz Z - sz u."""


def workspace(sides, n_states, dtype, *, diffusing):
    """State, damping, pulses and window for `play`: what it touches most, on cache lines."""
    real = np.float32
    damping = on_lines((3 * n_states, LANES), real) if diffusing else None
    state = on_lines((6 * sides * (n_states + 2), LANES), dtype)
    pulses = on_lines((BLOCK * PULSE_ROWS, LANES), real)
    return state, damping, pulses, on_lines((sides * LANES, LANES), real)


@njit(nogil=True, cache=True, error_model="numpy")
def play(
    events, gains, lanes, wrt, spoiler, nominal, start, stop, n_states,
    state, damping, pulses, window, width, out,
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
    state, damping, pulses, window
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
            state, damping, pulses, window, width, out,
        )  # fmt: skip


@njit(nogil=True, **BARE)
def play_vector(
    events, gains, lanes, wrt, spoiler, nominal, first, valid, n_states,
    state, damping, pulses, window, width, out,
):  # fmt: skip
    """Play all events for the `valid` tissues of one vector, from column `first` on."""
    sides = 1 + wrt.shape[0]  # the signal, then its derivatives
    rows = n_states + 2  # one more at either end, so that a shift may leave the range
    apart = sides * rows
    for row in range(state.shape[0]):
        store(state, row, number(0.0))
    old, new = 1, 1 + 3 * apart
    store(state, old + 2 * apart, number(1.0))

    r1, r2 = load_lanes(lanes, R1, first), load_lanes(lanes, R2, first)
    adc = load_lanes(lanes, ADC, first)
    scene = Scene(state, damping, window, sides, wrt, spoiler, r1, r2)
    pairs = damping is None
    for side in range(1, sides):
        pairs = pairs and wrt[side - 1, B1] == 0
    damped = (np.float32(-1), np.float32(-1), -1)
    parts = 2 if is_complex(state) else 1
    active, taken, flushed = 1, 0, 0  # rows of the window: all so far, and those gone from it
    index, begin, end = 0, 0, 0
    while index < events.shape[0]:
        if index + 1 >= end and end < events.shape[0]:
            begin, end = index, min(index + BLOCK, events.shape[0])
            prepare_pulses(pulses, state, events, begin, end, lanes, first, nominal)
        event, pulse = events[index], pulse_of(pulses, index - begin)
        # Higher orders cannot return before the last sample.
        active = min(active, event.remaining + 1)
        at = Place(old, new, rows, apart, active, event.shift)
        row = taken - flushed
        if event.preparation >= 0:
            prepare(gains, event.preparation * sides, first, state, at, sides)
            index += 1
        elif pairs and event.paired and row + 2 * parts <= LANES:
            following, later = events[index + 1], pulse_of(pulses, index + 1 - begin)
            play_two(scene, at, event, pulse, following, later, row, row + parts)
            active = min(active + 2, n_states)
            taken += 2 * parts
            index += 2
        else:
            if damping is not None and damped != (event.te, event.tr, event.shift):
                damped = (event.te, event.tr, event.shift)
                for k in range(n_states):
                    store_damping(damping, adc, k, spread(spoiler, event, k))
            play_one(scene, at, event, pulse, row)
            active = min(active + event.shift, n_states)
            old, new = new, old
            taken += parts * event.sampled
            index += 1
        if taken - flushed == LANES or index == events.shape[0]:
            flush(window, out, first, valid, sides, taken - flushed, flushed, width // parts)
            flushed = taken
            announce(out, first, valid, sides, flushed * width // parts)


@inlined
def play_one(scene, at, event, pulse, row):
    """One event, whatever it is, from the old buffer to the new one; its sample to the window."""
    state, window, wrt, r1, r2 = scene.state, scene.window, scene.wrt, scene.r1, scene.r2
    angle = TWO_PI * event.turns
    if event.sampled:
        seen, turned = after_pulse(state, at, pulse, 0)
        seen = echo(pulse, seen)
        store_parts(window, row, seen)
        for side in range(1, scene.sides):
            moved, _ = after_pulse(state, at, pulse, side)
            moved = moved + number(wrt[side - 1, B1] * angle) * turned
            moved = echo(pulse, moved) + slope(state, wrt, side, event.te, r2) * seen
            store_parts(window, side * LANES + row, moved)
    advance(state, scene.damping, at, pulse, 0, (None, None))
    for side in range(1, scene.sides):
        slopes = slopes_of(state, wrt, side, event.tr, r1, r2)
        advance(state, scene.damping, at, pulse, side, slopes)
        if wrt[side - 1, B1] != 0:
            turn_further(state, scene.damping, at, pulse, side, number(angle))
        if scene.damping is not None and wrt[side - 1, ADC] != 0:
            disperse(state, at, side, scene.spoiler, event)
        close(state, at, side, number(0.0) - slopes[1] * pulse.e1)
    close(state, at, 0, number(1.0) - pulse.e1)


@inlined
def play_two(scene, at, event, pulse, following, later, row, later_row):
    """Two sampled pulses with a spoiler each, in place; their samples to the window."""
    state, window, wrt, r1, r2 = scene.state, scene.window, scene.wrt, scene.r1, scene.r2
    zero, one = number(0.0), number(1.0)
    rises, none = (one - pulse.e1, one - later.e1), (None, None)
    pair = advance_two(state, at, pulse, later, 0, scene.sides > 1, (none, none), rises)
    seen, later_seen = echo(pulse, pair[0]), echo(later, pair[1])
    store_parts(window, row, seen)
    store_parts(window, later_row, later_seen)
    for side in range(1, scene.sides):
        of_f, of_z = slopes_of(state, wrt, side, event.tr, r1, r2)
        later_f, later_z = slopes_of(state, wrt, side, following.tr, r1, r2)
        # No parameter has both slopes; the other one costs memory and time even as zero.
        if wrt[side - 1, R1] != 0:
            slopes, rises = ((None, of_z), (None, later_z)), (zero - of_z, zero - later_z)
            pair = advance_two(state, at, pulse, later, side, False, slopes, rises)
        else:
            slopes, rises = ((of_f, None), (later_f, None)), (zero, zero)
            pair = advance_two(state, at, pulse, later, side, False, slopes, rises)
        moved = echo(pulse, pair[0]) + slope(state, wrt, side, event.te, r2) * seen
        store_parts(window, side * LANES + row, moved)
        moved = echo(later, pair[1]) + slope(state, wrt, side, following.te, r2) * later_seen
        store_parts(window, side * LANES + later_row, moved)


@inlined
def prepare_pulses(pulses, state, events, begin, end, lanes, first, nominal):
    """Make the coefficients of the events `begin` to `end`."""
    r1, r2 = load_lanes(lanes, R1, first), load_lanes(lanes, R2, first)
    b1, b0 = load_lanes(lanes, B1, first), load_lanes(lanes, B0, first)
    te = tr = np.float32(-1)
    at_echo = decay = e1 = number(1.0)
    for index in range(begin, end):
        event, row = events[index], (index - begin) * PULSE_ROWS
        c, s = number(event.flip_cos), number(event.flip_sin)
        if not nominal:
            c, s = cos_sin(b1 * number(event.turns))
        store(pulses, row + C, c)
        store(pulses, row + S, s)
        if event.te != te:
            te = event.te
            at_echo = exp(number(-te) * r2)
        if event.tr != tr:
            tr = event.tr
            decay, e1 = exp(number(-tr) * r2), exp(number(-tr) * r1)
        store(pulses, row + E1, e1)
        store(pulses, row + ECHO, at_echo)
        if is_complex(state):
            store(pulses, row + DECAY, decay)
            turn_cos, turn_sin = number(event.cos), number(event.sin)
            cos, sin = cos_sin(b0 * number(tr))
            store(pulses, row + COS, cos * turn_cos - sin * turn_sin)
            store(pulses, row + SIN, cos * turn_sin + sin * turn_cos)
            cos, sin = cos_sin(b0 * number(te))
            store(pulses, row + ECHO_COS, cos)
            store(pulses, row + ECHO_SIN, sin)
        else:
            store(pulses, row + DECAY, decay * number(event.cos))


@inlined
def pulse_of(pulses, index):
    """The coefficients of an event of the block."""
    row = index * PULSE_ROWS
    flip = load(pulses, row + C), load(pulses, row + S)
    to_next = load(pulses, row + DECAY), load(pulses, row + COS), load(pulses, row + SIN)
    to_echo = load(pulses, row + ECHO), load(pulses, row + ECHO_COS), load(pulses, row + ECHO_SIN)
    return Pulse(*flip, load(pulses, row + E1), *to_next, *to_echo)


@inlined
def echo(pulse, sample):
    """What becomes of F of order 0 from the pulse to the sample."""
    return rotate(pulse.echo * sample, pulse.echo_cos, pulse.echo_sin)


@inlined
def slope(state, wrt, side, time, r2):
    """The logarithmic derivative of what a time does to F+, for a parameter."""
    decay, turn = wrt[side - 1, R2] * time, wrt[side - 1, B0] * time
    return like(state, number(decay) * (r2 * r2), number(turn * TWO_PI))


@inlined
def slopes_of(state, wrt, side, time, r1, r2):
    """The logarithmic derivatives of what a time does to F+ and to Z, for a parameter."""
    return slope(state, wrt, side, time, r2), number(wrt[side - 1, R1] * time) * (r1 * r1)


@inlined
def after_pulse(state, at, pulse, side):
    """F of order 0 just after the pulse, and Z0."""
    fp, fm, z = order(state, at, at.old + side * at.rows, 0, 0)
    half = number(0.5)
    u, v = half * (fp + fm), half * (fp - fm)
    return pulse.c * u + pulse.s * z + v, pulse.c * z - pulse.s * u


@inlined
def order(state, at, row, k, shift):
    """F+, F- and Z of order k, where a spoiler of `shift` took them."""
    plus, minus, long = row + k + shift, row + at.apart + k - shift, row + 2 * at.apart + k
    return load(state, plus), load(state, minus), load(state, long)


@inlined
def store_order(state, at, row, k, shift, fp, fm, z):
    """Put F+, F- and Z of order k where a spoiler of `shift` takes them."""
    store(state, row + k + shift, fp)
    store(state, row + at.apart + k - shift, fm)
    store(state, row + 2 * at.apart + k, z)


@inlined
def relax(of_f, of_z, signal, fp, fm, z):
    """A derivative and what relaxation adds to it: slopes of F+ and of Z times the signal."""
    if of_f is not None:
        fp, fm = fp + of_f * signal[0], fm + conj(of_f) * signal[1]
    if of_z is not None:
        z = z + of_z * signal[2]
    return fp, fm, z


@inlined
def turn_of(pulse, half):
    """Pulse and relaxation of states whose F+ and F- are to be multiplied by twice `half`."""
    d = pulse.decay * half
    cz, sz = pulse.e1 * pulse.c, pulse.e1 * (pulse.s * half)
    return Turn(d * pulse.c, pulse.decay * pulse.s, d, cz, sz, pulse.cos, pulse.sin)


@inlined
def turned(turn, fp, fm, z):
    """F+, F- and Z after pulse and relaxation."""
    u, v = fp + fm, turn.d * (fp - fm)
    q = turn.c * u + turn.s * z
    fp, fm = spun(q + v, q - v, turn)
    return fp, fm, turn.cz * z - turn.sz * u


@inlined
def spun(fp, fm, turn):
    """F+ turned one way and F- the other."""
    return rotate(fp, turn.cos, turn.sin), rotate(fm, turn.cos, number(0.0) - turn.sin)


@inlined
def advance_two(state, at, first, second, side, keep, slopes, rises):
    """Two pulses, each with a spoiler that shifts by one order, in one pass over the orders.

    The second pulse follows the first one two orders behind. In between, F+ and F- are short of
    the factor decay / 2 of the first pulse, which goes into the coefficients of the second.
    Gives F of order 0 just after each pulse. The signal is kept as it is in between, in the new
    buffer, for the derivatives. There are slopes and what Z0 gains for either pulse.
    """
    half, zero, one = number(0.5), number(0.0), number(1.0)
    own, new = at.old + side * at.rows, at.new
    top = min(at.active + 1, at.rows - 2)
    cz, sz = first.e1 * first.c, first.e1 * (half * first.s)
    turn = Turn(first.c, first.s + first.s, one, cz, sz, first.cos, first.sin)
    scale = number(0.25) * first.decay
    later = turn_of(second, scale)

    fp, fm, z = order(state, at, own, 0, 0)
    near = half * (first.c * (fp + fm) + (fp - fm)) + first.s * z
    f1, _, z0 = halfway(state, at, turn, own, new, 0, keep, slopes[0], rises[0])
    f2, fm, z1 = halfway(state, at, turn, own, new, 1, keep, slopes[0], zero)
    f0 = conj(fm)  # order 0 changes sides
    far = scale * (second.c * (f0 + fm) + (f0 - fm)) + second.s * z0
    for k in range(2, top + 1):
        finish(state, at, later, own, k - 2, f0, fm, z0, slopes[1])
        f0, f1, z0 = f1, f2, z1
        f2, fm, z1 = halfway(state, at, turn, own, new, k, keep, slopes[0], zero)
    finish(state, at, later, own, top - 1, f0, fm, z0, slopes[1])
    minus, long = own + at.apart, own + 2 * at.apart
    store(state, minus + top - 1, zero)
    store(state, own, conj(load(state, minus)))
    store(state, long, load(state, long) + rises[1])
    if top == at.rows - 2:
        store(state, own + top, zero)
    return near, far


@inlined
def halfway(state, at, turn, own, new, k, keep, slopes, rise):
    """Order k after the first of two pulses, before the spoiler."""
    now = turned(turn, *order(state, at, own, k, 0))
    fp, fm, z = relax(*slopes, order(state, at, new, k, 0), *now)
    z = z + rise
    if keep:
        store_order(state, at, new, k, 0, fp, fm, z)
    return fp, fm, z


@inlined
def finish(state, at, turn, own, k, fp, fm, z, slopes):
    """Order k after the second of two pulses, spoiled."""
    now = turned(turn, fp, fm, z)
    store_order(state, at, own, k, 1, *relax(*slopes, order(state, at, at.old, k, 1), *now))


@inlined
def advance(state, damping, at, pulse, side, slopes):
    """Pulse, relaxation, diffusion and spoiler for all orders of the signal or a derivative.

    A derivative has slopes of F+ and of Z, which the signal has not.
    """
    turn = turn_of(pulse, number(0.5))
    own = side * at.rows
    for k in range(at.active):
        now = turned(turn, *order(state, at, at.old + own, k, 0))
        if damping is not None:
            now = diffused(damping, k, *now)
        now = relax(*slopes, order(state, at, at.new, k, at.shift), *now)
        store_order(state, at, at.new + own, k, at.shift, *now)


@inlined
def diffused(damping, k, fp, fm, z):
    """F+, F- and Z of order k after diffusion."""
    row = 3 * k
    return load(damping, row) * fp, load(damping, row + 1) * fm, load(damping, row + 2) * z


@inlined
def turn_further(state, damping, at, pulse, side, angle):
    """What B1 adds to its derivative: a larger flip angle turns (q, Z) along (Z, -q)."""
    half, own = number(0.5), at.new + side * at.rows
    moves, longer = pulse.decay * angle, pulse.e1 * angle
    for k in range(at.active):
        fp, fm, z = order(state, at, at.old, k, 0)
        u = half * (fp + fm)
        along = moves * (pulse.c * z - pulse.s * u)
        fp, fm = spun(along, along, pulse)
        z = longer * (pulse.c * u + pulse.s * z)
        if damping is not None:
            fp, fm, z = diffused(damping, k, fp, fm, z)
        now = order(state, at, own, k, at.shift)
        store_order(state, at, own, k, at.shift, now[0] + fp, now[1] + fm, now[2] - z)


@inlined
def disperse(state, at, side, spoiler, event):
    """What the ADC adds to its derivative: minus b times the state of the signal."""
    own = at.new + side * at.rows
    for k in range(at.active):
        b_plus, b_minus, b_z = spread(spoiler, event, k)
        seen, now = order(state, at, at.new, k, at.shift), order(state, at, own, k, at.shift)
        fp, fm = now[0] - number(b_plus) * seen[0], now[1] - number(b_minus) * seen[1]
        store_order(state, at, own, k, at.shift, fp, fm, now[2] - number(b_z) * seen[2])


@inlined
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
        store(state, plus + at.rows - 2, zero)


@inlined
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


@inlined
def store_damping(damping, adc, k, weights):
    """exp(-b ADC) of F+k, F-k and Zk."""
    b_plus, b_minus, b_z = weights
    store(damping, 3 * k, exp(number(-b_plus) * adc))
    store(damping, 3 * k + 1, exp(number(-b_minus) * adc))
    store(damping, 3 * k + 2, exp(number(-b_z) * adc))


@inlined
def prepare(gains, row, first, state, at, sides):
    """F is lost and Z multiplied by the gain; derivatives by the product rule."""
    zero = number(0.0)
    gain = load_lanes(gains, row, first)
    for side in range(sides - 1, -1, -1):
        own = at.old + side * at.rows
        for k in range(at.active):
            scaled = gain * order(state, at, own, k, 0)[2]
            if side > 0:
                more = load_lanes(gains, row + side, first)
                scaled = scaled + more * order(state, at, at.old, k, 0)[2]
            store_order(state, at, own, k, 0, zero, zero, scaled)


@inlined
def announce(out, first, valid, sides, column):
    """Have the memory that the window will be written to at hand by then."""
    if column < out.shape[1] and out.size < LARGE:
        for row in range(first * sides, (first + valid) * sides):
            prefetch(out, row, column)


@inlined
def flush(window, out, first, valid, sides, count, start, apart):
    """Write `count` rows of the window, `apart` columns apart, to the rows of the tissues."""
    for side in range(sides):
        row, column = first * sides + side, start * apart
        if count == LANES and valid == LANES:
            store_transposed(
                window, side * LANES, out, row, sides, column, apart == 2, out.size >= LARGE
            )
        else:
            for lane in range(valid):
                for k in range(count):
                    out[row + lane * sides, column + k * apart] = window[side * LANES + k, lane]
                    if apart == 2:
                        out[row + lane * sides, column + k * apart + 1] = 0
