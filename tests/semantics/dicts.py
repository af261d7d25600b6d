"""Dict comprehensions and displays, and import statements inside functions."""

from __future__ import annotations

import math

from semantics.registry import program


@program
def imp1(x):
    from math import cos as c
    from math import sin

    import numpy as np
    import numpy.linalg
    import numpy.linalg as la
    import scipy.special as sp
    from numpy import exp, linalg

    return (
        sin(x) * c(x)
        + np.exp(x)
        + sp.erf(x)
        + la.norm(np.array([x, 1.0]))
        + linalg.det(np.array([[x, 1.0], [2.0, x]]))
        + exp(x)
        + numpy.linalg.norm(np.array([x]))
    )


@program
def imp2(x):
    if x > 0.5:
        import math as m

        return m.sin(x)
    from functools import reduce

    return reduce(lambda a, b: a * b, [x, x, 2.0])


def inner(v):
    from math import tanh

    return tanh(v)


@program
def imp3(x):
    return inner(x) * sum(inner(v) for v in [x, 2 * x])


@program
def imp_nested(x):
    from math import exp

    def f(v):
        return exp(v) * v

    return f(x) + (lambda v: exp(-v))(x)


@program
def imp_loop(x):
    s = 0.0
    for i in range(4):
        from math import log1p

        s += log1p(x * i)
    return s


@program
def imp_missing(x):
    try:
        import not_there
    except ImportError:
        return x * x
    return x


@program
def dc1(x):
    p = {"a": x, "b": x * x, "c": 2.0}
    q = {k: v * 2 for k, v in p.items()}
    r = {k: q[k] - v for k, v in p.items() if k != "b"}
    s = {k: math.sin(v) for k, v in q.items() if v > 0.5}
    return sum(q.values()) + r["a"] * r["c"] + len(r) * x + sum(s.values()) + s.get("a", x)


@program
def dc2(x):
    d = {k: x**k for k in range(1, 4)}
    e = {i: v for i, v in enumerate([x, x * x])}
    n = {k: {j: x * len(k) for j in ("u", "v")} for k in ("a", "bb")}
    return d[2] * d[3] + e[1] + n["bb"]["v"] + sum(w for m in n.values() for w in m.values())


@program
def dc3(x):
    out = {}
    for step in range(3):
        out = {k: out.get(k, 0.0) + x * step * i for i, k in enumerate(("a", "b"), 1)}
    return out["a"] * out["b"]


@program
def dc4(x):
    ks = ("p", "q")
    d = dict(zip(ks, (x, 2 * x)))
    d2 = {**d, "r": x * x}
    d3 = {k: d2[k] * d2["r"] for k in d2}
    d3["p"] += x
    d4 = {k.upper(): v for k, v in d3.items()} if False else {k + "_": v for k, v in d3.items()}
    return d4["p_"] + d4["q_"] * d4["r_"]


@program
def dc_n(x):
    n = int(x * 10)
    d = {i: x * i for i in range(n)}
    return sum(d.values())


def tree_map(f, t):
    if isinstance(t, dict):
        return {k: tree_map(f, v) for k, v in t.items()}
    if isinstance(t, list):
        return [tree_map(f, v) for v in t]
    return f(t)


@program
def dc_tree(x):
    t = tree_map(lambda v: v * x, {"a": x, "b": [1.0, {"c": 2.0}]})
    return t["a"] + t["b"][0] * t["b"][1]["c"]


@program
def dc_gd(x):
    import zyg

    p = {"w": x, "b": 1.0}

    def loss(p):
        return (p["w"] * 2.0 + p["b"] - 3.0) ** 2

    for _ in range(3):
        g = zyg.grad(loss)(p)
        p = {k: p[k] - 0.05 * g[k] for k in p}
    return p["w"] + p["b"]


@program
def du1(x):
    P = {"g": 2.0}
    d = {"p": x, "q": 2 * x}
    e = {**d, "r": x * x, "p": 3.0}
    f = {"z": 1.0, **e, **P, "q": x**3}
    h = d | {"p": x * x, "w": x}
    i = d
    d |= {"p": 5 * x}
    j = {**{k: v for k, v in d.items()}}
    j["p"] += 1
    return (
        sum(e.values())
        + f["q"] * f["g"]
        + f["p"]
        + h["p"] * h["w"]
        + i["p"]
        + j["p"] * d["p"]
        + len(f) * x
        + (x if list(f)[1] == "p" else 0.0)
    )


@program
def du2(x):
    d = {"p": x}
    if x > 0.5:
        d = {**d, "p": x * x}
    for i in range(3):
        d = {**d, "p": d["p"] * x}

    def upd(d, **k):
        return {**d, **k}

    return upd(d, q=x)["q"] * upd(d, p=3 * x)["p"] + d["p"]


@program
def du3(x):
    d = {1: x, "a": x * x}
    e = {**d, 2: x}
    return e[1] * e["a"] * e[2] + len(e)


@program
def strs(x):
    d = dict(zip("abc", [x, x * x, 2.0]))
    e = dict([("u", x), ("v", 2 * x)], w=x)
    s = 0.0
    for c in "xyx":
        s = s * x + (1.0 if c == "x" else 2.0)
    return (
        d["a"] * d["b"]
        + e["v"] * e["w"]
        + s
        + len("abc") * x
        + sum(len(k) * v for k, v in e.items())
        + len([c for c in "hello"]) * x
        + (x if "a" in "abc" else 0.0)
        + x * len("abc"[1:])
        + {c: x * 2 for c in "pq"}["q"]
    )


@program
def star_kwargs(x):
    def f(*a, **k):
        return sum(a) * k.get("z", 2.0) + k["y"]

    d = {"y": x}
    if x > 0.5:
        d["z"] = x * x
    return f(x, *[x, 1.0], **d)
