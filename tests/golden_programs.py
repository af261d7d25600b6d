"""Programs whose analyses and adjoints are kept as text in golden/; each with its arguments."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np


def straight(x: float, y: float) -> float:
    a = math.sin(x)
    b = a * y
    return b + a


def polynomial(x: int) -> int:
    return 5 * x + 3


def branch(x: float) -> float:
    y = math.exp(x) if x > 0 else x * x
    return y * y


def chained(x: float, y: float) -> float:
    if 0 < x < y and y > 1:
        return x * y
    return max(x, y)


def counted(x: float, n: int) -> float:
    r = 1.0
    for i in range(n):
        r = r * math.sin(x + i)
    return r


def paper(x: float, n: int) -> float:
    r = 1.0
    while n > 0:
        r *= math.sin(x)
        n -= 1
    return r


def newton(a: float) -> float:
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def nested(x: float) -> float:
    s = 0.0
    for i in range(3):
        for j in range(i, 4):
            s += math.cos(s * x + j)
    return s


def leaving(x: float, n: int) -> float:
    for i in range(n):
        x = x * x + 0.1
        if x > 2:
            break
        if i == 7:
            return -x
    else:
        x = 3 * x
    return x


def swapped(a: float, b: float) -> float:
    for _ in range(4):
        a, b = b, a * b
    return a


def unchanged(x: float, k: float) -> float:
    c = 2 * k
    scale = c + 1
    return math.tanh(scale * x)


def factorial(x: float, n: int) -> float:
    return x if n < 1 else n * x * factorial(x, n - 1)


def closure(x: float) -> float:
    def add(y: float) -> float:
        return x + 2 * y

    return add(x) * add(1.0)


def pair(p: tuple[float, tuple[float, int]]) -> float:
    a, (b, n) = p
    return a**n * b


def modulus(z: complex) -> float:
    w = cmath.exp(z) * z
    return abs(w)


def power(x: float, y: float) -> float:
    return x**y + x**3


def total(x: np.ndarray) -> Any:
    s = 0.0
    for v in x:
        s += v * v
    return s


def recurrence(x: np.ndarray) -> Any:
    y = np.zeros(len(x))
    for i in range(1, len(x)):
        y[i] = math.sin(y[i - 1]) + x[i]
    return y[-1]


PROGRAMS: dict[Any, tuple[Any, ...]] = {
    straight: (0.5, 2.0),
    polynomial: (10,),
    branch: (0.5,),
    chained: (0.5, 2.0),
    counted: (0.5, 4),
    paper: (0.5, 4),
    newton: (2.0,),
    nested: (0.5,),
    leaving: (0.5, 9),
    swapped: (0.5, 2.0),
    unchanged: (0.5, 2.0),
    factorial: (0.5, 4),
    closure: (0.5,),
    pair: ((0.5, (2.0, 3)),),
    modulus: (0.5 + 1j,),
    power: (0.5, 2.0),
    total: (np.array([1.0, 2.0]),),
    recurrence: (np.array([1.0, 2.0, 3.0]),),
}
