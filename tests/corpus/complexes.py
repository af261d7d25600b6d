"""Complex numbers and the cmath functions that Numba has."""

import cmath
import math

from . import add, program

for _name, _fn, *_points in (
    ("acos", lambda z: cmath.acos(z), (0.3 + 0.4j,)),
    ("acosh", lambda z: cmath.acosh(z), (1.3 + 0.4j,)),
    ("asin", lambda z: cmath.asin(z), (0.3 + 0.4j,)),
    ("asinh", lambda z: cmath.asinh(z), (0.3 + 0.4j,)),
    ("atan", lambda z: cmath.atan(z), (0.3 + 0.4j,)),
    ("atanh", lambda z: cmath.atanh(z), (0.3 + 0.4j,)),
    ("cos", lambda z: cmath.cos(z), (0.3 + 0.4j,)),
    ("cosh", lambda z: cmath.cosh(z), (0.3 + 0.4j,)),
    ("exp", lambda z: cmath.exp(z), (0.3 + 0.4j,)),
    ("log", lambda z: cmath.log(z), (0.3 + 0.4j,), (-0.7 - 0.5j,)),
    ("log_base", lambda z: cmath.log(z, 2.0), (0.3 + 0.4j,)),
    ("log10", lambda z: cmath.log10(z), (0.3 + 0.4j,)),
    ("phase", lambda z: cmath.phase(z), (0.3 + 0.4j,), (-0.7 - 0.5j,)),
    ("polar", lambda z: cmath.polar(z), (0.3 + 0.4j,)),
    ("rect", lambda r, phi: cmath.rect(r, phi), (0.5, 1.2)),
    ("sin", lambda z: cmath.sin(z), (0.3 + 0.4j,)),
    ("sinh", lambda z: cmath.sinh(z), (0.3 + 0.4j,)),
    ("sqrt", lambda z: cmath.sqrt(z), (0.3 + 0.4j,), (-0.7 + 0.5j,)),
    ("tan", lambda z: cmath.tan(z), (0.3 + 0.4j,)),
    ("tanh", lambda z: cmath.tanh(z), (0.3 + 0.4j,)),
):
    add(f"complexes.{_name}", _fn, *_points, exercises=f"cmath.{_name}")

add("complexes.isnan", lambda z: z * z if not cmath.isnan(z) else z, (0.3 + 0.4j,), exercises="cmath.isnan")
add("complexes.isinf", lambda z: z if cmath.isinf(z) else z * z, (0.3 + 0.4j,), exercises="cmath.isinf")
add("complexes.isfinite", lambda z: z * z if cmath.isfinite(z) else z, (0.3 + 0.4j,), exercises="cmath.isfinite")
add("complexes.real_part", lambda z: (z * z).real, (0.3 + 0.4j,), exercises="real part")
add("complexes.imaginary_part", lambda z: (z * z * z).imag, (0.3 + 0.4j,), exercises="imaginary part")
add("complexes.conjugate", lambda z: z.conjugate() * z * z, (0.3 + 0.4j,), exercises="conjugate method")
add("complexes.squared_modulus", lambda z: (z * z.conjugate()).real, (0.3 + 0.4j,), exercises="|z|²")
add("complexes.modulus", lambda z: abs(z) ** 2 + abs(z.real), (0.3 + 0.4j,), exercises="abs")
add("complexes.cubed", lambda z: z * z * z - 1.0, (0.3 + 0.4j,), exercises="holomorphic polynomial")
add("complexes.quotient", lambda z, w: (z - w) / (z + w), (0.3 + 0.4j, 1.2 - 0.5j), exercises="Möbius transformation")
add("complexes.negated", lambda z: -z + +z * 2j - (-z) * z, (0.3 + 0.4j,), exercises="unary operators")
add("complexes.of_sin", cmath.sin, (0.3 + 0.4j,), exercises="a cmath builtin as the function itself")
add("complexes.literals", lambda x: (1 + 2j) * x + 3j * x**2, (0.7,), exercises="complex result of a real argument")
add("complexes.cmath_of_float", lambda x: cmath.sqrt(x) * cmath.exp(1j * x), (0.7,), exercises="cmath of a float")
add("complexes.cmath_of_negative", lambda x: cmath.sqrt(x - 3.0), (0.7,), exercises="cmath.sqrt of a negative float")


@program((0.7, 0.2), exercises="in and out of the complex numbers")
def through_complex(x, y):
    z = complex(x, y)
    w = cmath.exp(z) / (z + 2.0)
    return w.real * w.imag + abs(w)


@program((0.3 + 0.1j,), exercises="complex iteration with a test of the modulus")
def mandelbrot(c):
    z = 0j
    for _ in range(6):
        z = z * z + c
        if abs(z) > 2.0:
            break
    return abs(z)


@program((0.9 + 0.3j,), exercises="Newton's method in the complex plane")
def cube_root_of_unity(z):
    for _ in range(3):
        z = z - (z * z * z - 1.0) / (3.0 * z * z)
    return z


@program((0.9,), exercises="discrete Fourier sum")
def fourier(x):
    total = 0j
    for k in range(5):
        total += (x + k) * cmath.exp(-2j * cmath.pi * k / 5)
    return abs(total) ** 2


@program((0.5, 2.0, 3.0), exercises="roots of a quadratic polynomial, complex pair")
def quadratic_roots(a, b, c):
    root = cmath.sqrt(b * b - 4.0 * a * c)
    first = (-b + root) / (2.0 * a)
    second = (-b - root) / (2.0 * a)
    return abs(first) + (first * second).real


@program((0.3 + 0.4j,), (0.3 - 0.4j,), exercises="branch on a part, swap of parts")
def reflected(z):
    if z.imag > 0.0:
        z = complex(z.imag, z.real)
    else:
        z = z.conjugate() * 2.0
    return z * z


@program((0.8, 0.3), exercises="impedance of a circuit, gain in decibels")
def circuit(resistance, capacity):
    total = 0.0
    for frequency in (0.5, 1.0, 2.0):
        impedance = 1.0 / (1j * frequency * capacity)
        gain = impedance / (resistance + impedance)
        total += 20.0 * math.log10(abs(gain))
    return total


@program((1.2 - 0.3j, 2), exercises="complex and equality")
def equality(z, n):
    if z == 1.2 + 5j or z != z:
        return z
    return z**n + (1 if z.real > 1 else 0)
