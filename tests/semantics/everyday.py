"""What everyday programs do with numbers, lists, arrays and small classes."""

from __future__ import annotations

import cmath
import dataclasses
import math

import numpy as np

from semantics.registry import program


@program
def ints1(x):
    n = int(x * 10)
    m = -n
    return (
        (m // 2) * x
        + (m % 3) * x
        + (7 // -2)
        + (n**2) * x
        + (2**-1) * x
        + (n & 3) * x
        + (n | 8) * x
        + (n ^ 5) * x
        + (n << 2) * x
        + (m >> 1) * x
        + (~n) * x
        + divmod(m, 3)[0] * x
        + abs(m) * x
        + round(2.5) * x
        + round(3.5) * x
        + round(-x * 10) * x
        + int(-2.7) * x
        + round(x, 2) * 0
        + (True + True) * x
        + (n == 3) * x
        + pow(n, 3, 5) * x
        + math.gcd(n, 6) * x
        + int(n / 2) * x
        + n / 4 * x
    )


@program
def fmods(x):
    return (
        (x // -0.3) * x
        + (x % -0.7)
        + (-x % 0.7)
        + (-x // 0.3) * x
        + math.fmod(-x, 0.3)
        + math.remainder(x, 0.3)
        + math.copysign(x, -2.0)
        + math.trunc(-x * 5) * x
        + math.floor(-x * 5) * x
        + math.ceil(-x * 5) * x
        + divmod(-x, 0.3)[1]
        + x % math.inf
        + math.modf(-x * 3)[0] * x
        + math.frexp(x)[0]
        + math.ldexp(x, 3)
        + math.nextafter(x, 2.0) * 0
        + float(x).is_integer() * x
    )


@program
def andor(x):
    a = 0.0 or x
    b = x and 2 * x
    c = None or x
    d = [] or [x]
    e = () or (x,)
    f = "" or x
    g = 0 or x
    h = (x > 5) or x
    i = not 0.0
    return (
        a
        + b * c
        + d[0]
        + e[0]
        + f
        + g
        + h
        + i * x
        + ([x] and x * x)
        + (x if not [] else 0)
        + (x if not () else 0.0)
        + (x if [0.0] else 0.0)
    )


@program
def loops(x):
    s = 0.0
    for i in range(5):
        i = i * 2
        if i == 4:
            continue
        for j in range(3, -1, -1):
            if j * i > 10:
                break
            s += x * j
        else:
            s += i * x * x
    k = 0
    while True:
        k += 1
        if k % 2:
            continue
        if k > 6:
            break
        s *= 1 + x / 10
    return s + i * x + j + k


@program
def loopvar(x):
    for a, (b, c) in zip([x, 2 * x], [(1, x), (2, x * x)]):
        pass
    for i, v in enumerate(reversed([x, 2 * x, 3 * x]), start=-1):
        pass
    return a * b + c + i * v


@program
def list_mul_alias(x):
    g = [[x] * 2] * 2
    g[0][1] = x * x
    h = [[x] * 2 for _ in range(2)]
    h[0][1] = 5.0
    return g[1][1] * 3 + h[1][1]


@program
def lists2(x):
    l = [3 * x, x, 2 * x]
    l.insert(-1, x * x)
    a = l.pop(0)
    l.remove(x)
    l += (x, 1.0)
    l[1:1] = [x**3]
    m = l[::-1]
    del l[-1]
    l *= 2
    n = sorted([(1, x), (0, 2 * x), (1, 3 * x)], key=lambda t: t[0])
    o = sorted([x, -x, 2 * x], key=abs, reverse=True)
    return (
        a
        + sum(l)
        + m[0] * m[-1]
        + n[1][1] * n[2][1]
        + o[0] * o[1]
        + l.count(x) * x
        + ([x, 1.0] < [x, 2.0]) * x
        + ((x, 1) == (x, 1)) * x
        + max([(x, 1.0), (x, 2.0)])[1] * x
        + min([x, -x], key=lambda v: v * v)
        + sum([[x], [2 * x]], [])[1]
        + len(l) * x
        + ([1, 2] == [1, 2]) * x
        + (x in l) * x
        + (5.5 not in l) * x
        + l.index(x**3) * x
    )


@program
def np_views(x):
    a = np.arange(6.0) * x
    b = a.reshape(2, 3)
    c = b.T
    c[0, 1] = x * x
    d = b[:, ::-1]
    d[0] = [1.0, x, 3.0]
    e = b.ravel()
    e[4] *= 2
    f = b.flatten()
    f[0] = 99.0
    g = np.asarray(b)
    g += x
    h = b[[0, 1]]
    h[0] = 0.0
    i = b[b > 1]
    i[:] = 7.0
    return np.sum(a * np.arange(1.0, 7.0)) + f[1] * x + h[1, 1] + np.sum(i) * x


@program
def np_inplace(x):
    a = 0.3 * np.arange(4.0) + x
    a[:] = a[::-1] * a
    a[1:] = a[:-1]
    a[1:] += a[:-1]
    idx = np.array([0, 0, 2])
    a[idx] += 1.0 * x
    np.add.at(a, idx, x)
    a[[0, 1]] = a[[1, 0]]
    a[a > 2] *= x
    a[-1], a[0] = a[0], a[-1]
    a **= 2
    a -= a.mean()
    np.multiply(a, 2.0, out=a)
    a[::2] = np.sin(a[1::2])
    return np.sum(a * np.arange(1.0, 5.0))


@program
def np_f32(x):
    a = np.array([x, 2 * x], dtype=np.float64)
    b = np.arange(3)
    c = b / 2 * x
    d = b // 2
    e = np.ones(3, dtype=int) * x
    f = np.array([1, 2]) @ a
    g = (b > 0) * x
    h = b.astype(float)
    h += x
    return (
        np.sum(c)
        + np.sum(d) * x
        + np.sum(e)
        + f
        + np.sum(g)
        + np.prod(h)
        + b.sum() * x
        + np.mean(b) * x
        + a.max() * a.argmax()
        + (b**2).sum() * x
        + np.bool_(True) * x
    )


@program
def complex1(x):
    z = complex(x, -x) + 1j
    w = z * z.conjugate() + z**2 / 3 + cmath.exp(z) * cmath.sqrt(z)
    a = np.array([z, w])
    return (
        w.real * w.imag
        + abs(w)
        + cmath.phase(z)
        + np.sum(np.abs(a) ** 2)
        + np.real(np.vdot(a, a))
        + (z == z) * x
        + np.angle(w)
        + a.imag.sum()
        + np.sum(a.real)
    )


@dataclasses.dataclass
class Body:
    m: float
    pos: list
    vel: list

    def ke(self):
        return 0.5 * self.m * sum(v * v for v in self.vel)


@program
def nbody(x):
    bs = [Body(1.0, [0.0, 0.0], [0.0, x]), Body(x, [1.0, x], [x * x, 0.0]), Body(2.0, [-1.0, 0.5], [0.0, -0.3])]
    for _ in range(4):
        for i, a in enumerate(bs):
            for b in bs[i + 1 :]:
                d = [p - q for p, q in zip(a.pos, b.pos)]
                r3 = (sum(c * c for c in d) + 0.1) ** 1.5
                for k in range(2):
                    a.vel[k] -= 0.01 * d[k] * b.m / r3
                    b.vel[k] += 0.01 * d[k] * a.m / r3
        for b in bs:
            b.pos = [p + 0.01 * v for p, v in zip(b.pos, b.vel)]
    return sum(b.ke() for b in bs) + bs[0].pos[1]


class Stack:
    def __init__(self):
        self.items = []

    def push(self, v):
        self.items.append(v)
        return self

    def pop(self):
        return self.items.pop()

    def __len__(self):
        return len(self.items)

    @property
    def top(self):
        return self.items[-1]


@program
def stack_prog(x):
    s = Stack().push(x).push(2.0).push(x * x)
    while len(s) > 1:
        a, b = s.pop(), s.pop()
        s.push(a * b + x)
    return s.top * len(s)


class Layer:
    def __init__(self, w, act=None):
        self.w, self.act = w, act

    def __call__(self, v):
        return self.act(self.w * v) if self.act else self.w * v


class Net:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, v):
        for l in self.layers:
            v = l(v)
        return v

    def reg(self, p=2):
        return sum(abs(l.w) ** p for l in self.layers)


@program
def net_prog(x):
    n = Net([Layer(x, math.tanh), Layer(2.0), Layer(x * x, lambda v: max(v, 0.0))])
    n.layers[1].w = x
    n.layers.append(Layer(1.5, math.sin))
    return n(x) + n.reg() + n.reg(p=3)


@program
def newton(x):
    f = lambda t: t**3 + x * t - 2
    df = lambda t: 3 * t * t + x
    t = 1.0
    for it in range(50):
        d = f(t) / df(t)
        t -= d
        if abs(d) < 1e-15:
            break
    return t * it / it if it else t


@program
def rk4(x):
    def step(f, t, y, h):
        k1 = f(t, y)
        k2 = f(t + h / 2, [a + h / 2 * k for a, k in zip(y, k1)])
        k3 = f(t + h / 2, [a + h / 2 * k for a, k in zip(y, k2)])
        k4 = f(t + h, [a + h * k for a, k in zip(y, k3)])
        return [a + h / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(y, k1, k2, k3, k4)]

    y = [1.0, 0.0]
    for n in range(10):
        y = step(lambda t, y: [y[1], -x * y[0] - 0.1 * y[1]], n * 0.1, y, 0.1)
    return y[0] * y[1]


@program
def memo_dict(x):
    memo = {}

    def fib(n):
        if n not in memo:
            memo[n] = x if n < 2 else fib(n - 1) + fib(n - 2) * x
        return memo[n]

    return fib(8)


@program
def dp_table(x):
    a, b = [x, 2.0, x * x, 1.0], [1.0, x, 2 * x]
    D = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        D[i][0] = D[i - 1][0] + a[i - 1]
    for j in range(1, len(b) + 1):
        D[0][j] = D[0][j - 1] + b[j - 1]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            D[i][j] = min(D[i - 1][j] + a[i - 1], D[i][j - 1] + b[j - 1], D[i - 1][j - 1] + (a[i - 1] - b[j - 1]) ** 2)
    return D[-1][-1]


@program
def softmin_path(x):
    g = [[1.0, x, 3.0], [x * x, 2.0, x], [1.0, 1.0, 0.5]]
    V = [row[:] for row in g]
    for i in range(2, -1, -1):
        for j in range(2, -1, -1):
            n = [V[p][q] for p, q in ((i + 1, j), (i, j + 1)) if p < 3 and q < 3]
            if n:
                V[i][j] = g[i][j] - math.log(sum(math.exp(-v) for v in n))
    return V[0][0]


@program
def permute(x):
    def perms(l):
        if len(l) <= 1:
            return [l]
        return [[l[i]] + p for i in range(len(l)) for p in perms(l[:i] + l[i + 1 :])]

    return sum(p[0] * p[1] ** 2 for p in perms([x, 2.0, x * x]))


@program
def quicksort(x):
    def qs(l):
        return [] if not l else qs([v for v in l[1:] if v < l[0]]) + [l[0]] + qs([v for v in l[1:] if v >= l[0]])

    s = qs([3 * x, x * x, 1.0, 0.2])
    return s[0] * 2 + s[-1] * s[1]


@program
def matrix_list(x):
    def mm(A, B):
        return [[sum(a * b for a, b in zip(r, c)) for c in zip(*B)] for r in A]

    def det(A):
        return (
            A[0][0]
            if len(A) == 1
            else sum((-1) ** j * A[0][j] * det([r[:j] + r[j + 1 :] for r in A[1:]]) for j in range(len(A)))
        )

    A = [[x, 1.0, 2.0], [0.5, x * x, 1.0], [x, 2.0, 3.0]]
    return det(mm(A, A)) + sum(mm(A, A)[i][i] for i in range(3))


@program
def early_exits(x):
    def f(v):
        for i in range(10):
            for j in range(10):
                if v * i * j > 3:
                    return i * v + j
        return -v

    def g(v):
        if v < 0.5:
            return None
        return v

    r = g(x)
    return f(x) + (r if r is not None else x * x) + f(0.01 * x)


@program
def union_kinds(x):
    r = None
    for i in range(4):
        if r is None:
            r = x * i
        else:
            r = r * x + i
    s = 0
    for i in range(3):
        s = s + x if i else 1
    return r + s


@program
def global_fn_attr(x):
    def f(v):
        return v * f.k

    f.k = 3.0
    return f(x)


@program
def starred(x):
    first, *mid, last = [x, 2 * x, 3 * x, 4.0]
    (a, b), c = (x, 2.0), [3.0]
    [d, e] = mid

    def f(*args, scale=1.0, **kw):
        return scale * sum(args) + sum(kw.values()) * len(kw)

    return first + last + a * b + c[0] + d * e + f(*mid, scale=x) + f(1.0, *[x], **{"k": x}) + f(*(), a=x, b=1.0)


@program
def aug_targets(x):
    l = [x, x]
    d = {"a": x}
    class_like = Layer(x)
    i = 0
    l[i] += x * x
    l[-1] *= 2
    d["a"] -= 3 * x
    class_like.w **= 2
    l[0], d["a"] = d["a"], l[0]
    t = (l, 1)
    t[0][1] += 1
    return l[0] * l[1] + d["a"] + class_like.w


@program
def assert_ok(x):
    assert x > 0, "neg"
    assert isinstance(x, float)
    return x * x


@program
def lambda_default(x):
    fs = [(lambda v, k=k: v * k + x) for k in (1.0, x, 3.0)]
    return fs[0](x) * fs[1](2.0) + fs[2](1.0)


@program
def nested_fn(x):
    def outer(a):
        def mid(b):
            def inner(c):
                return a * b + c * x

            return inner(a) + inner(b)

        return mid(2 * a) * mid(1.0)

    return outer(x) + outer(2.0)
