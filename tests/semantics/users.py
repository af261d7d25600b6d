"""Programs in other styles of users."""

from __future__ import annotations

import collections
import functools
import itertools
import math
import statistics

import numpy as np

from semantics.registry import program


@program
def st_cov(x):
    return (
        statistics.covariance([x, x * x, 1.0], [1.0, 4.0, 2.5])
        + statistics.correlation([x, x * x, 1.0], [1.0, 4.0, 2.5])
        + statistics.linear_regression([x, x * x, 1.0], [1.0, 4.0, 2.5]).slope
    )


@program
def st_normal(x):
    n = statistics.NormalDist(x, x * 2)
    return n.mean * n.variance + (n + x).mean


@program
def st_pdf(x):
    return statistics.NormalDist(x, 2.0).pdf(1.0)


@program
def try_types(x):
    def f(v):
        if isinstance(v, (list, tuple)):
            return type(v)(f(i) for i in v)
        if isinstance(v, dict):
            return {k: f(i) for k, i in v.items()}
        if isinstance(v, np.ndarray):
            return v * 2
        if isinstance(v, (int, float)):
            return v * 3
        return v

    r = f([x, (x, {"a": x, "b": np.array([x])}), "s"])
    return r[0] + r[1][0] * r[1][1]["a"] + r[1][1]["b"][0]


@program
def trampolines(x):
    def even(n, acc):
        return acc if n == 0 else lambda: odd(n - 1, acc * x)

    def odd(n, acc):
        return acc if n == 0 else lambda: even(n - 1, acc + x)

    r = even(6, 1.0)
    while callable(r):
        r = r()
    return r


@program
def cps(x):
    def fact(n, k):
        return k(1.0) if n == 0 else fact(n - 1, lambda v: k(v * (n + x)))

    return fact(4, lambda v: v)


@program
def church(x):
    zero = lambda f: lambda v: v
    succ = lambda n: lambda f: lambda v: f(n(f)(v))
    three = succ(succ(succ(zero)))
    return three(lambda v: v * x + 1)(x)


@program
def ycomb(x):
    Y = lambda f: (lambda g: g(g))(lambda g: f(lambda n: g(g)(n)))
    return Y(lambda self: lambda n: 1.0 if n == 0 else x * self(n - 1) + n)(5)


@program
def compose(x):
    comp = lambda *fs: functools.reduce(lambda f, g: lambda v: f(g(v)), fs)
    return comp(math.sin, math.exp, lambda v: v * v)(x)


@program
def curry(x):
    def curry(f, n, args=()):
        return f(*args) if n == 0 else lambda v: curry(f, n - 1, args + (v,))

    return curry(lambda a, b, c: a * b + c, 3)(x)(2.0)(x * x)


@program
def event_sim(x):
    import heapq

    q = [(x, 0, "a"), (2 * x, 1, "b")]
    t = 0.0
    cost = 0.0
    n = 2
    heapq.heapify(q)
    while q and n < 10:
        dt, i, k = heapq.heappop(q)
        cost += (dt - t) * n
        t = dt
        heapq.heappush(q, (dt + x * (1 + i % 3), n, k))
        n += 1
    return cost


@program
def matrix_class(x):
    class M:
        def __init__(s, r):
            s.r = [list(v) for v in r]

        def __mul__(s, o):
            return M([[sum(a * b for a, b in zip(r, c)) for c in zip(*o.r)] for r in s.r])

        def __pow__(s, n):
            r = M([[float(i == j) for j in range(len(s.r))] for i in range(len(s.r))])
            while n:
                if n & 1:
                    r = r * s
                s = s * s
                n >>= 1
            return r

        def __getitem__(s, ij):
            return s.r[ij[0]][ij[1]]

    return (M([[x, 1.0], [1.0, 0.0]]) ** 7)[0, 1]


@program
def poly_class(x):
    class P:
        def __init__(s, *c):
            s.c = c

        def __call__(s, v):
            return functools.reduce(lambda a, b: a * v + b, reversed(s.c), 0.0)

        def __add__(s, o):
            return P(*[a + b for a, b in itertools.zip_longest(s.c, o.c, fillvalue=0.0)])

        def __mul__(s, o):
            d = collections.defaultdict(float)
            for (i, a), (j, b) in itertools.product(enumerate(s.c), enumerate(o.c)):
                d[i + j] += a * b
            return P(*[d[k] for k in sorted(d)])

        def diff(s):
            return P(*[i * a for i, a in enumerate(s.c)][1:])

    p = P(1.0, x, x * x)
    return (p * p + p.diff())(x)


@program
def dual_numbers(x):
    class Dual:
        def __init__(s, v, d=0.0):
            s.v, s.d = v, d

        def __add__(s, o):
            o = o if isinstance(o, Dual) else Dual(o)
            return Dual(s.v + o.v, s.d + o.d)

        __radd__ = __add__

        def __mul__(s, o):
            o = o if isinstance(o, Dual) else Dual(o)
            return Dual(s.v * o.v, s.v * o.d + s.d * o.v)

        __rmul__ = __mul__

        def sin(s):
            return Dual(math.sin(s.v), math.cos(s.v) * s.d)

    t = Dual(x, 1.0)
    r = (2 * t * t + 3 * t).sin()
    return r.v * r.d


@program
def observer(x):
    class Prop:
        def __init__(s, v):
            s._v, s.subs = v, []

        @property
        def v(s):
            return s._v

        @v.setter
        def v(s, n):
            o, s._v = s._v, n
            for f in s.subs:
                f(o, n)

    tot = []
    p = Prop(x)
    p.subs.append(lambda o, n: tot.append(n - o))
    p.subs.append(lambda o, n: tot.append(n * o))
    p.v = x * x
    p.v += 1
    return sum(tot)


@program
def singleton_memo(x):
    class S:
        _i = None

        def __new__(c, *a):
            if c._i is None:
                c._i = super().__new__(c)
                c._i.n = 0.0
            return c._i

    S().n += x
    S().n *= x
    return S().n + (S() is S()) * x


@program
def iter_protocol(x):
    class It:
        def __init__(s, n):
            s.n, s.k = n, 0

        def __iter__(s):
            return s

        def __next__(s):
            if s.k >= s.n:
                raise StopIteration
            s.k += 1
            return x**s.k

    class Seq:
        def __getitem__(s, i):
            if i > 3:
                raise IndexError
            return x * i

        def __len__(s):
            return 4

    return sum(It(3)) + sum(v * v for v in Seq()) + list(reversed(Seq()))[0] + (x * 2 in Seq()) * x


@program
def exact_statistics(x):
    data = [x, x * x, 2.0, 0.5 + x]
    spread = (
        statistics.variance(data) * statistics.pstdev(data) + statistics.pvariance(data, x) + statistics.stdev(data)
    )
    return statistics.mean(data) * spread + statistics.harmonic_mean(data) + statistics.harmonic_mean([x, 1.0], [2, x])


@program
def short_circuit(x):
    log = []

    def f(v):
        log.append(v)
        return v

    r = (f(x) > 5 and f(2 * x) > 0) or f(x * x) > 0.1
    return sum(log) * x + (x if r else 0.0)


@program
def chained_cmp(x):
    log = []

    def f(v):
        log.append(v)
        return v

    if 0 < f(x) < f(0.5) < f(3 * x):
        return sum(log) * x
    return sum(log) * x * x


@program
def eval_order(x):
    log = []

    def f(v):
        log.append(v * (len(log) + 1))
        return v

    d = {f(x): f(x * 2)} if False else [f(x), f(2 * x)]
    d[int(f(0.0))] = f(3 * x)
    a = b = f(4 * x)
    return sum(log) * a * b


@program
def default_eval(x):
    log = [x]

    def g(v, k=log.append(x * x)):
        return v if k is None else 0.0

    return g(x) * sum(log)


@program
def alias_tuple_mut(x):
    l = [x, 2.0]
    t = (l, l)
    t[0][0] = x * x
    m = [l] * 2
    m[0].append(x)
    return t[1][0] * len(l) * m[1][-1] + x


@program
def copy_list(x):
    l = [[x], [2.0]]
    s = l[:]
    c = list(l)
    s[0].append(x * x)
    c[1] = [5.0 * x]
    return sum(l[0]) * l[1][0] + c[1][0]


@program
def aug_alias(x):
    a = np.array([x, x])
    b = a
    a += 1.0
    c = a
    a = a + 1.0
    return np.sum(b * c * a)


@program
def aug_list_alias(x):
    a = [x]
    b = a
    a += [x * x]
    c = a
    a = a + [1.0]
    return sum(b) * len(c) + sum(a)


@program
def kwdefaults(x):
    def f(a, /, b=x, *args, c=2 * x, **kw):
        return a * b + sum(args) + c * len(kw) + sum(kw.values())

    return f(x) + f(x, 2.0, x, x) + f(1.0, c=x, z=x * x) + f(*[x, x], **{"q": x})


@program
def nested_comp(x):
    m = [[x ** (i + j) for j in range(3)] for i in range(2)]
    t = [list(r) for r in zip(*m)]
    return sum(a * b for r in t for a in r if a > 0.1 for b in [x, a])


@program
def slices(x):
    l = [x, 1.0, x * x, 2.0, x**3]
    l[1:3] = [x * 5, x, x]
    del l[::3]
    l.insert(1, x * x)
    l.reverse()
    l.extend(t * 2 for t in l[:2])
    l.sort(reverse=True)
    return l[0] * l[1] + l[-1] + l.index(max(l)) * x + len(l) + l.pop(1) * l.pop()


@program
def tuples(x):
    t = (x, (x * x, [x, 2.0]), {"a": x})
    a, (b, [c, *d]), e = t
    u = t[:2] + (x,) * 2
    return a * b + c * d[0] + e["a"] + u[-1] * u[2] + (x, 1.0).count(x) * x


@program
def bools(x):
    b = x > 0.5
    return b * x + (x if b else 2 * x) + sum([b, True]) * x + ((b and x) or x * x) + any([b, x > 0]) * x + (not b) * x
