"""Special methods of classes and named tuples."""

from __future__ import annotations

import dataclasses
import math
import typing

from semantics.registry import program


class V(typing.NamedTuple):
    x: float
    y: float

    def __add__(self, o):
        return V(self.x + o.x, self.y + o.y)

    def __mul__(self, k):
        return V(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __neg__(self):
        return V(-self.x, -self.y)

    def __len__(self):
        return 17

    def __bool__(self):
        return False

    def __getitem__(self, i):
        return 5.0

    def __eq__(self, o):
        return True

    def __contains__(self, o):
        return True

    def __lt__(self, o):
        return True

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __call__(self, k):
        return self.x * k


@program
def nt_add(x):
    q = V(x, 1.0) + V(x * x, x)
    return q.x * q.y


@program
def nt_add0(x):
    for a in V(x, 1.0) + V(x * x, x):
        return a


@program
def nt_mul(x):
    return (V(x, x * x) * 3).y + (2 * V(x, 1.0)).x


@program
def nt_neg(x):
    return (-V(x, x * x)).y


@program
def nt_len(x):
    return len(V(x, x)) * x


@program
def nt_bool(x):
    return x if V(x, x) else x * x


@program
def nt_get(x):
    return V(x, x)[0] * x


@program
def nt_eq(x):
    return x * x if V(x, x) == V(1.0, 2.0) else x


@program
def nt_lt(x):
    return x * x if V(x, x) < V(0.0, 0.0) else x


@program
def nt_in(x):
    return x * x if 77.0 in V(x, x) else x


@program
def nt_abs(x):
    return abs(V(x, 1.0))


@program
def nt_call(x):
    return V(x, 1.0)(x)


class W(V):
    @property
    def r(self):
        return self.x + self.y

    def __new__(cls, x):
        return super().__new__(cls, x, x * 2)


@program
def nt_sub_new(x):
    return W(x).r * x


@dataclasses.dataclass
class A:
    x: float
    y: float = 3.0

    def __getattribute__(self, n):
        v = super().__getattribute__(n)
        return v * 2 if n == "x" else v


@program
def dc_getattribute(x):
    return A(x).x * x


@dataclasses.dataclass
class B:
    x: float

    def __setattr__(self, n, v):
        super().__setattr__(n, v * 2)


@program
def dc_setattr(x):
    b = B(x)
    b.x = b.x + x
    return b.x * x


class C:
    k = 2.0

    def __init__(self, x):
        self.__dict__["x"] = x * 3

    def __getattr__(self, n):
        return 7.0


@program
def cls_dict(x):
    return C(x).x * x + C(x).foo * x


class E:
    def __init__(self, x):
        self.x = x

    @property
    def y(self):
        return self.x**2

    @y.setter
    def y(self, v):
        self.x = math.sqrt(v)

    def __iter__(self):
        yield self.x
        yield self.y

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.x *= 2


@program
def prop_set(x):
    e = E(x)
    e.y = x + 1
    e.y += x
    return e.x * x


@program
def unpack_obj(x):
    a, b = E(x)
    return a * b + x


class F:
    def __init__(self, x):
        self.x = x

    def __eq__(self, o):
        return self.x == o.x

    def __lt__(self, o):
        return self.x < o.x

    def __gt__(self, o):
        return self.x > o.x

    def __le__(self, o):
        return self.x <= o.x

    def __bool__(self):
        return self.x > 0.5

    def __len__(self):
        return 2

    def __float__(self):
        return float(self.x)

    def __index__(self):
        return 2

    def __pow__(self, n):
        return F(self.x**n)

    def __matmul__(self, o):
        return self.x * o.x

    def __rsub__(self, o):
        return F(o - self.x)

    def __iadd__(self, o):
        self.x += o
        return self

    def __getitem__(self, i):
        return self.x * i

    def __setitem__(self, i, v):
        self.x = v * i

    def __contains__(self, v):
        return v < self.x

    def __abs__(self):
        return abs(self.x)

    def __pos__(self):
        return F(self.x * 3)

    def __invert__(self):
        return F(1 - self.x)

    def __floordiv__(self, o):
        return self.x // o

    def __mod__(self, o):
        return self.x % o

    def __divmod__(self, o):
        return self.x * 2, self.x * 3

    def __round__(self, n=None):
        return self.x * 4

    def __int__(self):
        return 3

    def __hash__(self):
        return 3

    def __xor__(self, o):
        return self.x * o

    def __rshift__(self, o):
        return self.x * o * 2

    def __and__(self, o):
        return self.x * o * 5


@program
def ops1(x):
    f, g = F(x), F(x * x)
    r = 0.0
    if f:
        r += x
    if f == g:
        r += 1
    if f != g:
        r += x
    if f < g:
        r += 3 * x
    if f > g:
        r += x * x * x
    if f >= g:
        r += x * 7
    if f <= F(x):
        r += x * 11
    r += (f**3).x + f @ g + (1 - f).x + abs(f) + (+f).x + (~f).x
    f += x
    r += f.x + f[3]
    f[2] = x
    r += f.x
    if 0.1 in f:
        r += x * 13
    if 1e9 not in f:
        r += x * 17
    return r + len(f) * x


@program
def ops2(x):
    f = F(x)
    return (
        float(f)
        + f // 0.2 * x
        + f % 0.3
        + sum(divmod(f, 2))
        + round(f)
        + int(f) * x
        + (f ^ 2)
        + (f >> 3)
        + (f & 2)
        + [x, 2 * x, 3 * x][f]
    )


@program
def not_obj(x):
    return x * x if not F(x) else x * x * x


@program
def and_or_obj(x):
    h = (F(x) and F(x * x)) or F(3.0)
    return h.x * x


@program
def cmp_chain(x):
    return x * x if F(0.1) < F(x) < F(0.5) else x**3


class I:
    def __init__(self, x):
        self.x = x

    def __iadd__(self, o):
        self.x += o
        return self

    def __add__(self, o):
        return I(self.x + 10 * o)


@program
def iadd_obj(x):
    a = I(x)
    b = a
    a += x * x
    c = a + 1.0
    return b.x * c.x


@program
def swap_attr(x):
    a, b = I(x), I(2.0)
    a.x, b.x = b.x * x, a.x
    a, b = b, a
    return a.x * b.x


@program
def obj_in_list_cond(x):
    l = [I(x), I(x * x)]
    o = l[0] if x > 0.5 else l[1]
    o.x *= 3
    return l[0].x * l[1].x
