"""Variables that nested functions capture, rebound before and after."""

from __future__ import annotations

from semantics.registry import program


@program
def lambdas_loop(x):
    fs = [lambda v: v * i for i in range(3)]
    gs = [lambda v, i=i: v * i for i in range(3)]
    return sum(f(x) for f in fs) + sum(g(x) for g in gs)


@program
def late_append(x):
    fs = []
    for i in range(3):
        fs.append(lambda v: v * i)
    return sum(f(x) for f in fs)


@program
def late_append_n(x):
    fs = []
    n = int(x * 10)
    for i in range(n):
        fs.append(lambda v: v * i * x)
    s = 0.0
    for f in fs:
        s += f(x)
    return s


@program
def late_tuple(x):
    k = 2.0
    t = (lambda v: v * k, 3.0)
    k = x
    return t[0](x)


@program
def late_dict(x):
    k = 2.0
    t = {"f": lambda v: v * k}
    k = x
    return t["f"](x)


class H:
    def __init__(self):
        self.f = None
        self.fs = []


@program
def late_inst(x):
    h = H()
    k = 2.0
    h.f = lambda v: v * k
    k = x
    return h.f(x)


def add(h, i, x):
    h.fs.append(lambda v: v * i)
    if x > 0:
        i = 5.0


@program
def late_callee(x):
    h = H()
    add(h, x, x)
    return h.fs[0](x)


def mk(i):
    def f(v):
        return v * i

    i = i * 3
    return f


@program
def late_ret(x):
    return mk(x)(x)


@program
def early_ok(x):
    k = 1.0
    if x > 0.5:
        k = x
    fs = []
    fs.append(lambda v: v * k)
    return fs[0](x)


@program
def loop_local(x):
    s = 0.0
    for i in range(3):
        f = lambda v: v * i
        s += f(x)
    return s


@program
def loop_temp(x):
    s = 0.0
    for i in range(3):
        s += (lambda v: v * i)(x)
    return s


@program
def stack_temp(x):
    k = x
    return (lambda v: v * k)(k := x * x)
