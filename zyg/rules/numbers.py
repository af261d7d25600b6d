"""Functions of `math` and NumPy that are written in Python here, and read like the user's own.

Their ops and exceptions belong to the user's line that calls them (see `inline`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# --- of ints; they carry no gradient -----------------------------------------------------------------------


def factorial(n: int) -> int:
    if n < 0:
        raise ValueError("factorial() not defined for negative values")
    if n > 20:
        raise OverflowError("the factorial does not fit in 64 bits")
    product = 1
    for i in range(2, n + 1):
        product *= i
    return product


def comb(n: int, k: int) -> int:
    if n < 0:
        raise ValueError("n must be a non-negative integer")
    if k < 0:
        raise ValueError("k must be a non-negative integer")
    if k > n:
        return 0
    ways = 1
    for i in range(min(k, n - k)):
        common = math.gcd(ways, i + 1)
        factor = (n - i) // ((i + 1) // common)
        if ways // common > 9223372036854775807 // factor:
            raise OverflowError("the number of combinations does not fit in 64 bits")
        ways = ways // common * factor
    return ways


def perm(n: int, k: Any = None) -> int:
    if k is None:
        return factorial(n)
    if n < 0:
        raise ValueError("n must be a non-negative integer")
    if k < 0:
        raise ValueError("k must be a non-negative integer")
    if k > n:
        return 0
    ways = 1
    for i in range(k):
        if ways > 9223372036854775807 // (n - i):
            raise OverflowError("the number of permutations does not fit in 64 bits")
        ways *= n - i
    return ways


def isqrt(n: int) -> int:
    if n < 0:
        raise ValueError("isqrt() argument must be nonnegative")
    root = int(math.sqrt(n))
    if root > 3037000499 or root * root > n:
        root -= 1
    if root < 3037000499 and (root + 1) * (root + 1) <= n:
        root += 1
    return root


def gcd(*numbers: int) -> int:
    divisor = 0
    for n in numbers:
        divisor = math.gcd(divisor, n)
    return divisor


def lcm(*numbers: int) -> int:
    multiple = 1
    for n in numbers:
        if n == 0:
            return 0
        factor = abs(n) // math.gcd(multiple, n)
        if multiple > 9223372036854775807 // factor:
            raise OverflowError("the least common multiple does not fit in 64 bits")
        multiple *= factor
    return multiple


def round_int(n: int, digits: int) -> int:
    if digits >= 0:
        return n
    if digits < -18:
        return 0
    unit: int = 10**-digits
    low = n - n % unit
    rest = n - low
    if 2 * rest > unit or (2 * rest == unit and low // unit % 2 == 1):
        return low + unit
    return low


# --- of floats ---------------------------------------------------------------------------------------------


def hypot(*coordinates: float) -> float:
    length = 0.0
    for x in coordinates:
        length = math.hypot(length, x)
    return length


def dist(p: tuple[float, ...], q: tuple[float, ...]) -> float:
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    length = 0.0
    for a, b in zip(p, q):  # noqa: B905
        length = math.hypot(length, a - b)
    return length


def prod(factors: tuple[Any, ...], start: Any = 1) -> Any:
    for factor in factors:
        start = start * factor
    return start


def isclose(a: Any, b: Any, *, rel_tol: float = 1e-09, abs_tol: float = 0.0) -> Any:
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    if a == b:
        return True
    distance = abs(b - a)
    if distance == math.inf:
        return False
    return distance <= abs(rel_tol * b) or distance <= abs(rel_tol * a) or distance <= abs_tol


def np_isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    if a == b:
        return True
    if equal_nan and a != a and b != b:
        return True
    bound = atol + rtol * abs(b)
    return bound < math.inf and abs(a - b) <= bound


def sinc(x: Any) -> Any:
    """sin(πx) / πx; near 0 by its series, whose derivatives lose no digits there."""
    angle = np.pi * x
    near = np.abs(angle) <= 0.5
    far = np.where(near, 1.0, angle)
    return np.where(near, _horner(np.where(near, angle * angle, 0.0)), np.sin(far) / far)


def sinc_of_array(x: Any) -> Any:
    """The same for every element."""
    angle = np.pi * x
    near = abs(angle) <= 0.5
    far = np.where(near, 1.0, angle)
    close = np.where(near, angle, 0.0)
    return np.where(near, _horner(close * close), np.sin(far) / far)


def _horner(square: Any) -> Any:
    total = 1.0 / 355687428096000.0
    for coefficient in (
        -1.0 / 1307674368000.0,
        1.0 / 6227020800.0,
        -1.0 / 39916800.0,
        1.0 / 362880.0,
        -1.0 / 5040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
        1.0,
    ):
        total = total * square + coefficient
    return total
