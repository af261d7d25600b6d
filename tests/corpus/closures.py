"""Nested functions: what they capture, where they go."""

import math
from functools import partial

from . import add, program


def make_scaler(factor):
    def scale(x):
        return factor * x

    return scale


def make_polynomial(*coefficients):
    def polynomial(x):
        total = 0.0
        for c in coefficients:
            total = total * x + c
        return total

    return polynomial


def make_pair(a, b):
    return (lambda x: a * x), (lambda x: b * x * x)


def make_switch(kind):
    if kind == 1:
        return lambda x: x * x
    return lambda x: x * x * x


def compose(f, g):
    return lambda x: f(g(x))


def make_nested(a):
    def middle(b):
        def inner(x):
            return a * x + b * x * x

        return inner

    return middle


def derivative_step(f, h):
    return lambda x: (f(x + h) - f(x - h)) / (2.0 * h)


add("closures.returned", make_scaler(2.5), (0.5,), exercises="a returned closure as the function itself")
add("closures.of_tuple", make_polynomial(1.0, -2.0, 0.5), (0.7,), exercises="closure over a tuple")
add("closures.of_ints", make_polynomial(1, 2, 3), (0.7,), exercises="closure over ints")
add("closures.pair", lambda x: make_pair(x, 2.0)[0](x) + make_pair(x, 2.0)[1](x), (0.7,), exercises="tuple of closures")
add("closures.nested_thrice", make_nested(1.5)(2.5), (0.7,), exercises="closure in a closure")
add("closures.active_factor", lambda x: make_scaler(x)(x * x), (0.7,), exercises="closure over an active value")
add("closures.composed", compose(math.sin, make_scaler(3.0)), (0.7,), exercises="closure over functions")
add("closures.composed_deep", compose(compose(math.sin, math.exp), compose(math.cos, math.atan)), (0.7,),
    exercises="closures over closures over builtins")  # fmt: skip
add("closures.known_choice", lambda x: make_switch(1)(x) + make_switch(2)(x), (0.7,), exercises="choice by a constant")
add("closures.numerical", lambda x: derivative_step(lambda t: t**3, 0.5)(x), (0.7,), exercises="higher-order function")
add("closures.partial_of_closure", partial(lambda a, x: a * x * x, 2.5), (0.7,), exercises="partial of a lambda")


@program((0.5, 0.7), exercises="nested function reads an enclosing argument")
def reading(x, y):
    def inner(t):
        return t * y + x

    return inner(x) * inner(y)


@program((0.5,), exercises="nested function without captures")
def plain_inner(x):
    def inner(t):
        return math.sin(t) * t

    return inner(inner(x))


@program(
    (0.5,),
    exercises="captured variable rebound before the call",
    refused="is rebound while a function that captured it",
)
def rebound_capture(x):
    a = x

    def inner(t):
        return a * t

    a = x * x
    return inner(3.0)


@program(
    (0.5,), exercises="captured variable rebound between calls", refused="is rebound while a function that captured it"
)
def rebound_between(x):
    a = x

    def inner(t):
        return a * t

    first = inner(2.0)
    a = x * first
    return inner(3.0) + first


@program((0.5,), exercises="nested function in a loop captures the loop's values")
def made_in_loop(x):
    total = 0.0
    for i in range(4):

        def term(t):
            return t**i * x

        total += term(x)
    return total


@program((0.5,), exercises="capture of a capture")
def two_levels(x):
    y = x * x

    def outer(a):
        def inner(b):
            return a * b + y

        return inner(x) * a

    return outer(2.0) + outer(y)


@program((0.5,), (-0.5,), exercises="closure chosen by a branch")
def chosen(x):
    if x > 0.0:
        f = lambda t: t * x
    else:
        f = lambda t: t + x
    return f(2.0) * f(x)


@program((0.5, 0.7), (-0.5, 0.7), exercises="closures of different captures chosen by a branch")
def chosen_captures(x, y):
    a = math.exp(x)
    if x > 0.0:

        def f(t):
            return a * t
    else:

        def f(t):
            return t + y * y

    return f(y) * f(x)


@program((0.5,), (-0.5,), exercises="builtin or lambda chosen by a branch, called in a loop")
def chosen_mixed(x):
    f = math.sin if x > 0.0 else lambda t: t * t
    y = x
    for _ in range(3):
        y = f(y) + 0.5
    return y


@program((0.5,), (-0.5,), exercises="chosen closure passed to a function")
def chosen_passed(x):
    def apply(f, t):
        return f(f(t))

    g = make_scaler(x) if x > 0.0 else make_scaler(x * x)
    return apply(g, 3.0)


@program((0.5,), (-0.5,), exercises="chosen closure returned by a helper")
def chosen_returned(x):
    def choose(t):
        if t > 0.0:
            return lambda s: s * t
        return lambda s: s - t

    return choose(x)(2.0) * choose(-x)(3.0)


@program((0.5,), exercises="closures carried round a loop")
def carried(x):
    f = lambda t: t * x
    g = lambda t: t + x
    y = 1.0
    for _ in range(3):
        y = f(y)
        f, g = g, f
    return y


@program((0.5,), exercises="closure over a tuple and over a function")
def captures_structures(x):
    pair = (x, x * x)
    sine = math.sin

    def inner(t):
        return pair[0] * sine(t) + pair[1]

    return inner(2.0) + inner(pair[1])


@program((0.7,), exercises="recursive closure over an active value")
def recursive_closure(x):
    def power(n):
        if n == 0:
            return 1.0
        return x * power(n - 1)

    return power(5) + power(2)


@program((0.7,), exercises="recursive closure with an active argument and capture")
def recursive_closure_active(x):
    a = x * x

    def series(t, n):
        if n == 0:
            return t
        return math.sin(series(t * a, n - 1)) + t

    return series(x, 4)


@program((0.7,), exercises="closures that call one another")
def mutual_closures(x):
    def even(n):
        return 1.0 if n == 0 else x * odd(n - 1)

    def odd(n):
        return x if n == 0 else 2.0 * even(n - 1)

    return even(4) + odd(3)


@program((0.7,), exercises="currying")
def curried(x):
    add3 = lambda a: lambda b: lambda c: a + b * c
    return add3(x)(x * x)(3.0) * add3(1.0)(x)(x)


@program((0.7,), exercises="closure as a struct of functions")
def church(x):
    def pair(a, b):
        return lambda select: select(a, b)

    p = pair(x, x * x)
    return p(lambda a, b: a) * p(lambda a, b: b) + p(lambda a, b: a - b)


@program((0.7,), exercises="default argument captures a value")
def default_capture(x):
    y = x * x

    def inner(t, base=y):
        return base * t

    y = 100.0
    return inner(x) + y * x
