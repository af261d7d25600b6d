"""Programs of arrays in dynamic mode, as users write them: each a function of six floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

ARRAY_PROGRAMS: dict[str, Callable[[Any], Any]] = {}


def program(fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    ARRAY_PROGRAMS[fn.__name__] = fn
    return fn


@program
def vectorize(a):
    return np.sum(np.vectorize(lambda v: math.sin(v) if v > 0 else v * v)(a))


@program
def along_an_axis(a):
    return np.sum(np.apply_along_axis(lambda r: r * r[0], 1, a.reshape(2, 3)))


@program
def select(a):
    return np.sum(np.select([a < 0, a < 0.5], [a * a, a**3], default=2.0))


@program
def piecewise(a):
    return np.sum(np.piecewise(a, [a < 0, a >= 0], [lambda v: v * v, lambda v: v**3]))


@program
def fromiter(a):
    return np.sum(np.fromiter((v * v for v in a), float))


@program
def mesh(a):
    u, v = np.meshgrid(a, a * 2)
    return np.sum(u * v * v)


@program
def flat(a):
    m = a.reshape(2, 3).copy()
    for v in m.flat:
        m[0, 0] += v * v
    m.flat[3] = a[0] * a[1]
    return np.sum(m**2)


@program
def ix(a):
    m = np.outer(a, a)
    return np.sum(m[np.ix_([0, 1], [2, 3])] ** 2)


@program
def swap(a):
    b = a * 1.0
    b[0], b[1] = b[1], b[0]
    b[[2, 3]] = b[[3, 2]]
    b[1:4] = b[2:5]
    return np.sum(b * np.arange(6))


@program
def iadd(a):
    b = np.zeros((2, 3))
    b += a.reshape(2, 3)
    b[0] -= b[1]
    b[:, 1] *= a[0]
    b /= a[1] + 3
    b **= 2
    return b.sum()


@program
def linalg(a):
    m = np.outer(a[:3], a[3:]) + 6 * np.eye(3)
    return np.linalg.det(m) / 1e2 + np.trace(np.linalg.inv(m)) + np.linalg.solve(m, a[:3])[0]


@program
def lists(a):
    rows = []
    for i in range(3):
        rows.append([a[i], a[i + 1] * 2])
    m = np.array(rows)
    c = np.vstack(rows)
    h = np.hstack(rows)
    k = np.column_stack((a[:2], a[2:4]))
    return np.sum(m * c) + np.sum(h[:3] ** 2) + np.sum(k)


@program
def random(a):
    r = np.random.default_rng(3)
    n = r.normal(size=6)
    idx = r.permutation(6)
    return np.sum(a[idx] * n) + np.sum(r.choice(6, 3) * a[:3])


@program
def masked(a):
    b = a.copy()
    b[b < 0] = 0.0
    b[(b > 0.2) & (b < 1)] *= a[0]
    return np.sum(b) + np.sum(np.where(b > 0)[0])


@program
def cum(a):
    return np.sum(np.cumsum(a) * a[0]) + np.ptp(a) + np.average(a, weights=np.arange(1, 7))


@program
def poly(a):
    return (
        np.polyval(a[:3], 1.5)
        + np.trapezoid(a, dx=0.5)
        + np.convolve(a[:3], a[3:]).sum()
        + np.cross(a[:3], a[3:])[0]
        + np.kron(a[:2], a[2:4]).sum()
    )


@program
def cov(a):
    return np.cov(a[:3], a[3:]).sum() + np.corrcoef(a[:3], a[3:])[0, 1]


@program
def uniq(a):
    return np.sum(np.unique(a) * np.arange(6))


@program
def inplace_out(a):
    o = np.empty(6)
    np.multiply(a, a, out=o)
    np.add(o, a, out=o, where=a > 0)
    np.exp(o, o)
    return o.sum()


@program
def outerm(a):
    return np.sum(np.multiply.outer(a, a) ** 2) + np.sum(np.subtract.outer(a, a[:2]) ** 2)


@program
def copyto(a):
    b = np.zeros(6)
    np.copyto(b, a)
    np.put(b, [0, 1], a[2:4])
    np.fill_diagonal(m := np.outer(b, b), a[0])
    return m.sum()


@program
def putmask(a):
    b = a * 2
    np.putmask(b, b > 0, a)
    np.place(c := a * 3, a > 0, [1.0, 2.0])
    return b.sum() + c.sum()


@program
def complex_(a):
    z = a[:3] + 1j * a[3:]
    z *= np.exp(1j * a[0])
    return abs(z).sum() + z.real[0] * z[1].imag + np.angle(z[0])


@program
def iters(a):
    s = 0
    for i, (u, v) in enumerate(zip(a, a[::-1], strict=False)):
        s += i * u * v
    it = iter(a)
    s += next(it) * next(it)
    m = max(a)
    lo = min(a, key=lambda v: -v)
    return s + m * lo + sum(sorted(a)[:2]) + sum(reversed(list(a))) * a[0]


@program
def attrs(a):
    class M:
        def __init__(s, a):
            s.W = a.reshape(2, 3)
            s.h = []

        def __call__(s, v):
            s.h.append(s.W @ v)
            s.W = s.W * 0.5
            s.W[0] += 1
            return s.h[-1]

    m = M(a)
    return m(a[:3]) @ m(a[3:]) + len(m.h)


@program
def broadcast(a):
    m = np.broadcast_to(a[:3], (2, 3))
    return (
        np.sum(m * a.reshape(2, 3))
        + np.sum(a[:, None] * a[None, :3])
        + np.sum(np.expand_dims(a, 0) + np.squeeze(a[None]))
    )


@program
def matpow(a):
    return (
        np.linalg.matrix_power(a.reshape(2, 3) @ a.reshape(3, 2), 2).sum()
        + np.linalg.multi_dot([a.reshape(2, 3), a.reshape(3, 2), a[:2]]).sum()
        + np.einsum("ij,kj->ik", a.reshape(2, 3), a.reshape(2, 3)).sum()
    )


@program
def argm(a):
    i = np.argmax(a)
    j, k = np.unravel_index(np.argmin(a.reshape(2, 3)), (2, 3))
    return a[i] * a.reshape(2, 3)[j, k] + a.take(i) + a.item(2) + a.tolist()[1]


@program
def blocks(a):
    m = a.reshape(2, 3)
    return (
        np.block([[m, m * 2], [m * 3, m]]).sum()
        + np.sum(np.insert(a, 1, a[0]) ** 2)
        + np.sum(np.delete(a, 1) ** 2)
        + np.sum(np.append(a, a[0]) ** 2)
        + sum(p.sum() * i for i, p in enumerate(np.array_split(a, 4)))
    )


@program
def gradnt(a):
    return np.sum(np.diff(a, 2) ** 2) + np.interp(0.5, [0, 1, 2], a[:3]) + np.sum(np.sinc(a))


# What NumPy takes where it takes an array
LIKE_ARRAYS: dict[str, Callable[[Any], Any]] = {
    "array1": lambda a: np.sum(np.array([a[0], a[1] * 2]) ** 2),
    "array2": lambda a: np.sum(np.array([[a[0], a[1] * 2], [a[2], a[3]]]) ** 2),
    "vstack": lambda a: np.sum(np.vstack([[a[0], a[1] * 2], [a[2], a[3]]]) ** 2),
    "hstack": lambda a: np.sum(np.hstack([[a[0], a[1] * 2], [a[2], a[3]]]) ** 2),
    "column": lambda a: np.sum(np.column_stack((a[:2], a[2:4])) ** 2),
    "concat": lambda a: np.sum(np.concatenate([a, [a[0]]]) ** 2),
    "stack": lambda a: np.sum(np.stack([a, a * a]) ** 2),
    "asarray": lambda a: np.sum(np.asarray([a[0] * a[1], 1.0]) ** 2),
    "sumlist": lambda a: np.sum([a[0] * a[1], 1.0]) ** 2,
    "meanlist": lambda a: np.mean([a[0] * a[1], 1.0]) ** 2,
    "sinlist": lambda a: np.sum(np.sin([a[0] * a[1], 1.0]) ** 2),
    "maxlist": lambda a: np.max([a[0] * a[1], 0.0]) ** 2,
    "prod": lambda a: np.prod([a[0] * a[1], 1.0]) ** 2,
    "dot": lambda a: np.dot([a[0], a[1]], [a[2], a[3]]) ** 2,
    "matmul": lambda a: np.matmul([[a[0], a[1]]], [a[2], a[3]])[0] ** 2,
    "where": lambda a: np.sum(np.where([True, False], [a[0], a[1]], [a[2], a[3]]) ** 2),
    "outer": lambda a: np.sum(np.outer([a[0], a[1]], [a[2], a[3]]) ** 2),
    "insert": lambda a: np.sum(np.insert(a, 1, a[0]) ** 2),
    "append": lambda a: np.sum(np.append(a, a[0]) ** 2),
    "full": lambda a: np.sum(np.full(3, a[0]) ** 2),
    "full_like": lambda a: np.sum(np.full_like(a, a[0]) ** 2),
    "linspace": lambda a: np.sum(np.linspace(a[0], a[1], 4) ** 2),
    "setlist": lambda a: (b := np.zeros(3)) is None or (b.__setitem__(slice(0, 2), [a[0], a[1]]), np.sum(b**2))[1],
    "fromlistmul": lambda a: np.sum((a[:2] * [a[0], a[1]]) ** 2),
    "hypot": lambda a: np.hypot(a[0], a[1]) ** 3,
    "listarrays": lambda a: np.sum(np.array([a, a * a]) ** 2),
    "sumgen": lambda a: np.sum(sum([a, a * a])) ** 2,
}
