"""Conditions: if, conditional expressions, and/or/not, chained comparisons, walrus, assert, raise."""

import math

from . import add, program

add("branches.conditional", lambda x: x * x if x > 1.0 else 3.0 * x, (1.5,), (0.5,), exercises="conditional")
add(
    "branches.conditional_nested",
    lambda x: 1.0 * x if x < 0.0 else x**2 if x < 1.0 else x**3,
    (-0.5,),
    (0.5,),
    (1.5,),
    exercises="nested conditional",
)
add("branches.and_value", lambda x, y: (x and y) * x, (1.5, 2.5), exercises="and as a value")
add("branches.or_value", lambda x, y: (x or y) * x + y, (1.5, 2.5), exercises="or as a value")
add("branches.conditional_int_float", lambda x: (1 if x > 1.0 else 0.5) * x * x, (1.5,), (0.5,),
    exercises="conditional of an int and a float")  # fmt: skip


@program((0.5,), (-1.5,), exercises="if/else")
def two_ways(x):
    if x > 0.0:
        y = math.sin(x)
    else:
        y = math.exp(x)
    return y * x


@program((0.5,), (-1.5,), exercises="if without else")
def one_way(x):
    y = x * x
    if x > 0.0:
        y = y * math.cos(x)
    return y + x


@program((-1.5,), (0.5,), (1.5,), (2.5,), exercises="if/elif/elif/else")
def four_ways(x):
    if x < 0.0:
        y = -x
    elif x < 1.0:
        y = x * x
    elif x < 2.0:
        y = x**3
    else:
        y = math.sqrt(x)
    return y * 2.0


@program((-1.5,), (0.5,), (1.5,), exercises="return in each branch")
def returning(x):
    if x < 0.0:
        return math.exp(x)
    if x < 1.0:
        return x * x
    return 3.0 * x


@program((1.5, 0.5), (0.5, 1.5), (-1.5, 0.5), (-0.5, -1.5), exercises="if in if")
def nested(x, y):
    if x > 0.0:
        if y > 1.0:
            z = x * y
        else:
            z = x / y
        z += x
    elif y > 0.0:
        z = x - y
        if z < -1.0:
            z = z * z
    else:
        z = math.sin(x * y)
    return z * x


@program((1.5, 0.5), (0.5, 1.5), (-1.5, 0.5), exercises="and, or, not in a condition")
def logic(x, y):
    if x > 0.0 and y > 1.0:
        return x * y
    if x < 0.0 or not y < 1.0:
        return x - y * y
    if not (x < 0.0 or y < 0.0) and (x > 1.0 or y > 2.0):
        return x**y
    return 1.0 * x


@program((0.5,), (1.5,), (2.5,), (-0.5,), exercises="chained comparison")
def chained(x):
    if 0.0 < x < 1.0:
        return x * x
    if 1.0 <= x <= 2.0 < 3.0:
        return x**3
    return -x


@program((0.5, 1.5), (1.5, 0.5), exercises="chained comparison of variables")
def chained_variables(x, y):
    if 0.0 < x < y < 2.0:
        return x * y * y
    return x + y * x


@program((0.5,), (1.5,), exercises="walrus in a condition")
def walrus_condition(x):
    if (y := x * x) > 1.0:
        return y * x
    return y + math.sin(y)


@program((0.5,), (-1.5,), exercises="walrus that only one side of and reaches")
def walrus_short_circuit(x):
    if x > 0.0 and (y := math.sqrt(x)) < 1.0:
        return y * x
    return x


@program((0.5,), (1.5,), exercises="raise on a path not taken")
def raising(x):
    if x < 0.0:
        raise ValueError("negative")
    if x > 1.0:
        return x * x
    return math.sqrt(x)


@program((0.5, 2), (0.5, 3), exercises="raise at the end of an elif chain")
def raising_at_the_end(x, kind):
    if kind == 1:
        return x
    elif kind == 2:
        return x * x
    elif kind == 3:
        return math.sin(x)
    else:
        raise NotImplementedError("kind")


@program((0.5,), exercises="raise with a computed message that isn't taken")
def raising_with_value(x):
    y = x * x
    if y > 1.0:
        raise ValueError("too large", y)
    return y * x


@program((0.5,), (1.5,), exercises="assert in one branch")
def asserting(x):
    if x > 1.0:
        assert x < 2.0, "out of range"
        return x**2
    return x**3


@program((0.5, True), (0.5, False), exercises="branch on a bool argument")
def switched(x, flag):
    if flag:
        x = x * x
    return math.sin(x)


@program((0.5, 3), (0.5, 4), exercises="branch on an int argument")
def parity(x, n):
    if n % 2:
        return x**n
    return x / n


@program((1.5,), (0.5,), exercises="comparison stored in a variable")
def stored_condition(x):
    big = x > 1.0
    y = x * x
    if big:
        y = y * x
    if not big:
        y = y + x
    return y


@program((1.5,), (0.5,), exercises="value defined on some paths, used under the same condition")
def defined_on_some_paths(x):
    if x > 1.0:
        extra = math.exp(x)
    y = x * x
    if x > 1.0:
        y = y + extra
    return y


@program((1.5, 0.5), (0.5, 0.5), exercises="two such values under two conditions")
def two_partial_definitions(x, y):
    positive = x - y > 0.5
    if positive:
        a = x * y
    else:
        b = x + y
    middle = math.cos(x)
    if positive:
        return a * middle
    return b * b * middle


@program((0.5,), (2.5,), exercises="branches assign several variables crosswise")
def crosswise(x):
    a, b = x, x * x
    if x > 1.0:
        a, b = b, a
    else:
        a = b * 2.0
    if a > b:
        b = a * b
    return a - b * 3.0


@program((0.5,), (1.5,), exercises="truth of numbers")
def truth(x):
    n = int(x)
    if n:
        x = x * 2.0
    if not n:
        x = x * x
    if x:
        x = x + math.sin(x)
    return x


@program((0.5,), (1.5,), exercises="empty branches")
def empty_branches(x):
    if x > 1.0:
        pass
    else:
        x = x * 2.0
    if x > 100.0:
        x = 0.0
    else:
        ...
    return x * x


@program((0.5, 0.25), (0.5, 0.75), exercises="conditional expression as an argument and as an operand")
def conditional_operand(x, y):
    return math.sin(x if x > y else y) * (y if x > y else x * x) + (x if x < y else 0.0)


@program((0.5,), (1.5,), exercises="not of a comparison, is None, in a tuple")
def other_conditions(x, base=None):
    kind = 1 if x < 1.0 else 2
    if base is None:
        base = x
    if kind in (1, 3):
        return base * x
    if kind not in (1, 3) and base is not None:
        return base * x * x
    return base


@program((0.5,), (1.5,), exercises="equality and inequality of ints and floats")
def equalities(x):
    n = int(x)
    y = x * x if n == 0 else x
    if n != 0:
        y *= 2.0
    if y == 0.0:
        return x
    return y * x


@program((0.5,), (-0.5,), exercises="a dead branch known when compiled")
def dead_branch(x):
    debug = False
    if debug:
        x = x / 0.0
    return x * x * x


@program((0.5,), (1.5,), (2.5,), exercises="match over ints")
def matched(x):
    match int(x):
        case 0:
            return x * x
        case 1:
            return x**3
        case _:
            return -x
