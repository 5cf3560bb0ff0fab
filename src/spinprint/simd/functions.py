"""Functions of a Vector, written like scalar code."""

from __future__ import annotations

import math

from .vectors import inlined, nearest_whole, number, power_of_two, where_greater

_LOG2_E, _LN2_HIGH, _LN2_LOW = 1 / math.log(2), 0.693359375, math.log(2) - 0.693359375
_FACTORIAL = tuple(1.0 / math.factorial(n) for n in range(14))
_PI = math.pi


@inlined
def exp(x):
    """exp(x) for x from -87 (below: exp(-87), about 1e-38) to 87, relative error 2e-7.

    x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor series to degree 7.
    """
    least = number(-87.0)
    x = where_greater(x, least, x, least)
    n = nearest_whole(x * number(_LOG2_E))
    r = x - n * number(_LN2_HIGH) - n * number(_LN2_LOW)
    total = number(_FACTORIAL[7])
    total = total * r + number(_FACTORIAL[6])
    total = total * r + number(_FACTORIAL[5])
    total = total * r + number(_FACTORIAL[4])
    total = total * r + number(_FACTORIAL[3])
    total = total * r + number(_FACTORIAL[2])
    total = total * r + number(1.0)
    total = total * r + number(1.0)
    return total * power_of_two(n)


@inlined
def cos_sin(turns):
    """Cosine and sine of an angle in turns, absolute error 5e-7.

    The half angle lies within a quarter turn of zero, where Taylor series to degree 13 and 12
    suffice; the double-angle formulas give the rest without any branch.
    """
    half = (turns - nearest_whole(turns)) * number(_PI)
    square = half * half
    s = number(_FACTORIAL[13])
    s = number(_FACTORIAL[11]) - square * s
    s = number(_FACTORIAL[9]) - square * s
    s = number(_FACTORIAL[7]) - square * s
    s = number(_FACTORIAL[5]) - square * s
    s = number(_FACTORIAL[3]) - square * s
    s = half * (number(1.0) - square * s)
    c = number(_FACTORIAL[12])
    c = number(_FACTORIAL[10]) - square * c
    c = number(_FACTORIAL[8]) - square * c
    c = number(_FACTORIAL[6]) - square * c
    c = number(_FACTORIAL[4]) - square * c
    c = number(_FACTORIAL[2]) - square * c
    c = number(1.0) - square * c
    two = number(2.0)
    return number(1.0) - two * s * s, two * s * c
