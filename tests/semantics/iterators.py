"""Iterators: when their elements are asked for, and what has happened by then."""

from __future__ import annotations

import math

import numpy as np

from semantics.registry import program


@program
def map_named(x):
    i = x
    m = map(lambda v: v * i, [x, 2.0])
    i = 5.0
    return sum(m)


@program
def map_list_later(x):
    l = [x]
    m = map(lambda v: v * 2, l)
    l.append(3.0 * x)
    return sum(m)


@program
def map_interleaved(x):
    acc = np.zeros(1) + x

    def f(v):
        return v * acc[0]

    for v in map(f, [x, 2.0, x]):
        acc[0] += v
    return acc[0]


@program
def map_interleaved_n(x):
    acc = np.zeros(1) + x

    def f(v):
        return v * acc[0]

    for v in map(f, np.array([x, 2.0, x])):
        acc[0] += v
    return acc[0]


@program
def map_interleaved_l(x):
    acc = [x]

    def f(v):
        return v * acc[0]

    for v in map(f, [x, 2.0, x]):
        acc[0] += v
    return acc[0]


@program
def filter_interleaved(x):
    acc = [x]

    def f(v):
        return v > acc[0]

    s = 0.0
    for v in filter(f, [x, 2.0, x * 3]):
        acc[0] += v
        s += v * v
    return s


@program
def gen_interleaved(x):
    acc = [x]
    s = 0.0
    for v in (t * acc[0] for t in [x, 2.0, x * 3]):
        acc[0] += v
        s += v * v
    return s


@program
def gen_any(x):
    acc = [x]

    def f(v):
        acc[0] += v
        return acc[0] > 1.0

    if any(f(v) for v in [x, 2.0, x * 3]):
        return acc[0] * x
    return x


@program
def map_any(x):
    acc = [x]

    def f(v):
        acc[0] += v
        return acc[0] > 1.0

    if any(map(f, [x, 2.0, x * 3])):
        return acc[0] * x
    return x


@program
def zip_map(x):
    acc = [x]

    def f(v):
        acc[0] += v
        return acc[0]

    s = 0.0
    for a, b in zip(map(f, [x, 2.0, x * 3]), [1.0, x]):
        s += a * b * acc[0]
    return s + acc[0]


@program
def map_break(x):
    acc = [x]

    def f(v):
        acc[0] += v
        return acc[0]

    for a in map(f, [x, 2.0, x * 3]):
        if a > 1:
            break
    return acc[0] * a


@program
def next_map(x):
    acc = [x]

    def f(v):
        acc[0] += v
        return acc[0]

    it = map(f, [x, 2.0, x * 3])
    a = next(it)
    return acc[0] * a


@program
def enumerate_mut(x):
    l = [x, x * x]
    s = 0.0
    for i, v in enumerate(l):
        if len(l) < 5:
            l.append(v * i + x)
        s += v * i
    return s


@program
def zip_mut(x):
    l = [x, x * x, x]
    s = 0.0
    for a, b in zip(l, l[1:]):
        l[1] = a * b * 2
        s += a * b
    return s


@program
def sorted_key_side(x):
    seen = []

    def key(v):
        seen.append(v * 2)
        return -v

    r = sorted([x, 2.0, x * x], key=key)
    return r[0] * r[1] + sum(seen) * seen[0]


@program
def max_key_side(x):
    seen = []

    def key(v):
        seen.append(v * 2)
        return -v

    r = max([x, 2.0, x * x], key=key)
    return r * sum(seen) * seen[0]


@program
def it_twice(x):
    it = iter([x, 2.0, x * x])
    s = 0.0
    for a in it:
        s += a
        break
    for b in it:
        s += b * b
    return s


@program
def zip_it_it(x):
    it = iter([x, 2.0, x * x, 3.0])
    return sum(a * b * b for a, b in zip(it, it))


@program
def zip_grouper(x):
    s = 0.0
    for a, b in zip(*[iter([x, 2.0, x * x, 3.0])] * 2):
        s += a * b * b
    return s


@program
def zip_twice(x):
    z = zip([x, 2.0], [x, x * x])
    a = sum(p * q for p, q in z)
    b = sum(p * q for p, q in z)
    return a + 3 * b


@program
def zip_in_loop(x):
    z = zip([x, 2.0], [x, x * x])
    s = 0.0
    for k in range(2):
        for p, q in z:
            s += p * q
    return s


@program
def zip_once(x):
    z = zip([x, 2.0], [x, x * x])
    s = 0.0
    for p, q in z:
        s += p * q
    return s


@program
def enum_once(x):
    e = enumerate([x, x * x], 1)
    return sum(i * v for i, v in e)


@program
def rev_named(x):
    r = reversed([x, x * x, 2.0])
    s = 1.0
    for v in r:
        s = s * v + 1
    return s


def consume(it):
    s = 0.0
    for v in it:
        s = s * 0.5 + v
    return s


@program
def map_arr(x):
    a = np.array([x, 2 * x, 3 * x])
    s = 0.0
    for v in map(math.exp, a):
        s += v * v
    return (
        s
        + sum(map(math.sin, a))
        + max(map(math.cos, a))
        + np.array(list(map(math.sin, a))).sum()
        + len(list(map(math.sin, a))) * x
    )


@program
def map_loop_n(x):
    l = []
    for i in range(int(x * 10) + 2):
        l.append(x * i)
    s = 0.0
    for i, (u, v) in enumerate(zip(map(math.sin, l), l)):
        s += u * v * i
    for v in map(lambda t: t * t, map(math.cos, l)):
        s += v
    for v in filter(lambda t: t > 0.5, l):
        s += v * v
    return (
        s
        + sum(filter(lambda t: t > 0.2, l))
        + sorted(map(lambda t: -t, l))[1]
        + sum(map(lambda a, b: a * b, l, reversed(l)))
    )


@program
def map_unpack(x):
    a, b = map(math.sin, (x, 2 * x))
    c, *d = map(lambda t: t * x, [x, 1.0, 2.0])
    return a * b + c + sum(d) + max(*map(math.exp, [x, -x])) + (lambda p, q: p * q)(*map(math.cos, [x, 1.0]))


@program
def enum_gen(x):
    acc = [x]
    s = 0.0
    for i, v in enumerate(t * acc[0] for t in [x, 2.0, x * 3]):
        acc[0] += v
        s += v * v * i
    return s


@program
def list_map_method(x):
    l = [x]
    l.extend(map(math.sin, [x, 2 * x]))
    l += map(math.cos, [x])
    return sum(l) * l[1] + tuple(map(abs, [-x, x]))[0] + min(map(abs, [-x, 2 * x])) + any(map(lambda t: t > 0, [x])) * x
