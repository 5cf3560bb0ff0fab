"""Extended phase graphs of a vector of tissues at once, with derivatives in forward mode.

The same code serves all cases: states are Vectors where all pulses share one axis, and Pairs
elsewhere (see `simd.vectors`); without spoiler diffusion, its code is not compiled. A pulse of
flip angle α acts on every order as

    E = Z - t (F+ + F-),   F+ <- F+ + g E,   F- <- F- + g E,   Z <- k E - Z

with t = tan(α/2) / 2, g = sin α and k = 1 + cos α: half the multiplications of the rotation
matrix, and equally accurate because g t and k t stay below 1 (α = 180° is avoided by 1e-9).
Writing F+ one row up and F- one row down is the spoiler. Relaxation costs no arithmetic per order:
F and Z are stored without their decay since the last rescaling, and this factor enters t, g and
the samples instead. Derivatives follow from the product rule: relaxation has the logarithmic
derivative `slope`, and a larger flip angle moves (F+, F-, Z), after the pulse, along
(Z, Z, -(F+ + F-) / 2).

`play_one` handles every event, from one buffer to the other. In spoiled trains without diffusion
`play_two` plays two pulses in one pass over the states, in place, with the same result: memory
traffic takes more time than arithmetic. Measured on an AMD EPYC with 512-bit vectors and 2 cores
(20 000 tissues, 1000 pulses, 20 states; median of 31 interleaved pairs), computation without
`play_two` takes 1.43 times as long for complex output, 1.51 times with two derivatives, 1.43
times for real output, and 1.12 times for 64 tissues.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np
from numba import njit

from ...memory import aligned
from ...simd.compiled import kernel
from ...simd.functions import cos_sin, exp
from ...simd.vectors import (
    BARE,
    LANES,
    any_greater,
    conj,
    inlined,
    is_complex,
    like,
    load,
    load_lanes,
    number,
    power_of_two_below,
    rotate,
    store,
    store_parts,
    store_transposed,
    where_greater,
)
from ..program import NEXT_TO_180

# Rows of `lanes`: the rates and fields of each tissue.
R1, R2, ADC, B1, B0 = range(5)
TWO_PI = np.float32(2 * np.pi)

LARGE = 1 << 21
"""Numbers in an output from which on it is written past the cache, which could not hold it until
it is read. Without this, the computation takes 1.15 times as long for complex output and 1.40
times with two derivatives (measured as described above)."""

BLOCK = 32
"""Maximum number of events whose coefficients are computed together, so that their long chains of
dependent operations overlap."""

LEAST = np.float32(2.0**-30)
"""Smallest factor of F and Z before the states are rescaled."""

DEEPEST = np.float32(-30.0)
"""Lower limit of the logarithm of a decay: smaller decays do not show in any sample."""

Played = namedtuple("Played", "events times gains lanes wrt spoiler nominal n_states")
"""What is played, and for which tissues.

events
    Records of `program.EVENT`.
times
    The distinct times of the events [s], float32 `(time,)`.
gains
    Gain of each preparation, followed by its derivatives, float32
    `(preparation * (1 + parameter), tissue)`.
lanes
    Rates and fields, float32 `(R1 | R2 | ADC | B1 | B0, tissue)`.
wrt
    One row per parameter, float32 `(parameter, R1 | R2 | ADC | B1 | B0)`: 1 at its own column;
    all zeros for a parameter that acts through the preparations alone.
spoiler
    Dephasing per spoiler [rad/mm].
nominal
    Whether B1 is 1 everywhere, so that cosines and sines need not be computed.
n_states
    Number of orders kept.
"""

Workspace = namedtuple("Workspace", "state damping decays pulses window")
"""Memory that `play` works in, see `workspace`."""

Place = namedtuple("Place", "old new rows apart active shift")
"""Where states lie: row of F+0 in the old and the new buffer, rows from the signal to its first
derivative (and so on), rows from F+ to F- and from F- to Z, orders in use, shift of the event."""

Scene = namedtuple("Scene", "state damping window sides wrt spoiler r1 r2")
"""What stays the same from event to event."""

Pulse = namedtuple("Pulse", "t g k cos sin rise growth echo echo_cos echo_sin f z")
"""Coefficients of an event: t, g and k of the pulse; the cosine and sine by which F+ turns, and the
recovery of Z0, until the next event; the decay of F+, and the cosine and sine by which it turns,
until the sample. All apply to the states as stored: F and Z are these times f and z before the
event, and Z is these times 1 / growth after it. Real states do not turn; a change of sign is
part of f."""

T, G, K, COS, SIN, RISE, GROWTH, ECHO, ECHO_COS, ECHO_SIN, F, Z = range(12)  # rows in `pulses`
PULSE_ROWS = 12

DECAYS = 4  # rows of `decays` for each time, of which real states use two


def workspace(sides, n_states, n_times, dtype, *, diffusing):
    """Allocate the memory that `play` works in, aligned with cache lines.

    Parameters
    ----------
    sides
        1 + the number of parameters.
    n_states, n_times
        Number of orders kept, and of distinct times.
    dtype
        Type of the states: complex64 where phases or B0 need it, else float32.
    diffusing
        Whether spoilers cause diffusion weighting.
    """
    real = np.float32
    return Workspace(
        state=aligned((6 * sides * (n_states + 2), LANES), dtype),
        damping=aligned((3 * n_states, LANES), real) if diffusing else None,
        decays=aligned((DECAYS * n_times, LANES), real),
        pulses=aligned(((BLOCK + 1) * PULSE_ROWS, LANES), real),
        window=aligned((sides * LANES, LANES), real),
    )


@kernel
def play(played, work, start, stop, out, width):
    """Play all events for the tissues from `start` up to `stop`, one vector at a time.

    Parameters
    ----------
    played
        A `Played` record.
    work
        A `Workspace` record.
    start, stop
        The first tissue, and the one after the last.
    out
        Written: signal and derivatives, float32 `(tissue * (1 + parameter), time * width)`.
    width
        Numbers per sample in `out`: 1, or 2 for a real and an imaginary part.
    """
    for first in range(start, stop, LANES):
        play_vector(played, work, first, min(LANES, stop - first), out, width)


@njit(nogil=True, **BARE)
def play_vector(played, work, first, valid, out, width):
    """Play all events for the `valid` tissues of one vector, which begins at column `first`."""
    events, wrt, n_states = played.events, played.wrt, played.n_states
    state, damping, pulses, window = work.state, work.damping, work.pulses, work.window
    sides = 1 + wrt.shape[0]  # the signal, then its derivatives
    rows = n_states + 2  # one more at either end, so that a shift may leave the range
    apart = sides * rows
    for row in range(state.shape[0]):
        store(state, row, number(0.0))
    old, new = 1, 1 + 3 * apart
    store(state, old + 2 * apart, number(1.0))
    store(pulses, F, number(1.0))
    store(pulses, Z, number(1.0))

    lanes, spoiler = played.lanes, np.float32(played.spoiler)
    r1, r2 = load_lanes(lanes, R1, first), load_lanes(lanes, R2, first)
    adc = load_lanes(lanes, ADC, first)
    b1, b0 = load_lanes(lanes, B1, first), load_lanes(lanes, B0, first)
    store_decays(work.decays, state, played.times, r1, r2, b0)
    scene = Scene(state, damping, window, sides, wrt, spoiler, r1, r2)
    pairs = damping is None
    for side in range(1, sides):
        pairs = pairs and wrt[side - 1, B1] == 0
    damped = (np.float32(-1), np.float32(-1), -1)
    parts = 2 if is_complex(state) else 1
    active, taken, flushed = 1, 0, 0  # rows of the window: all so far, and those written to `out`
    index, begin, end = 0, 0, 0
    while index < events.shape[0]:
        if index + 1 >= end and end < events.shape[0]:
            scales = rescale(state, pulses, index - begin, old, apart, rows, active, sides)
            begin = index
            end = store_pulses(played, work, begin, scales, b1)
        event, pulse = events[index], load_pulse(pulses, index - begin)
        # Higher orders cannot return before the last sample.
        active = min(active, event.remaining + 1)
        at = Place(old, new, rows, apart, active, event.shift)
        row = taken - flushed
        if event.preparation >= 0:
            prepare(played.gains, event.preparation * sides, first, state, at, sides)
            index += 1
        elif pairs and event.paired and index + 1 < end and row + 2 * parts <= LANES:
            following, later = events[index + 1], load_pulse(pulses, index + 1 - begin)
            play_two(scene, at, event, pulse, following, later, row, row + parts)
            active = min(active + 2, n_states)
            taken += 2 * parts
            index += 2
        else:
            if damping is not None and damped != (event.te, event.tr, event.shift):
                damped = (event.te, event.tr, event.shift)
                store_damping(damping, adc, spoiler, event, n_states)
            play_one(scene, at, event, pulse, row)
            active = min(active + event.shift, n_states)
            old, new = new, old
            taken += parts * event.sampled
            index += 1
        if taken - flushed == LANES or index == events.shape[0]:
            flush(window, out, first, valid, sides, taken - flushed, flushed, width // parts)
            flushed = taken


@inlined
def play_one(scene, at, event, pulse, row):
    """Play one event of any kind from the old buffer to the new one; write its sample."""
    state, window, wrt, r1, r2 = scene.state, scene.window, scene.wrt, scene.r1, scene.r2
    angle = TWO_PI * event.turns
    if event.sampled:
        now = pulsed(pulse, *order(state, at, at.old, 0, 0))
        sample = echo(pulse, now[0])
        store_parts(window, row, sample)
        for side in range(1, scene.sides):
            moved = pulsed(pulse, *order(state, at, at.old + side * at.rows, 0, 0))[0]
            if wrt[side - 1, B1] != 0:
                moved = moved + further(pulse, angle, *now)[0]
            moved = echo(pulse, moved) + slope(state, wrt, side, event.te, r2) * sample
            store_parts(window, side * LANES + row, moved)
    advance(state, scene.damping, at, pulse, 0, (None, None))
    close(state, at, 0, pulse.rise)
    for side in range(1, scene.sides):
        slopes = slopes_of(state, wrt, side, event.tr, r1, r2)
        advance(state, scene.damping, at, pulse, side, slopes)
        if wrt[side - 1, B1] != 0:
            turn_further(state, scene.damping, at, pulse, side, angle)
        if scene.damping is not None and wrt[side - 1, ADC] != 0:
            disperse(state, at, side, scene.spoiler, event)
        close(state, at, side, number(0.0) - slopes[1] * pulse.growth)


@inlined
def play_two(scene, at, event, pulse, following, later, row, later_row):
    """Play two sampled pulses, each with a spoiler, in place; write their samples."""
    state, window, wrt, r1, r2 = scene.state, scene.window, scene.wrt, scene.r1, scene.r2
    zero, none = number(0.0), (None, None)
    rises = pulse.rise, later.rise
    # Decided here with constants, or else the loop over the orders would check every time.
    if scene.sides == 1:
        pair = advance_two(state, at, pulse, later, 0, False, (none, none), rises)
    else:
        pair = advance_two(state, at, pulse, later, 0, True, (none, none), rises)
    sample, later_sample = echo(pulse, pair[0]), echo(later, pair[1])
    store_parts(window, row, sample)
    store_parts(window, later_row, later_sample)
    for side in range(1, scene.sides):
        of_f, of_z = slopes_of(state, wrt, side, event.tr, r1, r2)
        later_f, later_z = slopes_of(state, wrt, side, following.tr, r1, r2)
        # No parameter has both slopes, and even a slope of zero costs memory traffic and time.
        if wrt[side - 1, R1] != 0:
            slopes = (None, of_z), (None, later_z)
            rises = zero - of_z * pulse.growth, zero - later_z * later.growth
            pair = advance_two(state, at, pulse, later, side, False, slopes, rises)
        else:
            slopes, rises = ((of_f, None), (later_f, None)), (zero, zero)
            pair = advance_two(state, at, pulse, later, side, False, slopes, rises)
        moved = echo(pulse, pair[0]) + slope(state, wrt, side, event.te, r2) * sample
        store_parts(window, side * LANES + row, moved)
        moved = echo(later, pair[1]) + slope(state, wrt, side, following.te, r2) * later_sample
        store_parts(window, side * LANES + later_row, moved)


@inlined
def store_decays(decays, state, times, r1, r2, b0):
    """Store the decay of F and of Z over each time and, for complex states, the turn of F+."""
    for i in range(times.shape[0]):
        time, row = number(-times[i]), DECAYS * i
        store(decays, row, decay(time * r2))
        store(decays, row + 1, decay(time * r1))
        if is_complex(state):
            cos, sin = cos_sin(time * b0)
            store(decays, row + 2, cos)
            store(decays, row + 3, number(0.0) - sin)


@inlined
def decay(exponent):
    """exp(exponent), but at least exp(`DEEPEST`)."""
    deepest = number(DEEPEST)
    return exp(where_greater(exponent, deepest, exponent, deepest))


@inlined
def store_pulses(played, work, begin, scales, b1):
    """Store the coefficients of the events from `begin` on; return the first event without any.

    `scales` are the factors of F and Z at event `begin`.
    """
    events, pulses, decays = played.events, work.pulses, work.decays
    one, least = number(1.0), number(LEAST * LEAST)
    f, z = scales
    growth = one / z
    end = begin
    while end < min(begin + BLOCK, events.shape[0]):
        event, row = events[end], (end - begin) * PULSE_ROWS
        to_echo, to_next = DECAYS * event.te_row, DECAYS * event.tr_row
        t, g, k = number(event.t), number(event.g), number(event.k)
        if not played.nominal:
            t, g, k = flip(b1 * number(event.turns))
        store(pulses, row + T, t * (f * growth))
        store(pulses, row + G, g * (z / f))
        store(pulses, row + K, k)
        store(pulses, row + ECHO, f * load(decays, to_echo))
        store(pulses, row + F, f)
        store(pulses, row + Z, z)
        e1 = load(decays, to_next + 1)
        f, z = f * load(decays, to_next), z * e1
        if is_complex(work.state):
            cos, sin = load(decays, to_next + 2), load(decays, to_next + 3)
            own_cos, own_sin = number(event.cos), number(event.sin)
            store(pulses, row + COS, cos * own_cos - sin * own_sin)
            store(pulses, row + SIN, cos * own_sin + sin * own_cos)
            store(pulses, row + ECHO_COS, load(decays, to_echo + 2))
            store(pulses, row + ECHO_SIN, load(decays, to_echo + 3))
        else:
            f = f * number(event.cos)
        growth = one / z
        store(pulses, row + RISE, (one - e1) * growth)
        store(pulses, row + GROWTH, growth)
        end += 1
        if any_greater(least, f * f) or any_greater(least, z * z):
            break
    store(pulses, (end - begin) * PULSE_ROWS + F, f)
    store(pulses, (end - begin) * PULSE_ROWS + Z, z)
    return end


@inlined
def flip(turns):
    """t, g and k of a pulse whose flip angle is given in turns."""
    c, s = cos_sin(number(0.5) * turns)
    least = number(NEXT_TO_180)
    c = where_greater(c * c, least * least, c, least)
    return number(0.5) * s / c, number(2.0) * s * c, number(2.0) * c * c


@inlined
def rescale(state, pulses, slot, old, apart, rows, active, sides):
    """Multiply the states by the powers of two in their factors; return the remaining factors.

    This is exact, so that the result does not depend on when it is done, hence not on the other
    tissues of the vector.
    """
    f, z = load(pulses, slot * PULSE_ROWS + F), load(pulses, slot * PULSE_ROWS + Z)
    whole_f, whole_z = power_of_two_below(f), power_of_two_below(z)
    for side in range(sides):
        plus = old + side * rows
        for k in range(active):
            for row in (plus + k, plus + apart + k):
                store(state, row, whole_f * load(state, row))
            row = plus + 2 * apart + k
            store(state, row, whole_z * load(state, row))
    return f / whole_f, z / whole_z


@inlined
def load_pulse(pulses, index):
    """The coefficients of an event of the block."""
    row = index * PULSE_ROWS
    flip = load(pulses, row + T), load(pulses, row + G), load(pulses, row + K)
    to_next = load(pulses, row + COS), load(pulses, row + SIN), load(pulses, row + RISE)
    to_echo = load(pulses, row + ECHO), load(pulses, row + ECHO_COS), load(pulses, row + ECHO_SIN)
    scales = load(pulses, row + F), load(pulses, row + Z)
    return Pulse(*flip, *to_next, load(pulses, row + GROWTH), *to_echo, *scales)


@inlined
def echo(pulse, sample):
    """F of order 0 at the sample, from F just after the pulse."""
    return rotate(pulse.echo * sample, pulse.echo_cos, pulse.echo_sin)


@inlined
def slope(state, wrt, side, time, r2):
    """The logarithmic derivative of the evolution of F+ over a time, for a parameter."""
    decay, turn = wrt[side - 1, R2] * time, wrt[side - 1, B0] * time
    return like(state, number(decay) * (r2 * r2), number(turn * TWO_PI))


@inlined
def slopes_of(state, wrt, side, time, r1, r2):
    """The logarithmic derivatives of the evolution of F+ and of Z over a time, for a parameter."""
    return slope(state, wrt, side, time, r2), number(wrt[side - 1, R1] * time) * (r1 * r1)


@inlined
def order(state, at, row, k, shift):
    """F+, F- and Z of order k, stored where a spoiler of `shift` orders moved them."""
    plus, minus, long = row + k + shift, row + at.apart + k - shift, row + 2 * at.apart + k
    return load(state, plus), load(state, minus), load(state, long)


@inlined
def store_order(state, at, row, k, shift, fp, fm, z):
    """Store F+, F- and Z of order k where a spoiler of `shift` orders moves them."""
    store(state, row + k + shift, fp)
    store(state, row + at.apart + k - shift, fm)
    store(state, row + 2 * at.apart + k, z)


@inlined
def relax(of_f, of_z, signal, fp, fm, z):
    """A derivative plus the part from relaxation: slopes of F+ and of Z times the signal."""
    if of_f is not None:
        fp, fm = fp + of_f * signal[0], fm + conj(of_f) * signal[1]
    if of_z is not None:
        z = z + of_z * signal[2]
    return fp, fm, z


@inlined
def pulsed(pulse, fp, fm, z):
    """F+, F- and Z after the pulse."""
    e = z - pulse.t * (fp + fm)
    move = pulse.g * e
    return fp + move, fm + move, pulse.k * e - z


@inlined
def turned(pulse, fp, fm, z):
    """F+, F- and Z after the pulse, F turned until the next event."""
    fp, fm, z = pulsed(pulse, fp, fm, z)
    fp, fm = spun(fp, fm, pulse)
    return fp, fm, z


@inlined
def spun(fp, fm, pulse):
    """F+ turned one way and F- the other."""
    return rotate(fp, pulse.cos, pulse.sin), rotate(fm, pulse.cos, number(0.0) - pulse.sin)


@inlined
def further(pulse, angle, fp, fm, z):
    """The derivatives of F+ (or F-) and of Z for B1, from the states after the pulse."""
    ratio = pulse.f / pulse.z
    return number(angle) / ratio * z, number(np.float32(-0.5) * angle) * ratio * (fp + fm)


@inlined
def advance_two(state, at, first, second, side, keep, slopes, rises):
    """Two pulses, each with a spoiler that shifts by one order, in one pass over the orders.

    The second pulse follows two orders behind the first. Returns F of order 0 just after each
    pulse. With `keep`, the signal between the pulses is stored in the new buffer, where the
    derivatives need it. `slopes` and `rises` (the recovery of Z0) hold one entry per pulse.
    """
    zero = number(0.0)
    own, new = at.old + side * at.rows, at.new
    top = min(at.active + 1, at.rows - 2)
    near = pulsed(first, *order(state, at, own, 0, 0))[0]
    f1, _, z0 = halfway(state, at, first, own, new, 0, keep, slopes[0], rises[0])
    f2, fm, z1 = halfway(state, at, first, own, new, 1, keep, slopes[0], zero)
    f0 = conj(fm)  # order 0 changes sides
    far = pulsed(second, f0, fm, z0)[0]
    for k in range(2, top + 1):
        finish(state, at, second, own, k - 2, f0, fm, z0, slopes[1])
        f0, f1, z0 = f1, f2, z1
        f2, fm, z1 = halfway(state, at, first, own, new, k, keep, slopes[0], zero)
    finish(state, at, second, own, top - 1, f0, fm, z0, slopes[1])
    minus, long = own + at.apart, own + 2 * at.apart
    store(state, minus + top - 1, zero)
    store(state, own, conj(load(state, minus)))
    store(state, long, load(state, long) + rises[1])
    if top == at.rows - 2:
        store(state, own + top, zero)
    return near, far


@inlined
def halfway(state, at, pulse, own, new, k, keep, slopes, rise):
    """Order k after the first of two pulses, before the spoiler."""
    now = turned(pulse, *order(state, at, own, k, 0))
    fp, fm, z = relax(*slopes, order(state, at, new, k, 0), *now)
    z = z + rise
    if keep:
        store_order(state, at, new, k, 0, fp, fm, z)
    return fp, fm, z


@inlined
def finish(state, at, pulse, own, k, fp, fm, z, slopes):
    """Order k after the second of two pulses, spoiled."""
    now = turned(pulse, fp, fm, z)
    store_order(state, at, own, k, 1, *relax(*slopes, order(state, at, at.old, k, 1), *now))


@inlined
def advance(state, damping, at, pulse, side, slopes):
    """Pulse, relaxation, diffusion and spoiler for all orders of the signal or a derivative.

    `slopes` are those of F+ and of Z for a derivative, and None for the signal.
    """
    own = side * at.rows
    for k in range(at.active):
        now = turned(pulse, *order(state, at, at.old + own, k, 0))
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
    """Add the effect of B1 on the flip angle to the derivative for B1."""
    own = at.new + side * at.rows
    for k in range(at.active):
        along, z = further(pulse, angle, *pulsed(pulse, *order(state, at, at.old, k, 0)))
        fp, fm = spun(along, along, pulse)
        if damping is not None:
            fp, fm, z = diffused(damping, k, fp, fm, z)
        now = order(state, at, own, k, at.shift)
        store_order(state, at, own, k, at.shift, now[0] + fp, now[1] + fm, now[2] + z)


@inlined
def disperse(state, at, side, spoiler, event):
    """Add the effect of the ADC to its derivative: minus b times the states of the signal."""
    own = at.new + side * at.rows
    for k in range(at.active):
        b_plus, b_minus, b_z = spread(spoiler, event, k)
        signal, now = order(state, at, at.new, k, at.shift), order(state, at, own, k, at.shift)
        fp, fm = now[0] - number(b_plus) * signal[0], now[1] - number(b_minus) * signal[1]
        store_order(state, at, own, k, at.shift, fp, fm, now[2] - number(b_z) * signal[2])


@inlined
def close(state, at, side, recovery):
    """Let Z0 recover; clear the rows that a shift empties or adds; F-0 becomes F+0."""
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
def store_damping(damping, adc, spoiler, event, n_states):
    """Store exp(-b ADC) of F+k, F-k and Zk over an event for all orders k."""
    if damping is not None:  # so that this is compiled only where there is diffusion
        for k in range(n_states):
            b_plus, b_minus, b_z = spread(spoiler, event, k)
            store(damping, 3 * k, exp(number(-b_plus) * adc))
            store(damping, 3 * k + 1, exp(number(-b_minus) * adc))
            store(damping, 3 * k + 2, exp(number(-b_z) * adc))


@inlined
def prepare(gains, row, first, state, at, sides):
    """Clear F and multiply Z by the gain; derivatives follow from the product rule."""
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
def flush(window, out, first, valid, sides, count, start, apart):
    """Write `count` rows of the window to the tissues' rows of `out`, `apart` columns apart."""
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
