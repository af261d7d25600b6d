"""Python's builtin functions on numbers."""

import math

from . import add, program

add("builtin.abs", lambda x: abs(x) * x, (1.5,), (-1.5,), exercises="abs of a float")
add("builtin.abs_complex", lambda z: abs(z), (1.5 - 2j,), (-0.5 + 0.1j,), exercises="abs of a complex")
add("builtin.abs_of_int", lambda n, x: abs(n) * x, (-3, 1.5), exercises="abs of an int")
add("builtin.max_two", lambda x, y: max(x, y) * x, (1.5, 0.5), (0.5, 1.5), exercises="max of two")
add("builtin.min_two", lambda x, y: min(x, y) * x, (1.5, 0.5), (0.5, 1.5), exercises="min of two")
add(
    "builtin.max_three",
    lambda x, y, z: max(x, y * y, z) * y,
    (3.0, 1.5, 0.5),
    (0.5, 1.5, 0.0),
    (0.5, 1.0, 4.0),
    exercises="max of three",
)
add("builtin.min_four", lambda x, y: min(x, y, x * y, 3.0) ** 2, (1.5, 0.5), (0.5, 2.5), exercises="min of four")
add("builtin.max_mixed", lambda x: max(x, 2) * x, (1.5,), (2.5,), exercises="max of a float and an int")
add("builtin.min_mixed", lambda x: min(3, x, 2.5) * x, (1.5,), (2.75,), exercises="min of ints and floats")
add("builtin.max_of_tuple", lambda x, y: max((x, y, x * y)), (1.5, 0.5), (2.5, 3.0), exercises="max of a tuple")
add("builtin.min_of_tuple", lambda x, y: min((x, y, x * y)), (1.5, 0.5), (2.5, 3.0), exercises="min of a tuple")
add("builtin.sum_of_tuple", lambda x, y: sum((x, y, x * y)) ** 2, (1.5, 0.5), exercises="sum of a tuple")
add("builtin.sum_with_start", lambda x, y: sum((x * x, y), x) * y, (1.5, 0.5), exercises="sum with a start")
add("builtin.sum_mixed", lambda x: sum((x, 1, True, 2.5)) * x, (1.5,), exercises="sum of mixed members")
add("builtin.round", lambda x: round(x) * x, (1.3,), (-2.6,), exercises="round to an int", exact=((1.0,), (-3.0,)))
add(
    "builtin.round_digits",
    lambda x: round(x, 1) * x,
    (1.33,),
    (-2.68,),
    exercises="round to digits",
    exact=((1.3,), (-2.7,)),
)
add(
    "builtin.round_negative",
    lambda x: round(x, -1) * x,
    (13.3,),
    exercises="round to tens",
    exact=((10.0,),),
)
add("builtin.int", lambda x: int(x) * x, (2.7,), (-2.7,), exercises="int truncates", exact=((2.0,), (-2.0,)))
add("builtin.float_of_int", lambda n, x: float(n) * x / 3, (2, 0.5), exercises="float of an int")
add("builtin.float_of_float", lambda x: float(x) ** 3, (0.5,), exercises="float of a float")
add("builtin.float_of_int_active", lambda n: float(n) ** 2, (3,), exercises="float of an active int", argnums=(0,))
add("builtin.bool_of_float", lambda x: bool(x) * x * x, (0.5,), exercises="bool of a float as a number")
add("builtin.complex_one", lambda x: abs(complex(x) + 2j), (0.5,), exercises="complex of one float")
add("builtin.complex_two", lambda x, y: abs(complex(x, y) ** 2 + x), (0.5, 1.5), exercises="complex of two floats")
add("builtin.complex_of_int", lambda n, x: (complex(n) * x).real, (2, 0.5), exercises="complex of an int")
add("builtin.pow_two", lambda x, y: pow(x, y) + pow(x, 2), (1.5, 0.5), exercises="pow as a builtin")
add("builtin.divmod_rest", lambda x, y: divmod(x, y)[1] * x, (5.3, 1.7), (-5.3, 1.7), exercises="divmod, remainder")
add("builtin.len_of_tuple", lambda x: len((x, x, x)) * x, (1.5,), exercises="len of a tuple")
add("builtin.sum_of_range", lambda x: sum(range(5)) * x * x, (1.5,), exercises="sum of a range")
add("builtin.infinity", lambda x: min(x * x, float("inf")), (1.5,), exercises="float('inf')")


@program((5.3, 1.7), (-5.3, 1.7), (5.3, -1.7), exercises="divmod, unpacked")
def divmod_both(x, y):
    quotient, rest = divmod(x, y)
    return quotient * y * y + rest * x


@program((0.25,), (0.75,), (-1.25,), exercises="clamping by nested min and max")
def clamped(x):
    return min(max(x, 0.0), 0.5) + x * x


@program((0.25, 3.5), (2.5, 1.25), exercises="sorting two by min and max")
def ordered(x, y):
    low, high = min(x, y), max(x, y)
    return high / low


@program((2.3, 7), (-2.3, 7), exercises="conversions to and fro inside a formula")
def conversions(x, n):
    whole = int(x)
    return (x - whole) * float(n) + round(x) * x + int(n / 2) * math.sin(x)


@program((2.3,), exercises="max of a conditional's value against a sum", order=2)
def max_of_expressions(x):
    return max(x if x > 1.0 else -x, sum((x, -1.0)), abs(-x) / 2)


@program((1.2, 0.4), (0.4, 1.2), exercises="abs of a difference, squared and not")
def distance(x, y):
    return abs(x - y) + abs(x - y) ** 2 + abs(y) ** 1.5


@program((1.5,), exercises="isinstance, known when compiled")
def by_type(x):
    if isinstance(x, float):
        return x * x
    return x


@program((1.5,), exercises="numbers' own attributes and methods")
def attributes(x):
    return x.real * x.real + x.imag + x.conjugate()
