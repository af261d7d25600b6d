"""The operator ** for every sign and type combination; what is smooth here, the poles and kinks in `kinks`."""

import math

from . import add, program

# x ** y, both active
for _label, _point in (("above_one", (2.5, 1.5)), ("below_one", (0.3, 2.2)), ("negative_exponent", (1.7, -0.7))):
    add(f"powers.float_float_{_label}", lambda x, y: x**y, _point, exercises="float ** float, both active")
add("powers.float_complex", lambda x, z: x**z, (2.5, 0.5 + 1j), exercises="float ** complex")
add("powers.complex_float", lambda z, y: z**y, (0.5 + 1j, 1.7), exercises="complex ** float")
add("powers.complex_complex", lambda z, w: z**w, (0.5 + 1j, 1.2 - 0.3j), exercises="complex ** complex")
add("powers.int_float", lambda n, y: n**y, (3, 1.7), exercises="int ** float", argnums=(0, 1))
add("powers.int_complex", lambda n, z: n**z, (3, 0.7 + 0.2j), exercises="int ** complex")
add("powers.float_int_active", lambda x, n: x**n, (1.3, 3), exercises="float ** int, both active", argnums=(0, 1))
add("powers.base_e", lambda x: math.e**x, (1.3,), exercises="constant ** float")
add("powers.base_two", lambda x: 2**x, (1.3,), (-1.3,), exercises="int constant ** float")
add("powers.base_half", lambda x: 0.5**x, (1.3,), exercises="constant below one ** float")

# constant exponents: no logarithm of a negative base may be taken
for _n in (0, 1, 2, 3, 7, -1, -2, -3):
    add(
        f"powers.literal_{'minus_' if _n < 0 else ''}{abs(_n)}",
        {
            0: lambda x: x**0 + x,
            1: lambda x: x**1 * x,
            2: lambda x: x**2,
            3: lambda x: x**3,
            7: lambda x: x**7,
            -1: lambda x: x**-1,
            -2: lambda x: x**-2,
            -3: lambda x: x**-3,
        }[_n],
        (1.3,),
        (-1.3,),
        exercises="float ** literal int",
    )
add("powers.literal_zero_base", lambda x: x**2 + x**3 + x**1, (0.0,), exercises="0.0 ** literal int")
add("powers.literal_half", lambda x: x**0.5, (1.3,), exercises="float ** 0.5")
add("powers.literal_third", lambda x: x ** (1 / 3), (1.3,), exercises="float ** (1/3)")
add("powers.literal_float_integral", lambda x: x**2.0, (1.3,), (-1.3,), exercises="negative ** 2.0")
add("powers.literal_float_three", lambda x: x**3.0, (1.3,), (-1.3,), exercises="negative ** 3.0")
add("powers.literal_float_minus", lambda x: x**-2.0, (1.3,), (-1.3,), exercises="negative ** -2.0")
add("powers.literal_zero_float", lambda x: x**0.0 * x, (1.3,), (-1.3,), exercises="x ** 0.0")
add("powers.complex_square", lambda z: z**2, (0.5 + 1j,), (-0.5 - 1j,), exercises="complex ** literal 2")
add("powers.complex_cube", lambda z: z**3, (0.5 + 1j,), exercises="complex ** literal 3")
add("powers.complex_inverse", lambda z: z**-1, (0.5 + 1j,), exercises="complex ** literal -1")
add("powers.complex_root", lambda z: z**0.5, (0.5 + 1j,), exercises="complex ** 0.5")

# int exponents known at run time only
for _label, _args in (
    ("positive", (1.3, 4)),
    ("negative", (1.3, -3)),
    ("negative_base", (-1.3, 5)),
    ("negative_both", (-1.3, -2)),
    ("zero", (-1.3, 0)),
    ("one", (-1.3, 1)),
):
    add(f"powers.run_time_{_label}", lambda x, n: x**n + x, _args, exercises="float ** int argument")
add("powers.run_time_zero_base", lambda x, n: x**n, (0.0, 3), exercises="0.0 ** int argument")
add("powers.run_time_complex", lambda z, n: z**n, (0.5 + 1j, 3), (0.5 + 1j, -2), exercises="complex ** int argument")
add("powers.int_int", lambda n, x: n**3 * x + (n**2) * x * x, (2, 1.5), exercises="int ** literal int")
add("powers.int_int_negative_base", lambda n, x: n**3 * x * x, (-2, 1.5), exercises="negative int ** literal int")
add("powers.math_pow", lambda x, y: math.pow(x, y), (2.5, 1.5), (0.5, -1.5), exercises="math.pow")
add("powers.math_pow_constant", lambda x: math.pow(x, 3), (-2.5,), exercises="math.pow with a constant exponent")
add("powers.tower", lambda x: x**x**x, (1.3,), exercises="** is right associative")
add("powers.minus_square", lambda x: -(x**2) + (-x) ** 2 * x, (1.3,), exercises="-x**2")
add("powers.negative_to_float_inactive", lambda x, y: (-x) ** y, (-2.5, 1.5), exercises="(-x) ** y")


@program((1.3,), (-1.3,), exercises="power by an int loop variable")
def series(x):
    total = 0.0
    for n in range(6):
        total += x**n / (n + 1)
    return total


@program((1.3,), (-1.3,), exercises="power by a negative int loop variable")
def laurent(x):
    total = 0.0
    for n in range(-3, 4):
        total += x**n
    return total


@program((0.8,), exercises="int loop variable as the base")
def dirichlet(s):
    total = 0.0
    for n in range(1, 8):
        total += n ** (-s)
    return total


@program((-1.3, 2.0), exercises="negative ** float variable with integral value, inactive", argnums=(0,))
def integral_exponent(x, y):
    return x**y


@program((1.3,), exercises="float exponent computed from ints")
def computed_exponent(x):
    return x ** (3 / 2) + x ** (1 + 1)


@program((1.3,), (-0.7,), exercises="repeated augmented power")
def repeated(x):
    for _ in range(3):
        x **= 2
        x *= 0.8
    return x
