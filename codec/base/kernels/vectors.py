"""Vectors of LLVM, for the few inner loops that it does not find by itself: what the other modules here share."""

from codec.base.kernels.compiler import TypingError, cgutils, ir, types


def check_int16(*kinds):
    """TypingError unless all are types of contiguous arrays of int16: what is loaded and stored below."""
    for kind in kinds:
        if not isinstance(kind, types.Array) or kind.dtype != types.int16 or kind.layout != "C":
            raise TypingError(f"vectors are of contiguous arrays of int16, not {kind}")


def load_int16(builder, array, index, lanes):
    """`lanes` int16 of an array (numba's struct of it) from `index` on."""
    vector = ir.VectorType(ir.IntType(16), lanes)
    value = builder.load(builder.bitcast(builder.gep(array.data, [index]), vector.as_pointer()))
    value.align = 2
    return value


def store_int16(builder, value, array, index):
    """Store a vector of int16, or of int32 as pairs of them."""
    target = builder.bitcast(builder.gep(array.data, [index]), value.type.as_pointer())
    builder.store(value, target).align = 2


def int32(builder, value):
    """The lanes as int32."""
    return builder.sext(value, ir.VectorType(ir.IntType(32), value.type.count))


def saturated_sum(builder, x, y):
    """x + y of vectors of int16, clipped to 16 bit."""
    function = ir.FunctionType(x.type, [x.type, x.type])
    name = f"llvm.sadd.sat.v{x.type.count}i16"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), [x, y])


def absolute(builder, value):
    """The magnitudes of the lanes."""
    zero = ir.Constant(value.type, [0] * value.type.count)
    return builder.select(builder.icmp_signed("<", value, zero), builder.sub(zero, value), value)


def shuffled(builder, x, y, places):
    """Lanes of x (0..n-1) and y (n..2n-1) by place."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
    return builder.shuffle_vector(x, y, mask)


def everywhere(builder, value, lanes):
    """A number in all lanes."""
    vector = ir.VectorType(value.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return shuffled(builder, first, first, [0] * lanes)


def clipped(builder, value, least, most):
    """The lanes within two numbers, which are values of LLVM of the lanes' type."""
    for sign, bound in (("<", least), (">", most)):
        bound = everywhere(builder, bound, value.type.count)
        value = builder.select(builder.icmp_signed(sign, value, bound), bound, value)
    return value


def pair_products(builder, x, y):
    """Sums of neighbouring products of two vectors of int16, in int32: one instruction where LLVM sees it (pmaddwd)."""
    product = builder.mul(int32(builder, x), int32(builder, y))
    even, odd = (shuffled(builder, product, product, range(first, x.type.count, 2)) for first in (0, 1))
    return builder.add(even, odd)


def folded(builder, value, parts):
    """Lanes added up within each of `parts` equal parts of a vector: as many lanes are left."""
    while value.type.count > parts:
        size = value.type.count // parts
        firsts = [size * part + k for part in range(parts) for k in range(size // 2)]
        low, high = (shuffled(builder, value, value, [k + off for k in firsts]) for off in (0, size // 2))
        value = builder.add(low, high)
    return value
