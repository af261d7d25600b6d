"""Every arithmetic operator over mixes of int, bool, float, float32 and complex."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import add, program

f32 = np.float32
c64 = np.complex64

SINGLE = 2e-5

_RING: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("add", lambda a, b: a + b),
    ("sub", lambda a, b: a - b),
    ("mul", lambda a, b: a * b),
    ("truediv", lambda a, b: a / b),
)
_FLOORING: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("floordiv", lambda a, b: a // b * a),
    ("mod", lambda a, b: a % b * a),
)

for _name, _fn in _RING:
    add(f"mixes.{_name}_float_float", _fn, (1.5, -2.5), exercises="float, float")
    add(f"mixes.{_name}_int_float", _fn, (3, -2.5), exercises="int, float")
    add(f"mixes.{_name}_float_int", _fn, (1.5, -2), exercises="float, int")
    add(f"mixes.{_name}_bool_float", _fn, (True, -2.5), exercises="bool, float")
    add(f"mixes.{_name}_complex_complex", _fn, (1.5 - 1j, 0.5 + 2j), exercises="complex, complex")
    add(f"mixes.{_name}_float_complex", _fn, (1.5, 0.5 + 2j), exercises="float, complex")
    add(f"mixes.{_name}_complex_int", _fn, (1.5 - 1j, 3), exercises="complex, int")
    add(f"mixes.{_name}_single_single", _fn, (f32(1.5), f32(-2.5)), exercises="float32, float32", rtol=SINGLE, order=1)
    add(f"mixes.{_name}_single_double", _fn, (f32(1.5), -2.5), exercises="float32, float64", rtol=SINGLE, order=1)
    add(f"mixes.{_name}_int_active", _fn, (7, 2.5), exercises="an int differentiated", argnums=(0, 1))
for _name, _fn in _FLOORING:
    add(f"mixes.{_name}_int_float", _fn, (7, -2.5), exercises="int, float")
    add(f"mixes.{_name}_float_int", _fn, (7.5, -2), exercises="float, int")
    add(f"mixes.{_name}_float_float", _fn, (-7.5, 2.25), exercises="float, float")

add(
    "mixes.single_complex",
    lambda z, w: z * w + z / w,
    (c64(1.5 - 1j), c64(0.5 + 2j)),
    exercises="complex64, complex64",
    rtol=SINGLE,
    order=1,
)
add(
    "mixes.single_and_complex",
    lambda x, z: x * z * z,
    (f32(1.5), 0.5 + 2j),
    exercises="float32, complex128",
    rtol=SINGLE,
    order=1,
)
add("mixes.int_divided_by_int", lambda n, m, x: n / m * x * x, (7, 2, 1.5), exercises="int / int is a float")
add("mixes.int_floored", lambda n, m, x: n // m * x + n % m * x * x, (7, -2, 1.5), exercises="int // and %")
add("mixes.int_shift", lambda n, x: (n << 2) * x + (n >> 1) * x * x, (5, 1.5), exercises="shifts of ints")
add("mixes.int_bits", lambda n, m, x: ((n & m) + (n | m) + (n ^ m) + ~n) * x * x, (5, 3, 1.5), exercises="int bits")
add(
    "mixes.bool_bits",
    lambda p, q, x: (p & q) * x + (p | q) * x * x + (p ^ q),
    (True, False, 1.5),
    exercises="bool bits",
)
add("mixes.bool_sum", lambda p, q, x: (p + q) * x * x, (True, True, 1.5), exercises="bool + bool is an int")
add("mixes.comparison_as_number", lambda x: (x > 1.0) * x + (x < 1.0) * x * x, (1.5,), (0.5,), exercises="bool * float")
add("mixes.operator_module", lambda x, y: operator.mul(operator.add(x, y), operator.sub(x, y)), (1.5, 2.5),
    exercises="functions of the operator module")  # fmt: skip
add("mixes.operator_more", lambda x, y: operator.truediv(operator.neg(x), operator.pow(y, 3)), (1.5, 2.5),
    exercises="more of the operator module")  # fmt: skip


@program((1.5, 2, True, 0.5 - 1j), exercises="one formula over four types")
def four_types(x, n, flag, z):
    total = x * n + flag
    total = total + (z * n).real * x
    return total * flag + abs(z * x)


@program((2.5, 3), exercises="an int variable that becomes a float", argnums=(0,))
def widened(x, n):
    total = 0
    for i in range(n):
        total = total + i * x
    return total * x


@program((2.5, 3), exercises="a float variable that becomes complex")
def widened_to_complex(x, n):
    total = x
    for _ in range(n):
        total = total * (1 + 0.5j) + x
    return total.real * total.imag


@program((f32(0.75),), exercises="float32 constants made in the program", rtol=SINGLE, order=1)
def single_constants(x):
    return x * np.float32(2.0) + np.sin(x) * np.float32(0.5)


@program((0.75,), exercises="a detour through float32", rtol=SINGLE, exact=((1.5,),))
def through_single(x):
    return np.float64(np.float32(x)) * x


@program((0.75, 3), exercises="NumPy's scalar types as functions")
def scalar_types(x, n):
    return np.float64(x) * np.int64(n) + np.complex128(x).real * np.float64(n)


@program((2**40, 0.5), exercises="large ints")
def large_ints(n, x):
    return (n * 1024 + 1) * 1e-15 * x * x


@program((7, 2), (-7, 3), exercises="ints only, differentiated", argnums=(0, 1))
def int_products(n, m):
    return n * n * m - 3 * n + m * m


@program((7, 2), exercises="int / int, differentiated", argnums=(0, 1))
def int_quotient(n, m):
    return n / m


@program((2, 3), exercises="int ** int, differentiated", argnums=(0, 1))
def int_power(n, m):
    return n**m / 2
