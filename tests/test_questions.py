"""What programs ask of values: truth, classes, attributes, equality.  Native code gives Python's answer, or refuses."""

# ruff: noqa: F401

from __future__ import annotations

import collections.abc
import enum
import functools
import linecache
import math
import numbers
import types
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import zyg


class Kind(enum.IntEnum):
    A = 1
    B = 2


class Box:
    def __init__(self):
        self.v, self.items = 2.0, [1.0, 2.0]

    def __len__(self):
        return len(self.items)

    def get(self):
        return self.v


class Called(Box):
    def __call__(self, x):
        return x


@dataclass
class Data:
    u: float = 1.0


class Pair(NamedTuple):
    u: float
    w: float = 2.0


a, ints, flags, singles = np.array([1.0, 2.0]), np.array([1, 2]), np.array([True]), np.ones(2, np.float32)
box, called, data, pair = Box(), Called(), Data(), Pair(1.0)
p = {"w": a, "n": 3, "none": None, "l": [1.0, 2.0], "t": (1, 2.0), "e": {}, "fn": math.sin}

NATIVE = """
bool(range(0))
bool(range(3))
bool(box) and bool(pair) and not bool(p["e"])
callable(a)
callable(p)
callable((1, 2))
callable([x])
callable(range(3))
callable(box)
callable(called)
callable(data)
callable(box.get)
callable(lambda: x)
callable(functools.partial(math.sin, x))
callable(p["fn"])
callable(Box)
isinstance(x, float)
isinstance(x, numbers.Real)
isinstance(a[0], np.floating)
isinstance(a[0], float)
isinstance(ints[0], int)
isinstance(ints[0], np.integer)
isinstance(int(ints[0]), int)
isinstance(flags[0], bool)
isinstance(bool(flags[0]), bool)
isinstance(a[0] > 1, np.bool_)
isinstance(singles[0], float)
isinstance(np.sin(x), np.floating)
isinstance(np.sum(a) * 2, np.generic)
isinstance(np.argmax(a), int)
isinstance(len(a), int)
isinstance(p, collections.abc.Mapping)
isinstance(pair, tuple) and isinstance(called, Box) and not isinstance(box, Called)
isinstance(lambda: x, types.FunctionType)
isinstance(Kind.A, int)
type(a) is np.ndarray
type(p) is dict and type(p["l"]) is list and type(p["t"]) == tuple
type(box) is Box and type(called) is not Box
type(p["none"]) is type(None)
type(p["t"])([x, 2])[0] == x
Kind.A == 1
Kind.A != 2.0
Kind.A == Kind.B
None == 0
"1" == 1
p["none"] is None
hasattr(box, "v") and not hasattr(box, "w") and hasattr(a, "shape")
""".strip().splitlines()

DYNAMIC = """
isinstance(x, np.floating)
isinstance(math.sin(x), np.floating)
type(x) is float
""".strip().splitlines()


def asking(question: str):
    source = f"def asks(x):\n    return x * 3.0 if ({question}) else x * 5.0\n"
    name = f"<question {question}>"
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    scope = dict(globals())
    exec(compile(source, name, "exec"), scope)
    return scope["asks"]


@pytest.mark.parametrize("question", NATIVE)
def test_native_code_knows(question: str) -> None:
    asks = asking(question)
    assert zyg.grad(asks, mode="native")(2.0) == asks(2.0) / 2


@pytest.mark.parametrize("question", DYNAMIC)
def test_native_code_refuses(question: str) -> None:
    asks = asking(question)
    with pytest.raises(zyg.UnsupportedError):
        zyg.grad(asks, mode="native")(2.0)
    assert zyg.grad(asks, mode="dynamic")(2.0) == asks(2.0) / 2
