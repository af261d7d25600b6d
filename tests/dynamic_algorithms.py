"""Algorithms, and what they are written with, in dynamic mode: each a function of one float."""

from __future__ import annotations

import copy
import heapq
import itertools
import math
import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

ALGORITHMS: dict[str, Callable[[Any], Any]] = {}


def program(fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    ALGORITHMS[fn.__name__] = fn
    return fn


@program
def pendulum(x):
    th, om = x, 0.0
    for _ in range(30):
        k1 = (om, -math.sin(th))
        k2 = (om + 0.05 * k1[1], -math.sin(th + 0.05 * k1[0]))
        th, om = th + 0.1 * k2[0], om + 0.1 * k2[1]
    return th * om


@program
def heat_equation(x):
    u = np.zeros(8)
    u[3] = x
    for _ in range(6):
        v = u.copy()
        v[1:-1] += 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u, v = v, u
        u *= 1 + x * 0.01
    return u @ u + u[3]


@program
def heat_equation_in_place(x):
    u = np.linspace(0, x, 8)
    for _ in range(4):
        u[1:-1] = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[-1] * 0.5
    return (u * u).sum()


@program
def convolution(x):
    img = np.outer(np.arange(4.0), np.ones(4)) * x
    k = np.array([[x, 1], [0, -x]])
    out = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = (img[i : i + 2, j : j + 2] * k).sum()
    out[out < 0] *= 0.1
    return (out**2).sum()


@program
def recurrent_network(x):
    W = np.array([[0.3, x], [-0.2, 0.5]])
    h = np.zeros(2)
    hist = []
    for t in range(5):
        h = np.tanh(W @ h + np.array([x, t * 0.1]))
        hist.append(h)
    H = np.array(hist)
    return H.sum() + H[-1] @ H[0] + np.mean(H, axis=0)[1] + H[:, 1].std()


@program
def optimiser(x):
    p = {"w": np.array([x, 1.0]), "b": x}
    m = {k: 0 * v for k, v in p.items()}
    v = {k: 0 * q for k, q in p.items()}
    for t in range(1, 4):
        g = {"w": 2 * p["w"] * x, "b": 3 * p["b"]}
        for k in p:
            m[k] = 0.9 * m[k] + 0.1 * g[k]
            v[k] = 0.99 * v[k] + 0.01 * g[k] ** 2
            p[k] = p[k] - 0.1 * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.99**t)) + 1e-3)
    return p["w"].sum() + p["b"]


@program
def bodies(x):
    class Body:
        def __init__(s, r, v):
            s.r = np.array(r, float) * 1.0
            s.v = np.array(v)
            s.m = 1.0

    bs = [Body([0, x], [0.1, 0]), Body([1, 0], [0, x])]
    for _ in range(4):
        for b in bs:
            f = np.zeros(2)
            for o in bs:
                if o is not b:
                    d = o.r - b.r
                    f += o.m * d / (d @ d + 0.1) ** 1.5
            b.v = b.v + 0.1 * f
        for b in bs:
            b.r += b.v * 0.1
    return sum(0.5 * b.m * b.v @ b.v for b in bs) + np.linalg.norm(bs[0].r - bs[1].r)


@program
def cholesky_by_loops(x):
    n = 3
    A = np.array([[4 + x, 1, x], [1, 5.0, 0.5], [x, 0.5, 6]])
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = sum(L[i, k] * L[j, k] for k in range(j))
            L[i, j] = math.sqrt(A[i, i] - s) if i == j else (A[i, j] - s) / L[j, j]
    return L.sum() + np.log(np.diag(L)).sum()


@program
def elimination_in_lists(x):
    A = [[x, 1.0], [2.0, x * x]]
    n = 2
    for c in range(n):
        p = max(range(c, n), key=lambda r: abs(A[r][c]))
        A[c], A[p] = A[p], A[c]
        for r in range(c + 1, n):
            f = A[r][c] / A[c][c]
            for k in range(c, n):
                A[r][k] -= f * A[c][k]
    return A[0][0] * A[1][1]


@program
def shortest_path(x):
    g = {"a": [("b", x), ("c", 2 * x)], "b": [("d", x * x)], "c": [("d", 0.1)], "d": []}

    dist = {"a": 0.0}
    q = [(0.0, "a")]
    while q:
        d, u = heapq.heappop(q)
        for v, w in g[u]:
            nd = d + w
            if nd < dist.get(v, math.inf):
                dist[v] = nd
                heapq.heappush(q, (nd, v))
    return dist["d"] * dist["c"]


@program
def tries(x):
    root = {}
    for wd in ("ab", "ac", "b"):
        n = root
        for ch in wd:
            n = n.setdefault(ch, {})
        n["$"] = x * len(wd)

    def tot(n):
        return sum(v * x if k == "$" else tot(v) for k, v in n.items())

    return tot(root)


@program
def newton(x):
    y = x
    n = 0
    while abs(y * y - x - 1) > 1e-13 and n < 50:
        y = 0.5 * (y + (x + 1) / y)
        n += 1
    return y


@program
def complex_numbers(x):
    z = complex(x, 1)
    w = z * z + 1j * x
    return abs(w) + w.real * w.imag + abs(z) ** 2 + (z.conjugate() * w).real + (1j * x).imag


@program
def complex_numbers_of_numpy(x):
    z = np.exp(1j * x) * x
    return z.real + abs(z) + np.angle(z) + np.abs(np.array([z, 1j * x])).sum() + np.real(z * np.conj(z))


@program
def views_that_are_written(x):
    a = np.ones((2, 3)) * x
    b = a[0]
    c = a.T
    d = a.ravel()
    e = a.reshape(3, 2)
    a[0, 1] = x * x
    b[2] = 3 * x
    c[0, 1] = x**3
    d[5] *= x
    e[1] += 1
    s = b.sum() * c[1, 0] + d @ d
    a[:] = 0
    return s + a.sum() + e.sum()


@program
def index_arrays(x):
    a = np.arange(6.0) * x
    i = np.array([0, 2, 2, 5])
    a[i] += x
    np.add.at(a, i, x * x)
    b = a[i]
    b[1] = 0
    m = a > x
    a[m] = a[m] * 2
    return a @ a + b.sum() + a[::-1][1:3].sum() + a.reshape(2, 3)[:, 1] @ a[:2]


@program
def broadcasting(x):
    a = np.array([[x], [2.0]])
    b = np.array([1.0, x, 3.0])
    c = a * b + a - b / a
    c -= x
    c /= b
    return c.sum() + (c**2).mean(axis=1)[0] + np.einsum("ij,j->i", c, b)[1] + np.where(c > 0, c, x).sum()


@program
def arrays_of_one_number(x):
    a = np.ones(3)
    a[1] = x
    b = a
    b[2] = a[1] * x
    c = a.copy()
    c[:] = b * 2
    v = b[1:]
    v *= x
    a[0] = v.sum()
    w = np.array([a[0], x])
    return (a * c).sum() + w @ w


@program
def arrays_in_containers(x):
    lst = [np.full(2, x), np.arange(2.0) * x]
    lst[0][1] = lst[1][1]
    d = {"m": np.stack(lst)}
    d["m"][0] += d["m"][1]
    return np.sum(np.array(lst) * d["m"]) + sum(row.sum() for row in lst)


@program
def order_statistics(x):
    a = np.array([x, 0.5, x * x])
    return (
        a.max()
        + a.min() * np.argmax(a)
        + np.maximum(a, 0.4).sum()
        + np.sort(a)[1]
        + np.median(a)
        + a[a.argsort()][0]
        + np.ptp(a)
        + max(a)
        + min(a, key=lambda v: -v)
        + np.prod(a)
        + np.cumsum(a)[1]
    )


@program
def arrays_without_dimensions(x):
    a = np.array(2.0)
    a += x
    b = np.zeros(())
    b[()] = x * x
    c = np.sum(np.array([x]))
    return a * b + c


@program
def objects_around_arrays(x):
    class V:
        __array_priority__ = 1000

        def __init__(s, a):
            s.a = np.asarray(a)

        def __mul__(s, o):
            return V(s.a * (o.a if isinstance(o, V) else o))

        __rmul__ = __mul__

        def __matmul__(s, o):
            return s.a @ o.a

        def __array__(s, *a, **k):
            return s.a

        def __getitem__(s, i):
            return s.a[i]

    v = V([x, 1.0])
    w = 2 * v * x
    return (v @ w) + w[0] + np.float64(2) * x


@program
def class_variables(x):
    class C:
        k = x
        items: Any = []  # noqa: RUF012

        def add(s, v):
            C.items.append(v * C.k)
            type(s).k = C.k * 2
            return s

    c = C()
    c.add(x).add(1.0)
    return sum(C.items) + C.k + c.k


@program
def conversions(x):
    return float(x) * float(np.float64(x)) + float("2") * x + complex(x).real + abs(complex(x, x)) + (x + 0j).real


@program
def nested_generators(x):
    return sum(a * b for a in (x, 2 * x) for b in (i * x for i in range(3)) if a != b) + sum(
        map(operator.mul, (x,) * 3, itertools.count(1))
    )


@program
def iterating_until(x):
    st = [x]

    def f():
        st.append(st[-1] * x + 0.1)
        return round(st[-1] - st[-2], 1)

    for n, _ in enumerate(iter(f, 0.0)):
        if n > 4:
            break
    return sum(st)


@program
def augmented_assignments(x):
    items = [1.0, x]
    items[0] += x
    items[-1] *= items[0]
    d = {"a": x}
    d["a"] -= x * x
    d["a"] /= 2
    d["a"] **= 2
    t = [items] * 2
    t[0][1] //= 0.3
    t[1][0] %= 0.7
    return items[0] * d["a"] + items[1]


@program
def ints_and_floats(x):
    n = 3
    t = 0
    for i in range(n):
        t += i * x
    return t / n + n**x + 2 ** (x * 2) + (n // 2) * x + x // 0.3 + -x % 0.7 + x**-2 + x**0 + n * x**n


@program
def aliases_of_attributes(x):
    class A:
        pass

    a = A()
    b = a
    a.v = [x]
    b.v.append(x * x)
    a.v[0] *= 2
    a.__dict__["w"] = x
    vars(b)["z"] = x**3
    a.q = a.w * b.z
    return sum(a.v) + b.q + a.z


@program
def threads_that_write(x):
    out = np.zeros(3)

    def w(i):
        out[i] = math.sin(x * i) * x

    ts = [threading.Thread(target=w, args=(i,)) for i in range(3)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    return out @ out


@program
def linear_systems(x):
    A = np.array([[2 + x, 1.0], [x, 3.0]])
    b = np.array([x, 1.0])
    s = np.linalg.solve(A, b)
    return s @ s + np.linalg.norm(A) + np.linalg.inv(A)[0, 1]


@program
def choices_of_numpy(x):
    return (
        np.where(x > 0.5, x * x, x) * 1.0
        + np.select([x > 0.6], [x], x * 2)
        + np.piecewise(np.array([x]), [np.array([True])], [lambda v: v * v])[0]
        + np.clip(x, 0.4, 0.7)
    )


@program
def slots_and_copies(x):
    class A:
        __slots__ = ("v",)

        def __init__(s, v):
            s.v = v

        def __getstate__(s):
            return s.v

    class B(A):
        __slots__ = ("w",)

        def __init__(s, v):
            super().__init__(v)
            s.w = v * v

        def __copy__(s):
            return B(s.v * 2)

    b = B(x)
    c = copy.copy(b)
    d = copy.deepcopy({"b": [x]})
    return b.v * c.w + d["b"][0]


@program
def causes_of_exceptions(x):
    out = []
    try:
        try:
            raise ValueError(x)
        except ValueError as e:
            raise KeyError(x * x) from e
    except KeyError as e:
        out.append(e.args[0] * e.__cause__.args[0])
    return out[0] + x


@program
def stars(x):
    a, *b, c = [x, x * 2, x * 3, x * 4]
    (d, e), f = (a, b[0]), c
    g = [*b, *(d, e)]
    h = {**{"a": a}, **{"b": f}}
    return sum(g) * h["b"] + max(*b, key=lambda v: -v)


@program
def functions_of_math(x):
    m = math
    return (
        m.fsum([x, x * x])
        + m.prod([x, 2, x])
        + m.hypot(x, 1, 2)
        + m.dist([x, 1], [0, x])
        + m.atan2(x, 2)
        + m.copysign(x, -1)
        + m.fmod(5, x + 0.3)
        + m.log(x + 1, 2)
        + m.log1p(x)
        + m.expm1(x)
        + m.degrees(x)
        + m.radians(x)
        + m.gamma(x + 1)
        + m.lgamma(x + 2)
        + m.erf(x)
        + m.modf(x * 3)[0]
        + m.frexp(x)[0]
        + m.ldexp(x, 3)
        + m.pow(x, 2.5)
        + m.sqrt(x)
        + m.cbrt(x)
        if hasattr(m, "cbrt")
        else x
    )
