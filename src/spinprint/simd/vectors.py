"""Vector types for numba: one tissue per lane.

`Vector` is `LANES` float32, one per lane; `Pair` is a real and an imaginary vector. They
support +, - and *, Vectors also /, which LLVM turns into the widest instructions of the
processor (one 512-bit register, two of 256 bit, …) without any loop for the compiler to analyse.
The kernels read like scalar code, and the same code serves real and complex states: `load` gives
a Vector from a float32 array and a Pair from a complex64 array.

A Pair lies in memory as all real parts, then all imaginary ones: a complex64 array
of shape `(row, lane)` only provides the storage.
"""

from __future__ import annotations

import itertools
import operator
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from ..memory import LINE

LANES = 16 if get_host_cpu_features().get("avx512f") else 8
"""Number of tissues in a vector, which fills one of the widest registers."""

WIDE = 2 * LANES
"""Lanes of a Wide vector of two registers: in a loop with few values and long latencies, the
work on one register hides the latency of the other."""

BARE: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""Numba options for code that owns no array: without reference counts, which would make all
threads wait for each other and would keep vectors out of registers."""

inlined = njit(forceinline=True, **BARE)
"""Decorator: compiled into the caller."""

_LANE = ir.FloatType()
_VECTOR = ir.VectorType(_LANE, LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_BROAD = ir.VectorType(_LANE, WIDE)
_FAST = ("contract", "reassoc", "nsz", "arcp")  # fuse and reorder, but keep NaN and Inf


class _VectorType(types.Type):
    def __init__(self):
        super().__init__(name="Vector")


class _WideType(types.Type):
    def __init__(self):
        super().__init__(name="Wide")


class _PairType(types.Type):
    def __init__(self):
        super().__init__(name="Pair")


Vector = _VectorType()
Wide = _WideType()
Pair = _PairType()


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _VECTOR)


@register_model(_WideType)
class _WideModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _BROAD)


@register_model(_PairType)
class _PairModel(models.StructModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, [("real", Vector), ("imag", Vector)])


# Arithmetic ---------------------------------------------------------------------------------


def _parts(context, builder, kind, value):
    """Real and imaginary vector of a value; the imaginary one of a Vector is None."""
    if kind != Pair:
        return value, None
    pair = cgutils.create_struct_proxy(Pair)(context, builder, value)
    return pair.real, pair.imag


def _join(context, builder, real, imag):
    pair = cgutils.create_struct_proxy(Pair)(context, builder)
    pair.real, pair.imag = real, imag
    return pair._getvalue()


def _add(builder, x, y):
    return x if y is None else y if x is None else builder.fadd(x, y, flags=_FAST)


def _subtract(builder, x, y):
    if y is None:
        return x
    return builder.fneg(y) if x is None else builder.fsub(x, y, flags=_FAST)


def _multiply(builder, x, y):
    return None if x is None or y is None else builder.fmul(x, y, flags=_FAST)


def _sum(builder, x, y):
    return _add(builder, x[0], y[0]), _add(builder, x[1], y[1])


def _difference(builder, x, y):
    return _subtract(builder, x[0], y[0]), _subtract(builder, x[1], y[1])


def _product(builder, x, y):
    real, cross = _multiply(builder, x[0], y[0]), _multiply(builder, x[1], y[1])
    left, right = _multiply(builder, x[0], y[1]), _multiply(builder, x[1], y[0])
    return _subtract(builder, real, cross), _add(builder, left, right)


def _register(operation, emit):
    @infer_global(operation)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):  # noqa: ARG002
            if args == (Wide, Wide):
                return signature(Wide, *args)
            if len(args) == 2 and all(kind in (Vector, Pair) for kind in args):
                return signature(Pair if Pair in args else Vector, *args)
            return None

    def _lower(context, builder, sig, args):
        x, y = (_parts(context, builder, *typed) for typed in zip(sig.args, args, strict=True))
        real, imag = emit(builder, x, y)
        return real if imag is None else _join(context, builder, real, imag)

    for kinds in ((Wide, Wide), *itertools.product((Vector, Pair), repeat=2)):
        lower_builtin(operation, *kinds)(_lower)


_register(operator.add, _sum)
_register(operator.sub, _difference)
_register(operator.mul, _product)


@infer_global(operator.truediv)
class _Quotient(AbstractTemplate):
    def generic(self, args, kws):  # noqa: ARG002
        return signature(Vector, *args) if args == (Vector, Vector) else None


@lower_builtin(operator.truediv, Vector, Vector)
def _quotient(context, builder, sig, args):  # noqa: ARG001
    return builder.fdiv(*args)


# Memory -------------------------------------------------------------------------------------


def _pointer(context, builder, kind, array, index, vector=_VECTOR):
    """The address of element `index` of a C-contiguous array, as a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _element(context, builder, kind, array, row, column):
    """The address of an element of a C-contiguous array of two axes, as a vector."""
    shape = context.make_array(kind)(context, builder, array).shape
    width = builder.extract_value(shape, 1)
    return _pointer(context, builder, kind, array, builder.add(builder.mul(row, width), column))


def _row(context, builder, kind, array, row, vector=_VECTOR):
    """Addresses of the vectors in a row of an array `(row, lane)`: one, or real and imaginary."""
    start = builder.mul(row, row.type(vector.count))
    first = _pointer(context, builder, kind, array, start, vector)
    if kind.dtype == types.float32:
        return [first]
    return [first, builder.gep(first, [ir.IntType(32)(1)])]


@intrinsic
def load(typingctx, array, row):  # noqa: ARG001
    """The row of an array of shape `(row, lane)`: float32 gives a Vector, complex64 a Pair."""
    kind = Vector if array.dtype == types.float32 else Pair

    def codegen(context, builder, sig, args):
        at = _row(context, builder, sig.args[0], *args)
        parts = [builder.load(pointer, align=4) for pointer in at]
        return parts[0] if len(parts) == 1 else _join(context, builder, *parts)

    return kind(array, types.intp), codegen


@intrinsic
def load_wide(typingctx, array, row):  # noqa: ARG001
    """The row of a float32 array of shape `(row, WIDE)`, as a Wide."""

    def codegen(context, builder, sig, args):
        return builder.load(_row(context, builder, sig.args[0], *args, _BROAD)[0], align=4)

    return Wide(array, types.intp), codegen


@intrinsic
def store(typingctx, array, row, value):  # noqa: ARG001
    """Store a value in a row of an array of shape `(row, lane)`."""

    def codegen(context, builder, sig, args):
        vector = _BROAD if sig.args[2] == Wide else _VECTOR
        at = _row(context, builder, sig.args[0], args[0], args[1], vector)
        parts = _parts(context, builder, sig.args[2], args[2])
        for pointer, part in zip(at, parts, strict=False):
            builder.store(_VECTOR(None) if part is None else part, pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


@intrinsic
def load_lanes(typingctx, array, row, column):  # noqa: ARG001
    """Neighbours along the last axis of a C-contiguous float32 array, one per lane, as a Vector."""

    def codegen(context, builder, sig, args):
        return builder.load(_element(context, builder, sig.args[0], *args), align=4)

    return Vector(array, types.intp, types.intp), codegen


@intrinsic
def store_parts(typingctx, array, row, value):  # noqa: ARG001
    """Store a Vector in one row of a float32 array, or the two parts of a Pair in two rows."""

    def codegen(context, builder, sig, args):
        parts = _parts(context, builder, sig.args[2], args[2])
        for offset, part in enumerate(part for part in parts if part is not None):
            start = builder.mul(builder.add(args[1], args[1].type(offset)), args[1].type(LANES))
            builder.store(part, _pointer(context, builder, sig.args[0], args[0], start), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _splat(builder, number, lanes):
    empty = ir.Constant(ir.VectorType(_LANE, lanes), ir.Undefined)
    first = builder.insert_element(empty, number, ir.IntType(32)(0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, empty, everywhere)


@intrinsic
def splat(typingctx, number):  # noqa: ARG001
    """The same number in every lane of a Vector."""
    return Vector(types.float32), lambda _, builder, __, args: _splat(builder, *args, LANES)


@intrinsic
def splat_wide(typingctx, number):  # noqa: ARG001
    """The same number in every lane of a Wide."""
    return Wide(types.float32), lambda _, builder, __, args: _splat(builder, *args, WIDE)


@inlined
def number(x):
    """A scalar in every lane of a Vector."""
    return splat(types.float32(x))


@inlined
def number_wide(x):
    """A scalar in every lane of a Wide."""
    return splat_wide(types.float32(x))


@intrinsic
def like(typingctx, array, real, imag):  # noqa: ARG001
    """real + i imag as a Pair where the array is complex; real alone where it is real."""
    kind = Vector if array.dtype == types.float32 else Pair

    def codegen(context, builder, sig, args):  # noqa: ARG001
        return args[1] if kind == Vector else _join(context, builder, args[1], args[2])

    return kind(array, Vector, Vector), codegen


@intrinsic
def is_complex(typingctx, array):  # noqa: ARG001
    """Whether an array is complex: a constant, so that the other case is not compiled."""

    def codegen(context, builder, sig, args):  # noqa: ARG001
        return ir.Constant(ir.IntType(1), array.dtype != types.float32)

    return types.boolean(array), codegen


@intrinsic
def conj(typingctx, value):  # noqa: ARG001
    """The complex conjugate; a Vector is unchanged."""

    def codegen(context, builder, sig, args):
        if sig.args[0] == Vector:
            return args[0]
        real, imag = _parts(context, builder, Pair, args[0])
        return _join(context, builder, real, builder.fneg(imag))

    return value(value), codegen


@intrinsic
def rotate(typingctx, value, cos, sin):  # noqa: ARG001
    """A Pair times cos + i sin; a Vector is unchanged."""

    def codegen(context, builder, sig, args):
        if sig.args[0] == Vector:
            return args[0]
        x = _parts(context, builder, Pair, args[0])
        return _join(context, builder, *_product(builder, x, args[1:]))

    return value(value, Vector, Vector), codegen


@intrinsic
def store_transposed(typingctx, window, first, out, row, step, column, zeros, past):  # noqa: ARG001
    """Transpose a square of rows of a float32 array `(row, lane)` into another array.

    Lane l goes to out[row + l * step, column:column + LANES]; with zeros, each number followed
    by a zero, in twice as many columns; `past` the cache where it fills whole cache lines.
    """

    def codegen(context, builder, sig, args):
        window, first, out, row, step, column, zeros, past = args
        rows = [
            builder.load(
                _row(context, builder, sig.args[0], window, builder.add(first, first.type(i)))[0],
                align=4,
            )
            for i in range(LANES)
        ]
        for value in _transposed(builder, rows):
            at = _element(context, builder, sig.args[2], out, row, column)
            with builder.if_else(zeros) as (then, otherwise):
                with then:
                    _put(builder, tuple(_with_zeros(builder, value)), at, past)
                with otherwise:
                    _put(builder, (value,), at, past)
            row = builder.add(row, step)
        return context.get_dummy_value()

    integers, flags = (types.intp,) * 3, (types.boolean,) * 2
    return types.void(window, types.intp, out, *integers, *flags), codegen


def _put(builder, values, at, past):
    """Store vectors side by side, `past` the cache where they fill whole cache lines.

    Memory is then written without being read first; other threads see it after any lock.
    """
    address = builder.ptrtoint(at, ir.IntType(64))
    offset = builder.and_(address, address.type(LINE - 1))
    if 4 * LANES * len(values) % LINE:
        past = past.type(0)
    always = builder.module.add_metadata([ir.IntType(32)(1)])
    with builder.if_else(
        builder.and_(past, builder.icmp_unsigned("==", offset, offset.type(0)))
    ) as (then, otherwise):
        for branch, align in ((then, 4 * LANES), (otherwise, 4)):
            with branch:
                for i, value in enumerate(values):
                    to = builder.gep(at, [ir.IntType(32)(i)])
                    stored = builder.store(value, to, align=align)
                    if branch is then:
                        stored.set_metadata("nontemporal", always)


def _transposed(builder, rows):
    """Swap the off-diagonal blocks of half the size, then within those."""
    for size in (1 << bit for bit in reversed(range(LANES.bit_length() - 1))):
        keep = [j if not j & size else LANES + j - size for j in range(LANES)]
        move = [j + size if not j & size else LANES + j for j in range(LANES)]
        for i in (i for i in range(LANES) if not i & size):
            pair = rows[i], rows[i + size]
            rows[i] = builder.shuffle_vector(*pair, ir.Constant(_INTS, keep))
            rows[i + size] = builder.shuffle_vector(*pair, ir.Constant(_INTS, move))
    return rows


def _with_zeros(builder, value):
    """The first half of the lanes, each followed by a zero, and the second half."""
    for start in (0, LANES // 2):
        places = [k for lane in range(start, start + LANES // 2) for k in (lane, LANES)]
        yield builder.shuffle_vector(value, _VECTOR(None), ir.Constant(_INTS, places))


# Bits and comparisons -----------------------------------------------------------------------


@intrinsic
def nearest_whole(typingctx, value):  # noqa: ARG001
    """The nearest whole number, lane by lane."""

    def codegen(context, builder, sig, args):  # noqa: ARG001
        name = f"llvm.rint.v{LANES}f32"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), name
        )
        return builder.call(function, args)

    return Vector(Vector), codegen


@intrinsic
def power_of_two(typingctx, value):  # noqa: ARG001
    """2**value for whole values from -126 to 127, by writing the exponent bits."""

    def codegen(context, builder, sig, args):  # noqa: ARG001
        whole = builder.fptosi(args[0], _INTS)
        biased = builder.add(whole, ir.Constant(_INTS, [127] * LANES))
        bits = builder.shl(biased, ir.Constant(_INTS, [23] * LANES))
        return builder.bitcast(bits, _VECTOR)

    return Vector(Vector), codegen


@intrinsic
def power_of_two_below(typingctx, value):  # noqa: ARG001
    """The largest power of two that is not above the modulus, by keeping the exponent bits."""

    def codegen(context, builder, sig, args):  # noqa: ARG001
        bits = builder.bitcast(args[0], _INTS)
        kept = builder.and_(bits, ir.Constant(_INTS, [0x7F800000] * LANES))
        return builder.bitcast(kept, _VECTOR)

    return Vector(Vector), codegen


@intrinsic
def where_greater(typingctx, x, y, yes, no):  # noqa: ARG001
    """Lane by lane: yes where x > y, otherwise no."""

    def codegen(context, builder, sig, args):  # noqa: ARG001
        return builder.select(builder.fcmp_ordered(">", *args[:2]), *args[2:])

    return x(x, x, x, x), codegen


@intrinsic
def any_greater(typingctx, x, y):  # noqa: ARG001
    """True where x > y in at least one lane."""

    def codegen(context, builder, sig, args):  # noqa: ARG001
        lanes = builder.fcmp_ordered(">", *args)
        bits = builder.bitcast(lanes, ir.IntType(lanes.type.count))
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(x, x), codegen
