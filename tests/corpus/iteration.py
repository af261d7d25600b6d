"""for over tuples, enumerate, zip, reversed."""

import math

from . import program

NODES = (-0.7745966692414834, 0.0, 0.7745966692414834)
WEIGHTS = (0.5555555555555556, 0.8888888888888888, 0.5555555555555556)


@program((0.5, 0.25), exercises="for over a tuple of actives")
def over_tuple(x, y):
    total = 1.0
    for v in (x, y, x * y):
        total = total * v + math.sin(v)
    return total


@program((0.5,), exercises="for over a tuple of constants")
def over_constants(x):
    total = 0.0
    for c in (1.0, -2.0, 0.5):
        total = total * x + c
    return total


@program((0.5,), exercises="for over a tuple of ints")
def over_ints(x):
    total = 0.0
    for n in (3, 1, 2):
        total += x**n / n
    return total


@program(((0.5, 0.25, 0.125),), exercises="for over an argument that is a tuple")
def over_argument(v):
    total = 0.0
    for x in v:
        total += x * x * x
    return total


@program((0.5,), exercises="for over a captured tuple, zip")
def quadrature(x):
    total = 0.0
    for node, weight in zip(NODES, WEIGHTS):
        total += weight * math.exp(x * node)
    return total


@program((0.5,), exercises="for over a tuple of mixed types")
def over_mixed(x):
    total = 0.0
    for v in (x, 2, True):
        total += v * x
    return total


@program((0.5,), exercises="for over the empty tuple")
def over_empty(x):
    total = x
    for v in ():
        total += v
    return total * x


@program((0.5, 0.25), exercises="enumerate over a tuple")
def enumerated(x, y):
    total = 0.0
    for i, v in enumerate((x, y, x - y)):
        total += (i + 1) * v * v
    return total


@program((0.5,), exercises="enumerate with a start over a range")
def enumerated_range(x):
    total = 0.0
    for k, i in enumerate(range(6, 0, -2), 1):
        total += x**i / k
    return total


@program((0.5, 0.25), exercises="zip of two tuples")
def zipped(x, y):
    total = 0.0
    for a, b in zip((x, y, 1.0), (y, x * x, x)):
        total += a * b
    return total


@program((0.5, 0.25), exercises="zip of different lengths and kinds")
def zipped_range(x, y):
    total = 0.0
    for a, i in zip((x, y, 1.0), range(1, 10)):
        total += a**i
    return total


@program((0.5,), exercises="zip of ranges")
def zipped_ranges(x):
    total = 0.0
    for i, j in zip(range(4), range(10, 0, -3)):
        total += x**i * j
    return total


@program((0.5, 0.25), exercises="zip of three in enumerate")
def nested_unpacking(x, y):
    total = 0.0
    for i, (a, b, c) in enumerate(zip((x, y), (y, x), (1.0, 2.0))):
        total += (a - b * i) * c * a
    return total


@program((0.5,), exercises="reversed range")
def reversed_range(x):
    y = x
    for i in reversed(range(1, 5)):
        y = y * x + i
    return y


@program((0.5, 0.25), exercises="reversed tuple")
def reversed_tuple(x, y):
    total = 1.0
    for v in reversed((x, y, x * y)):
        total = total / (1.0 + v)
    return total


@program((0.5,), exercises="for over a tuple of tuples, unpacked")
def over_pairs(x):
    total = 0.0
    for slope, offset in ((1.0, 2.0), (3.0, -4.0), (0.5, 0.25)):
        total += math.sin(slope * x + offset)
    return total


@program((0.5,), exercises="for over a tuple of functions")
def over_functions(x):
    y = x
    for f in (math.sin, math.exp, math.atan):
        y = f(y)
    return y


@program((0.5,), exercises="for over a tuple of lambdas")
def over_lambdas(x):
    total = 0.0
    for f in (lambda t: t * t, lambda t: t * x, lambda t: t / (1.0 + t)):
        total += f(x)
    return total


@program((0.5,), exercises="break in a loop over a tuple")
def broken_tuple(x):
    total = 0.0
    for v in (x, 2.0 * x, 3.0 * x, 4.0 * x):
        if v > 1.2:
            break
        total += v * v
    return total


@program((0.5,), exercises="continue and else over a tuple")
def continued_tuple(x):
    total = 0.0
    for i, v in enumerate((x, -x, 3.0 * x, 4.0 * x)):
        if i == 1:
            continue
        total += v * v
    else:
        total *= x
    return total


@program((0.5,), (1.5,), exercises="return from a loop over a tuple")
def search_tuple(x):
    for threshold, slope in ((1.0, 2.0), (2.0, 3.0)):
        if x < threshold:
            return slope * x * x
    return x


@program((0.5,), exercises="nested loops over tuples and ranges")
def table(x):
    total = 0.0
    for a in (1.0, x):
        for i in range(3):
            for b in (x, 2.0):
                total += a * b**i
    return total


@program((0.5,), exercises="swapping over a tuple")
def swapping(x):
    a, b = x, 1.0
    for v in (x, 2.0, x * x):
        a, b = b * v, a + v
    return a * b


@program((0.5, 0.7), exercises="all, any and sum over generator expressions")
def by_generators(x, y):
    total = sum(v * v for v in (x, y))
    if all(v > 0.0 for v in (x, y)):
        total *= x
    return total


@program((0.5,), exercises="sum of a generator over range")
def sum_of_generator(x):
    return sum(x**n / (n + 1) for n in range(5))


@program((0.5,), exercises="tuple repeated and concatenated")
def grown(x):
    total = 0.0
    for v in (x,) * 2 + (2.0 * x, 1.0):
        total = total * v + x
    return total
