"""What every program of `random_structures` begins and ends with."""

HEAD = """
import functools
import math
import operator
from collections import namedtuple
from dataclasses import dataclass, field, replace

import numpy as np


class Body:
    rate = 0.5

    def __init__(self, p, v, m=None):
        self.p = p
        self.v = v
        self.m = np.array([0.1, 0.2]) * p if m is None else m
        self.steps = 0
        self.tag = "new"

    def step(self, h):
        self.p = self.p + h * math.sin(self.v)
        self.steps += 1
        if self.steps > 2:
            self.tag = "hot"
        return self.p * self.rate

    @property
    def energy(self):
        return 0.5 * self.v * self.v + self.rate * self.p

    @property
    def speed(self):
        return self.v * self.rate

    @speed.setter
    def speed(self, value):
        self.v = math.sin(value) + 0.1 * self.v

    def drag(self, k, scale=0.5, *rest):
        self.m[0] = math.sin(self.m[0] * k) * scale
        for r in rest:
            self.m[1] += 0.1 * r
        return self

    def __call__(self, x):
        return math.sin(self.p * x) + self.m[1]

    def relaxed(self, x, n=2):
        y = 0.5 * x
        for i in range(n):
            y = math.sin(y + self.energy * 0.1) + self.p * i * self.rate
        return y

    def __getitem__(self, i):
        return self.m[i]

    def __add__(self, other):
        return Body(self.p + other.p, math.sin(self.v * other.v), self.m + other.m)


class Heavy(Body):
    def __init__(self, p, v, mass):
        Body.__init__(self, p, v)
        self.mass = mass

    def step(self, h):
        h = math.sin(h * self.mass)
        return Body.step(self, h) * 0.5

    @property
    def energy(self):
        return 0.1 * self.mass * self.v

    @staticmethod
    def scaled(x, k=1.5):
        return math.sin(x * k)

    @classmethod
    def of(cls, p):
        return cls(p, 0.5 * p, math.cos(p))


@dataclass
class Point:
    x: float
    y: float = 0.25

    def norm(self):
        return self.x * self.x + 0.5 * self.y

    def shift(self, d):
        self.x += d
        self.y = math.sin(self.y * d)


@dataclass
class Track:
    w: object
    scale: float = 0.5
    tags: list = field(default_factory=list)

    def push(self, v):
        self.tags.append(v)
        self.w[len(self.tags) % 3] = math.sin(v)
        return self

    def total(self):
        return np.sum(self.w) * self.scale + sum(self.tags)


@dataclass(frozen=True)
class Fixed:
    x: float
    y: float

    def moved(self, d):
        return replace(self, x=math.sin(self.x + d))

    @property
    def product(self):
        return self.x * self.y


Pair = namedtuple("Pair", "u v")


class Scope:
    def __init__(self, item):
        self.item = item

    def __enter__(self):
        self.item["depth"] = self.item.get("depth", 0.0) + 0.5
        return self.item

    def __exit__(self, kind, error, trace):
        self.item["depth"] -= 0.25
        return kind is KeyError


G = 0.7
GW = np.array([0.3, -0.2, 0.5])
GD = {"k": 0.4, "w": np.array([0.2, 0.6])}
GL = [0.1, 0.2]
GF = math.sin
GO = Point(0.3, 0.6)
GT = {"sin": math.sin, "cos": math.cos, "own": lambda t: 0.5 * t + G}


def mix(x, y=0.5, *rest, scale=1.0, **more):
    r = math.sin(x * y) * scale
    for i, v in enumerate(rest):
        r += v / (i + 2)
    if "bonus" in more:
        r += more["bonus"] * 0.3
    return r


def plus_global(x):
    return x * G + GW[1]


def kick(item, d):
    item.p = math.sin(item.p * d)
    item.m *= 0.9
    return item.v


def bump(d, key, x):
    if key in d:
        d[key] = math.sin(d[key] + x)
    else:
        d[key] = 0.5 * x
    return d


def drop(d, key):
    if key in d and len(d) > 1 and key != "k":
        del d[key]


def scaled_dict(d, x):
    return {key: value * x for key, value in d.items()}


def total_of(items, start=0.0):
    s = start
    k = 0
    while k < len(items):
        v = items[k]
        k += 1
        if v < -0.5:
            continue
        if s > 2.0:
            break
        s = math.sin(s + v)
    else:
        s = s * 0.9
    return s


def grow(items, x):
    items.append(math.sin(x))
    if len(items) > 6:
        items.pop(0)
    return items[0]


def adder(c):
    def inner(t):
        return math.sin(t) + c
    return inner


def scaler(d):
    return lambda t: math.sin(d["k"] * t) if "k" in d else 0.3 * t


def windows(w):
    def at(i, t=0.5):
        return w[i % 3] * t
    return at


def counter(start):
    total = start

    def add(x):
        nonlocal total
        total = math.sin(total + x)
        return total
    return add


def compose(*fs):
    def run(t):
        for g in fs:
            t = g(t)
        return t
    return run


def depth_first(node):
    if isinstance(node, (tuple, list)):
        s = 0.1
        for child in node:
            s = math.sin(s + depth_first(child))
        return s
    if isinstance(node, dict):
        s = 0.2
        for key in node:
            s = s + 0.5 * depth_first(node[key])
        return s
    return node * 0.7


def integrate(g, x, n=2):
    for i in range(n):
        x = x + 0.1 * g(x) * (i + 0.5)
    return x


def looping(c, w, o):
    def run(t, n=2):
        total = 0.0
        for i in range(n):
            total += w[i % 3] * math.sin(t * c) + 0.1 * o.p
        return total

    return run


def pooled(d, t, q):
    total = 0.25
    for i in range(2):
        total = total + math.sin(d["k"] * t.u) * q[i].v
    return total


def chain(node):
    if node is None:
        return 0.3
    return math.sin(node["v"] + chain(node["next"]))


def collatz(x, n):
    if n <= 0:
        return x
    if n % 2:
        return math.sin(collatz(x, n - 1))
    return x * collatz(x, n - 2)


def pieces(x, n):
    for i in range(n):
        x = math.sin(x + 0.1 * i)
        yield x
"""

TAIL = '''

def arguments(t=0.0):
    """Those of f, moved by t along a direction."""
    return (
        0.4 + 0.7 * t,
        -0.8 + 0.3 * t,
        np.array([0.5, -0.3, 0.9]) + t * np.array([0.2, 0.9, -0.4]),
        {
            "k": 0.6 - 0.5 * t,
            "w": np.array([0.4, 0.8]) + t * np.array([0.6, -0.7]),
            "sub": {"r": 0.9 + 0.8 * t, "items": [0.2 - 0.2 * t, -0.5 + 0.6 * t]},
            "name": "cfg",
        },
        Point(0.35 - 0.6 * t, 0.65 + 0.4 * t),
        Body(0.55 + 0.9 * t, -0.45 - 0.3 * t, np.array([0.15, 0.75]) + t * np.array([0.5, 0.1])),
        3,
        callback(0.7 + 0.5 * t, np.array([0.2, 0.5]) + t * np.array([0.3, -0.6])),
        functools.partial(mix, 0.6 - 0.3 * t, scale=0.8 + 0.4 * t),
        Held(callback(0.4 - 0.6 * t, np.array([0.1, 0.3 + 0.2 * t])), 0.9 + 0.1 * t),
        [Point(0.1 + 0.3 * t, 0.8 - 0.1 * t), Point(0.6 + 0.2 * t, 0.2 + 0.7 * t)],
    )


def rebind():
    global G, GW, GF
    G = G + 0.2
    GW = GW * 0.5
    GF = math.cos
    GD["k"] += 0.1
    GO.x = 0.8
    GT["sin"] = math.tanh
    Body.rate = 0.6
    adder.__code__ = other_adder.__code__


def other_adder(c):
    def inner(t):
        return math.cos(t) - c
    return inner


def along(t):
    """f at arguments that are made inside."""
    return f(*arguments(t))
'''
