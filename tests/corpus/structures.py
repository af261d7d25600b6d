"""Tuples and namedtuples, nested, as arguments, results and intermediate values."""

import math
from collections import namedtuple
from typing import NamedTuple

from . import add, program

Point = namedtuple("Point", ["x", "y"])


class Body(NamedTuple):
    """A typed namedtuple with a default and a method."""

    position: tuple
    velocity: tuple
    mass: float = 1.5

    def energy(self):
        return 0.5 * self.mass * (self.velocity[0] ** 2 + self.velocity[1] ** 2)


Segment = namedtuple("Segment", ["start", "end"])

POINT = Point(0.25, -0.75)

add("structures.tuple_argument", lambda v: v[0] * v[1] ** 2, ((0.5, 0.7),), exercises="tuple argument")
add("structures.tuple_result", lambda x, y: (x * y, x / y), (0.5, 0.7), exercises="tuple result")
add("structures.nested_result", lambda x, y: (x, (y * x, (x,)), 2.0), (0.5, 0.7), exercises="nested tuple result")
add("structures.mixed_result", lambda x: (x * x, 3, True, None), (0.5,), exercises="result with ints, bools and None")
add(
    "structures.complex_result", lambda x, y: (complex(x, y) ** 2, x), (0.5, 0.7), exercises="complex in a tuple result"
)
add("structures.empty_result_member", lambda x: (x * x, ()), (0.5,), exercises="empty tuple in the result")
add("structures.named_argument", lambda p: p.x * p.y**2, (Point(0.5, 0.7),), exercises="namedtuple argument")
add("structures.named_result", lambda x, y: Point(y * x, x), (0.5, 0.7), exercises="namedtuple result")
add("structures.named_keywords", lambda x, y: Point(y=y * x, x=x), (0.5, 0.7), exercises="namedtuple by keywords")
add("structures.global_named", lambda x: POINT.x * x + POINT.y, (0.5,), exercises="captured namedtuple")
add("structures.negative_index", lambda v: v[-1] * v[-2], ((0.5, 0.7, 0.9),), exercises="negative index")
add("structures.slice", lambda v: sum(v[1:]) * v[0] + len(v[:2]), ((0.5, 0.7, 0.9),), exercises="slice of a tuple")
add("structures.concatenation", lambda v, w: sum(v + w) * (v + w)[2], ((0.5, 0.7), (0.9,)), exercises="tuple + tuple")
add("structures.argument_with_ints", lambda v: v[0] ** v[1] * v[2], ((0.5, 3, 0.7),), exercises="tuple with an int")
add(
    "structures.argument_with_complex", lambda v: abs(v[0] * v[1]), ((0.5, 0.7 - 1j),), exercises="tuple with a complex"
)
add("structures.starred", lambda v: max(*v) + v[0], ((0.5, 0.7, 0.9),), exercises="star of a tuple argument")
add("structures.identity", lambda v: v, ((0.5, (0.7, 0.9)),), exercises="structure returned as it came")
add("structures.comparison", lambda v: v[0] if v < (1.0, 0.0) else v[1], ((0.5, 0.7),), (((1.5, 0.7)),),
    exercises="tuples compared")  # fmt: skip


@program(((0.5, (0.7, 0.9)),), exercises="nested tuple argument, unpacked")
def unpack_nested(v):
    a, (b, c) = v
    return a * b - math.sin(c * a)


@program(((0.5, 0.7, 0.9, 1.1),), exercises="starred unpacking")
def starred_unpacking(v):
    first, *middle, last = v
    return first * last + middle[0] * middle[1] ** 2


@program((0.5, 0.7), exercises="tuple built, indexed, rebuilt")
def rebuilt(x, y):
    t = (x, y, x * y)
    t = (t[2], t[0], t[1] + t[0])
    u = (t, t[0])
    return u[0][2] * u[1]


@program((0.5, 0.7), exercises="tuple indexed by a loop variable")
def dynamic_index(x, y):
    t = (x, y, x * y)
    total = 0.0
    for i in range(3):
        total += t[i] * (i + 1) * t[2 - i]
    return total


@program((0.5, 1), (0.5, -3), exercises="tuple indexed by an argument")
def index_argument(x, i):
    t = (x, x * x, math.sin(x))
    return t[i] * x


@program((0.5, 0.7), exercises="tuple carried round a loop")
def carried(x, y):
    state = (x, y)
    for _ in range(4):
        state = (state[1], state[0] * state[1] + 0.1)
    return state[0] - state[1]


@program((0.5, 0.7), exercises="tuple carried and unpacked round a while loop")
def carried_while(x, y):
    state = (x, (y, 0))
    while state[1][1] < 3:
        a, (b, n) = state
        state = (a * b, (a + b, n + 1))
    return state[0] * state[1][0]


@program((0.5, 0.7), (0.9, 0.2), exercises="tuple chosen by a branch")
def chosen(x, y):
    pair = (x, y) if x < y else (y * y, x)
    return pair[0] * math.exp(pair[1])


@program((Segment(Point(0.5, 0.7), Point(1.5, -0.3)),), exercises="namedtuples nested")
def length(segment):
    dx = segment.end.x - segment.start.x
    dy = segment.end.y - segment.start.y
    return math.sqrt(dx * dx + dy * dy)


@program((Body((0.5, 0.7), (1.0, -2.0), 2.0),), exercises="namedtuple with tuples, and its method")
def energy(body):
    return body.energy() + body.mass * body.position[1]


@program((0.5,), exercises="namedtuple with a default, built in the program")
def built_body(x):
    body = Body((x, x), (x * x, 1.0))
    return body.mass * body.velocity[0] + body.position[0]


@program((Point(0.5, 0.7),), exercises="_replace, unpacking and indexing of a namedtuple")
def replaced(p):
    q = p._replace(x=p.y * p.x)
    x, y = q
    return q[0] * y + x


@program((Point(0.5, 0.7), 0.1), exercises="namedtuple in and out, stepped in a loop")
def rotated(p, angle):
    for _ in range(3):
        p = Point(p.x * math.cos(angle) - p.y * math.sin(angle), p.x * math.sin(angle) + p.y * math.cos(angle))
    return p


@program(((0.5, 0.7), (0.9, 1.1)), exercises="dot product by zip of two tuple arguments")
def dot(v, w):
    total = 0.0
    for a, b in zip(v, w):
        total += a * b
    return total * total


@program((((1.0, 0.2), (0.3, 2.0)), (0.5, 0.7)), exercises="matrix as a tuple of tuples, result a tuple")
def matvec(m, v):
    (a, b), (c, d) = m
    return (a * v[0] + b * v[1], c * v[0] + d * v[1])


@program((((2.0, 0.2), (0.3, 2.0)), (0.5, 0.7)), exercises="a two by two system solved")
def solved(m, v):
    determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0]
    x = (v[0] * m[1][1] - v[1] * m[0][1]) / determinant
    y = (m[0][0] * v[1] - m[1][0] * v[0]) / determinant
    return x * y


@program(((0.5, 0.7),), exercises="structures through helpers")
def through_helpers(v):
    def plus(a, b):
        return (a[0] + b[0], a[1] + b[1])

    def scale(c, a):
        return (c * a[0], c * a[1])

    w = plus(scale(2.0, v), scale(v[0], v))
    return w[0] * w[1]


@program((0.5,), exercises="tuple of tuples of functions and values")
def tagged(x):
    table = ((math.sin, 1.0), (math.exp, x))
    return table[0][0](x) * table[0][1] + table[1][0](x) * table[1][1]


@program(((0.5, 0.7),), exercises="membership and equality")
def membership(v):
    if 3 in (1, 2, 3) and (1, 2) == (1, 2):
        return v[0] * v[1]
    return v[0]
